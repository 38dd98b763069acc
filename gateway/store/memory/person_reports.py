"""`visitors.person_reports.PersonReports` in memory."""

from __future__ import annotations

from dataclasses import replace

import orjson

from gateway.provenance.record import FetchRecord
from gateway.store.memory.events import Happened
from gateway.store.memory.tables import Tables
from gateway.visitors.person_reports import HOUR, MOST_OPEN, OPEN, PersonReport, Refused, Sent, reported


class MemoryPersonReports:
    """Reports, beside the log that says what they are about."""

    def __init__(self, tables: Tables, happened: Happened | None = None) -> None:
        """Read *tables*; keep none yet. What happens is in *happened*."""
        self._tables, self._kept = tables, dict[str, PersonReport]()
        self._happened = happened or Happened()

    async def add(self, report: PersonReport) -> bool:
        """Keep *report*; see the port."""
        kept = self._kept.values()
        if sum(each.state == OPEN for each in kept) >= MOST_OPEN:
            return False
        if not any((each.request, each.network) == (report.request, report.network) for each in kept):
            hour = report.at // HOUR
            first = all(each.at // HOUR != hour for each in kept)
            self._kept[report.id] = report
            self._happened.keep((reported(report, first=first),))
        return True

    async def get(self, id: str) -> PersonReport | None:
        """The report of that id."""
        return self._kept.get(id)

    async def all(self, most: int, behind: Sent | None = None) -> tuple[PersonReport, ...]:
        """Reports, those that wait first; see the port."""
        places = sorted(((each.state != OPEN, -each.at, each.id), each.id) for each in self._kept.values())
        after = (not behind[0], -behind[1], behind[2]) if behind else None
        found = [id for place, id in places if after is None or place > after]
        return tuple(self._kept[id] for id in found[:most])

    async def since(self, at: int) -> tuple[PersonReport, ...]:
        """Every report from second *at* on."""
        found = (each for each in self._kept.values() if each.at >= at)
        return tuple(sorted(found, key=lambda each: (each.at, each.id)))

    async def decide(self, id: str, state: str, exempted: str, at: int) -> bool:
        """Say what came of it."""
        if id not in self._kept:
            return False
        self._kept[id] = replace(self._kept[id], state=state, exempted=exempted, decided_at=at)
        return True

    async def refused(self, request: str) -> Refused | None:
        """What the log says of that request."""
        for each in self._tables.entries:
            entry = each.entry
            if isinstance(entry, FetchRecord) and entry.id == request:
                sealed = self._tables.details.get(request)
                told = Refused(entry.problem, entry.rule, entry.visitor_class, entry.crawler)
                if sealed is None:
                    return told
                detail = orjson.loads(sealed.detail.canonical())
                return replace(told, address=detail["address"], reasons=tuple(detail["evidence"]))
        return None

    async def forget(self, before: int) -> int:
        """Erase reports from before second *before*."""
        old = [each.id for each in self._kept.values() if each.at < before]
        for id in old:
            del self._kept[id]
        return len(old)
