"""What a creator answers to a proposal: accept, counter, ask, send to a person, decline. The engine.

One pure function of the offer, the creator's position and everything this
buyer ever proposed on this offer, earlier negotiations included: whoever begins
again is answered as if it had gone on, so nothing is learned by it.

The order of questions:

========= ==================================================================
flags     a red flag that refuses ends it (or goes to a person)
facts     whatever of the required facts is missing is asked for, at no round
person    a deal that needs a person goes there, with the engine's own answer
          beside it
accept    what leaves the buyer no more than the counter would is accepted
last word in the last round anything down to the floor is accepted, once; the
          rest is declined
counter   otherwise: on the rights, what the buyer asks for as far as it is on
          offer; on the rest, what was asked for as far as concessions have
          come; on the price, the next step from ask to target
========= ==================================================================

A step down is earned: only a proposal whose price closes at least a tenth of
what was left between the buyer's best bid and the ask moves the price, and one
more concession with it. Standing still is answered with the same counter.

Holds, and `tests/licenses/test_bargaining.py` proves: never below the floor;
never less for the buyer than an earlier counter to the same wishes; ends within
the rounds; the same history gives the same answer; what is no worse for the
creator than the published offer on any lever is never refused for its price.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from gateway.licenses.position import FACTS, Position, committed, ratio
from gateway.licenses.red_flags import PERPETUAL_MONTHS, RedFlag, Severity, red_flags
from gateway.terms.comparing import Lever, Relation, compare, wider_on, within
from gateway.terms.license_terms import Compensation, LicenseTerms, Offer
from gateway.terms.scaling import scaled

#: The part of the gap that a bid has to close to earn a step.
_EARNED: Final = 10
#: Levers on which a buyer that wants less is simply given less.
_RIGHTS: Final = (Lever.SCOPE, Lever.PURPOSE, Lever.TERM, Lever.TERRITORY)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a buyer proposes: the whole deal, and the facts it stated so far by their names in `FACTS`."""

    terms: LicenseTerms
    facts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """A lever on which a counter differs from the proposal, and why, as a sentence for the buyer."""

    lever: Lever
    why: str


@dataclass(frozen=True, slots=True)
class Accept:
    """These terms are agreed to, as they were proposed."""

    terms: LicenseTerms


@dataclass(frozen=True, slots=True)
class Counter:
    """These terms instead, and what they change. *flags* are notes."""

    terms: LicenseTerms
    changes: tuple[Change, ...]
    flags: tuple[RedFlag, ...] = ()


@dataclass(frozen=True, slots=True)
class AskFacts:
    """Nothing is priced before these are stated: names in `FACTS`, in their order."""

    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """A person decides, because of *why*; *draft* is what the engine would have answered."""

    why: tuple[str, ...]
    draft: Accept | Counter | Decline
    flags: tuple[RedFlag, ...] = ()


@dataclass(frozen=True, slots=True)
class Decline:
    """No deal: *why* is a sentence for the buyer, which tells nothing of the position."""

    why: str
    flags: tuple[RedFlag, ...] = ()


