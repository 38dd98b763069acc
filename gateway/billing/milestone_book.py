"""What licensees, creators and the calendar do about milestones: each act an entry of the journal, and nothing else.

The desk, the commands, the dashboard and the office's round act through this.
Where a milestone stands is read from the journal each time (`escrow.standing`);
what was written and is not folded yet counts. Acts within one process follow on
each other; an act of another process at the same moment on the same milestone
moves nothing twice, because `postings` moves no more than stands.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import uuid_utils

from gateway.billing.agreed_milestones import Waits, by_itself, looks_at_deliveries, waiting
from gateway.billing.escrow import (
    Act,
    Milestone,
    Proof,
    Stamp,
    Standing,
    disputed,
    funded,
    given_back,
    met,
    released,
    settled,
)
from gateway.billing.owing import Held, Owing
from gateway.canonical import canonical_bytes
from gateway.clock import Clock
from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.provenance.record import BookEntry, JournalEntry
from gateway.terms.holding import Keeps

#: The longest word or reason of one side, in characters.
LONGEST_WORD = 500


@dataclass(frozen=True, slots=True)
class Known:
    """A license with its milestones, and the book entries of its licensee."""

    held: Held
    milestones: tuple[Waits, ...]
    entries: tuple[JournalEntry, ...]


class MilestoneBook:
    """Reads *owing* and has entries made durable by *keep*."""

    def __init__(self, owing: Owing, keep: Callable[[BookEntry], Awaitable[object]], clock: Clock) -> None:
        """Act at the time of *clock*."""
        self._owing, self._keep, self._clock = owing, keep, clock
        self._written: dict[str, BookEntry] = {}
        self._one = asyncio.Lock()

    async def known(self, license_id: str, *, deliveries: bool = False) -> Known:
        """Everything about the milestones of a license; none where there is no such license."""
        held = await self._owing.held(license_id)
        entries = await self._owing.entries(license_id, deliveries=deliveries)
        for each in {entry.id for entry in entries} & self._written.keys():
            del self._written[each]
        pending = (each for each in self._written.values() if each.license == license_id)
        entries = (*entries, *pending)
        return Known(held, waiting(held.versions, entries), entries)

    async def fund(self, license_id: str, name: str, by: str) -> Waits | Refusal:
        """Its holder has the money, on the word of *by*; for what nobody holds there is nothing to pay in."""

        def act(milestone: Milestone, at: Standing, stamp: Stamp) -> Act:
            if milestone.holder.keeps is Keeps.NOBODY:
                return Refusal(
                    Problem.MILESTONE_WAITS, f"Nobody holds money for {name}: it is promised by itself."
                )
            return funded(milestone, at, stamp)

        return await self._act(license_id, name, by, act)

    async def meet(
        self, license_id: str, name: str, by: str, proof: Proof, word: str | Mapping[str, object]
    ) -> Waits | Refusal:
        """It is met: on the operator's *word*, or by the statement of the licensee, of which the journal holds the hash."""
        said = word if isinstance(word, str) else f"sha-256:{_digest(word)}"
        odd = _odd(said)
        return odd or await self._act(
            license_id, name, by, lambda milestone, at, stamp: met(milestone, at, stamp, proof, said.strip())
        )

    async def dispute(self, license_id: str, name: str, by: str, why: str) -> Waits | Refusal:
        """One side objects, because *why*."""
        odd = _odd(why)
        return odd or await self._act(
            license_id, name, by, lambda milestone, at, stamp: disputed(milestone, at, stamp, why)
        )

    async def settle(self, license_id: str, name: str, by: str, to_creator: Money) -> Waits | Refusal:
        """A dispute is over: *to_creator* of what is left is the creator's, and the rest goes back."""
        return await self._act(
            license_id,
            name,
            by,
            lambda milestone, at, stamp: settled(milestone, at, stamp, to_creator),
            ids=2,
        )

    async def waive(self, license_id: str, name: str, by: str) -> Waits | Refusal:
        """The licensee will not object to what is met: the money is the creator's at once."""
        return await self._act(
            license_id, name, by, lambda milestone, at, stamp: released(milestone, at, stamp, agreed=True)
        )

    async def give_back(self, license_id: str, name: str, by: str) -> Waits | Refusal:
        """The creator gives the money back."""
        return await self._act(license_id, name, by, given_back)

    async def correct(
        self, license_id: str, made: Callable[[Known], Sequence[BookEntry]]
    ) -> tuple[BookEntry, ...]:
        """Write what *made* makes of what is known of a license, while nobody else acts; what was written."""
        async with self._one:
            entries = tuple(made(await self.known(license_id)))
            for entry in entries:
                await self._write(entry)
            return entries

    async def advance(self, license_id: str) -> tuple[BookEntry, ...]:
        """Write what happened by itself until now; what was written."""
        async with self._one:
            now, written = self._now(), list[BookEntry]()
            known = await self.known(license_id)
            due = looks_at_deliveries(known.milestones)
            if due and await self._owing.items(license_id) >= min(each.items for each in due):
                known = await self.known(license_id, deliveries=True)
            # One milestone may take several steps at once, such as one of long ago that was met and then released.
            for _ in range(4):
                new = [
                    entry
                    for each in waiting(known.held.versions, (*known.entries, *written))
                    for entry in by_itself(each, known.entries, now, over_at=known.held.over_at)
                ]
                if not new:
                    break
                for entry in new:
                    await self._write(entry)
                written += new
            return tuple(written)

    async def _act(
        self,
        license_id: str,
        name: str,
        by: str,
        act: Callable[[Milestone, Standing, Stamp], Act],
        *,
        ids: int = 1,
    ) -> Waits | Refusal:
        async with self._one:
            known = await self.known(license_id)
            found = _named(known.milestones, name)
            if found is None:
                return Refusal(Problem.NOT_FOUND, "There is no milestone of that name under this license.")
            stamp = Stamp(tuple(str(uuid_utils.uuid7()) for _ in range(ids)), self._clock.now_us(), by)
            made = act(found.milestone, found.standing, stamp)
            if isinstance(made, Refusal):
                return made
            for entry in made:
                await self._write(entry)
            after = _named(waiting(known.held.versions, (*known.entries, *made)), name)
            assert after is not None, "an act takes no milestone away"
            return after

    async def _write(self, entry: BookEntry) -> None:
        await self._keep(entry)
        self._written[entry.id] = entry

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def _named(milestones: Sequence[Waits], name: str) -> Waits | None:
    return next((each for each in milestones if each.milestone.name == name), None)


def _odd(text: str) -> Refusal | None:
    if text.strip() and len(text) <= LONGEST_WORD and text.isprintable():
        return None
    return Refusal(Problem.DOCUMENT_INVALID, f"A word is one line of at most {LONGEST_WORD} characters.")


def _digest(statement: Mapping[str, object]) -> str:
    return hashlib.sha256(canonical_bytes(dict(statement))).hexdigest()
