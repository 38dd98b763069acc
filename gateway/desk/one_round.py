"""A published offer that is bought at the token endpoint, as the engine's negotiation of one round.

The offer is what the creator puts on the table, and the request for a token is
its acceptance. What comes of it depends on how large the deal is
(`licenses.contract.large_as_published`):

============ ================================================================
small        a fetch by fetch or small prepaid purchase, and whatever is free:
             no named party, no row. The license, its terms hash and the books
             say all
large        tier 1 for more than what is delivered (a fee, a period, a share,
             an item), without end, or above the value from which a person
             signs (`licenses.contract.large_as_published`): the engine answers
             with its red flags and the creator's conditions, a transcript is
             kept, and a document is signed
============ ================================================================

Exclusive terms are bought by nobody here (`licenses.offers`). Facts are not
asked for: the creator published a price without them. A large deal needs both
parties' names, and a person's word where the position says so, which it does for
tier 1 if nobody wrote otherwise. With ``by_machine = true`` in ``[contract]`` the
published price is the owner's word instead: what is missing then is a document.
A counterparty, a value or a red flag that is for a person goes to one always.

The acceptance is kept before anything is paid, under an id that follows from
the license's, so that a purchase that broke off goes on with it; the agreement
is kept after the license. Only what was agreed is told as an event.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import structlog

from gateway.canonical import canonical_digest
from gateway.clock import Clock
from gateway.desk.agreeing import sealed, signed_as_published
from gateway.desk.clients import Known
from gateway.desk.metadata import issuer_of
from gateway.licenses.bargaining import Accept, Buyer, Decline, Person, Proposal, answer
from gateway.licenses.contract import Clause, large_as_published, purchase_worth
from gateway.licenses.license import License
from gateway.licenses.negotiation import Negotiation, State, accepted, as_published, verified
from gateway.licenses.negotiation_events import events_of
from gateway.licenses.negotiations import Negotiations
from gateway.licenses.position import Position
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Offer
from gateway.uses import tier_of

if TYPE_CHECKING:
    from gateway.desk.selling import Ring

_log: Final = structlog.get_logger("licet.desk")


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for a token, from which *address*, and whom it names for the licensee."""

    known: Known
    address: str
    party: Mapping[str, str] = field(default_factory=dict)


class OneRound:
    """Opens such a negotiation before a purchase, and closes it after."""

    def __init__(
        self,
        negotiations: Negotiations,
        position: Callable[[str, Offer], Position],
        clauses: tuple[Clause, ...],
        keys: Ring,
        clock: Clock,
    ) -> None:
        """Keep transcripts in *negotiations*, judge by *position*, draw *clauses*, sign with *keys*."""
        self._negotiations, self._position, self._clauses = negotiations, position, clauses
        self._keys, self._clock = keys, clock

    async def opened(
        self, license: License, offer: Offer, asking: Asking, policy: Policy, origin: str
    ) -> Negotiation | Refusal | None:
        """The negotiation in which *license*, which does not exist yet, is accepted; None for a small deal.

        Refused with what the engine says against it, or with what is missing of
        the parties (`CONTRACT_INCOMPLETE`).
        """
        position = self._position(license.site, offer)
        if not self._is_large(license, position):
            return None
        barred = _judged(license, offer, position, asking.known.licensee.name, policy, origin)
        if barred is not None:
            return barred
        id, found = await self._found(license)
        if found is not None:
            return found
        now, terms = self._now(), license.terms
        sold = replace(offer, terms=terms, tier=tier_of(terms.purpose.uses))
        blank = Negotiation(id, sold, license.licensee, asking.known.client.id, now)
        tabled = as_published(blank, terms, now=now, patience=position.patience_hours * 3600)
        words = (
            f"The client {asking.known.client.id} asked at {issuer_of(origin)}/token for a license on the "
            f"published offer {offer.id} with the terms hash {terms.hash}, which accepts it for "
            f"{asking.known.licensee.name} ({license.licensee})."
        )
        signed = signed_as_published(words, id, terms, asking.known, policy, origin, asking.party)
        if isinstance(signed, Refusal):
            return led_on(signed, origin)
        at = {"address": asking.address, "at": now, "salt": secrets.token_hex(16)}
        done = accepted(tabled, terms.hash, words, now=now, signed={**signed, **at})
        if isinstance(done, Refusal):
            return done
        await self._negotiations.put(blank.version, done)
        return done

    async def closed(self, before: Negotiation, license: License, origin: str) -> None:
        """Keep that *license* was made of what was accepted *before*, with its document."""
        now, key = self._now(), self._keys.current
        drawn = self._clauses if before.signed.get("law") else None
        made = sealed(before, license, origin, drawn, key, now)
        if not isinstance(made, Refusal):
            # The token that is handed out is the confirmation: it names the hash of these terms.
            made = verified(made, license.terms.hash, now=now)
        if isinstance(made, Refusal) or not await self._negotiations.put(
            before.version, made, events=events_of(before, made)
        ):
            _log.warning("a license was made and its agreement not kept", license=license.id)

    async def completed(self, license: License, offer: Offer, origin: str) -> None:
        """Close what a purchase of *license* left open when it broke off after the grant."""
        if not self._is_large(license, self._position(license.site, offer)):
            return
        _, found = await self._found(license)
        if found is not None:
            await self.closed(found, license, origin)

    async def _found(self, license: License) -> tuple[str, Negotiation | None]:
        """The negotiation about *license* that waits for it, or the id that the next one has."""
        nth = 0
        while True:
            id = "ne_" + canonical_digest([license.id, nth]).removeprefix("sha-256:")[:32]
            found = await self._negotiations.get(id)
            if found is None or found.state is State.ACCEPTED:
                return id, found
            nth += 1

    @staticmethod
    def _is_large(license: License, position: Position) -> bool:
        return large_as_published(license.terms, purchase_worth(license), position.person_above)

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def _judged(
    license: License, offer: Offer, position: Position, name: str, policy: Policy, origin: str
) -> Refusal | None:
    """What the engine has against *license* on *offer*, or None."""
    for_people = frozenset[str]() if policy.signing.by_machine else position.person_for
    asked = replace(position, facts=(), person_for=for_people)
    sold = replace(offer, tier=tier_of(license.terms.purpose.uses))
    given = answer(sold, asked, Buyer(name), Proposal(license.terms))
    limit, worth = position.person_above, purchase_worth(license)
    if isinstance(given, Accept):
        if limit is not None and (worth.currency != limit.currency or worth > limit):
            # That it is passed is all that is said: the limit itself is the creator's own.
            return _for_a_person("it may commit to more than the creator signs by machine", origin)
        return None
    if isinstance(given, Decline):
        return Refusal(Problem.DETAILS_INVALID, given.why)
    why = "; ".join(given.why) if isinstance(given, Person) else "it is not what is published"
    return _for_a_person(why, origin)


def _for_a_person(why: str, origin: str) -> Refusal:
    return led_on(
        Refusal(Problem.NEGOTIATION_WAITS, f"A person at the creator decides on such a deal: {why}."), origin
    )


def led_on(refusal: Refusal, origin: str) -> Refusal:
    """*refusal* with the address where the same deal can be talked about."""
    address = f"{issuer_of(origin)}/negotiations"
    return replace(
        refusal,
        detail=f"{refusal.detail} Propose it at {address}.",
        facts=(*refusal.facts, ("negotiations", address)),
    )
