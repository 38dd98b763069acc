"""New fetches as they are folded, told by server-sent events (HTML Standard, section 9.2).

Each event is one table row, rendered by the template that the page itself
uses, so there is one place that escapes. A stream never falls behind: when
more came than a look can show, it skips to the newest and says how many it
left out. It holds no queue, does not keep a session open, and ends with it.

A stream tells what its filter means, which is the log's: the same query string.
"""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp_jinja2
from aiohttp import web
from aiohttp_sse import EventSourceResponse

from gateway.dashboard.filters import EVERYTHING, LogFilter
from gateway.dashboard.pages import LIVE_ROWS
from gateway.dashboard.queries import AccessLog, LogRow
from gateway.dashboard.sessions import Sessions
from gateway.problems import StoreUnavailable

#: Seconds between two looks at the log.
LOOK: Final = 1.0
_MOST_STREAMS: Final = 16
_AT_ONCE: Final = 100
#: How far back a reader that comes again is told of what a filter means.
_FARTHEST: Final = 20_000


class Live:
    """The open streams of one dashboard."""

    def __init__(self, access_log: AccessLog, sessions: Sessions) -> None:
        """Read from *access_log*; `stop` ends every stream."""
        self._log = access_log
        self._sessions = sessions
        self._stopping = asyncio.Event()
        self._streams = 0

    async def stop(self, _app: web.Application) -> None:
        """End every stream, so that closing the listener waits for none."""
        self._stopping.set()

    async def events(
        self, request: web.Request, session: str, filter: LogFilter = EVERYTHING
    ) -> web.StreamResponse:
        """Tell fetches of *filter* after ``Last-Event-ID`` or ``?after=`` until the reader or *session* goes."""
        if self._streams >= _MOST_STREAMS:
            return web.Response(
                status=503, text="Too many live pages are open.\n", headers={"Retry-After": "10"}
            )
        response = EventSourceResponse(headers={"Cache-Control": "no-store"}, send_timeout=10)
        self._streams += 1
        try:
            await response.prepare(request)
            async with response:
                await self._tell(request, response, session, filter)
        except (ConnectionError, TimeoutError):
            pass  # The reader is gone, or took nothing for ten seconds.
        finally:
            self._streams -= 1
        return response

    async def _tell(
        self, request: web.Request, response: EventSourceResponse, session: str, filter: LogFilter
    ) -> None:
        after = _sequence(response.last_event_id or request.query.get("after", ""))
        while response.is_connected() and not self._stopping.is_set():
            if not self._sessions.alive(session):
                await response.send("", event="ended")
                return
            try:
                rows, skipped, after = await self._new(after, filter)
            except StoreUnavailable:
                rows, skipped = (), 0
            if skipped:
                await response.send(str(skipped), event="skipped")
            for row in rows:
                text = aiohttp_jinja2.render_string("row.html", request, {"row": row})
                await response.send(text, id=str(row.seq), event="fetch")
            try:
                await asyncio.wait_for(self._stopping.wait(), LOOK)
            except TimeoutError:
                continue

    async def _new(self, after: int, filter: LogFilter) -> tuple[tuple[LogRow, ...], int, int]:
        """The rows to tell, how many at least were left out, and the place from which the next look goes on."""
        if filter != EVERYTHING:
            # What the filter leaves out is looked through once: the next look begins behind it.
            head = (await self._log.page(EVERYTHING, None, 1)).rows
            newest = head[0].seq if head else after
            after = max(after, newest - _FARTHEST)
        else:
            newest = after
        rows = await self._log.since(after, _AT_ONCE, filter)
        if len(rows) < _AT_ONCE:
            return rows, 0, max(after, newest, *(row.seq for row in rows))
        latest = (await self._log.page(filter, None, LIVE_ROWS)).rows[::-1]
        if filter == EVERYTHING:
            return latest, max(0, latest[0].seq - rows[0].seq), latest[-1].seq
        return latest, max(0, _AT_ONCE - len(latest)), latest[-1].seq


def _sequence(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0
