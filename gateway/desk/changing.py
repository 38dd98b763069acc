"""What a negotiation about a license that exists begins with, and what it comes to.

It is a negotiation like any other, on the offer that the license was made on,
with a reference to the license (`Negotiation.about`). What a proposal leaves out
is the license's. What gives its holder no more than it has is agreed to as it
is; the rest goes through the engine, and to a person where it would lower the
price of a license in force. A renewal has one round: on the same terms
where the license says that it is renewed, else for the same rights at what the
offer asks now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import orjson

from gateway.canonical import canonical_digest
from gateway.desk.metadata import on_offer
from gateway.licenses.bargaining import Accept, Answer, Counter, Decline, Person, countered
from gateway.licenses.license import License
from gateway.licenses.life import Change, amended, changeable, renewed
from gateway.licenses.lives import Lives
from gateway.licenses.negotiation import Negotiation, agreed_as
from gateway.licenses.negotiations import Negotiations
from gateway.licenses.position import Position
from gateway.licenses.proposals import Message, read_terms
from gateway.licenses.register import LicenseRegister
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal
from gateway.terms.comparing import Lever, compare, within
from gateway.terms.license_terms import LicenseTerms, Offer


class Changing:
    """Reads what a negotiation about a license has to know of it."""

    def __init__(self, negotiations: Negotiations, lives: Lives, register: LicenseRegister) -> None:
        """Read these."""
        self.lives = lives
        self._negotiations, self._register = negotiations, register

    async def held(self, license_id: str, now: int) -> License | Refusal:
        """The version that the next one would follow, or why nothing can."""
        revoked = await self._register.revocations()
        barred = revoked.suspension(license_id)
        if barred is not None:
            return barred
        versions = await self.lives.versions(license_id)
        return changeable(versions, now, revoked=license_id in revoked.licenses)

    async def opened(
        self, license_id: str, change: Change, offers: Iterable[Offer], *, id: str, client: str, now: int
    ) -> Negotiation | Refusal:
        """A negotiation about a license, before anything is said in it; *offers* are those that are published.

        What the buyer stated when it was agreed stands.
        """
        held = await self.held(license_id, now)
        if isinstance(held, Refusal):
            return held
        before = await self._negotiations.agreed_on(license_id)
        source = before[-1] if before else None
        name = held.offer or (source.offer.id if source else "")
        offer = next((each for each in offers if each.id == name), None)
        if offer is None and source and change is Change.RENEWAL and held.terms.term.renewal:
            # Its renewal was agreed with it, whatever is published since.
            offer = replace(source.offer, terms=held.terms)
        if offer is None:
            return Refusal(
                Problem.PROPOSAL_INVALID,
                "The offer that this license was made on is no longer published; write to the contact of the site.",
                facts=(("member", "offer"),),
            )
        facts = dict(source.facts) if source else {}
        return Negotiation(
            id, offer, held.licensee, client, now, facts=facts, about=license_id, change=change
        )

    async def read(
        self, before: Negotiation, message: Message, position: Position, now: int
    ) -> tuple[LicenseTerms, Answer | None] | Refusal:
        """What *message* proposes for the license, and the answer to it; None where the engine has to give one."""
        held = await self.held(before.about, now)
        if isinstance(held, Refusal):
            return held
        if before.change == Change.RENEWAL:
            if message.levers is not None:
                return Refusal(
                    Problem.PROPOSAL_INVALID,
                    "Of the message, proposal is not for a renewal, whose terms are asked for; propose an amendment.",
                    facts=(("member", "proposal"),),
                )
            if held.terms.term.renewal:
                return held.terms, Accept(held.terms)
            return countered(before.offer, position, held.terms, 0, position.multiple(0)), None
        terms = read_terms(message, held.terms, before.proposal)
        if isinstance(terms, Refusal):
            return terms
        odd = amended(held, terms, policy=before.offer.policy, now=now)
        if isinstance(odd, Refusal):
            return odd
        return terms, Accept(terms) if within(terms, held.terms) else None

    async def answered(self, before: Negotiation, given: Answer, now: int) -> Answer | Refusal:
        """*given*, as it fits the license; see `kept_to`."""
        if before.change != Change.AMENDMENT or not isinstance(given, Accept | Counter):
            return given
        held = await self.held(before.about, now)
        return held if isinstance(held, Refusal) else kept_to(held, given)

    async def next_version(self, before: Negotiation, terms: LicenseTerms, now: int) -> License | Refusal:
        """The version that *terms* come to if they are agreed to at *now*."""
        held = await self.held(before.about, now)
        if isinstance(held, Refusal):
            return held
        offer = before.offer
        if before.change == Change.RENEWAL:
            return renewed(held, terms, policy=offer.policy, most_fetches=offer.max_fetches)
        return amended(held, terms, policy=offer.policy, now=now)

    async def replaced(self, made: License) -> str:
        """The hash of the contract that the one of *made* takes the place of."""
        if made.version == 1:
            return ""
        found = agreed_as(await self._negotiations.agreed_on(made.id), made.version - 1)
        if found is not None and found.contract:
            return canonical_digest(orjson.loads(found.contract))
        versions = await self.lives.versions(made.id)
        return next(each.terms.hash for each in versions if each.version == made.version - 1)


def kept_to(held: License, given: Accept | Counter) -> Accept | Counter | Decline | Person:
    """*given* with the end that *held* has; a decline where that is what is held already.

    A price that was agreed is lowered by a person alone: whoever bought dear learns
    nothing of how far the creator goes by negotiating again.
    """
    terms = replace(given.terms, term=held.terms.term)
    if terms.hash == held.terms.hash:
        return Decline("Nothing more is on offer than this license has.")
    fitted = replace(given, terms=terms)
    if not compare(terms, held.terms)[Lever.COMPENSATION].within:
        return Person(("it lowers the price of a license that is in force",), fitted)
    return fitted


def stands(policy: Policy, negotiation: Negotiation) -> bool:
    """Whether what is negotiated on can still be had; a renewal that was agreed with the license always can."""
    own = negotiation.change == Change.RENEWAL and negotiation.table == negotiation.offer.terms
    offer = negotiation.offer
    return own or any(
        each.id == offer.id and each.terms.hash == offer.terms.hash for each in on_offer(policy)
    )