Answer = Accept | Counter | AskFacts | Person | Decline


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who proposes, and what it proposed before on this offer, oldest first, in whatever negotiation."""

    name: str = ""
    earlier: tuple[LicenseTerms, ...] = field(default=())


def answer(offer: Offer, position: Position, buyer: Buyer, proposal: Proposal) -> Answer:
    """Answer *proposal*; see the module for the order and for what always holds."""
    flags = red_flags(proposal.terms, offer.terms, severities=position.severities)
    refused = tuple(flag for flag in flags if flag.severity is Severity.REFUSE)
    if refused and position.walk_away:
        return Decline(f"The creator does not agree to this: {_listed(refused)}.", flags)
    missing = tuple(name for name in FACTS if name in position.facts and name not in proposal.facts)
    if missing:
        return AskFacts(missing)
    drafted = _drafted(offer, position, buyer, proposal.terms, flags)
    why = _for_a_person(offer, position, buyer, proposal.terms, flags)
    return Person(why, drafted, flags) if why else drafted


def _drafted(
    offer: Offer, position: Position, buyer: Buyer, proposed: LicenseTerms, flags: tuple[RedFlag, ...]
) -> Accept | Counter | Decline:
    if within(proposed, offer.terms):
        return Accept(proposed)
    step = steps_earned(offer, position, (*buyer.earlier, proposed))
    counter = countered(offer, position, proposed, step, position.multiple(step))
    if within(proposed, counter):
        return Accept(proposed)
    nth = len(buyer.earlier) + 1
    if nth < position.rounds:
        return Counter(counter, _changes(proposed, counter), flags)
    least = countered(offer, position, proposed, len(position.concessions), position.floor_micros)
    # Once: whoever goes on after the last word could otherwise find the floor by trying.
    if nth == position.rounds and within(proposed, least):
        return Accept(proposed)
    return Decline("No agreement was found in the rounds that this creator goes.", flags)


def steps_earned(offer: Offer, position: Position, bids: tuple[LicenseTerms, ...]) -> int:
    """How many steps *bids*, oldest first, have earned. Repeating oneself, or going back, earns none."""
    best, steps = 0, 0
    for place, bid in enumerate(bids):
        bidden = ratio(bid.compensation, _priced(offer, position, bid))
        gap = position.multiple(steps) - best
        if place and gap > 0 and bidden - best >= max(1, gap // _EARNED):
            steps += 1
        best = max(best, bidden)
    return steps


def countered(
    offer: Offer, position: Position, proposed: LicenseTerms, conceded: int, multiple: int
) -> LicenseTerms:
    """The deal on offer for the rights that *proposed* asks for, after *conceded* concessions, at *multiple*."""
    terms = offer.terms
    relations = compare(proposed, terms)
    for lever in _RIGHTS:
        if relations[lever].within:
            terms = replace(terms, **{lever.value: getattr(proposed, lever)})
    for concession in position.concessions[:conceded]:
        given = concession.applied(terms)
        # Only what the buyer asks for is given, and only where it is a concession.
        if compare(given, terms)[concession.lever] is Relation.WIDER and _asks(
            proposed, terms, concession.lever
        ):
            terms = given
    if proposed.exclusivity.exclusive and position.exclusive_premium_micros:
        terms = replace(terms, exclusivity=proposed.exclusivity)
    price = scaled(_priced(offer, position, proposed), multiple)
    return replace(terms, compensation=price)


def _priced(offer: Offer, position: Position, proposed: LicenseTerms) -> Compensation:
    price = offer.terms.compensation
    premium = position.exclusive_premium_micros
    return scaled(price, premium) if proposed.exclusivity.exclusive and premium else price


def _asks(proposed: LicenseTerms, terms: LicenseTerms, lever: Lever) -> bool:
    return not compare(proposed, terms)[lever].within


def _changes(proposed: LicenseTerms, counter: LicenseTerms) -> tuple[Change, ...]:
    return tuple(Change(lever, _WHY[lever]) for lever in wider_on(proposed, counter))


def _for_a_person(
    offer: Offer, position: Position, buyer: Buyer, proposed: LicenseTerms, flags: tuple[RedFlag, ...]
) -> tuple[str, ...]:
    found = [f"{flag.name}: {flag.term}" for flag in flags if flag.severity is not Severity.NOTE]
    if offer.by_person:
        found.append("the creator decides on every deal on this offer in person")
    if buyer.name.lower() in position.counterparties:
        found.append("the creator speaks with this buyer in person")
    if "tier-1" in position.person_for and offer.tier == 1:
        found.append("the works become part of a model")
    if "exclusive" in position.person_for and proposed.exclusivity.exclusive:
        found.append("it is exclusive")
    if "perpetual" in position.person_for and proposed.term.months >= PERPETUAL_MONTHS:
        found.append("it has no end")
    limit = position.person_above
    if limit is not None:
        worth = committed(replace(proposed, compensation=_priced(offer, position, proposed)))
        if worth.currency != limit.currency or worth > limit:
            # The limit itself is the creator's own.
            found.append("it may commit to more than the creator signs by machine")
    return tuple(dict.fromkeys(found))


def _listed(flags: tuple[RedFlag, ...]) -> str:
    return "; ".join(flag.term for flag in flags)


_WHY: Final = {
    Lever.SCOPE: "Only the works and forms of this offer can be had on it.",
    Lever.PURPOSE: "Only these uses and purposes are granted; each further one is granted by itself.",
    Lever.COMPENSATION: "The price has to be higher for what is asked for.",
    Lever.EXCLUSIVITY: "These works are not licensed exclusively.",
    Lever.ATTRIBUTION: "The creator has to be named as the offer says.",
    Lever.AUDIT: "Reports and audits have to let the creator check what was used.",
    Lever.RETENTION: "A withdrawn work has to leave future training in the time the offer says.",
    Lever.LIABILITY: "Who answers for what has to stay as the offer says.",
    Lever.TERM: "The term has to be one that this offer has.",
    Lever.TERRITORY: "The license holds in the territory of this offer.",
}
