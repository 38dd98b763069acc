"""What a licensee has to hand in, and where: duties, reports and audits of the client's own licensee.

============================ ==================================================
GET, POST …/duties           all of them, and the licenses that are suspended
GET, POST …/duties/ID        one; `ETag`, `If-None-Match`
POST …/duties/ID/evidence    hand in a document: JSON, PDF or text of at most
                             1 MiB, named by ``?name=``; a proof of insurance
                             says in ``?holds_until=2027-06-30`` how long it holds
POST …/reports               hand in the transparency report of a period
GET …/reports                those handed in, and what each makes due
GET, POST …/audits, …/ID     audits, step by step
POST …/audits/ID/scope       agree to what is looked at
============================ ==================================================

Whoever changes something says in ``If-Match`` which version it read: without it
428, with another one 409. The same document again is the same act. A client logs
in as for negotiations; one that cannot do so by a header sends a document in an
envelope (`duty_schemas.ENVELOPE`). Nothing that was handed in is served again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

import structlog
from aiohttp import web

from gateway.clock import Clock
from gateway.desk.bargains import Place
from gateway.desk.call import WRITE, Call, Group, Route
from gateway.desk.clients import Clients
from gateway.desk.duty_documents import audit_document, duty_document, report_document
from gateway.desk.duty_schemas import ABOUT, ENVELOPE
from gateway.desk.metadata import PREFIX
from gateway.desk.negotiations import came_in, version_in
from gateway.desk.reading import JSON, read_body, read_json
from gateway.desk.replies import json_reply, nothing
from gateway.licenses.audit_cases import AuditCase, AuditScope, scope_agreed
from gateway.licenses.duties import Audits, KeptReport, plan_what_is_not
from gateway.licenses.duty_book import DutyBook
from gateway.licenses.duty_events import audit_event
from gateway.licenses.evidence_shelf import LARGEST, TAKEN, evidence_of
from gateway.licenses.obligations import Evidence, Kind, Obligation
from gateway.licenses.output_review import read_samples
from gateway.licenses.transparency import read_report
from gateway.problems import Problem, Refusal

_log = structlog.get_logger("licet.desk")
#: An envelope holds base64 of the document, and a little around it.
_LARGEST_ENVELOPE: Final = LARGEST * 4 // 3 + 8192
_IN_ENVELOPE: Final = ("document", "media_type", "name", "holds_until")
_HERE: Final = ("GET", "HEAD", *WRITE)


class DutyDesk:
    """Answers clients of the licensee, and nobody else."""

    def __init__(self, book: DutyBook, audits: Audits, clock: Clock) -> None:
        """Act by *book*; *audits* are those of the same licenses."""
        self._book, self._audits, self._clock = book, audits, clock

    def group(self, clients: Clients) -> Group:
        """Its addresses, for *clients*."""
        self._clients = clients
        return {
            f"{PREFIX}/duties": Route(_HERE, self._all, about=ABOUT["all"]),
            f"{PREFIX}/duties/*": Route(_HERE, self._one, about=ABOUT["one"]),
            f"{PREFIX}/duties/*/evidence": Route(WRITE, self._evidence, about=ABOUT["evidence"]),
            f"{PREFIX}/reports": Route(_HERE, self._reports, about=ABOUT["reports"]),
            f"{PREFIX}/audits": Route(_HERE, self._cases, about=ABOUT["audits"]),
            f"{PREFIX}/audits/*": Route(_HERE, self._case, about=ABOUT["audit"]),
            f"{PREFIX}/audits/*/scope": Route(WRITE, self._scope, about=ABOUT["scope"]),
        }

    async def _all(self, call: Call) -> web.Response | Refusal:
        came = await self._reading(call)
        if isinstance(came, Refusal):
            return came
        licensee, now = came.known.licensee.id, self._now()
        # A license that was bought a moment ago has its duties already for whoever asks.
        await plan_what_is_not(self._book.duties, licensee=licensee)
        found = await self._book.duties.of(licensee, came.policy.site.id)
        held = {each.license for each in found}
        suspended = (await self._book.register.revocations()).suspended
        return json_reply(
            {
                "duties": [duty_document(each, now, came.origin) for each in found],
                "suspended": [
                    {"license": license, "said": said} for license, said in suspended if license in held
                ],
            }
        )

    async def _one(self, call: Call) -> web.Response | Refusal:
        came = await self._reading(call)
        if isinstance(came, Refusal):
            return came
        found = await self._mine(came, call.rest)
        if isinstance(found, Refusal):
            return found
        if version_in(call, "If-None-Match") == found.version:
            return nothing(304, {"ETag": _etag(found)})
        return self._told(found, came)

    async def _evidence(self, call: Call) -> web.Response | Refusal:
        came = await self._document(call)
        if isinstance(came, Refusal):
            return came
        place, octets, given = came
        found = await self._mine(place, call.rest)
        if isinstance(found, Refusal):
            return found
        version = version_in(call, "If-Match")
        if not version:
            return Refusal(Problem.PRECONDITION_REQUIRED)
        evidence = _fit(found, octets, given, self._now())
        if isinstance(evidence, Refusal):
            return evidence
        after = await self._book.hand_in(found, version, octets, evidence, self._now())
        return after if isinstance(after, Refusal) else self._told(after, place)

    async def _reports(self, call: Call) -> web.Response | Refusal:
        came = await came_in(call, self._clients, largest=LARGEST, problem=Problem.DOCUMENT_INVALID)
        if isinstance(came, Refusal):
            return came
        place, body = came
        if call.request.method == "POST":
            return await self._reported(call, place, body)
        listed = list[dict[str, object]]()
        for license in await self._book.register.licenses_of(place.known.licensee.id):
            if license.site == place.policy.site.id:
                for each in await self._book.duties.reports(license.id):
                    listed.append(report_document(each, await self._book.judged(each.report, license)))
        return json_reply({"reports": listed})

    async def _reported(self, call: Call, place: Place, body: Mapping[str, object]) -> web.Response | Refusal:
        id = body.get("duty")
        found = await self._mine(place, id) if isinstance(id, str) else None
        if found is None or isinstance(found, Refusal):
            return Refusal(Problem.DOCUMENT_INVALID, "Of the report, duty: is no duty of this licensee here.")
        version = version_in(call, "If-Match")
        if not version:
            return Refusal(Problem.PRECONDITION_REQUIRED)
        license = await self._book.register.license(found.license)
        assert license is not None, "a foreign key holds it"
        now = self._now()
        report = read_report(body, found, license.terms, now, await self._book.rates())
        if isinstance(report, Refusal):
            return report
        evidence = Evidence(report.sha256, JSON, len(report.document), now, "report.json")
        after = await self._book.hand_in(found, version, report.document, evidence, now, report=report)
        if isinstance(after, Refusal):
            return after
        _log.info("a report was handed in", duty=after.id, client=place.known.client.id)
        kept = KeptReport(after.id, after.license, after.delivered_at, report)
        told = report_document(kept, await self._book.judged(report, license))
        body = {**told, "state": duty_document(after, now, place.origin)}
        return json_reply(body, status=201, headers={"ETag": _etag(after)})

    async def _cases(self, call: Call) -> web.Response | Refusal:
        came = await self._reading(call)
        if isinstance(came, Refusal):
            return came
        found = await self._audits.of(came.known.licensee.id, came.policy.site.id)
        return json_reply({"audits": [audit_document(each, came.origin) for each in found]})

    async def _case(self, call: Call) -> web.Response | Refusal:
        came = await self._reading(call)
        if isinstance(came, Refusal):
            return came
        found = await self._my_case(came, call.rest)
        return found if isinstance(found, Refusal) else _audit(found, came)

    async def _scope(self, call: Call) -> web.Response | Refusal:
        came = await came_in(call, self._clients, problem=Problem.DOCUMENT_INVALID)
        if isinstance(came, Refusal):
            return came
        place, body = came
        found = await self._my_case(place, call.rest)
        if isinstance(found, Refusal):
            return found
        version = version_in(call, "If-Match")
        if not version:
            return Refusal(Problem.PRECONDITION_REQUIRED)
        scope = _read_scope(body)
        if isinstance(scope, Refusal):
            return scope
        if version != found.version:
            return found_otherwise(found)
        now = self._now()
        after = scope_agreed(found, scope, now)
        if isinstance(after, Refusal):
            return after
        if not await self._audits.put(found.version, after, events=[audit_event(after, now)]):
            return found_otherwise(await self._audits.get(found.id) or found)
        return _audit(after, place)

    async def _reading(self, call: Call) -> Place | Refusal:
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        place, body = came
        if body:
            return Refusal(Problem.PROPOSAL_INVALID, "This address is read: it takes nothing but a login.")
        return place

    async def _document(self, call: Call) -> tuple[Place, bytes, Mapping[str, str]] | Refusal:
        """Who sent *call*, the document in it, and what is said of that: media type, name, until when it holds."""
        request = call.request
        if request.content_type == ENVELOPE:
            return await self._enveloped(call)
        known = await self._clients.authenticate(request, call.address)
        if isinstance(known, Refusal):
            return known
        octets = await read_body(request, (*TAKEN, ENVELOPE), largest=LARGEST)
        if isinstance(octets, Refusal):
            return octets
        given = {name: request.query.get(name, "") for name in ("name", "holds_until")}
        given["media_type"] = request.content_type
        return Place(known, call.policy, call.origin, call.address), octets, given

    async def _enveloped(self, call: Call) -> tuple[Place, bytes, Mapping[str, str]] | Refusal:
        came = await came_in(
            call,
            self._clients,
            largest=_LARGEST_ENVELOPE,
            problem=Problem.DOCUMENT_INVALID,
            media_type=ENVELOPE,
        )
        if isinstance(came, Refusal):
            return came
        place, body = came
        given = {name: value for name, value in body.items() if isinstance(value, str)}
        if len(given) < len(body) or given.keys() - set(_IN_ENVELOPE) or "document" not in given:
            return Refusal(
                Problem.DOCUMENT_INVALID, f"An envelope holds {', '.join(_IN_ENVELOPE)}, as texts."
            )
        try:
            octets = base64.b64decode(given.pop("document"), validate=True)
        except (binascii.Error, ValueError):
            return Refusal(Problem.DOCUMENT_INVALID, "Of the envelope, document is not base64.")
        return place, octets, given

    async def _mine(self, place: Place, id: str) -> Obligation | Refusal:
        found = await self._book.duties.get(id)
        mine = found and (found.licensee, found.site) == (place.known.licensee.id, place.policy.site.id)
        return (
            found
            if found and mine
            else Refusal(Problem.NOT_FOUND, "This licensee has no duty of that id here.")
        )

    async def _my_case(self, place: Place, id: str) -> AuditCase | Refusal:
        found = await self._audits.get(id)
        mine = found and (found.licensee, found.site) == (place.known.licensee.id, place.policy.site.id)
        return (
            found
            if found and mine
            else Refusal(Problem.NOT_FOUND, "This licensee has no audit of that id here.")
        )

    def _told(self, found: Obligation, place: Place) -> web.Response:
        return json_reply(duty_document(found, self._now(), place.origin), headers={"ETag": _etag(found)})

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def found_otherwise(case: AuditCase) -> Refusal:
    """The refusal of an act on another version of an audit than *case*'s."""
    return Refusal(
        Problem.VERSION_OUTDATED,
        f"The audit is at {case.step} by now.",
        facts=(("version", case.version), ("step", str(case.step))),
    )


