"""A link that signs in without a password: for pages that live as long as a command, on loopback, and change nothing."""

from __future__ import annotations

import hmac
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.clock import Clock
from gateway.dashboard.cookies import SESSION_COOKIE, set_cookie
from gateway.dashboard.people import Person
from gateway.dashboard.permissions import Role
from gateway.dashboard.sessions import Sessions, fresh_id

_PLACE: Final = "/look/"
#: No password has this hash, so that nobody signs in with one.
_NONE: Final = "!"


class OneLook:
    """One link to *sessions*, whose file is this command's alone; whoever opens it first may read everything, and nothing more."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        """Put a reader into the file of *sessions*."""
        self._sessions, self._token = sessions, sessions.fresh_name()
        now = clock.now_us()
        reader = Person(fresh_id("pe_", now), "reader", Role.VIEWER, now, password=_NONE)
        sessions.file.change(lambda access: (access.with_people(access.people.with_one(reader)), None))
        self._reader = reader

    @property
    def path(self) -> str:
        """Where the link leads."""
        return _PLACE + self._token

    @property
    def middleware(self) -> Middleware:
        """For the application, behind its guard of host names."""

        @web.middleware
        async def enter(request: web.Request, handler: Handler) -> web.StreamResponse:
            given = request.path.removeprefix(_PLACE)
            if not request.path.startswith(_PLACE) or not self._token or request.method != "GET":
                return await handler(request)
            if not hmac.compare_digest(given.encode(), self._token.encode()):
                return await handler(request)
            self._token = ""
            answer = web.Response(status=303, headers={"Location": "/?last=all"})
            set_cookie(request, answer, SESSION_COOKIE, self._sessions.begin(self._reader, "link"))
            return answer

        return enter
