"""People who were taken for machines: ``/.licet/person``, without an account, a script or a cookie.

======================= ======================================================
GET  /.licet/person     what to do; ``?request=`` and ``?path=`` come from the
                        page that refused
POST /.licet/person     tell the owner: the form, or the same members as JSON
======================= ======================================================

Kept are the number of the request, the path, what was typed, and the network
that it was reported from, cut to a /24 or /64. Paced by network.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any, Final

import uuid_utils
from aiohttp import web

from gateway.clock import Clock
from gateway.desk.call import READ, WRITE, About, Call, Group, Route
from gateway.desk.metadata import PREFIX
from gateway.desk.pacing import Limits, network, own_limit
from gateway.desk.reading import FORM, JSON, read_members
from gateway.desk.replies import form_page, json_reply
from gateway.languages import tr
from gateway.paper import link, reached
from gateway.paths import Ambiguous, canonical
from gateway.problems import Problem, Refusal
from gateway.visitors.person_reports import LONGEST_NOTE, PersonReport, PersonReports

PERSON: Final = f"{PREFIX}/person"
_TRAP: Final = "website"
_REQUEST: Final = re.compile(r"(urn:uuid:)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_TEXT: Final = {"type": "string"}
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["request"],
    "properties": {"request": _TEXT, "path": _TEXT, "note": {**_TEXT, "maxLength": LONGEST_NOTE}},
}
_ABOUT: Final = {
    "GET": About("For people who were taken for a machine.", asks={"request": _TEXT, "path": _TEXT}, gives={"text/html": {}}),
    "POST": About(
        "Tell the owner of this site that a person was refused.", takes={JSON: _SCHEMA, FORM: _SCHEMA},
        gives={JSON: {"type": "object", "required": ["report"]}, "text/html": {}}, status=201,
    ),
}  # fmt: skip


class PersonDesk:
    """Takes reports in."""

    def __init__(self, reports: PersonReports, clock: Clock, limits: Limits = own_limit) -> None:
        """Keep them in *reports*; of *limits* is that of each network, 5 at once and one in ten minutes."""
        self._reports, self._clock = reports, clock
        self._pace = limits("reports", 1 / 600, 5)

    def group(self) -> Group:
        """Its address."""
        return {PERSON: Route((*READ[:2], *WRITE), self._answer, about=_ABOUT)}

    async def _answer(self, call: Call) -> web.StreamResponse | Refusal:
        if call.request.method != "POST":
            query = call.request.rel_url.query
            return _shown(call, _request(query.get("request", "")), _path(query.get("path", "")), "")
        by_form, sent = call.request.content_type == FORM, await read_members(call.request)
        if isinstance(sent, Refusal):
            return sent
        request, path = _request(str(sent.get("request", ""))), _path(str(sent.get("path", "")))
        note = " ".join(str(sent.get("note", "")).split())[:LONGEST_NOTE]
        kept = await self._kept(call, request, path, note, trapped=bool(sent.get(_TRAP)))
        if isinstance(kept, Refusal):
            return _shown(call, request, path, note, kept) if by_form else kept
        if not by_form:
            return json_reply({"report": kept.id}, status=201)
        body = (
            f"<p>{tr('Thank you. The owner of this site reads it and can let everybody in who was refused for the same reason.')}</p>\n"
            + _again(path)
        )
        return form_page(tr("Your report has arrived"), body, status=201)

    async def _kept(
        self, call: Call, request: str, path: str, note: str, *, trapped: bool
    ) -> PersonReport | Refusal:
        if not request or trapped:
            return Refusal(
                Problem.FORM_INVALID, "The number is the one that stands on the page that refused you."
            )
        now_us = self._clock.now_us()
        wait = self._pace.wait(network(call.address), now_us)
        if wait:
            return Refusal(Problem.TOO_FAST, "Too many reports come from this network.", retry_after=wait)
        report = PersonReport(
            f"pr_{uuid_utils.uuid4().hex}", call.policy.site.id, now_us // 1_000_000, request, path,
            network(call.address), note,
        )  # fmt: skip
        if not await self._reports.add(report):
            return Refusal(Problem.TOO_FAST, "Too many reports wait already.", retry_after=86_400)
        return report


def _request(text: str) -> str:
    """The id of the request that *text* tells, or "" where it tells none."""
    said = text.strip().lower()
    return said.removeprefix("urn:uuid:") if _REQUEST.fullmatch(said) else ""


def _path(text: str) -> str:
    """*text* as a path of this site, without a query; "/" where it is none: no link leads anywhere else."""
    path = text.partition("?")[0].partition("#")[0]
    if not path.startswith("/") or path.startswith("//") or len(path) > 1000:
        return "/"
    found = canonical(path)
    return "/" if isinstance(found, Ambiguous) or found.startswith("//") else path


def _again(path: str) -> str:
    return f"<p>{link(path, tr('Try the page again'))}</p>\n"


def _shown(call: Call, request: str, path: str, note: str, refusal: Refusal | None = None) -> web.Response:
    site = call.policy.site
    contact = (
        f"<p>{tr('Or write to {contact}.').format(contact=reached(site.contact))}</p>\n"
        if site.contact
        else ""
    )
    alert = (
        f'<p class="wrong" role="alert">{escape(refusal.detail)} {tr("Nothing that you typed was lost.")}</p>\n'
        if refusal
        else ""
    )
    body = (
        f"<p>{tr('People read here for free, without an account. If you were refused, we took you for a machine, and that is our mistake.')}</p>\n"
        f"{_again(path)}{alert}"
        f'<form method="post" action="{PERSON}">\n<input type="hidden" name="path" value="{escape(path)}">\n'
        f'<label for="request">{tr("Number on the page that refused you")}</label>\n'
        f'<input type="text" id="request" name="request" value="{escape(request)}" maxlength="60" required autocomplete="off">\n'
        f'<label for="note">{tr("Anything that helps us, if you like")}</label>\n'
        f'<textarea id="note" name="note" maxlength="{LONGEST_NOTE}">{escape(note)}</textarea>\n'
        f'<p class="trap" aria-hidden="true"><label for="{_TRAP}">{tr("Leave this empty")}</label>'
        f'<input type="text" id="{_TRAP}" name="{_TRAP}" tabindex="-1" autocomplete="off"></p>\n'
        f"<button>{tr('Tell the owner')}</button>\n</form>\n{contact}"
        f'<p class="quiet">{tr("Kept are the number, the page, what you typed, and the network that you come from without its last part. No cookie is set, and nothing else about you is kept.")}</p>\n'
    )
    headers = {"Retry-After": str(refusal.retry_after)} if refusal and refusal.retry_after else None
    return form_page(
        tr("Were you taken for a machine?"),
        body,
        status=refusal.status if refusal else 200,
        headers=headers,
        choice=refusal is None,
    )
