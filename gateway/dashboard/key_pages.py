"""Keys for programs: whose they are, what they may, when they end; made and revoked by owners.

====================  ==============================================================
``/keys``             every key; a form for a new one
``/keys/add``         POST ``name``, ``days``, ``scopes`` (several): shows it, once
``/keys/ID/revoke``   POST
====================  ==============================================================
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.api_keys import MOST_DAYS, NEVER, ApiKey, MadeKey, made_key, revoked
from gateway.dashboard.filters import rfc3339
from gateway.dashboard.forms import several_of
from gateway.dashboard.frame import Frame
from gateway.dashboard.gatekeeping import signed_of
from gateway.dashboard.people import Unfit
from gateway.dashboard.people_file import Access, PeopleFile
from gateway.dashboard.permissions import ALLOWED, Permission
from gateway.dashboard.sessions import fresh_id
from gateway.dashboard.table_forms import Cells, add_table, listed, read_table, rows_in

USUAL_DAYS: Final = 90


_CELLS: Final[Cells] = {
    "id": lambda row: row[0].id,
    "name": lambda row: row[0].name,
    "begins_with": lambda row: row[0].shown,
    "person": lambda row: row[1],
    "scopes": lambda row: listed(row[3]),
    "state": lambda row: row[2],
    "until": lambda row: rfc3339(row[0].expires_us),
    "used": lambda row: rfc3339(row[0].used_us) if row[0].used_us else "",
}


class KeyPages:
    """The pages about keys; *frame* draws them."""

    def __init__(self, file: PeopleFile, frame: Frame, clock: Clock) -> None:
        """Read and change the keys of *file*."""
        self._file, self._frame, self._clock = file, frame, clock

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/keys", self._all)
        add_table(router, "/keys", _CELLS, self._rows)
        router.add_post("/keys/add", self._add)
        router.add_post("/keys/{id}/revoke", self._revoke)

    async def _rows(self, _request: web.Request) -> list[tuple[ApiKey, str, str, list[Permission]]]:
        access, now = self._file.read(), self._clock.now_us()
        rows = []
        for key in reversed(access.keys):
            person = access.people.of_id(key.person)
            state = key.state(now)
            if state == "runs" and (person is None or not person.can_sign_in):
                state = "its person may not sign in"
            rows.append((key, person.name if person else key.person, state, sorted(key.scopes)))
        return rows

    async def _all(
        self,
        request: web.Request,
        *,
        trouble: str = "",
        made: MadeKey | None = None,
        name: str = "",
        days: str = str(USUAL_DAYS),
        scopes: tuple[str, ...] = (),
    ) -> web.StreamResponse:
        signed = signed_of(request)
        may = ALLOWED[signed.person.role] - NEVER if signed else frozenset()
        rows, view = rows_in(await self._rows(request), _CELLS, read_table(request, _CELLS))
        status = 409 if trouble else 400 if view.mistakes else 200
        context = {
            "rows": rows,
            "view": view,
            "allowed": sorted(may),
            "trouble": trouble,
            "secret": made.secret if made else "",
            "made": made.key.name if made else "",
            "name": name,
            "days": days,
            "chosen": scopes,
            "most": MOST_DAYS,
        }
        return self._frame.render(request, "keys.html", context, status=status)

    async def _add(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        signed, now = signed_of(request), self._clock.now_us()
        if signed is None:
            raise web.HTTPForbidden
        name, days, scopes = form.get("name", ""), form.get("days", ""), await several_of(request, "scopes")
        wanted = int(days) if days.isascii() and days.isdecimal() and len(days) < 5 else 0

        def act(access: Access) -> tuple[Access, MadeKey | Unfit]:
            made = made_key(access.keys, fresh_id("ke_", now), name, signed.person, scopes, wanted, now)
            return (access, made) if isinstance(made, Unfit) else (access.with_key(made.key), made)

        made = self._file.change(act)
        if isinstance(made, Unfit):
            return await self._all(request, trouble=made.sentence, name=name, days=days, scopes=scopes)
        return await self._all(request, made=made)

    async def _revoke(self, request: web.Request) -> web.StreamResponse:
        await self._frame.form_of(request)
        id, now = request.match_info["id"], self._clock.now_us()

        def act(access: Access) -> tuple[Access, bool]:
            key = access.key(id)
            return (access, False) if key is None else (access.with_key(revoked(key, now)), True)

        if not self._file.change(act):
            raise web.HTTPNotFound
        raise web.HTTPSeeOther("/keys")
