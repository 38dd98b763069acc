"""Whoever watches what is recorded: stands before the journal, and only where somebody does.

A person's request is not recorded, so nobody watches it; that there was one may
be counted. Watchers are called on the event loop and neither wait nor raise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from gateway.front.tallies import Tallies
from gateway.provenance.floods import Floods
from gateway.provenance.journal import Journal
from gateway.provenance.record import FetchDetail, FetchRecord, JournalEntry

#: Hears of each fetch that is recorded, with its personal detail.
Watcher = Callable[[FetchRecord, FetchDetail], None]


def watched(journal: Journal, watchers: Sequence[Watcher], tallies: Tallies | None) -> Journal:
    """*journal*, whose every fetch *watchers* and *tallies* hear of; the very same where there are none."""
    if not watchers and tallies is None:
        return journal
    return cast(
        "Journal", _Watched(journal, (*watchers, *([_counting(tallies)] if tallies else [])), tallies)
    )


def _counting(tallies: Tallies) -> Watcher:
    def count(record: FetchRecord, _: FetchDetail) -> None:
        tallies.fetched(record)

    return count


class _Watched:
    """What the path of a request asks of a journal (`front.gate.Gate`)."""

    def __init__(self, journal: Journal, watchers: tuple[Watcher, ...], tallies: Tallies | None) -> None:
        self._journal, self._watchers = journal, watchers
        self.room = journal.room
        self.floods = journal.floods if tallies is None else _Floods(journal.floods, tallies)

    def note(self, entry: JournalEntry, detail: FetchDetail | None = None, detail_salt: bytes = b"") -> None:
        """Queue *entry*, and tell of it."""
        self._journal.note(entry, detail, detail_salt)
        self._tell(entry, detail)

    async def keep(
        self, entry: JournalEntry, detail: FetchDetail | None = None, detail_salt: bytes = b""
    ) -> None:
        """Make *entry* durable, and tell of it then."""
        await self._journal.keep(entry, detail, detail_salt)
        self._tell(entry, detail)

    def _tell(self, entry: JournalEntry, detail: FetchDetail | None) -> None:
        if isinstance(entry, FetchRecord):
            for watcher in self._watchers:
                watcher(entry, detail or FetchDetail())


class _Floods:
    """The floods of a journal, of which each refusal without a record is counted."""

    def __init__(self, floods: Floods, tallies: Tallies) -> None:
        self._floods, self._tallies = floods, tallies

    def alone(self, site: str, address: str, alike: tuple[str, str, str, int], at_us: int) -> bool:
        """As `provenance.floods.Floods.alone`."""
        alone = self._floods.alone(site, address, alike, at_us)
        if not alone:
            self._tallies.flooded(site, alike[0], alike[3])
        return alone
