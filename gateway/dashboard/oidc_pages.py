"""Signing in by an account elsewhere: away, and back.

============================  ==================================================
``/sign-in/oidc``             sends the browser to the provider; POST first keeps
                              the form that was being written (`carried`)
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
from gateway.dashboard.carried import NOTHING, Carried, Held
from gateway.dashboard.cookies import FORM_COOKIE, SESSION_COOKIE, cookie, end_cookie, set_cookie
from gateway.dashboard.forms import fields_of, held_of
from gateway.dashboard.frame import Frame
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
        refused: Callable[[web.Request, Denied, Held], web.StreamResponse], admin: AdminLog | None,
    ) -> None:  # fmt: skip
        """Let in whom *provider* vouches for, as people of *sessions*; who is new or gets another role is noted."""
        self._provider, self._sessions, self._frame, self._clock = provider, sessions, frame, clock
        self._refused, self._flows, self._admin = refused, Flows(), admin
        self._carried = Carried()

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/sign-in/oidc", self._away)
        router.add_post("/sign-in/oidc", self._leaving)
        router.add_get(CALLBACK, self._back)

    async def _leaving(self, request: web.Request) -> web.StreamResponse:
        # A form must not be sent on to another origin (CSP form-action), so the browser goes on by itself.
        held, browser = await held_of(request), cookie(request, FORM_COOKIE)
        if not self._sessions.form_holds(browser, (await fields_of(request)).get("form", "")):
            return self._refused(request, Denied("The form was too old. Please try again."), held)
        if held[0] and not self._carried.keep(browser, held, self._clock.now_us()):
            too_much = "What you typed cannot be kept while you sign in elsewhere; sign in here, or copy it."
            return self._refused(request, Denied(too_much), held)
        return self._frame.render(request, "leaving.html", {})

    async def _away(self, request: web.Request) -> web.StreamResponse:
        now = self._clock.now_us()
        held = self._carried.take(cookie(request, FORM_COOKIE), now)
        wait = self._sessions.wait(request.remote or "")
        if wait:
            return self._refused(request, wait, held)
        begun = await self._provider.begin(place_of(request).origin + CALLBACK, now)
        if isinstance(begun, NotSignedIn):
            return self._said(request, begun, held)
        url, state, flow = begun
        self._flows.keep(state, flow, now)
        if held[0]:
            # The strict cookie does not come back from there; the lax one does.
            self._carried.keep(state, held, now)
        answer = web.Response(status=303, headers={"Location": url})
        set_cookie(request, answer, STATE_COOKIE, state, samesite="Lax")
        return answer

    async def _back(self, request: web.Request) -> web.StreamResponse:
        state, now = request.query.get("state", ""), self._clock.now_us()
        ours = bool(state) and state == cookie(request, STATE_COOKIE)
        flow = self._flows.take(state, now) if ours else None
        held = self._carried.take(state, now) if ours else NOTHING
        if flow is None:
            return self._said(
                request, NotSignedIn("That sign-in was not begun here, or took too long."), held
            )
        if "error" in request.query or not request.query.get("code"):
            said = NotSignedIn("The provider said no.", request.query.get("error", "")[:60])
            return self._said(request, said, held)
        found = await self._provider.finish(flow, request.query["code"], request.query.get("iss", ""), now)
        if isinstance(found, NotSignedIn):
            self._sessions.failed(request.remote or "")
            return self._said(request, found, held)
        person = await self._vouched(found, now)
        if person is None or not person.can_sign_in:
            return self._said(request, NotSignedIn("That account may not sign in here any more."), held)
        return self._entered(request, person, held)

    async def _vouched(self, account: Account, now: int) -> Person | None:
        """Who it is here, whose role the operator gives; what that changes is noted."""
        before = next((each for each in self._sessions.people.all if each.subject == account.key), None)
        person = self._sessions.file.change(lambda access: _known(access, account, now))
        if person is not None and person != before:
            states = person_told(before), person_told(person)
            await tell(self._admin, Permission.PEOPLE_CHANGE, CALLBACK, person, "oidc", now, states)
        return person

    def _entered(self, request: web.Request, person: Person, held: Held) -> web.StreamResponse:
        self._sessions.sign_out(cookie(request, SESSION_COOKIE))
        begun = self._sessions.begin(person, "oidc")
        if held[0]:
            context = {"held": held, "form": self._sessions.form_token(begun)}
            answer = self._frame.render(request, "held.html", context)
        else:
            answer = self._frame.render(request, "entered.html", {"name": person.name})
        set_cookie(request, answer, SESSION_COOKIE, begun)
        end_cookie(request, answer, STATE_COOKIE)
        return answer

    def _said(self, request: web.Request, why: NotSignedIn, held: Held) -> web.StreamResponse:
        log.warning("a sign-in by the provider came to nothing", why=why.sentence, detail=why.detail)
        return self._refused(request, Denied(why.sentence), held)


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
