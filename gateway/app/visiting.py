"""Test visits: a request to the front of the gateway that runs on this folder, and its record."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import aiohttp
from yarl import URL

from gateway.app.folder import running
from gateway.dashboard.queries import AccessLog
from gateway.dashboard.visiting import BROWSER, Visited

#: Seconds for the answer, and then for its record.
_SECONDS: Final = 15.0
_FOLDED: Final = 4.0
_PAUSE: Final = 0.05
_BODY: Final = 64 * 1024
_SHOWN: Final = 4000
#: What a browser sends besides; a request without it contradicts itself.
_BROWSING: Final = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "en"}


class FrontVisits:
    """See `dashboard.visiting.Visiting`."""

    def __init__(self, folder: Path, access_log: AccessLog) -> None:
        """Visit the gateway of the data folder *folder*; *access_log* is where its records appear."""
        self._folder, self._log = folder, access_log

    async def visit(self, host: str, target: str, agent: str) -> Visited | str:
        """GET *target* of the site *host* as *agent*, and wait for its record; or why it could not be sent."""
        front = await asyncio.to_thread(_front, self._folder)
        if not front:
            return "The gateway has not said yet where it listens."
        newest = await self._newest()
        headers: Mapping[str, str] = {
            "Host": host,
            "User-Agent": agent,
            **(_BROWSING if agent == BROWSER else {"Accept": "*/*"}),
        }
        try:
            async with (
                aiohttp.ClientSession(
                    cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=_SECONDS)
                ) as http,
                # The certificate is of the site's name; whom it is sent to is this machine.
                http.get(
                    URL(front + target, encoded=True), headers=headers, allow_redirects=False, ssl=False,
                    server_hostname=host if front.startswith("https:") else None,
                ) as answer,
            ):  # fmt: skip
                body = await answer.content.read(_BODY)
                fields = tuple((str(name), value) for name, value in answer.headers.items())
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return f"{front} did not answer: {str(error) or type(error).__name__}"
        text = body[:_SHOWN].decode("utf-8", "replace")
        record = "" if agent == BROWSER else await self._record(newest, agent)
        return Visited(status, fields, text, record)

    async def _newest(self) -> int:
        from gateway.dashboard.filters import LogFilter

        rows = (await self._log.page(LogFilter(), None, 1)).rows
        return rows[0].seq if rows else 0

    async def _record(self, after: int, agent: str) -> str:
        """The record of the first visit since *after* by exactly that *agent*, once the keeper has folded it."""
        try:
            async with asyncio.timeout(_FOLDED):
                while True:
                    for row in await self._log.since(after, 100):
                        detail = await self._log.detail(row.id)
                        if detail is not None and detail.user_agent == agent:
                            return row.id
                        after = row.seq
                    await asyncio.sleep(_PAUSE)
        except TimeoutError:
            return ""


def _front(folder: Path) -> str:
    """Where the front listens, as this machine reaches it, or ""."""
    front = str((running(folder) or {}).get("front", ""))
    for everywhere, here in (("//0.0.0.0:", "//127.0.0.1:"), ("//[::]:", "//[::1]:")):
        front = front.replace(everywhere, here)
    return front
