"""The worker's way to the desk: a request for it is sent on to the office's `desk.door`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web
from yarl import URL

from gateway.desk.door import ADDRESS, ORIGIN, SITE
from gateway.desk.replies import problem_reply
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal

_HOP_BY_HOP: Final = frozenset({
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect",
    SITE, ORIGIN, ADDRESS,
})  # fmt: skip


class DeskLine:
    """Asks the desk on the socket at a path."""

    def __init__(self, path: Path) -> None:
        """Connect with the first request."""
        self._path = path
        self._http: aiohttp.ClientSession | None = None

    async def __call__(
        self, request: web.BaseRequest, policy: Policy, origin: str, address: str
    ) -> web.StreamResponse:
        """Return the desk's answer to *request*, or 503 while there is no desk."""
        headers = [
            (name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP
        ]
        headers += [(SITE, policy.site.id), (ORIGIN, origin), (ADDRESS, address)]
        body = None if request.content.at_eof() else request.content
        try:
            async with self._session().request(
                request.method,
                URL(f"http://desk{request.raw_path}", encoded=True),
                headers=headers,
                data=body,
                allow_redirects=False,
            ) as answer:
                told = [each for each in answer.headers.items() if each[0].lower() not in _HOP_BY_HOP]
                return web.Response(status=answer.status, headers=told, body=await answer.read())
        except (aiohttp.ClientError, ConnectionError) as error:
            away = Refusal(
                Problem.SPEND_BOOK_UNAVAILABLE,
                "The license desk cannot be reached.",
                retry_after=2,
                private=str(error),
            )
            return problem_reply(away, origin)

    async def close(self) -> None:
        """Close what is open."""
        if self._http is not None:
            await self._http.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(str(self._path), keepalive_timeout=30),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        return self._http
