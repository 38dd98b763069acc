"""Signing in by an account elsewhere: away, and back.

============================  ==================================================
``/sign-in/oidc``             sends the browser to the provider
``/sign-in/oidc/callback``    where it comes back, with a code or a refusal
============================  ==================================================

Coming back is a request that another site causes, so the strict cookie of the
session would not be sent along the same chain of redirects: the last step is a
page of ours that goes on by itself, and has a link for whom it does not. What
binds the way back to the browser that left is a cookie of its own, lax and short.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog
from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.admin_log import AdminLog, tell
from gateway.dashboard.cookies import SESSION_COOKIE, cookie, end_cookie, set_cookie
from gateway.dashboard.deal_pages import Frame
from gateway.dashboard.oidc import Account, Flows, NotSignedIn, Provider
from gateway.dashboard.passkey_pages import place_of
from gateway.dashboard.people import MOST_PEOPLE, People, Person, person_told
from gateway.dashboard.people_file import Access
from gateway.dashboard.permissions import Permission
from gateway.dashboard.sessions import Denied, Sessions, fresh_id

log = structlog.get_logger("licet.dashboard")
STATE_COOKIE: Final = "licet_oidc"
CALLBACK: Final = "/sign-in/oidc/callback"
_UNFIT: Final = re.compile(r"[^a-z0-9._@+-]", re.ASCII)


class OidcPages:
    """The two addresses; *refused* shows the sign-in page with why not."""

    def __init__(
        self, provider: Provider, sessions: Sessions, frame: Frame, clock: Clock,
        refused: Callable[[web.Request, Denied], web.StreamResponse], admin: AdminLog | None,
    ) -> None:  # fmt: skip
        """Let in whom *provider* vouches for, as people of *sessions*; who is new or gets another role is noted."""
        self._provider, self._sessions, self._frame, self._clock = provider, sessions, frame, clock
        self._refused, self._flows, self._admin = refused, Flows(), admin

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/sign-in/oidc", self._away)
        router.add_get(CALLBACK, self._back)

    async def _away(self, request: web.Request) -> web.StreamResponse:
        wait = self._sessions.wait(request.remote or "")
        if wait:
            return self._refused(request, wait)
        now = self._clock.now_us()
        begun = await self._provider.begin(place_of(request).origin + CALLBACK, now)
        if isinstance(begun, NotSignedIn):
            return self._said(request, begun)
        url, state, flow = begun
        self._flows.keep(state, flow, now)
        answer = web.Response(status=303, headers={"Location": url})
        set_cookie(request, answer, STATE_COOKIE, state, samesite="Lax")
        return answer

    async def _back(self, request: web.Request) -> web.StreamResponse:
        state, now = request.query.get("state", ""), self._clock.now_us()
        flow = self._flows.take(state, now) if state and state == cookie(request, STATE_COOKIE) else None
        if flow is None:
            return self._said(request, NotSignedIn("That sign-in was not begun here, or took too long."))
        if "error" in request.query or not request.query.get("code"):
            return self._said(
                request, NotSignedIn("The provider said no.", request.query.get("error", "")[:60])
            )
        found = await self._provider.finish(flow, request.query["code"], request.query.get("iss", ""), now)
        if isinstance(found, NotSignedIn):
            self._sessions.failed(request.remote or "")
            return self._said(request, found)
        before = next((each for each in self._sessions.people.all if each.subject == found.key), None)
        person = self._sessions.file.change(lambda access: _known(access, found, self._clock.now_us()))
        if person is not None and person != before:
            states = person_told(before), person_told(person)
            await tell(self._admin, Permission.PEOPLE_CHANGE, CALLBACK, person, "oidc", now, states)
        if person is None or not person.can_sign_in:
            return self._said(request, NotSignedIn("That account may not sign in here any more."))
        self._sessions.sign_out(cookie(request, SESSION_COOKIE))
        answer = self._frame.render(request, "entered.html", {"name": person.name})
        set_cookie(request, answer, SESSION_COOKIE, self._sessions.begin(person, "oidc"))
        end_cookie(request, answer, STATE_COOKIE)
        return answer

    def _said(self, request: web.Request, why: NotSignedIn) -> web.StreamResponse:
        log.warning("a sign-in by the provider came to nothing", why=why.sentence, detail=why.detail)
        return self._refused(request, Denied(why.sentence))


def _known(access: Access, account: Account, now_us: int) -> tuple[Access, Person | None]:
    """Whose account it is, in the role that the operator gives it by now; somebody new the first time."""
    people = access.people
    person = next((each for each in people.all if each.subject == account.key), None)
    if person is None:
        if len(people.all) >= MOST_PEOPLE:
            return access, None
        name = _free_name(people, account.name)
        person = Person(fresh_id("pe_", now_us), name, account.role, now_us, subject=account.key)
    person = replace(person, role=account.role)
    return access.with_people(people.with_one(person)), person


def _free_name(people: People, wanted: str) -> str:
    """A sign-in name like *wanted* that nobody has."""
    name = _UNFIT.sub("-", wanted.casefold())[:56].lstrip("._@+-") or "account"
    number = 1
    while people.called(name if number == 1 else f"{name}-{number}") is not None:
        number += 1
    return name if number == 1 else f"{name}-{number}"
