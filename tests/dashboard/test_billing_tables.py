"""The pages of Billing's tables: no row is left out, and figures of a part of them say so."""

from __future__ import annotations

import re
from dataclasses import replace

import orjson
import pytest

from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.provenance.record import BookEntry
from gateway.store.sqlite.account_book import SqliteAccountBook
from gateway.store.sqlite.folding import SqliteFolding
from tests.dashboard.conftest import SALT
from tests.dashboard.test_billing_pages import AT, bills, issued

__all__ = ["bills", "issued"]


async def walked(board, path, found):
    """What *found* finds on every page of the table at *path*, by the links that lead on."""
    rows, pages = [], 0
    while path:
        answer = await board.get(path)
        assert answer.status == 200, path
        rows += re.findall(found, answer.text)
        pages += 1
        more = re.search(r'<a rel="next" href="([^"]+)"', answer.text)
        path = more and more[1].replace("&amp;", "&")
    return rows, pages


@pytest.mark.parametrize("sort", ["", "sort=due", "sort=-total"])
async def test_the_table_of_documents_ends_nowhere_and_its_forms_hold_every_row(
    start, issued, database, sort
):
    bills, invoice, _ = issued
    for nth in range(230):
        await bills.office.issuer.documents.add(replace(invoice, id=f"in_{nth}", at=nth // 3, number=0))
    board = await start(database, bills=bills)
    await board.set_password()
    query = f"?{sort}" if sort else ""
    rows, pages = await walked(
        board, f"/billing/documents{query}", r'data-name="Number"><a href="/billing/documents/(\w+)"'
    )
    told = orjson.loads((await board.get(f"/billing/documents.json{query}")).text)["rows"]
    assert (len(rows), len(set(rows)), pages) == (231, 231, 3)
    assert rows == [each["id"] for each in told]
    assert (await board.get("/billing/documents?after=in_nowhere")).status == 400
    page = (await board.get("/billing")).text
    assert len(re.findall(r'data-name="Number"', page)) == 10
    assert "The first 10." in page
    for word in ("only licensees of the newest 200 documents", "over 200"):
        assert word in page
    # The one that is owed is among the oldest of all no more than among the newest here: all are added up where asked.
    all_ = (await board.get("/billing?owed=all")).text
    assert "only licensees of the newest" not in all_
    assert "231</dd>" in all_


async def test_what_is_owed_on_an_old_document_is_told_where_all_are_added_up(start, issued, database):
    bills, invoice, _ = issued
    for nth in range(200):
        newer = replace(invoice, id=f"in_{nth}", licensee="le_9", at=invoice.at + 1 + nth, number=0)
        await bills.office.issuer.documents.add(newer)
    board = await start(database, bills=bills)
    await board.set_password()
    few, every = (await board.get("/billing")).text, (await board.get("/billing?owed=all")).text
    assert "open on 0 invoices" in few and "add up all" in few
    assert "open on 1 invoice" in every and "add up all" not in every


async def test_statements_go_on_within_the_months_of_one_licensee(start, database, bills):
    """Eleven years of one licensee are more than a page; the next licensee follows on the second."""
    old = BookEntry("old", AT - 11 * 365 * 86_400_000_000, "credit", "", "le_1", 1_000_000, "USD")
    other = BookEntry("other", AT, "credit", "", "le_0", 1_000_000, "USD")
    sealed = tuple(SealedEntry(each, SALT, each.canonical(), "front") for each in (old, other))
    await SqliteFolding(database.database).fold(FoldBatch(sealed, (), ()))
    board = await start(database, bills=bills)
    await board.set_password()
    rows, pages = await walked(
        board, "/billing/statements", r'data-name="Month"><a href="/billing/statements/(\w+/[\d-]+)"'
    )
    told = orjson.loads((await board.get("/billing/statements.json")).text)["rows"]
    assert rows == [f"{each['licensee']}/{each['month']}" for each in told]
    assert (pages, len(rows), rows[-1]) == (2, len(set(rows)), "le_0/2026-11")
    for nowhere in ("le_1/1999-01", "le_7/2026-11", "x"):
        assert (await board.get(f"/billing/statements?after={nowhere}")).status == 400


@pytest.mark.parametrize("name", ["statements", "documents", "disputes", "payouts"])
async def test_the_page_of_a_table_without_rows_says_so(start, database, bills, name):
    async def nobody():
        return ()

    book = SqliteAccountBook(database.database)
    book.licensees = nobody
    board = await start(database, bills=replace(bills, book=book))
    await board.set_password()
    page = await board.get(f"/billing/{name}")
    assert (page.status, "There are none yet." in page.text) == (200, True)
