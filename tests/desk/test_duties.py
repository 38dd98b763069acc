"""Duties, reports and audits over HTTP: what is told, what is taken, what is refused, and to whom."""

from __future__ import annotations

import base64
import io
import json

import aiohttp
import pytest

from gateway.desk.duty_schemas import ENVELOPE
from gateway.licenses.audit_cases import AuditScope, Finding, auditor_named, bound, closed, found, requested
from gateway.licenses.evidence_shelf import LARGEST
from gateway.licenses.obligations import DAY, Kind
from gateway.money import Money

DUTIES, REPORTS, AUDITS = "/.licet/duties", "/.licet/reports", "/.licet/audits"
SAMPLE = {"output": "The tide turns.", "works": ["/archive/tides"]}


class Buyer:
    """A licensee that bought the offer `archive`, and what it sends."""

    def __init__(self, world, made):
        self.world, self.made = world, made

    async def send(self, method, path, body=None, **headers):
        login = aiohttp.encode_basic_auth(self.made.client.id, self.made.secret)
        data = io.BytesIO(json.dumps(body).encode() if isinstance(body, dict) else body) if body else None
        if isinstance(body, dict):
            headers = {"Content-Type": "application/json", **headers}
        async with self.world.http.request(
            method, self.world.origin + path, data=data, headers={"Authorization": login, **headers}
        ) as answer:
            octets = await answer.read()
            return answer.status, json.loads(octets) if octets else None, answer.headers

    async def duties(self):
        status, told, _ = await self.send("GET", DUTIES)
        assert status == 200
        return told["duties"]

    async def one(self, kind="report"):
        return next(each for each in await self.duties() if each["kind"] == kind)

    async def hand_in(self, duty, octets=b"text", media_type="text/plain", query="", **headers):
        headers = {"Content-Type": media_type, "If-Match": f'"{duty["version"]}"', **headers}
        return await self.send("POST", f"{DUTIES}/{duty['id']}/evidence{query}", octets, **headers)


def report_for(duty, license, **changes):
    body = {
        "duty": duty["id"], "license": license.id, "period": duty["period"],
        "datasets": [{"name": "one", "content": ["/archive/tides", "/diary/x"], "items": 1}],
        "models": [], "inferences": [], "revenue": [], "statement": {"by": "Eve", "role": "CEO"},
    }  # fmt: skip
    return {**body, **changes}


@pytest.fixture
async def buyer(world):
    made = await world.licensee("1000")
    assert (await world.token(made, {"offer": "archive"}))[0] == 200
    return Buyer(world, made)


async def license_of(buyer):
    return (await buyer.world.licenses(buyer.made))[0]


async def added(buyer, kind, asked="Something.", due_in=DAY):
    """Give the license a further duty of *kind*."""
    from gateway.licenses.obligations import obligation

    license, now = await license_of(buyer), buyer.world.now
    made = obligation(license, kind, f"test {kind}", (now, now), now + due_in, asked)
    await buyer.world.duties.plan(license, [made])
    return await buyer.one(str(kind))


async def test_what_is_owed_is_listed_from_the_moment_of_the_purchase(buyer):
    license = await license_of(buyer)
    told = await buyer.duties()
    assert [each["kind"] for each in told] == ["report"] * 8
    first = told[0]
    assert first["license"] == license.id
    assert (first["state"], first["next_step"]) == ("open", "Hand it in by the deadline.")
    assert first["suspends_at"] == first["due_at"] + 30 * DAY
    assert first["links"]["hand_in"] == f"{buyer.world.origin}/.licet/reports"
    status, one, headers = await buyer.send("GET", f"{DUTIES}/{first['id']}")
    assert (status, one) == (200, first)
    assert headers["ETag"] == f'"{first["version"]}"'
    status, _, _ = await buyer.send("GET", f"{DUTIES}/{first['id']}", **{"If-None-Match": headers["ETag"]})
    assert status == 304


