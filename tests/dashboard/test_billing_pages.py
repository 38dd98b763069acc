"""The operator's pages about bills: every form of a statement, and nothing for who is not signed in."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import orjson
import pypdf
import pytest

from gateway.billing.sheets import TEST_NOTICE
from gateway.dashboard.billing_pages import Bills
from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.provenance.record import BookEntry
from gateway.store.sqlite.account_book import SqliteAccountBook
from gateway.store.sqlite.folding import SqliteFolding
from tests.dashboard.conftest import SALT

HOSTILE = "<script>alert('x')</script>"
AT = 1_795_000_000_000_000


@pytest.fixture
async def bills(database):
    """A licensee with a hostile name: credit, a due, a payment; October is closed."""
    entries = (
        BookEntry("paid", AT - 40 * 86_400_000_000, "credit", "", "le_1", 10_000_000, "USD", memo=HOSTILE),
        BookEntry("close", AT, "close", "", "le_1", 0, "XXX", reference="2026-10"),
        BookEntry("share", AT, "due", "journal", "le_1", 2_000_100, "USD", license="lic_1"),
        BookEntry("pays", AT, "payment", "", "le_1", 500_000, "USD", reference="share"),
    )
    sealed = tuple(SealedEntry(each, SALT, each.canonical(), "front") for each in entries)
    await SqliteFolding(database.database).fold(FoldBatch(sealed, (), ()))

    async def names():
        return {"le_1": HOSTILE}

    return Bills(SqliteAccountBook(database.database), names)


async def test_the_list_and_every_form_of_a_statement(start, database, bills):
    board = await start(database, bills=bills)
    await board.set_password()
    page = (await board.get("/billing")).text
    assert "<script>" not in page
    assert 'href="/billing/statements/le_1/2026-10"' in page
    assert page.index('2026-11</a> <span class="muted">open') < page.index(
        '2026-10</a> <span class="muted">closed'
    )
    at = "/billing/statements/le_1/2026-11"
    shown = await board.get(at)
    assert shown.status == 200
    assert "<script>" not in shown.text
    told = orjson.loads((await board.get(f"{at}.json")).text)
    (total,) = told["totals"]
    assert (total["closing_micros"], total["left_to_pay_micros"]) == (9_500_000, 1_500_100)
    for amount in ("9.5 USD", "1.5001 USD", "2.0001 USD"):
        assert amount in shown.text
    rows = list(csv.DictReader(io.StringIO((await board.get(f"{at}.csv")).text, newline="")))
    assert (rows[-1]["prepaid"], rows[-1]["to_pay"]) == ("9.5", "1.5001")
    async with board.client.get(f"{board.base}{at}.pdf") as answer:
        assert answer.headers["Content-Disposition"].endswith('filename="Statement 2026-11.pdf"')
        text = "".join(each.extract_text() for each in pypdf.PdfReader(io.BytesIO(await answer.read())).pages)
    assert "1.5001 USD" in text
    closed = (await board.get("/billing/statements/le_1/2026-10")).text
    assert "closed at entry 2" in closed
    assert "sha-256:" in closed


@pytest.mark.parametrize(
    "path",
    ["/billing/statements/le_9/2026-11", "/billing/statements/le_1/2026-13", "/billing/statements/le_1/x"],
)
async def test_what_is_not_there(start, database, bills, path):
    board = await start(database, bills=bills)
    await board.set_password()
    assert (await board.get(path)).status == 404


async def test_nobody_reads_bills_who_is_not_signed_in(start, database, bills):
    board = await start(database, bills=bills)
    for path in ("/billing", "/billing/statements/le_1/2026-11.json"):
        assert (await board.get(path, Accept="*/*")).status == 401


async def test_a_closed_month_that_reads_otherwise_is_trouble(start, database, bills):
    await bills.book.freeze("le_1", "2026-10", "sha-256:other")
    board = await start(database, bills=bills)
    await board.set_password()
    assert (await board.get("/billing/statements/le_1/2026-10")).status == 503


async def test_test_mode_stands_on_every_page(start, database, bills):
    board = await start(database, bills=replace(bills, test=True))
    await board.set_password()
    for path in ("/billing", "/billing/statements/le_1/2026-11"):
        page = (await board.get(path)).text
        assert "TEST: " in page
        assert "TEST MODE" in page
    assert orjson.loads((await board.get("/billing/statements/le_1/2026-11.json")).text)["mode"] == "test"
    assert TEST_NOTICE
