"""Grant or refusal: the order in which a ruling and a license are judged.

Asked after the policy has spoken, pure, in the order of design.md ("Order of
answers"): what is withdrawn is refused; what is free is served; an owner's block
stands whatever is paid; a bad token is refused and never falls through to free; a good one must cover the
ask; without one, the price is quoted. How much of it binds is the mode's: in
`observe` and `offer` a refusal becomes a grant that remembers what would have
been.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from gateway.admission.entitlement import entitle, uses_under
from gateway.admission.spending import Charge
from gateway.ask import Ask
from gateway.languages import Phrase, standing_alone
from gateway.licenses.pricing import cheapest
from gateway.licenses.withdrawal import refusal_of
from gateway.money import Money
from gateway.policy.rules import Mode, Ruling, Verdict
from gateway.problems import PROBLEMS, Problem, Refusal
from gateway.terms.ages import at_age
from gateway.terms.license_terms import Offer
from gateway.tokens.claims import Claims
from gateway.uses import Uses
from gateway.visitors.visitor import Visitor, VisitorClass


class Grant(NamedTuple):
    """The request may pass.

    *claims* and *charge* are set when it passes under a license. *offers* are
    what this visitor could buy here, to be advertised unless the mode is
    `observe`. *would* is the refusal that did not bind; *quote* the price an
    unlicensed visitor would have met.
    """

    uses: Uses = frozenset()
    claims: Claims | None = None
    charge: Charge | None = None
    offers: tuple[Offer, ...] = ()
    would: Refusal | None = None
    quote: Money | None = None


def acting_for(visitor: Visitor, credential: Claims | Refusal | None) -> Visitor:
    """The visitor as the policy should see it once it shows a credential of ours.

    Whoever presents a license is an automaton that uses content, whatever its
    User-Agent says; a bad one makes nobody a person.
    """
    if credential is None or visitor.crawler is not None:
        return visitor
    reason = f"token_of:{credential.licensee}" if isinstance(credential, Claims) else "token_bad"
    return replace(visitor, visitor_class=VisitorClass.AI, reasons=(*visitor.reasons, reason))


def admit(ruling: Ruling, visitor: Visitor, ask: Ask, credential: Claims | Refusal | None) -> Grant | Refusal:
    """Decide, from what is known, whether the request passes and what it may cost.

    *credential* is None where none of ours was shown, a refusal where it is
    ours and bad, claims where it is ours and good. Takes no credit: a grant
    with a charge still has to pass the till.
    """
    decided = _enforced(ruling, visitor, ask, credential)
    if ruling.mode is Mode.ENFORCE or (isinstance(decided, Grant) and not decided.charge):
        return decided
    offers = ruling.offers if ruling.mode is Mode.OFFER else ()
    if isinstance(decided, Grant):
        if ruling.mode is Mode.OFFER:
            return decided
        assert decided.charge is not None
        return decided._replace(charge=None, quote=decided.charge.price)
    return as_open(decided, ruling, visitor, offers)


def as_open(refusal: Refusal, ruling: Ruling, visitor: Visitor, offers: tuple[Offer, ...]) -> Grant:
    """The grant that stands where *refusal* does not bind, remembering it."""
    quoted = cheapest(ruling.offers, visitor.uses)
    return Grant(uses=visitor.uses, offers=offers, would=refusal, quote=quoted.price if quoted else None)


def _enforced(
    ruling: Ruling, visitor: Visitor, ask: Ask, credential: Claims | Refusal | None
) -> Grant | Refusal:
    if ruling.withdrawal is not None:
        return refusal_of(ruling.withdrawal)
    if ruling.verdict is Verdict.REFUSE:
        return Refusal(PROBLEMS.get(ruling.problem, Problem.REFUSED_BY_OWNER), standing_alone(ruling.why))
    if isinstance(credential, Refusal):
        return credential
    if credential is not None and ruling.withdrawn:
        gone = ruling.withdrawn.from_licensee(credential.licensee, uses_under(credential, visitor))
        if gone is not None:
            return refusal_of(gone)
    if ruling.verdict is Verdict.SERVE:
        return Grant(uses=visitor.uses)
    if credential is None:
        return _unlicensed(ruling, visitor)
    covered = entitle(credential, visitor, ruling, ask)
    if isinstance(covered, Refusal):
        return covered
    charge = Charge(
        record_id=ask.id,
        licensee=credential.licensee,
        license=credential.license,
        price=at_age(credential.price, credential.by_age, ruling.days),
        budget=credential.budget,
        window_seconds=credential.window_hours * 3600,
        stream=ruling.stream,
    )
    return Grant(uses=covered.uses, claims=credential, charge=charge, would=covered.would)


def _unlicensed(ruling: Ruling, visitor: Visitor) -> Refusal:
    quoted = cheapest(ruling.offers, visitor.uses)
    assert quoted is not None, "a LICENSE ruling always has offers"
    who = visitor.name or Phrase("automated visitors")
    if ruling.closed:
        return Refusal(Problem.REFUSED_BY_OWNER, standing_alone(ruling.why))
    if quoted.terms.compensation.is_free:
        said = Phrase("The offer {offer} is free for {who}, and wants a token.", offer=quoted.id, who=who)
        return Refusal(Problem.TOKEN_REQUIRED, said)
    said = Phrase(
        "The offer {offer} asks {price} a fetch of {who} ({why}).",
        offer=quoted.id, price=quoted.price, who=who, why=ruling.why,
    )  # fmt: skip
    return Refusal(Problem.LICENSE_REQUIRED, said)
