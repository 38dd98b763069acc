"""The pages of audits: asked for, named, bound, found, closed; what the agreement allows, and hostile text."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime

import pytest

from gateway.dashboard.audit_pages import used_by
from gateway.dashboard.table_forms import PAGE_ROWS
from gateway.licenses.audit_cases import AuditCase, AuditScope, Step, canceled, scope_agreed
from gateway.licenses.license import License
from gateway.licenses.obligations import DAY, Kind
from gateway.terms.license_terms import Audit
from tests.dashboard.conftest import HOSTILE, form_token


@pytest.fixture
async def desk(start, database, owed):
    dashboard = await start(database, duties=owed.book, audits=owed.audits)
    assert (await dashboard.set_password()).status == 303
    return dashboard


@pytest.fixture
async def license(owed) -> License:
    return await owed.license(
        "Example AI Labs", audit=Audit("quarterly", audits_per_year=1, audit_window_months=24)
    )


async def post(desk, path, **fields):
    page = await desk.client.get(desk.base + "/audits")
    token = form_token(await page.text())
    answer = await desk.client.post(
        desk.base + path, data={"form": token, **fields}, headers={"Origin": desk.base}, allow_redirects=False
    )
    return answer.status, answer.headers.get("Location", ""), await answer.text()


async def asked_for(desk, owed, license, **more):
    duty = await owed.one(license, Kind.REPORT)
    fields = {"license": license.id, "items": f"{duty.id}, /essays/tides", "why": "It looks low.", **more}
    begins, ends = (license.starts_at, owed.now)
    return await post(desk, "/audits/new", **{"from": day(begins), "to": day(ends), **fields})


def day(at):
    return datetime.fromtimestamp(at, UTC).date().isoformat()


async def version(owed, id):
    return (await owed.audits.get(id)).version


async def test_an_audit_goes_from_the_request_to_its_correction(desk, owed, license):
    status, where, _ = await asked_for(desk, owed, license)
    assert status == 303, _
    id = re.fullmatch(r"/audits/(au_[0-9a-f]+)\?done=requested", where)[1]
    case = await owed.audits.get(id)
    assert (case.step, case.why, case.wanted.items[1]) == (Step.REQUESTED, "It looks low.", "/essays/tides")
    status, _, page = await asked_for(desk, owed, license)
    assert status == 400 and "were agreed and were asked for" in page and "It looks low." in page

    for act, fields, step in (
        ("name", {"auditor": "Ledger &amp; Co", "contact": "audit@ledger.example"}, Step.NAMED),
        ("bind", {"undertaking": "We keep it secret."}, Step.BOUND),
    ):
        status, where, page = await post(
            desk, f"/audits/{id}/{act}", version=await version(owed, id), **fields
        )
        assert (status, where) == (303, f"/audits/{id}?done={act}"), page
        assert (await owed.audits.get(id)).step is step

    # The licensee agrees at the desk.
    case = await owed.audits.get(id)
    agreed = scope_agreed(
        case, AuditScope(case.wanted.items[:1], case.wanted.begins, case.wanted.ends), owed.now
    )
    assert await owed.audits.put(case.version, agreed)
    fields = {"said-0": "Two products were left out.", "due-0": "1000", "underpaid-0": "80"}
    status, _, page = await post(desk, f"/audits/{id}/findings", version=await version(owed, id), **fields)
    assert status == 303, page
    page = await (await desk.client.get(f"{desk.base}/audits/{id}")).text()
    assert "80.00 <abbr>USD" in page and "the licensee pays for the audit" in page and "1 of 1" in page
    status, _, _ = await post(desk, f"/audits/{id}/close", version=await version(owed, id))
    assert status == 303
    page = await (await desk.client.get(f"{desk.base}/audits")).text()
    assert "80.00 <abbr>USD</abbr></span> underpaid" in page and "closed" in page
    case = await owed.audits.get(id)
    assert case.correction.reference == id
    assert used_by([case], owed.now) == 1
    assert used_by([case], owed.now + 366 * DAY) == 0


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"from": "2026-13-01"}, "The days are such as"),
        ({"from": "2001-01-01"}, "It may look at"),
        ({"to": "x"}, "The days are such as"),
        ({"items": "/videos/1"}, "Each item is a path"),
        ({"items": ""}, "It names 1 to"),
        ({"why": " "}, "The reason is"),
        ({"why": "x" * 3000}, "The reason is"),
    ],
)
async def test_what_the_agreement_does_not_allow_is_said_and_what_was_typed_is_kept(
    desk, owed, license, fields, why
):
    status, _, page = await asked_for(desk, owed, license, **fields)
    assert status == 400 and why in page
    assert await owed.audits.everything(9) == ()


@pytest.mark.parametrize(
    ("act", "fields", "status"),
    [
        ("close", {}, 400),
        ("findings", {}, 400),
        ("bind", {"undertaking": "x"}, 400),
        ("name", {"auditor": "", "contact": "x"}, 400),
        ("name", {"auditor": "x", "contact": "x", "version": "older"}, 409),
        ("name", {"auditor": "x", "contact": "x", "form": "forged"}, 403),
        ("nothing", {}, 404),
    ],
)
async def test_what_is_out_of_order_changes_nothing(desk, owed, license, act, fields, status):
    _, where, _ = await asked_for(desk, owed, license)
    id = where.partition("?")[0].rpartition("/")[2]
    before = await owed.audits.get(id)
    assert (await post(desk, f"/audits/{id}/{act}", **{"version": before.version, **fields}))[0] == status
    assert await owed.audits.get(id) == before


@pytest.mark.parametrize("amount", ["x", "-1", "1e9", "1.0000001", "12 USD", "9" * 40])
async def test_an_amount_that_is_none_is_named(desk, owed, license, amount):
    _, where, _ = await asked_for(desk, owed, license)
    id = where.partition("?")[0].rpartition("/")[2]
    case = await owed.audits.get(id)
    for act, fields in (("name", {"auditor": "A", "contact": "c"}), ("bind", {"undertaking": "u"})):
        await post(desk, f"/audits/{id}/{act}", version=await version(owed, id), **fields)
    case = await owed.audits.get(id)
    await owed.audits.put(case.version, scope_agreed(case, case.wanted, owed.now))
    status, _, page = await post(
        desk, f"/audits/{id}/findings", version=await version(owed, id), **{"said-0": "s", "due-0": amount}
    )
    assert (status == 400 and "an amount is a number" in page) or "not below zero" in page
    assert (await owed.audits.get(id)).step is Step.SCOPED


async def test_hostile_text_is_drawn_as_text(desk, owed, license):
    for nth, text in enumerate(HOSTILE):
        other = await owed.license(
            f"Lab {nth}", audit=Audit("quarterly", audits_per_year=1, audit_window_months=24)
        )
        await asked_for(desk, owed, other, why=text)
        case = next((each for each in await owed.audits.of_license(other.id)), None)
        for path in ("/audits", f"/audits/{case.id}" if case else "/audits"):
            page = await (await desk.client.get(desk.base + path)).text()
            assert "<img src=x" not in page and "<script>alert" not in page and "<svg/onload" not in page


@pytest.mark.parametrize("path", ["/audits/au_0", "/audits/new", "/audits/new?license=li_0", "/audits/%00"])
async def test_what_is_not_there_is_not_found(desk, path):
    assert (await desk.client.get(desk.base + path)).status == 404


async def test_audits_that_are_not_over_stand_on_the_first_page_however_old(desk, owed, license):
    """Also where one is over by the time the next page is turned to: none is left out, none comes twice."""
    scope = AuditScope(("/",), owed.now - 9, owed.now)
    for nth in range(PAGE_ROWS + 30):
        case = AuditCase(f"au_{nth:03}", license.id, license.licensee, "journal", owed.now + nth, "w", scope)
        assert await owed.audits.put("", case, seen=nth)
        # The oldest hundred and five wait.
        if nth >= PAGE_ROWS + 5:
            assert await owed.audits.put(case.version, canceled(case, owed.now + nth))

    def listed(text):
        return re.findall(r'href="/audits/(au_\d+)"', text)

    first = (await desk.get("/audits")).text
    assert listed(first) == [f"au_{nth:03}" for nth in range(PAGE_ROWS + 4, 4, -1)]
    assert ("Under way" in first, "Closed or given up" in first) == (True, False)
    more = html.unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])
    last = await owed.audits.get(listed(first)[-1])
    assert await owed.audits.put(last.version, canceled(last, owed.now + 999))
    rest = listed((await desk.get(more)).text)
    over = [f"au_{nth:03}" for nth in range(PAGE_ROWS + 29, PAGE_ROWS + 4, -1)]
    assert rest == ["au_004", "au_003", "au_002", "au_001", "au_000", *over, "au_005"]
    every = json.loads((await desk.get("/audits.json")).text)["rows"]
    states = [row["state"] for row in every]
    assert states == sorted(states, key=lambda state: state == "canceled")
    assert len(every) == PAGE_ROWS + 30
    for wrong in ("au_005", "2.1.au_1", "1.x.au_1", "1.1.", "1.9999999999999.a", "1.1.%00"):
        assert (await desk.get(f"/audits?after={wrong}")).status == 400
