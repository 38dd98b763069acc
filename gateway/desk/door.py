"""The desk as an HTTP server of its own, on a Unix socket that only our front can reach.

The front forwards a request for a path of the desk as it came, and says beside
it what it knows and the desk cannot: the site, its public origin, the client's
address and its country. No client can say these: the front drops such names from what
it forwards, and the socket lies in a folder that only its owner may enter.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import uuid_utils
from aiohttp import web

from gateway.desk.replies import broken_reply, problem_reply
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal

#: The id of the site that was asked.
SITE: Final = "licet-site"
#: The site's public origin, such as ``https://journal.example``.
ORIGIN: Final = "licet-origin"
#: The client's address as trusted proxies tell it.
ADDRESS: Final = "licet-address"
#: Where the client is, ISO 3166-1 alpha-2; not there where that is unknown.
COUNTRY: Final = "licet-country"

_log = logging.getLogger("licet.desk.door")
#: How long an idle connection is kept: longer than the front keeps one for reuse.
_IDLE_SECONDS: Final = 3600.0
#: Above what the front lets through, which is where a request is refused for its size.
_LINE: Final = 16 * 1024
_FIELD: Final = 64 * 1024
_FIELDS: Final = 128
#: Seconds in which a request on a new connection has arrived.
_ARRIVING: Final = 0.2

Answering = Callable[[web.BaseRequest, Policy, str, str], Awaitable[web.StreamResponse]]


class DeskDoor:
    """Hands every request on the socket to the desk. *faults* counts answers that something of ours broke."""

    def __init__(
        self, desk: Answering, policy_of_site: Callable[[str], Policy | None], *, seconds: float = 60.0
    ) -> None:
        """Listen nowhere yet; *seconds* is what one request may take in all."""
        self.faults = 0
        self._desk = desk
        self._policy_of_site = policy_of_site
        self._seconds = seconds
        self._server: web.Server | None = None
        self._listening: asyncio.Server | None = None
        self._path: Path | None = None

    async def start(self, path: Path) -> None:
        """Listen at *path* (mode 0600), in a folder that is for its owner alone and is made if it is missing.

        A socket that a crash left there is replaced. Raises `OSError`, also for
        a folder that others may enter, and for a path that is longer than the
        system takes (107 octets on Linux).
        """
        sock = _bound(path)
        try:
            self._server = web.Server(
                self._served,
                handler_cancellation=True,
                keepalive_timeout=_IDLE_SECONDS,
                lingering_time=0,
                max_line_size=_LINE,
                max_field_size=_FIELD,
                max_headers=_FIELDS,
                auto_decompress=False,
                access_log=None,
            )
            loop = asyncio.get_running_loop()
            self._listening = await loop.create_unix_server(self._server, sock=sock, backlog=1024)
        except BaseException:
            sock.close()
            raise
        self._path = path

    async def stop(self, seconds: float = 5.0) -> None:
        """Remove the socket, take no new request, and give those under way *seconds*. Twice is harmless."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None
            if seconds > 0:
                # Whoever reached it before it was gone has sent nothing yet, and would be cut off.
                await asyncio.sleep(_ARRIVING)
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        if self._server is not None:
            self._server.pre_shutdown()
            await self._server.shutdown(seconds)
            self._server = None

    async def _served(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._answered(request)
        except TimeoutError:
            late = Refusal(Problem.REQUEST_TIMEOUT, "This took too long.")
            response = problem_reply(late, request.headers.get(ORIGIN, ""))
        except Exception:  # noqa: BLE001 - the next request is not this one's fault
            self.faults += 1
            id = f"re_{uuid_utils.uuid7().hex}"
            _log.exception("the desk could not answer %s %s, request %s", request.method, request.path, id)
            response = broken_reply(request, id)
        if not request.content.is_eof():
            # What is left of the body would be read as the next request.
            response.force_close()
        return response

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        told = [request.headers.getall(name, []) for name in (SITE, ORIGIN, ADDRESS)]
        if any(len(values) != 1 for values in told):
            return web.Response(status=400, text="This door is for the front alone.\n")
        (site,), (origin,), (address,) = told
        policy = self._policy_of_site(site)
        if policy is None:
            return problem_reply(Refusal(Problem.UNKNOWN_SITE, "This site is no longer served."), origin)
        return await self._desk(request, policy, origin, address)


def _bound(path: Path) -> socket.socket:
    folder = path.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        raise PermissionError(errno.EPERM, "others may enter this folder", str(folder))
    if path.is_socket():
        path.unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(os.fspath(path))
        path.chmod(0o600)
    except OSError:
        sock.close()
        raise
    return sock
