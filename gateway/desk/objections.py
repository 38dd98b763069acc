"""The public form for objections, for people and for programs.

======================= ======================================================
GET  /.licet/objections the form; ``?url=`` fills in the page
POST /.licet/objections the form, or the same members as JSON; 201 with the id
GET  …/ID               how far it is, for whoever knows the id
======================= ======================================================

Paced by network and bounded in number. Who objects is never told back, not even
to somebody who knows the id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import uuid_utils
from aiohttp import web

from gateway.clock import Clock
from gateway.desk.call import READ, WRITE, About, Call, Group, Route, read_at
from gateway.desk.metadata import PREFIX, issuer_of
from gateway.desk.objection_page import TRAP, form_page, state_page
from gateway.desk.pacing import Limits, network, own_limit
from gateway.desk.reading import FORM, JSON, read_members
from gateway.desk.replies import json_reply, page
from gateway.languages import later, tr
from gateway.licenses.hearing import Hearing
from gateway.licenses.objection import FIELDS, Objection, Role, read_objection
from gateway.paper import FORM_SECURITY
from gateway.problems import Problem, Refusal

OBJECTIONS: Final = f"{PREFIX}/objections"
_TITLE: Final = later("Object to a page being licensed")
_HEADERS: Final = {"Content-Security-Policy": FORM_SECURITY}
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": list(FIELDS),
    "properties": {
        name: {"enum": list(Role)}
        if name == "role"
        else {"type": "string", "minLength": 1, "maxLength": longest}
        for name, longest in FIELDS.items()
    },
}
_STATE: Final = {JSON: {"type": "object", "required": ["objection", "state", "page"]}, "text/html": {}}
_ABOUT: Final = {
    "GET": About("A form for whoever is shown in a page, made it or holds rights in it.", asks={"url": {"type": "string"}}, gives={"text/html": {}}),
    "POST": About("Object to a page being licensed.", takes={JSON: _SCHEMA, FORM: _SCHEMA}, gives=_STATE, status=201),
}  # fmt: skip


class ObjectionDesk:
    """Takes objections in, and says how far they are."""

    def __init__(self, hearing: Hearing, clock: Clock, limits: Limits = own_limit) -> None:
        """Hand them to *hearing*; of *limits* is that of each network, 5 at once and one in ten minutes."""
        self._hearing, self._clock = hearing, clock
        self._pace = limits("objections", 1 / 600, 5)

    def group(self) -> Group:
        """Its addresses."""
        state = About("How far an objection is.", gives=_STATE, rest=("id", {"type": "string"}))
        return {
            OBJECTIONS: Route((*READ[:2], *WRITE), self._form, about=_ABOUT),
            f"{OBJECTIONS}/*": read_at(self._state, state),
        }

    async def _form(self, call: Call) -> web.StreamResponse | Refusal:
        if call.request.method != "POST":
            url = call.request.query.get("url", "")[: FIELDS["url"]]
            return _shown(call, {"url": url})
        by_form, members = call.request.content_type == FORM, await read_members(call.request)
        if isinstance(members, Refusal):
            return members
        taken = await self._taken(call, members)
        if isinstance(taken, Refusal):
            given = {name: value for name, value in members.items() if isinstance(value, str)}
            return _shown(call, given, taken) if by_form else taken
        headers = {"Location": f"{issuer_of(call.origin)}/objections/{taken.id}"}
        if by_form:
            body_ = state_page(taken, call.origin)
            return page(tr("Your objection has arrived"), body_, status=201, headers={**_HEADERS, **headers})
        return json_reply(_told(taken), status=201, headers=headers)

    async def _taken(self, call: Call, members: Mapping[str, object]) -> Objection | Refusal:
        now_us = self._clock.now_us()
        now = now_us // 1_000_000
        if members.get(TRAP):
            return Refusal(Problem.PROPOSAL_INVALID, f"Of the objection, {TRAP} must stay empty.")
        read = read_objection(
            {name: value for name, value in members.items() if name != TRAP},
            id=f"ob_{uuid_utils.uuid4().hex}",
            site=call.policy.site.id,
            origin=call.origin,
            now=now,
        )
        if isinstance(read, Refusal):
            return read
        # Paced once it can be read: whoever corrects a form is not turned away for it.
        wait = self._pace.wait(network(call.address), now_us)
        if wait:
            return Refusal(Problem.TOO_FAST, "Too many objections come from this network.", retry_after=wait)
        objection, objector = read
        return await self._hearing.take_in(objection, objector, now, hold=call.policy.redress.hold)

    async def _state(self, call: Call) -> web.StreamResponse | Refusal:
        found = await self._hearing.store.get(call.rest)
        if found is None or found.site != call.policy.site.id:
            return Refusal(Problem.NOT_FOUND, "There is no objection of that id here.")
        if call.wants_page:
            return page(tr("Your objection"), state_page(found, call.origin))
        return json_reply(_told(found))


def _shown(call: Call, given: Mapping[str, str], refusal: Refusal | None = None) -> web.Response:
    site = call.policy.site
    body = form_page(given, site.name or site.id, refusal.detail if refusal else "")
    headers = dict(_HEADERS)
    if refusal is not None and refusal.retry_after:
        headers["Retry-After"] = str(refusal.retry_after)
    return page(tr(_TITLE), body, status=refusal.status if refusal else 200, headers=headers)


def _told(objection: Objection) -> dict[str, object]:
    return {
        "objection": objection.id,
        "page": objection.path,
        "state": str(objection.state),
        "at": objection.at,
        "decided_at": objection.decided_at,
        "answer": objection.answer,
    }
