"""Passkeys of one's own account, and signing in with one. These pages need JavaScript, and say so.

===============================  =====================================================
``/account/passkeys``            mine; a button for a new one
``/account/passkeys.csv`` …      the same, without what a device proves by
``/account/passkeys/options``    POST: what the browser is to be asked, as JSON
``/account/passkeys/add``        POST ``answer``, ``name``
``/account/passkeys/only``       POST ``only=yes|no``: whether a password alone opens
``/account/passkeys/ID/remove``  POST
``/sign-in/passkey/options``     POST: the same for signing in; needs no session
``/sign-in/passkey``             POST ``answer``
===============================  =====================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard import guards
from gateway.dashboard.carried import Held
from gateway.dashboard.cookies import FORM_COOKIE, SESSION_COOKIE, cookie
from gateway.dashboard.deal_pages import Frame
from gateway.dashboard.filters import rfc3339
from gateway.dashboard.forms import fields_of, held_of
from gateway.dashboard.gatekeeping import signed_of
from gateway.dashboard.passkeys import (
    MOST_PASSKEYS,
    Challenges,
    Place,
    available,
    creation_options,
    made,
    proven,
    request_options,
)
from gateway.dashboard.people import Passkey, Person
from gateway.dashboard.people_file import Access
from gateway.dashboard.sessions import Denied, Sessions
from gateway.dashboard.table_forms import Cells, add_table

_CELLS: Final[Cells] = {
    "name": lambda row: row.name,
    "host": lambda row: row.host,
    "since": lambda row: rfc3339(row.made_us),
}


class PasskeyPages:
    """The pages of passkeys; *frame* draws them, *entered* answers whoever has signed in with one."""

    def __init__(
        self,
        sessions: Sessions,
        frame: Frame,
        clock: Clock,
        entered: Callable[[web.Request, str, Held], web.StreamResponse],
        refused: Callable[[web.Request, Denied, Held], web.StreamResponse],
    ) -> None:
        """Keep passkeys with the people of *sessions*; *refused* shows the sign-in page with why not."""
        self._sessions, self._frame, self._clock = sessions, frame, clock
        self._entered, self._refused, self._challenges = entered, refused, Challenges()

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*, where the library is there."""
        router.add_get("/account/passkeys", self._mine)
        add_table(router, "/account/passkeys", _CELLS, self._rows)
        router.add_post("/account/passkeys/options", self._creation)
        router.add_post("/account/passkeys/add", self._add)
        router.add_post("/account/passkeys/only", self._only)
        router.add_post("/account/passkeys/{id}/remove", self._remove)
        router.add_post("/sign-in/passkey/options", self._request)
        router.add_post("/sign-in/passkey", self._sign_in)

    def _me(self, request: web.Request) -> Person:
        signed = signed_of(request)
        if signed is None:
            raise web.HTTPForbidden
        return signed.person

    async def _rows(self, request: web.Request) -> tuple[Passkey, ...]:
        return self._me(request).passkeys

    async def _mine(self, request: web.Request, *, trouble: str = "") -> web.StreamResponse:
        person, place = self._me(request), place_of(request)
        context = {
            "passkeys": person.passkeys,
            "only": person.passkey_only,
            "place": place,
            "fit": place.fit,
            "available": available(),
            "full": len(person.passkeys) >= MOST_PASSKEYS,
            "trouble": trouble,
        }
        return self._frame.render(request, "passkeys.html", context, status=409 if trouble else 200)

    async def _creation(self, request: web.Request) -> web.StreamResponse:
        await self._frame.form_of(request)
        self._be_there()
        options, challenge = creation_options(self._me(request), place_of(request))
        self._challenges.keep(cookie(request, SESSION_COOKIE), challenge, self._clock.now_us())
        return web.Response(text=options, content_type="application/json")

    async def _add(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        self._be_there()
        person, now = self._me(request), self._clock.now_us()
        challenge = self._challenges.take(cookie(request, SESSION_COOKIE), now)
        name = " ".join(form.get("name", "").split())[:60] or "passkey"
        found = made(form.get("answer", ""), challenge, place_of(request), name, now) if challenge else None
        if found is None:
            return await self._mine(
                request, trouble="The browser's answer proves no passkey. Please try again."
            )

        def act(access: Access) -> tuple[Access, bool]:
            mine = access.people.of_id(person.id)
            taken = any(each.passkey(found.id) for each in access.people.all)
            if mine is None or taken or len(mine.passkeys) >= MOST_PASSKEYS:
                return access, False
            return access.with_people(access.people.with_one(mine.with_passkey(found))), True

        if not self._sessions.file.change(act):
            return await self._mine(request, trouble="That passkey is here already, or there are too many.")
        raise web.HTTPSeeOther("/account/passkeys")

    async def _only(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        person, only = self._me(request), form.get("only") == "yes"

        def act(access: Access) -> tuple[Access, bool]:
            mine = access.people.of_id(person.id)
            if mine is None or (only and not mine.passkeys):
                return access, False
            return access.with_people(access.people.with_one(replace(mine, passkey_only=only))), True

        if not self._sessions.file.change(act):
            return await self._mine(request, trouble="Add a passkey first.")
        raise web.HTTPSeeOther("/account/passkeys")

    async def _remove(self, request: web.Request) -> web.StreamResponse:
        await self._frame.form_of(request)
        person, id = self._me(request), request.match_info["id"]

        def act(access: Access) -> tuple[Access, str]:
            mine = access.people.of_id(person.id)
            if mine is None or mine.passkey(id) is None:
                raise web.HTTPNotFound
            kept = tuple(each for each in mine.passkeys if each.id != id)
            # Without any, the password opens again: nobody locks itself out here.
            left = replace(mine, passkeys=kept, passkey_only=mine.passkey_only and bool(kept))
            if not left.can_sign_in:
                return access, "This is your only way in: set a password first."
            return access.with_people(access.people.with_one(left)), ""

        trouble = self._sessions.file.change(act)
        if trouble:
            return await self._mine(request, trouble=trouble)
        raise web.HTTPSeeOther("/account/passkeys")

    async def _request(self, request: web.Request) -> web.StreamResponse:
        await self._form_of_sign_in(request)
        self._be_there()
        options, challenge = request_options(place_of(request))
        self._challenges.keep(cookie(request, FORM_COOKIE), challenge, self._clock.now_us())
        return web.Response(text=options, content_type="application/json")

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        form, held = await self._form_of_sign_in(request), await held_of(request)
        self._be_there()
        wait = self._sessions.wait(request.remote or "")
        if wait:
            return self._refused(request, wait, held)
        challenge = self._challenges.take(cookie(request, FORM_COOKIE), self._clock.now_us())
        people = self._sessions.people.all
        found = proven(form.get("answer", ""), challenge, place_of(request), people) if challenge else None
        if found is None or not found[0].can_sign_in:
            self._sessions.failed(request.remote or "")
            return self._refused(request, Denied("That passkey opens nothing here."), held)
        person = self._sessions.file.change(lambda access: _counted(access, *found))
        if person is None:
            return self._refused(request, Denied("That passkey opens nothing here."), held)
        return self._entered(request, self._sessions.begin(person, "passkey"), held)

    async def _form_of_sign_in(self, request: web.Request) -> dict[str, str]:
        sent = await fields_of(request)
        if not self._sessions.form_holds(cookie(request, FORM_COOKIE), sent.get("form", "")):
            raise web.HTTPForbidden
        return sent

    def _be_there(self) -> None:
        if not available():
            raise web.HTTPNotFound


def place_of(request: web.Request) -> Place:
    """Where the pages are as the browser that sent *request* sees them."""
    host = request.headers.get("Host", "")
    return Place(
        guards.host_name(host), f"{'https' if guards.is_https(request) else 'http'}://{host.lower()}"
    )


def _counted(access: Access, person: Person, passkey: Passkey) -> tuple[Access, Person | None]:
    """Keep the counter of a passkey that was just proven, if it still is one."""
    standing = access.people.of_id(person.id)
    if standing is None or standing.passkey(passkey.id) is None or not standing.can_sign_in:
        return access, None
    standing = standing.with_passkey(passkey)
    return access.with_people(access.people.with_one(standing)), standing
