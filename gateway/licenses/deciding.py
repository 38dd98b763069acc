"""What a person at the creator decides: put terms on the table, or end it. By command and by page alike.

Each act is made on the version that the person read; of two acts on one
version one is kept, and the other is told what stands now. What the creator
offers is its own affair: no limit of the position binds a person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gateway.canonical import canonical_bytes
from gateway.event import Event
from gateway.licenses.exclusivity import Conflict
from gateway.licenses.license import License
from gateway.licenses.negotiation import Negotiation, Side, State, offered, terminated
from gateway.licenses.negotiation_events import events_of
from gateway.licenses.negotiations import Negotiations
from gateway.licenses.offers import months_after
from gateway.licenses.register import LicenseRegister
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import LicenseTerms

#: Hours for which what a person offers stands, if nothing else is said, and at most.
USUAL_HOURS: Final = 72
LONGEST_HOURS: Final = 8760
#: The longest reason that a buyer is told.
LONGEST_REASON: Final = 300
#: What a buyer is told where no other reason is given.
USUAL_REASON: Final = "The creator does not agree to this."

#: What is to be told of a change, kept with it: from the negotiation before and after.
Telling = Callable[[Negotiation, Negotiation], Sequence[Event]]


class Deciding:
    """Makes the acts of a creator's person, one after the other, and keeps each before it is told."""

    def __init__(
        self, negotiations: Negotiations, register: LicenseRegister, telling: Telling = events_of
    ) -> None:
        """Keep what is decided in *negotiations*, with the events of *telling*; look in *register* for who is in the way."""
        self._negotiations, self._register = negotiations, register
        self._telling = telling

    async def offer(
        self, id: str, version: str, terms: LicenseTerms, *, now: int, hours: int = USUAL_HOURS
    ) -> Negotiation | Refusal:
        """Put *terms* on the table of the negotiation *id*, as it was at *version*, for *hours*.

        The buyer's own proposal as it stands is the creator's yes to it; anything
        else is a counter. Refused where it is over (`NEGOTIATION_OVER`,
        `NEGOTIATION_WAITS`), has another version (`NEGOTIATION_OUTDATED`), or a
        license of somebody else shuts it out (`EXCLUSIVE_TAKEN`).
        """
        if not 1 <= hours <= LONGEST_HOURS:
            return Refusal(Problem.PROPOSAL_INVALID, f"It stands for 1 to {LONGEST_HOURS} hours.")
        before = await self._read(id, version)
        if isinstance(before, Refusal):
            return before
        after = offered(before, terms, now=now, patience=hours * 3600)
        if isinstance(after, Refusal):
            return after
        taken = await self._register.in_the_way(draft_of(before, terms, now))
        return shut_out(taken) if taken else await self._kept(before, after)

    async def decline(self, id: str, version: str, why: str, *, now: int) -> Negotiation | Refusal:
        """End the negotiation *id*, as it was at *version*, before anything is agreed; the buyer reads *why*."""
        reason = why.strip()
        if not reason or not reason.isprintable() or len(reason) > LONGEST_REASON:
            return Refusal(
                Problem.PROPOSAL_INVALID, f"A reason is one line of at most {LONGEST_REASON} characters."
            )
        before = await self._read(id, version)
        if isinstance(before, Refusal):
            return before
        if before.state is State.ACCEPTED:
            return Refusal(
                Problem.NEGOTIATION_WAITS, "The buyer has accepted: what is signed is ended otherwise."
            )
        after = terminated(before, Side.CREATOR, reason, now=now)
        return after if isinstance(after, Refusal) else await self._kept(before, after)

    async def _read(self, id: str, version: str) -> Negotiation | Refusal:
        before = await self._negotiations.get(id)
        if before is None:
            return Refusal(Problem.NOT_FOUND, f"There is no negotiation {id}.")
        return before if before.version == version else outdated(before)

    async def _kept(self, before: Negotiation, after: Negotiation) -> Negotiation | Refusal:
        if await self._negotiations.put(before.version, after, events=self._telling(before, after)):
            return after
        return outdated(await self._negotiations.get(before.id) or before)


def outdated(found: Negotiation) -> Refusal:
    """The refusal of an act on a version that no longer stands; it tells the one that does."""
    facts: Mapping[str, str] = {
        "state": str(found.state),
        "version": found.version,
        "terms_hash": found.table.hash if found.table else "",
    }
    return Refusal(
        Problem.NEGOTIATION_OUTDATED, "The version named is not the current one.", facts=tuple(facts.items())
    )


def shut_out(taken: Conflict, private: str = "") -> Refusal:
    """The refusal of what a license of somebody else shuts out; it tells until when, and nobody's name."""
    return Refusal(
        Problem.EXCLUSIVE_TAKEN,
        "Of these works and uses somebody else holds some, and one of the two is exclusive.",
        private=private or f"in the way: {taken.license}",
        facts=(("until", str(taken.ends_at)),),
    )


def license_id(negotiation: Negotiation) -> str:
    """The id of the license that comes of what is on the table; it follows from it, so that there is one."""
    terms = negotiation.table.hash if negotiation.table else ""
    return "li_" + hashlib.sha256(canonical_bytes([negotiation.id, terms])).hexdigest()[:32]


def draft_of(negotiation: Negotiation, terms: LicenseTerms, now: int) -> License:
    """The license that *terms* would come to if they were agreed to at *now*, to see what stands in its way."""
    return License(
        license_id(negotiation),
        negotiation.licensee,
        negotiation.offer.site,
        "",
        terms,
        negotiation.offer.policy,
        now,
        months_after(now, terms.term.months),
    )