async def test_a_late_report_suspends_and_the_same_report_lifts(buyer):
    world, license = buyer.world, await license_of(buyer)
    duty = await buyer.one()
    world.clock.advance(duty["due_at"] + 31 * DAY - world.now)
    assert await world.duty_book.remind_and_suspend(world.now) == 1
    status, told, _ = await buyer.send("GET", DUTIES)
    assert told["suspended"][0]["license"] == license.id
    assert told["duties"][0]["state"] == "overdue"
    assert (await world.token(buyer.made, {"license": license.id}))[0] == 403
    status, told, headers = await buyer.send(
        "POST", REPORTS, report_for(duty, license), **{"If-Match": f'"{duty["version"]}"'}
    )
    assert status == 201, told
    assert told["state"]["state"] == "delivered"
    assert told["outside"] == ["/diary/x"]
    assert headers["ETag"] == f'"{told["state"]["version"]}"'
    assert (await world.token(buyer.made, {"license": license.id}))[0] == 200
    status, listed, _ = await buyer.send("GET", REPORTS)
    assert [each["duty"] for each in listed["reports"]] == [duty["id"]]
    assert listed["reports"][0]["sha256"] == told["sha256"]
    kept = await world.shelf.read(told["sha256"])
    assert json.loads(kept)["license"] == license.id


async def test_reports_are_refused_with_everything_that_is_wrong(buyer):
    license, duty = await license_of(buyer), await buyer.one()
    early = await buyer.send(
        "POST", REPORTS, report_for(duty, license), **{"If-Match": f'"{duty["version"]}"'}
    )
    assert (early[0], early[1]["code"], early[1]["ends"]) == (409, "duty-over", str(duty["period"]["ends"]))
    buyer.world.clock.advance(duty["period"]["ends"] - buyer.world.now)
    body, match = report_for(duty, license), {"If-Match": f'"{duty["version"]}"'}
    status, told, _ = await buyer.send(
        "POST", REPORTS, {**body, "license": "li_x", "period": {"begins": 1, "ends": 2}}, **match
    )
    assert (status, told["code"]) == (400, "document-invalid")
    assert len(told["mistakes"].splitlines()) == 2
    assert (await buyer.send("POST", REPORTS, {**body, "duty": "du_x"}, **match))[0] == 400
    assert (await buyer.send("POST", REPORTS, {**body, "duty": 5}, **match))[0] == 400
    assert (await buyer.send("POST", REPORTS, {}, **match))[0] == 400
    assert (await buyer.send("POST", REPORTS, body))[0] == 428
    status, told, _ = await buyer.send("POST", REPORTS, body, **{"If-Match": '"sha-256:x"'})
    assert (status, told["code"], told["version"]) == (409, "version-outdated", duty["version"])
    assert (await buyer.one())["version"] == duty["version"]
    assert (await buyer.send("POST", REPORTS, body, **match))[0] == 201
    assert (await buyer.send("POST", REPORTS, body, **match))[0] == 201, "the same again is the same act"


async def test_each_document_is_taken_once_it_is_what_it_says(buyer):
    duty = await added(buyer, Kind.MODEL_CARD)
    for octets, media_type, problem in (
        (b"", "text/plain", "document-invalid"), (b"MZ", "application/pdf", "document-invalid"),
        (b"{", "application/json", "document-invalid"), (b"x", "text/html", "unsupported-media-type"),
        (b"x" * (LARGEST + 1), "text/plain", "content-too-large"),
    ):  # fmt: skip
        _, told, _ = await buyer.hand_in(duty, octets, media_type)
        assert told["code"] == problem
    status, told, _ = await buyer.hand_in(duty, b"x" * LARGEST, query="?name=card.txt")
    assert (status, told["state"]) == (200, "delivered")
    assert (told["evidence"][0]["name"], told["evidence"][0]["size"]) == ("card.txt", LARGEST)
    status, again, _ = await buyer.hand_in(duty, b"x" * LARGEST, query="?name=card.txt")
    assert (status, again["version"]) == (200, told["version"])
    assert (await buyer.hand_in(duty, b"other"))[1]["code"] == "version-outdated"
    assert (await buyer.hand_in(told, b"other", **{"If-Match": ""}))[0] == 428
    for method in ("GET", "HEAD"):
        status, _, _ = await buyer.send(
            method, f"{DUTIES}/{duty['id']}/evidence/{told['evidence'][0]['sha256']}"
        )
        assert status == 404, "what was handed in is not served"


