"""What visits of the last days would have met under a changed policy, as tables for other programs.

=====================================  ========================================
``/policies/SITE/impact.csv`` …        how many would be served, asked, refused,
                                       now and then
``/policies/SITE/impact/crawlers.csv`` who would meet something else
=====================================  ========================================

Both take ``draft=``, the SHA-256 of a text that was tried on the policy's page, or
of a version that was in force. Nothing is put in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.exports import amounts
from gateway.dashboard.policy_impact import Replaying
from gateway.dashboard.policy_shelf import PolicyFiles
from gateway.dashboard.queries import AccessLog
from gateway.dashboard.table_forms import Cells, add_table
from gateway.policy.replay import Changed, Impact
from gateway.policy.rules import Verdict
from gateway.visitors.catalog import Catalog

#: What becomes of a visit, for people.
VERDICTS: Final[Mapping[Verdict, str]] = {
    Verdict.SERVE: "served free",
    Verdict.LICENSE: "asked for a license",
    Verdict.REFUSE: "refused",
}
_CELLS: Final[Cells] = {
    "would_be": lambda row: VERDICTS[row[1]],
    "now": lambda row: row[0].before[row[1]],
    "then": lambda row: row[0].after[row[1]],
    "difference": lambda row: row[0].after[row[1]] - row[0].before[row[1]],
    "asked_now": lambda row: amounts(row[0].asked_before) if row[1] is Verdict.LICENSE else "",
    "asked_then": lambda row: amounts(row[0].asked_after) if row[1] is Verdict.LICENSE else "",
}
_CHANGED_CELLS: Final[Cells] = {
    "crawler": lambda row: row.crawler,
    "now": lambda row: VERDICTS[row.before],
    "then": lambda row: VERDICTS[row.after],
    "fetches": lambda row: row.count,
}


class ImpactTables:
    """Answers what a draft would change."""

    def __init__(self, files: PolicyFiles, access_log: AccessLog, clock: Clock) -> None:
        """Put the visits of *access_log* to drafts of *files*."""
        self._files = files
        self._replaying = Replaying(access_log, clock, Catalog.shipped())

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer at the addresses above."""
        add_table(router, "/policies/{site}/impact", _CELLS, self._verdicts)
        add_table(router, "/policies/{site}/impact/crawlers", _CHANGED_CELLS, self._changed)

    async def _verdicts(self, request: web.Request) -> list[tuple[Impact, Verdict]]:
        found = await self._found(request)
        return [(found, verdict) for verdict in Verdict]

    async def _changed(self, request: web.Request) -> tuple[Changed, ...]:
        return (await self._found(request)).changed

    async def _found(self, request: web.Request) -> Impact:
        policy = self._files.of_site(request.match_info["site"])
        text = self._files.draft(policy.site.id, request.query.get("draft", "")) if policy else None
        tried = self._files.tried(policy, text) if policy and text is not None else None
        if policy is None or tried is None or tried.policy is None:
            raise web.HTTPNotFound
        return await self._replaying.impact(policy, tried.policy)
