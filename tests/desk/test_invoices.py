"""Invoices at their permanent addresses, and disputes by form and by program."""

from __future__ import annotations

import io
import re
from html import unescape

import aiohttp
import orjson
import pypdf
import pytest

from gateway.billing.statements import Period
from gateway.provenance.record import BookEntry
from tests.desk.test_billing import get

INVOICES, DISPUTES = "/.licet/invoices", "/.licet/disputes"
HOSTILE = "<script>alert(1)</script>"


def last_month(world):
    from datetime import UTC, datetime

    from gateway.billing.closing import preceding

    now = datetime.fromtimestamp(world.clock.now_us() // 1_000_000, UTC)
    return preceding(Period.parse(now.strftime("%Y-%m")))


@pytest.fixture
async def billed(world):
    """Somebody who was billed 2 USD for last month, by a memo that is hostile."""
    made = await world.licensee()
    month = last_month(world)
    due = BookEntry("share", month.since_us + 5, "due", "journal", made.licensee.id, 2_000_000, "USD", license="lic_1", memo=HOSTILE)  # fmt: skip
    await world.kept.keep(due)
    (invoice,) = await world.billing.issuer.issue(made.licensee.id, "Example AI", month)
    return made, invoice


async def send(world, path, made, data=None, json=None, accept="application/json"):
    headers = {"Accept": accept, "Authorization": aiohttp.encode_basic_auth(made.client.id, made.secret)}
    async with world.http.post(world.origin + path, data=data, json=json, headers=headers) as answer:
        return answer.status, (await answer.read()).decode(), answer


async def test_an_invoice_in_each_form_at_its_address(world, billed):
    made, invoice = billed
    at = f"{INVOICES}/{invoice.id}"
    _, octets, _ = await get(world, at, made)
    told = orjson.loads(octets)
    assert told["document"] == invoice.told
    assert (told["number"], told["state"], told["open"], told["url"]) == (
        "TP-S000001",
        "issued",
        "2 USD",
        world.origin + at,
    )
    _, octets, answer = await get(world, at, made, "text/html")
    page = octets.decode()
    assert "<script>" not in page
    for word in ("TP-S000001", "2 USD", "issued, 2 USD open", "This is no tax invoice", "&lt;script&gt;"):
        assert word in page
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    _, octets, answer = await get(world, f"{at}.pdf", made)
    text = "".join(each.extract_text() for each in pypdf.PdfReader(io.BytesIO(octets)).pages)
    assert "TP-S000001" in text
    assert "issued, 2 USD open" not in text
    assert (await get(world, f"{at}.pdf", made))[1] == octets
    _, octets, _ = await get(world, INVOICES, made)
    assert [each["id"] for each in orjson.loads(octets)["invoices"]] == [invoice.id]
    assert "TP-S000001" in (await get(world, INVOICES, made, "text/html"))[1].decode()
    assert (await get(world, f"{at}.csv", made))[0] == 404


async def test_nobody_else_reads_or_disputes_it(world, billed):
    _, invoice = billed
    other = await world.licensee()
    for path in (f"{INVOICES}/{invoice.id}", f"{INVOICES}/in_9", f"{DISPUTES}/ld_9"):
        assert (await get(world, path, other))[0] == 404
        assert (await get(world, path))[0] == 401
    status, _, _ = await send(
        world, f"{INVOICES}/{invoice.id}/disputes", other, json={"line": 1, "reason": "x"}
    )
    assert status == 404
    assert b"Nothing was billed" in (await get(world, INVOICES, other, "text/html"))[1]
    assert b"There are none" in (await get(world, DISPUTES, other, "text/html"))[1]


async def test_a_program_disputes_a_line_and_reads_the_answer(world, billed):
    made, invoice = billed
    at = f"{INVOICES}/{invoice.id}/disputes"
    status, text, answer = await send(
        world, at, made, json={"line": 1, "amount": "0.75", "reason": HOSTILE, "evidence": "r1"}
    )
    assert status == 201
    told = orjson.loads(text)
    assert (told["state"], told["amount"], told["line"]) == ("open", "0.75", 1)
    assert answer.headers["Location"] == f"{world.origin}{DISPUTES}/{told['dispute']}"
    for wrong, code in (
        ({"line": 1, "reason": "x"}, 409),
        ({"line": 7, "reason": "x"}, 400),
        ({"reason": "x"}, 400),
    ):
        assert (await send(world, at, made, json=wrong))[0] == code
    assert (await world.billing.standing(invoice)).disputed.micros == 750_000
    await world.billing.accept(told["dispute"], "You are right.")
    _, octets, _ = await get(world, f"{DISPUTES}/{told['dispute']}", made)
    after = orjson.loads(octets)
    assert (after["state"], after["answer"]) == ("accepted", "You are right.")
    _, octets, _ = await get(world, f"{INVOICES}/{after['credit_note']}", made, "text/html")
    note = octets.decode()
    assert "Credit note TP-C000001" in note
    assert "<textarea" not in note
    page = (await get(world, f"{DISPUTES}/{told['dispute']}", made, "text/html"))[1].decode()
    assert "<script>" not in page
    assert f'href="{INVOICES}/{after["credit_note"]}"' in page
    assert [each["dispute"] for each in orjson.loads((await get(world, DISPUTES, made))[1])["disputes"]] == [
        told["dispute"]
    ]
    assert [each.event.type for each in await world.happened.after(0, 99) if each.event.type.startswith("dispute")] == [
        "dispute.opened", "dispute.accepted",
    ]  # fmt: skip


async def test_a_person_disputes_a_line_by_the_form_of_its_page(world, billed):
    made, invoice = billed
    at = f"{INVOICES}/{invoice.id}"
    page = (await get(world, at, made, "text/html"))[1].decode()
    (mark,) = re.findall(r'name="form" value="([0-9a-f]{64})"', page)
    form = {"form": mark, "line": "1", "amount": "", "reason": "It was empty.", "evidence": HOSTILE}
    status, text, _ = await send(
        world, f"{at}/disputes", made, data={**form, "amount": "9999"}, accept="text/html"
    )
    assert status == 400
    assert "can be disputed" in text
    assert unescape(text).count(HOSTILE) >= 1
    assert "<script>" not in text
    assert (await send(world, f"{at}/disputes", made, data={**form, "form": "0" * 64}))[0] == 400
    status, text, _ = await send(world, f"{at}/disputes", made, data=form, accept="text/html")
    assert status == 201
    assert "Your dispute has arrived" in text
    (dispute,) = await world.billing.disputes.of("", 9)
    assert (dispute.amount.micros, dispute.evidence) == (2_000_000, HOSTILE)
    page = (await get(world, at, made, "text/html"))[1].decode()
    assert "Line 1, 2 USD" in page
