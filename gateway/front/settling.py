"""Between the origin's head and the first octet: the price is fixed, and who pays by the fetch pays.

Asked only for a request that pays by a rail. An answer that owes nothing (HEAD,
304, 4xx, 5xx) settles nothing. The price is the one that was quoted, or the one
that the origin names where the policy lets it (`origin_price`); it is never
above what the client allowed. What was paid for in the window costs nothing, as
far as this process knows by now: of a body that is not at hand only the entity
tag is known.

Where nobody is refused (`offer`), a payment that fails is let go, and the page
is served without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Protocol

from gateway.admission.admit import Grant, as_open
from gateway.admission.owed import Owed
from gateway.admission.spending import Charge
from gateway.ask import Ask
from gateway.front.answer import Judged
from gateway.front.older import lowered_to
from gateway.front.remember import body_digest
from gateway.languages import Phrase
from gateway.money import Money, MoneyError
from gateway.origin.delivery import Delivery, OriginAnswer
from gateway.policy.rules import Mode
from gateway.problems import Problem, Refusal, StoreUnavailable
from gateway.provenance.record import Ended
from gateway.rails.rail import Headers, Rail, Settled, Tender, Unsettled

PRICE: Final = "crawler-price"
_LONGEST: Final = 64


class Foresight(Protocol):
    """What this needs of `admission.till.Till`."""

    async def settled(self, charge: Charge, ask: Ask, delivery: Delivery) -> None:
        """Wait until `foreseen` can know of every unit that was paid for."""
        ...

    def foreseen(self, charge: Charge, ask: Ask, delivery: Delivery) -> Owed:
        """What *delivery* would owe."""
        ...

    def give_back(self, charge: Charge) -> None:
        """Let the charge go to the next."""
        ...


def paying(verdict: Grant | Refusal, tender: Tender) -> Grant | Refusal:
    """*verdict* on what is paid with *tender*: where its rail moves the money, no purse is asked for it."""
    if isinstance(verdict, Grant) and verdict.charge is not None and tender.settles:
        return verdict._replace(charge=verdict.charge._replace(purse=False))
    return verdict


async def settled(
    opened: OriginAnswer,
    whole: bytes | None,
    ask: Ask,
    judged: Judged,
    rails: tuple[Rail, ...],
    till: Foresight,
) -> tuple[Judged, Headers]:
    """Settle what *judged* tenders, for the answer that *opened*; returns how it is judged since, and headers.

    *whole* is its body where all of it is at hand. The verdict is a grant whose charge says what is due, or a refusal; then
    nothing was charged, and the charge is given back.
    """
    grant, tender = judged.verdict, judged.tender
    assert isinstance(grant, Grant)
    assert tender is not None
    if grant.charge is None:
        return judged, ()
    price = _price(opened, ask, judged, tender) if opened.status in {200, 206} else tender.price
    if isinstance(price, Money):
        charge = grant.charge._replace(due=price)
        judged = judged._replace(verdict=grant._replace(charge=charge))
        done = await _paid(complete(opened, whole), ask, charge, tender, rails, till)
    else:
        done = Unsettled(price)
    if isinstance(done, Settled):
        if done.due is not None:
            charge = grant.charge._replace(due=done.due)
            judged = judged._replace(verdict=grant._replace(charge=charge))
        return judged, done.headers
    till.give_back(grant.charge)
    ruling = judged.ruling
    if judged.policy.site.mode is Mode.ENFORCE or ruling is None:
        return judged._replace(verdict=done.refusal), done.headers
    served = as_open(done.refusal, ruling, judged.visitor, ruling.offers)
    return judged._replace(verdict=served, tender=None), ()


async def _paid(
    complete: Delivery, ask: Ask, charge: Charge, tender: Tender, rails: tuple[Rail, ...], till: Foresight
) -> Settled | Unsettled:
    try:
        await till.settled(charge, ask, complete)
    except StoreUnavailable:
        return Unsettled(
            Refusal(Problem.JOURNAL_UNAVAILABLE, Phrase("This fetch could not be recorded."), retry_after=10)
        )
    due = till.foreseen(charge, ask, complete)
    rail = next(each for each in rails if each.name == tender.rail)
    if due.reason not in {"fetch", "free", "read-before"}:
        if complete.status >= 400:
            await rail.undelivered(tender)
        return Settled()
    done = await rail.commit(tender, due.money, ask, complete.status)
    if isinstance(done, Settled) and done.due is None and not due.money:
        # What was told to cost nothing stays so, whatever comes of the fetch that paid for it.
        done = replace(done, due=due.money)
    return done


async def undelivered(tender: Tender | None, rails: tuple[Rail, ...]) -> None:
    """Let the rail of *tender* hear that the creator's server gave nothing."""
    for rail in rails:
        if tender is not None and rail.name == tender.rail:
            await rail.undelivered(tender)


def complete(opened: OriginAnswer, whole: bytes | None) -> Delivery:
    """What is delivered if nothing breaks off; a body that is not at hand has no digest."""
    return Delivery(
        opened.status,
        len(whole or b""),
        "" if whole is None else body_digest(whole),
        Ended.COMPLETE,
        opened.length,
        opened.field("content-type"),
        opened.field("etag"),
    )


def _price(opened: OriginAnswer, ask: Ask, judged: Judged, tender: Tender) -> Money | Refusal:
    """What the answer costs, if the client allows as much."""
    price: Money | Refusal | None = None
    if judged.policy.payments.origin_prices:
        price = origin_price(opened, judged.policy.site.currency)
    if price is None:
        price = _by_age(opened, ask, judged, tender)
    if isinstance(price, Money) and price > tender.most:
        return Refusal(
            Problem.MAX_PRICE_TOO_LOW,
            Phrase("This page costs {price}, more than was offered at most.", price=price),
            price=price,
        )
    return price


def _by_age(opened: OriginAnswer, ask: Ask, judged: Judged, tender: Tender) -> Money:
    """The price that was quoted, or less for a page that the server says is older; not of a payment already signed."""
    ruling = judged.ruling
    if tender.settles or ruling is None:
        return tender.price
    steps = next(
        (each.terms.compensation.by_age for each in ruling.offers if each.id == tender.claims.offer), ()
    )
    return lowered_to(opened, ruling, tender.price, steps, ask.asked_at)


def origin_price(opened: OriginAnswer, currency: str) -> Money | Refusal | None:
    """The price that the creator's server names in ``crawler-price``, or None where it names none.

    One line, an amount in *currency*; 0 is free. Whatever else stands there is refused as the server's fault.
    """
    said = [value for name, value in opened.headers if name.lower() == PRICE]
    if not said:
        return None
    try:
        price = Money.read(said[0].strip()) if len(said) == 1 and len(said[0]) <= _LONGEST else None
    except MoneyError:
        price = None
    if price is None or price.currency != currency:
        return Refusal(
            Problem.CONTENT_PRICE_INVALID,
            Phrase("The server's crawler-price is not one amount in the site's currency."),
        )
    return price


#: What tells a creator's server that it may name prices: ours, and the name that servers know already.
PRICING: Final[Mapping[str, str]] = {
    "licet-pay-per-crawl": "protocol=cloudflare, pricing=in-band",
    "cf-pay-per-crawl": "protocol=cloudflare, pricing=in-band",
}
