"""A licensee's account at the desk: the same facts in every form, for itself alone."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

import aiohttp
import orjson
import pypdf
import pytest

from gateway.billing.minor_units import shown
from gateway.billing.sheets import TEST_NOTICE
from gateway.money import Money
from gateway.provenance.record import BookEntry

STATEMENTS = "/.licet/statements"


@pytest.fixture
async def account(world):
    """Somebody with credit, a due with a hostile memo, a payment of a part of it, and money with an agent."""
    made = await world.licensee()
    now_us = world.clock.now_us()

    def entry(id, kind, micros, **more):
        return BookEntry(id, now_us, kind, "journal", made.licensee.id, micros, "USD", **more)

    for each in (
        entry("share", "due", 2_000_100, license="lic_1", memo="<script>alert(1)</script>"),
        entry("pays", "payment", 1_500_000, reference="share"),
        entry("held", "deposit", 9_000_000, license="lic_1", reference="agent:Notary Example"),
    ):
        await world.kept.keep(each)
    return made


async def get(world, path, made=None, accept="application/json"):
    headers = {"Accept": accept}
    if made:
        headers["Authorization"] = aiohttp.encode_basic_auth(made.client.id, made.secret)
    async with world.http.get(world.origin + path, headers=headers) as answer:
        return answer.status, await answer.read(), answer


def month(world):
    from datetime import UTC, datetime

    return datetime.fromtimestamp(world.clock.now_us() // 1_000_000, UTC).strftime("%Y-%m")


async def test_every_form_reads_back_as_the_same_facts(world, account):
    at = f"{STATEMENTS}/{month(world)}"
    status, octets, _ = await get(world, at, account)
    told = orjson.loads(octets)
    assert status == 200
    (total,) = told["totals"]
    amounts = {
        name: Money(total[f"{name}_micros"], "USD")
        for name in ("opening", "credited", "charged", "closing", "to_pay", "due", "paid", "left_to_pay")
    }
    assert amounts["closing"] == Money(8_500_000, "USD")
    assert amounts["left_to_pay"] == Money(500_100, "USD")
    assert [each["kind"] for each in told["books"]] == ["credit", "due", "payment", "deposit"]

    _, octets, answer = await get(world, at + ".csv", account)
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(octets.decode(), newline="")))
    assert [(row["row"], row["entry"]) for row in rows if row["entry"]] == [
        (each["kind"], each["entry"]) for each in told["books"]
    ]
    assert (rows[-1]["prepaid"], rows[-1]["to_pay"]) == (
        amounts["closing"].amount,
        amounts["left_to_pay"].amount,
    )

    _, octets, answer = await get(world, at, account, "text/html")
    page = unescape(octets.decode())
    assert b"<script>" not in octets
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    _, octets, answer = await get(world, at + ".pdf", account)
    assert answer.headers["Content-Type"] == "application/pdf"
    printed = "".join(each.extract_text() for each in pypdf.PdfReader(io.BytesIO(octets)).pages)
    solid = re.sub(r"\s", "", printed)
    for text in (page, solid):
        for amount in map(shown, amounts.values()):
            assert (amount if text is page else amount.replace(" ", "")) in text
        for word in ("held by the agent Notary Example", "alert(1)", account.licensee.id):
            assert (word if text is page else word.replace(" ", "")) in text
    assert (await get(world, at, account, "application/pdf"))[1] == octets


async def test_the_months_are_listed_and_each_is_linked(world, account):
    _, octets, _ = await get(world, STATEMENTS, account)
    told = orjson.loads(octets)
    assert told == {
        "mode": "live",
        "statements": [
            {"period": month(world), "closed": False, "url": f"{world.origin}{STATEMENTS}/{month(world)}"}
        ],
    }
    _, octets, _ = await get(world, STATEMENTS, account, "text/html")
    assert f'href="{STATEMENTS}/{month(world)}.pdf"' in octets.decode()
    other = await world.licensee(credit="")
    assert b"Nothing yet" in (await get(world, STATEMENTS, other, "text/html"))[1]


async def test_nobody_reads_an_account_without_its_client(world, account):
    at = f"{STATEMENTS}/{month(world)}"
    status, _, answer = await get(world, at, accept="text/html")
    assert status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    other = await world.licensee(credit="")
    told = orjson.loads((await get(world, at, other))[1])
    assert (told["licensee"], told["books"]) == (other.licensee.id, [])


@pytest.mark.parametrize("name", ["2026-13", "november", "2026-11.exe", "9999-12", "%00"])
async def test_what_is_no_month_is_not_there(world, account, name):
    assert (await get(world, f"{STATEMENTS}/{name}", account))[0] in {400, 404}


async def test_books_that_disagree_are_no_account_and_no_fault_of_the_reader(world, account):
    await world.account_book.freeze(account.licensee.id, "2026-01", "sha-256:other")
    close = BookEntry(
        "c", world.clock.now_us(), "close", "", account.licensee.id, 0, "XXX", reference="2026-01"
    )
    await world.kept.keep(close)
    status, octets, _ = await get(world, f"{STATEMENTS}/2026-01", account)
    assert status == 503
    assert b"is not what it was" not in octets


async def test_a_test_gateway_says_so_on_every_form(world, account):
    world.test_mode = True
    await world.reopen()
    at = f"{STATEMENTS}/{month(world)}"
    assert orjson.loads((await get(world, at, account))[1])["mode"] == "test"
    assert TEST_NOTICE in (await get(world, at, account, "text/html"))[1].decode()
    assert b"TEST: Statements" in (await get(world, STATEMENTS, account, "text/html"))[1]
    pages = pypdf.PdfReader(io.BytesIO((await get(world, f"{at}.pdf", account))[1])).pages
    assert all("TEST MODE" in each.extract_text() for each in pages)
