"""People and their roles, one's own account, and what administrators did.

=========================  ====================================================
``/account``               who I am; my password; my sessions
``/account/password``      POST ``old``, ``password``, ``again``
``/people``                everybody, and a form for somebody new
``/people/add``            POST ``name``, ``role``: shows an invitation link, once
``/people/ID/role``        POST ``role``
``/people/ID/disable``     POST; ``enable`` and ``remove`` likewise
``/people/ID/reset``       POST: a link for a new password, shown once
``/admin``                 the log of administration, from the journal
=========================  ====================================================

A link is shown on the page that made it and stands in no address, log or note.
What somebody may no longer do, it may no longer do with the next request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.admin_log import AdminLog, Noted
from gateway.dashboard.cookies import SESSION_COOKIE, cookie, set_cookie
from gateway.dashboard.filters import rfc3339
from gateway.dashboard.frame import Frame
from gateway.dashboard.gatekeeping import signed_of
from gateway.dashboard.people import (
    INVITATION_US,
    People,
    Person,
    Unfit,
    disabled,
    enabled,
    in_role,
    invited,
    removed,
    with_link,
)
from gateway.dashboard.people_file import Access
from gateway.dashboard.permissions import ALLOWED, Permission, Role
from gateway.dashboard.saved_views import SavedViews
from gateway.dashboard.sessions import SHORTEST_PASSWORD, Denied, Sessions, fresh_id
from gateway.dashboard.table_forms import Cells, Keyed, add_table, read_table, rows_in

#: What each role is, in one line.
MEANINGS: Final = {
    Role.OWNER: "everything, floors included",
    Role.OPERATOR: "decides day to day: deals, licenses, duties, bills, consent; sees client addresses",
    Role.VIEWER: "reads; changes nothing, sees no address and no floor",
    Role.AUDITOR: "reads evidence alone: the log, duties, audits, papers, administration",
}
_DONE: Final = {
    "role": "The role was changed. It counts from the next request on.",
    "disable": "Disabled, and signed out everywhere.",
    "enable": "May sign in again, with the password of before.",
    "remove": "Removed. What was done under that name stays in the log.",
    "password": "Your password was changed. Every other session of yours has ended.",
}


_CELLS: Final[Cells] = {
    "id": lambda row: row[0].id,
    "name": lambda row: row[0].name,
    "role": lambda row: str(row[0].role),
    "state": lambda row: row[2],
    "sessions": lambda row: row[1],
}
_NOTE_CELLS: Final[Cells] = {
    "seq": lambda row: row[0].seq,
    "time": lambda row: rfc3339(row[0].note.time_us),
    "who": lambda row: row[1],
    "role": lambda row: row[0].note.role,
    "way": lambda row: row[0].note.way,
    "act": lambda row: row[0].note.act,
    "subject": lambda row: row[0].note.subject,
    "before": lambda row: row[0].note.before,
    "after": lambda row: row[0].note.after,
    "record": lambda row: row[0].note.id,
}


class AccessPages:
    """The pages about who may come in; *frame* draws them."""

    def __init__(
        self,
        sessions: Sessions,
        admin: AdminLog | None,
        frame: Frame,
        clock: Clock,
        views: SavedViews | None = None,
    ) -> None:
        """Read and change the people of *sessions*; whose *views* go with them."""
        self._views = views
        self._sessions, self._admin, self._frame, self._clock = sessions, admin, frame, clock
        self._notes = Keyed(self._behind, lambda row: str(row[0].seq))

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/account", self._account)
        router.add_post("/account/password", self._password)
        router.add_get("/people", self._people)
        add_table(router, "/people", _CELLS, self._rows)
        router.add_post("/people/add", self._add)
        router.add_post("/people/{id}/role", self._acted("role", self._role))
        router.add_post("/people/{id}/disable", self._acted("disable", self._disable))
        router.add_post("/people/{id}/enable", self._acted("enable", self._enable))
        router.add_post("/people/{id}/remove", self._acted("remove", self._remove))
        router.add_post("/people/{id}/reset", self._reset)
        if self._admin is not None:
            router.add_get("/admin", self._administration)
            add_table(router, "/admin", _NOTE_CELLS, self._notes)

    async def _account(self, request: web.Request, *, wrong: Denied | None = None) -> web.StreamResponse:
        signed = signed_of(request)
        if signed is None:
            raise web.HTTPForbidden
        context = {
            "person": signed.person,
            "meaning": MEANINGS[signed.person.role],
            "allowed": sorted(ALLOWED[signed.person.role] - {Permission.SELF}),
            "sessions": self._sessions.sessions_of(signed.person.id),
            "wrong": wrong.sentence if wrong else "",
            "shortest": SHORTEST_PASSWORD,
            "said": _DONE.get(request.query.get("done", ""), ""),
        }
        return self._frame.render(request, "account.html", context, status=403 if wrong else 200)

    async def _password(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        if form.get("password", "") != form.get("again"):
            return await self._account(request, wrong=Denied("The two new passwords differ."))
        begun = await self._sessions.change_password(
            cookie(request, SESSION_COOKIE),
            form.get("old", ""),
            form.get("password", ""),
            request.remote or "",
        )
        if isinstance(begun, Denied):
            return await self._account(request, wrong=begun)
        answer = web.Response(status=303, headers={"Location": "/account?done=password"})
        set_cookie(request, answer, SESSION_COOKIE, begun)
        return answer

    async def _people(
        self,
        request: web.Request,
        *,
        trouble: str = "",
        name: str = "",
        role: str = "",
        link: str = "",
        whose: str = "",
    ) -> web.StreamResponse:
        rows, view = rows_in(await self._rows(request), _CELLS, read_table(request, _CELLS))
        status = 409 if trouble else 400 if view.mistakes else 200
        context = {
            "rows": rows,
            "view": view,
            "roles": [(each, MEANINGS[each]) for each in Role],
            "trouble": trouble,
            "name": name,
            "role": role or Role.VIEWER,
            "link": link,
            "whose": whose,
            "hours": INVITATION_US // 3_600_000_000,
            "said": _DONE.get(request.query.get("done", ""), ""),
        }
        return self._frame.render(request, "people.html", context, status=status)

    async def _rows(self, _request: web.Request) -> list[tuple[Person, int, str]]:
        every = self._sessions.people.all
        return [(each, self._sessions.sessions_of(each.id), self._state(each)) for each in every]

    def _state(self, person: Person) -> str:
        now = self._clock.now_us()
        if person.disabled_us:
            return "disabled"
        waiting = person.link_sha256 and now < person.link_until_us
        if person.invited:
            return "invited" if waiting else "invitation expired"
        return "can sign in; a new link waits" if waiting else "can sign in"

    async def _add(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        name, role = form.get("name", ""), form.get("role", "")
        if role not in set(Role):
            return await self._people(request, trouble="Choose a role.", name=name)
        now, token = self._clock.now_us(), Sessions.fresh_name()

        def act(access: Access) -> tuple[Access, Person | Unfit]:
            person = invited(access.people, fresh_id("pe_", now), name, Role(role), now)
            if isinstance(person, Unfit):
                return access, person
            person = with_link(person, token, now + INVITATION_US)
            return access.with_people(access.people.with_one(person)), person

        made = self._sessions.file.change(act)
        if isinstance(made, Unfit):
            return await self._people(request, trouble=made.sentence, name=name, role=role)
        return await self._people(request, link=_link(request, token), whose=made.name)

    async def _reset(self, request: web.Request) -> web.StreamResponse:
        await self._frame.form_of(request)
        token, until = Sessions.fresh_name(), self._clock.now_us() + INVITATION_US

        def act(access: Access) -> tuple[Access, Person | None]:
            person = access.people.of_id(request.match_info["id"])
            if person is None or person.disabled_us:
                return access, None
            return access.with_people(access.people.with_one(with_link(person, token, until))), person

        person = self._sessions.file.change(act)
        if person is None:
            raise web.HTTPNotFound
        return await self._people(request, link=_link(request, token), whose=person.name)

    def _role(self, people: People, person: Person, form: dict[str, str]) -> People | Unfit:
        if form.get("role") not in set(Role):
            return Unfit("Choose a role.")
        return _with(people, in_role(people, person, Role(form["role"])))

    def _disable(self, people: People, person: Person, _form: dict[str, str]) -> People | Unfit:
        return _with(people, disabled(people, person, self._clock.now_us()))

    def _enable(self, people: People, person: Person, _form: dict[str, str]) -> People | Unfit:
        return _with(people, enabled(person))

    def _remove(self, people: People, person: Person, _form: dict[str, str]) -> People | Unfit:
        return removed(people, person)

    async def _forget_views(self, id: str) -> None:
        """Forget the views of somebody who can be removed, first: with a store that is down nobody goes."""
        people = self._sessions.file.read().people
        person = people.of_id(id)
        if self._views is not None and person is not None and not isinstance(removed(people, person), Unfit):
            await self._views.forget(id)

    def _acted(
        self, name: str, change: Callable[[People, Person, dict[str, str]], People | Unfit]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            form = dict(await self._frame.form_of(request))

            def act(access: Access) -> tuple[Access, Person | Unfit | None]:
                person = access.people.of_id(request.match_info["id"])
                if person is None:
                    return access, None
                found = change(access.people, person, form)
                return (access, found) if isinstance(found, Unfit) else (access.with_people(found), person)

            if name == "remove":
                await self._forget_views(request.match_info["id"])
            done = self._sessions.file.change(act)
            if done is None:
                raise web.HTTPNotFound
            if isinstance(done, Unfit):
                return await self._people(request, trouble=done.sentence)
            if name in {"disable", "remove"}:
                self._sessions.sign_out_everywhere(done.id)
            raise web.HTTPSeeOther(f"/people?done={name}")

        return answer

    async def _behind(self, _request: web.Request, after: str, most: int) -> list[tuple[Noted, str]] | None:
        if self._admin is None:
            raise web.HTTPNotFound
        if not (after == "" or (after.isascii() and after.isdecimal() and len(after) <= 18)):
            return None
        found = await self._admin.notes.latest(int(after or "0"), most)
        return [(each, _who(self._sessions.people, each.note.by)) for each in found]

    async def _administration(self, request: web.Request) -> web.StreamResponse:
        rows, view = await self._notes.page(request, _NOTE_CELLS)
        context = {"rows": rows, "view": view}
        return self._frame.render(request, "admin.html", context, status=400 if view.mistakes else 200)


def _with(people: People, person: Person | Unfit) -> People | Unfit:
    return person if isinstance(person, Unfit) else people.with_one(person)


def _who(people: People, id: str) -> str:
    person = people.of_id(id)
    return person.name if person else id or "this machine"


def _link(request: web.Request, token: str) -> str:
    # The address as the browser of whoever invites reached it; nobody else can know it better.
    return str(request.url.origin().with_path("/sign-in").with_query(token=token))
