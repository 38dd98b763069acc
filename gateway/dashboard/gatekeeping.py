"""Who sent this request, whether it may, and the note of what it did: before and behind every page.

A page names no role. The table of `permissions` says what each address wants;
here it is asked once, before the page is made, and what may not be done is
refused whoever wrote the page. What changes something leaves a note in the
journal's chain (`admin_log`): the digest of what was there before and after. A
look at what is hidden leaves its note first, so that nothing is shown unnoted.
Where the journal takes no notes, nothing is changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.clock import Clock
from gateway.dashboard.admin_log import SEEN, AdminLog, digest, noted
from gateway.dashboard.cookies import SESSION_COOKIE, cookie
from gateway.dashboard.forms import fields_of
from gateway.dashboard.guards import NotAllowed
from gateway.dashboard.permissions import LOOKING, Permission, Role, wanted
from gateway.dashboard.sessions import Sessions, Signed
from gateway.dashboard.unsendable import actions_of, without_forms
from gateway.problems import StoreUnavailable

log = structlog.get_logger("licet.dashboard")

#: What can be asked without being signed in.
OPEN: Final = frozenset(
    {
        "/sign-in",
        "/sign-in/oidc",
        "/sign-in/oidc/callback",
        "/sign-in/passkey",
        "/sign-in/passkey/options",
        "/sign-out",
        "/healthz",
    }
)
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: The state behind an address, for the digests of a note: of its pattern and what stands in it. None for none.
StateOf = Callable[[str, Mapping[str, str]], Awaitable[object]]
_SIGNED: Final = web.RequestKey("licet.signed", Signed)
#: The fields that a program sent in place of a form.
FIELDS: Final = web.RequestKey("licet.fields", Mapping[str, str])


def signed_of(request: web.Request) -> Signed | None:
    """Who sent *request*, once it was let in."""
    return request.get(_SIGNED)


def who_sent(request: web.Request) -> str:
    """The name of who sent *request*, for what keeps it: by which key, where it was a program; "" for nobody."""
    signed = signed_of(request)
    if signed is None:
        return ""
    return f"{signed.person.name} (key {signed.key})" if signed.key else signed.person.name


def may(request: web.Request, permission: Permission) -> bool:
    """Whether who sent *request* may do that."""
    signed = signed_of(request)
    return signed is not None and signed.may(permission)


class Gatekeeper:
    """The one place that lets a request in."""

    def __init__(
        self, sessions: Sessions, clock: Clock, admin: AdminLog | None, state_of: StateOf,
        interrupted: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> None:  # fmt: skip
        """Let in whoever is signed in to *sessions*; *interrupted* answers a form whose session has ended."""
        self._sessions, self._clock, self._admin = sessions, clock, admin
        self._state_of, self._interrupted = state_of, interrupted

    @property
    def middleware(self) -> Middleware:
        """For the application."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path in OPEN or request.path.startswith(("/static/", "/api/")):
                return await handler(request)
            signed = self._sessions.resume(cookie(request, SESSION_COOKIE))
            if signed is None:
                return await self._unknown(request)
            # A request whose form was read has no copies any more.
            unread = request.clone()
            answer = await self.let_in(request, signed, handler)
            await self._pruned(request, unread, signed, answer)
            return answer

        return guard

    async def _pruned(
        self, request: web.Request, unread: web.Request, signed: Signed, answer: web.StreamResponse
    ) -> None:
        """Take out of a page what its reader may not send."""
        if signed.person.role is Role.OWNER or not isinstance(answer, web.Response):
            return
        if answer.content_type != "text/html" or not isinstance(answer.body, bytes):
            return
        page = answer.body.decode()
        router = request.app.router
        kept = {path: await self._sendable(router, unread, signed, path) for path in actions_of(page)}
        if not all(kept.values()):
            answer.text = without_forms(page, kept.__getitem__)

    async def _sendable(
        self, router: web.UrlDispatcher, unread: web.Request, signed: Signed, path: str
    ) -> bool:
        if path in OPEN:
            return True
        match = await router.resolve(unread.clone(method="POST", rel_url=path))
        resource = match.route.resource
        return resource is not None and signed.may(wanted("POST", resource.canonical))

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        html = "text/html" in request.headers.get("Accept", "")
        if html and request.method in {"GET", "HEAD"}:
            raise web.HTTPSeeOther("/sign-in")
        if html and request.method == "POST" and request.match_info.http_exception is None:
            return await self._interrupted(request)
        return web.Response(status=401, text="Sign in to the dashboard first.\n")

    async def let_in(self, request: web.Request, signed: Signed, handler: Handler) -> web.StreamResponse:
        """Have *handler* answer, if *signed* may; and note what it did."""
        request[_SIGNED] = signed
        resource = request.match_info.route.resource
        if request.match_info.http_exception is not None or resource is None:
            return await handler(request)
        pattern = resource.canonical
        permission = wanted(request.method, pattern)
        if not signed.may(permission):
            raise NotAllowed(permission or "")
        if permission in SEEN:
            await self._note(request, signed, permission or "")
            return await handler(request)
        if request.method in _SAFE or pattern in LOOKING:
            return await handler(request)
        return await self._changed(request, signed, pattern, str(permission or "change"), handler)

    async def _changed(
        self, request: web.Request, signed: Signed, pattern: str, act: str, handler: Handler
    ) -> web.StreamResponse:
        if self._admin is not None and not self._admin.room():
            raise StoreUnavailable("The journal takes no notes of changes now, so nothing was changed.")
        given = request.match_info
        before = await self._state_of(pattern, given)
        try:
            answer = await handler(request)
        except web.HTTPRedirection:
            await self._note(request, signed, act, before, await self._after(request, pattern))
            raise
        if answer.status < 400 and digest(after := await self._after(request, pattern)) != digest(before):
            await self._note(request, signed, act, before, after)
        return answer

    async def _after(self, request: web.Request, pattern: str) -> object:
        """The state behind the address now, or what was asked for where it has none."""
        state = await self._state_of(pattern, request.match_info)
        if state is not None:
            return state
        # Of what was asked for; passwords and tokens of forms are in no digest.
        fields = request[FIELDS] if FIELDS in request else await fields_of(request)
        hidden = {"form", "password", "again", "old", "token", "answer"}
        return sorted([name, value] for name, value in fields.items() if name not in hidden)

    async def _note(
        self, request: web.Request, signed: Signed, act: str, before: object = None, after: object = None
    ) -> None:
        if self._admin is None:
            return
        note = noted(
            act, request.path, by=signed.person.id, role=str(signed.person.role),
            way=f"key {signed.key}" if signed.key else signed.way, now_us=self._clock.now_us(),
            before=digest(before), after=digest(after if act not in SEEN else request.query_string or None),
        )  # fmt: skip
        try:
            await self._admin.keep(note)
        except StoreUnavailable:
            log.exception("a change of an administrator stands in no journal", act=act, subject=note.subject)
            raise