async def test_a_client_that_logs_in_by_the_body_sends_an_envelope(buyer):
    duty = await added(buyer, Kind.ATTRIBUTION)
    login = {"client_id": buyer.made.client.id, "client_secret": buyer.made.secret}
    body = {"document": base64.b64encode(b"%PDF-1.7 x").decode(), "media_type": "application/pdf", **login}

    async def send(path, body, media_type):
        headers = {"Content-Type": media_type, "If-Match": f'"{duty["version"]}"'}
        async with buyer.world.http.post(
            buyer.world.origin + path, data=json.dumps(body), headers=headers
        ) as answer:
            return answer.status, json.loads(await answer.read())

    at = f"{DUTIES}/{duty['id']}/evidence"
    for wrong in ({"document": "%%"}, {"extra": "x"}, {"name": 5}):
        assert (await send(at, {**body, **wrong}, ENVELOPE))[1]["code"] == "document-invalid"
    status, told = await send(at, body, ENVELOPE)
    assert (status, told["evidence"][0]["media_type"]) == (200, "application/pdf")
    assert (await send(DUTIES, login, "application/json"))[1]["duties"]
    assert (await send(f"{DUTIES}/{duty['id']}", login, "application/json"))[0] == 200
    assert (await send(DUTIES, {**login, "x": 1}, "application/json"))[0] == 400


async def test_insurance_says_until_when_it_holds(buyer):
    duty = await added(buyer, Kind.INSURANCE)
    for query in ("", "?holds_until=soon", "?holds_until=2020-01-01", "?holds_until=9999-99-99"):
        assert (await buyer.hand_in(duty, query=query))[1]["code"] == "document-invalid"
    status, told, _ = await buyer.hand_in(duty, query="?holds_until=2099-06-30")
    assert (status, told["evidence"][0]["holds_until"]) == (200, 4_086_460_800)


async def test_samples_are_as_many_as_are_owed(buyer):
    duty = await added(buyer, Kind.OUTPUT_SAMPLES, "2 examples of outputs.")
    few, enough = ({"samples": [SAMPLE] * number} for number in (1, 2))
    _, told, _ = await buyer.hand_in(duty, json.dumps(few).encode(), "application/json")
    assert "2 are due" in told["detail"]
    assert (await buyer.hand_in(duty, b"text"))[1]["code"] == "document-invalid"
    status, told, _ = await buyer.hand_in(duty, json.dumps(enough).encode(), "application/json")
    assert (status, told["state"]) == (200, "delivered")
    assert told["review_by"] == told["delivered_at"] + 30 * DAY
    veto = await buyer.world.duty_book.veto(duty["id"], [2], "It denies the tides.", buyer.world.now)
    assert veto.state == "vetoed"
    answer = await buyer.one("answer")
    assert "It denies the tides." in answer["asked"]
    assert (await buyer.hand_in(answer, b"It is filtered from today on."))[1]["state"] == "delivered"


async def test_a_report_is_not_a_document_and_what_is_over_is_over(buyer):
    duty = await buyer.one()
    assert (await buyer.hand_in(duty))[1]["code"] == "document-invalid"
    card = await added(buyer, Kind.MODEL_CARD)
    await buyer.world.duty_book.excuse(card["id"], "It was never released.", buyer.world.now)
    told = await buyer.one("model-card")
    assert (told["state"], told["why"]) == ("excused", "It was never released.")
    assert (await buyer.hand_in(told))[1]["code"] == "duty-over"