def _fit(duty: Obligation, octets: bytes, given: Mapping[str, str], now: int) -> Evidence | Refusal:
    """What is told of *octets* as what *duty* asks for, or why they are not that."""
    if duty.kind is Kind.REPORT:
        return Refusal(Problem.DOCUMENT_INVALID, "A report is handed in at /.licet/reports.")
    holds_until = 0
    if duty.kind is Kind.INSURANCE:
        read = _read_day(given.get("holds_until", ""))
        if read is None or read <= now:
            return Refusal(
                Problem.DOCUMENT_INVALID,
                "A proof of insurance says in holds_until on which day to come it ends, such as 2027-06-30.",
            )
        holds_until = read
    found = evidence_of(
        octets, given.get("media_type", ""), now=now, name=given.get("name", ""), holds_until=holds_until
    )
    if isinstance(found, Refusal) or duty.kind is not Kind.OUTPUT_SAMPLES:
        return found
    if found.media_type != JSON:
        return Refusal(Problem.DOCUMENT_INVALID, "Samples of output are handed over as JSON.")
    body = read_json(octets, Problem.DOCUMENT_INVALID)
    samples = body if isinstance(body, Refusal) else read_samples(body, duty)
    return samples if isinstance(samples, Refusal) else found


def _read_day(text: str) -> int | None:
    try:
        read = date.fromisoformat(text)
    except ValueError:
        return None
    return int(datetime(read.year, read.month, read.day, tzinfo=UTC).timestamp())


def _read_scope(body: Mapping[str, object]) -> AuditScope | Refusal:
    items, begins, ends = body.get("items"), body.get("begins"), body.get("ends")
    if (
        body.keys() - {"items", "begins", "ends"}
        or not isinstance(items, list)
        or not all(isinstance(each, str) for each in items)
        or type(begins) is not int
        or type(ends) is not int
    ):
        return Refusal(
            Problem.DOCUMENT_INVALID, "A scope holds items, a list of texts, and the seconds begins and ends."
        )
    return AuditScope(tuple(items), begins, ends)


def _audit(case: AuditCase, place: Place) -> web.Response:
    return json_reply(audit_document(case, place.origin), headers={"ETag": f'"{case.version}"'})


def _etag(duty: Obligation) -> str:
    return f'"{duty.version}"'
