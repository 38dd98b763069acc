"""What a changed policy would have done to visits that happened, and how two texts of it differ."""

from __future__ import annotations

import difflib
from typing import Final

from gateway.clock import Clock
from gateway.dashboard.filters import DAY_US
from gateway.dashboard.queries import AccessLog, Visited
from gateway.policy.replay import Impact, Visit, impact
from gateway.policy.rules import Policy
from gateway.visitors.catalog import Catalog
from gateway.visitors.visitor import Identity, Visitor, VisitorClass

#: Over how long visits are put to the changed rules.
REPLAY_DAYS: Final = 7


class Replaying:
    """Puts the newest visits to other rules."""

    def __init__(self, access_log: AccessLog, clock: Clock, catalog: Catalog) -> None:
        """Take visits from *access_log*, whose crawlers are those of *catalog*."""
        self._log, self._clock, self._catalog = access_log, clock, catalog

    async def impact(self, before: Policy, after: Policy) -> Impact:
        """What the visits of the last `REPLAY_DAYS` days met, and would have met."""
        since = self._clock.now_us() - REPLAY_DAYS * DAY_US
        rows = await self._log.visits(before.site.id, since)
        return impact((self._visit(row) for row in rows), before, after, at_us=self._clock.now_us())

    def _visit(self, row: Visited) -> Visit:
        entry = self._catalog.by_name(row.crawler) if row.crawler else None
        visitor = Visitor(
            VisitorClass(row.visitor_class),
            entry.crawler if entry else None,
            Identity(row.identity or "none"),
        )
        return Visit(visitor, row.path, row.country, row.count)


def difference(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """(how, line) of a unified difference: "add", "del", "at" for a place, "" for what stays."""
    kinds = {"+": "add", "-": "del", "@": "at"}
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return tuple((kinds.get(line[:1], ""), line) for line in list(lines)[2:])