async def test_nobody_else_sees_or_meets_them(buyer):
    world = buyer.world
    duty = await buyer.one()
    other = Buyer(world, await world.licensee("10"))
    assert await other.duties() == []
    assert (await other.send("GET", f"{DUTIES}/{duty['id']}"))[0] == 404
    assert (await other.hand_in(duty))[0] == 404
    license = await license_of(buyer)
    match = {"If-Match": f'"{duty["version"]}"'}
    assert (await other.send("POST", REPORTS, report_for(duty, license), **match))[0] == 400
    for path in (DUTIES, f"{DUTIES}/{duty['id']}", REPORTS, AUDITS, f"{AUDITS}/au_1"):
        async with world.http.get(world.origin + path) as answer:
            assert answer.status == 401
    for path in (f"{DUTIES}/{duty['id']}/evidence", REPORTS, f"{AUDITS}/au_1/scope"):
        async with world.http.post(world.origin + path, json={}) as answer:
            assert answer.status == 401
    assert await buyer.one() == duty


async def asked(buyer):
    license, now = await license_of(buyer), buyer.world.now + DAY
    buyer.world.clock.advance(DAY)
    wanted = AuditScope(("/archive/",), license.starts_at, now)
    case = requested(license, (), "It looks low.", wanted, now=now)
    assert await buyer.world.audits.put("", case)
    return case


async def test_an_audit_is_followed_and_agreed_to_step_by_step(buyer):
    audits, case = buyer.world.audits, await asked(buyer)
    status, told, _ = await buyer.send("GET", AUDITS)
    assert [each["step"] for each in told["audits"]] == ["requested"]
    match = {"If-Match": f'"{case.version}"'}
    scope = {"items": ["/archive/"], "begins": case.wanted.begins, "ends": case.wanted.ends}
    at = f"{AUDITS}/{case.id}"
    status, told, _ = await buyer.send("POST", f"{at}/scope", scope, **match)
    assert (status, told["code"], told["step"]) == (409, "audit-refused", "requested")
    ready = bound(auditor_named(case, "Audit & Co", "a@auditor.example", case.requested_at), "I promise.", 5)
    await audits.put(case.version, ready)
    status, told, headers = await buyer.send("GET", at)
    assert told["auditor"] == {"name": "Audit & Co", "contact": "a@auditor.example"}
    assert told["confidentiality"] == "I promise."
    assert (await buyer.send("POST", f"{at}/scope", scope))[0] == 428
    assert (await buyer.send("POST", f"{at}/scope", scope, **match))[1]["code"] == "version-outdated"
    match = {"If-Match": headers["ETag"]}
    for wrong in ({"items": "x"}, {"items": [5]}, {"begins": "x"}, {"extra": 1}, {"begins": True}):
        assert (await buyer.send("POST", f"{at}/scope", {**scope, **wrong}, **match))[1][
            "code"
        ] == "document-invalid"
    assert (await buyer.send("POST", f"{at}/scope", {**scope, "items": ["/"]}, **match))[1][
        "code"
    ] == "audit-refused"
    status, told, _ = await buyer.send("POST", f"{at}/scope", scope, **match)
    assert (status, told["step"], told["scope"]) == (200, "scope-agreed", scope)
    agreed = await audits.get(case.id)
    finding = Finding("/archive/", "Less was told.", Money(100, "USD"), Money(10, "USD"))
    over = closed(found(agreed, [finding], "USD", 9), 10)
    await audits.put(agreed.version, over)
    _, told, _ = await buyer.send("GET", at)
    assert told["underpaid"]["amount"]["micros"] == 10
    assert told["underpaid"]["pays_for_the_audit"] is True
    other = Buyer(buyer.world, await buyer.world.licensee("10"))
    assert (await other.send("GET", at))[0] == 404
    assert (await other.send("GET", AUDITS))[1] == {"audits": []}
