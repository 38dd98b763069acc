"""What an answer costs by the age that the creator's own server tells of it, once that has answered.

The price was fixed before, by the path's date or as of a new page; what the
server's field says may lower it and never raises it. Pure.
"""

from __future__ import annotations

from gateway.admission.admit import Grant
from gateway.front.answer import Judged
from gateway.money import Money
from gateway.origin.delivery import OriginAnswer
from gateway.policy.dating import dated_by_field
from gateway.policy.rules import Ruling
from gateway.terms.ages import AgeStep, at_age, days_old


def aged(opened: OriginAnswer, judged: Judged, now: int) -> Judged:
    """*judged*, which is under a token, with what an older page owes; *now* is when it was asked for, in seconds."""
    grant, claims, ruling = judged.verdict, judged.claims, judged.ruling
    if claims is None or ruling is None or not isinstance(grant, Grant) or grant.charge is None:
        return judged
    charge = grant.charge
    due = lowered_to(opened, ruling, charge.price, claims.by_age, now)
    if due == charge.price:
        return judged
    return judged._replace(verdict=grant._replace(charge=charge._replace(due=due)))


def lowered_to(
    opened: OriginAnswer, ruling: Ruling, price: Money, steps: tuple[AgeStep, ...], now: int
) -> Money:
    """*price*, or what *steps* make of it for a page of the age that *opened* tells: the lesser of the two."""
    if not (steps and ruling.dated_by):
        return price
    return at_age(price, steps, days_old(dated_by_field(opened.field(ruling.dated_by)), now))


def unseen(judged: Judged) -> Judged:
    """*judged* with what a page owes whose age the site's own proxy does not tell: what the oldest does.

    So nobody pays more than the page may cost.
    """
    grant, claims, ruling = judged.verdict, judged.claims, judged.ruling
    if claims is None or ruling is None or not ruling.dated_by or not isinstance(grant, Grant):
        return judged
    charge = grant.charge
    if charge is None or not claims.by_age:
        return judged
    due = min(charge.price, claims.by_age[-1].per_fetch)
    return judged._replace(verdict=grant._replace(charge=charge._replace(due=due)))
