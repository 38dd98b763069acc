"""The page of authors: what each has to get, where it is paid to, and payouts planned once."""

from __future__ import annotations

import orjson

from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.provenance.record import BookEntry
from gateway.store.sqlite.folding import SqliteFolding
from tests.dashboard.conftest import SALT
from tests.dashboard.test_billing_pages import AT, HOSTILE, bills, issued

__all__ = ["bills", "issued"]


async def test_authors_stand_with_what_they_have_to_get_and_are_paid_by_a_form_once(start, database, issued):
    bills, _, _ = issued
    memo = orjson.dumps({HOSTILE: 300_000, "Bo Example": 200_000}).decode()
    entry = BookEntry("sh", AT, "share", "journal", "", 500_000, "EUR", memo=memo, by="authors")
    sealed = SealedEntry(entry, SALT, entry.canonical(), "front")
    await SqliteFolding(database.database).fold(FoldBatch((sealed,), (), ()))
    board = await start(database, bills=bills)
    await board.set_password()
    at = "/billing/authors"
    page = (await board.get(at)).text
    assert "0.3 EUR" in page
    assert page.count("nobody said where") == 2
    assert "<script>" not in page
    form = {"form": await board.form(at), "site": "journal", "author": HOSTILE}
    assert (await board.post(f"{at}/payee", {**form, "form": "0" * 64})).status == 403
    assert (await board.post(f"{at}/plan", {"form": "0" * 64})).status == 403
    wrong = await board.post(f"{at}/payee", {**form, "iban": "DE00370400440532013000"})
    assert wrong.status == 400
    assert "DE00370400440532013000 is no IBAN" in wrong.text
    assert 'value="DE00370400440532013000"' in wrong.text, "nothing is lost"
    for odd in ({"author": ""}, {"author": "x" * 201}, {"site": ""}, {"author": "a\x00b"}):
        assert (
            await board.post(f"{at}/payee", {**form, "iban": "DE89370400440532013000", **odd})
        ).status == 400
    kept = await board.post(f"{at}/payee", {**form, "iban": "DE89370400440532013000", "act": "keep"})
    assert (kept.status, kept.headers["Location"]) == (303, at)
    page = (await board.get(at)).text
    assert "IBAN …3000" in page
    assert "DE8937" not in page
    assert "<script>" not in page
    for _ in range(2):
        done = await board.post(f"{at}/plan", {"form": form["form"]})
        assert done.status == 200
        assert "stays owed 0.2 EUR: nobody said where it is to be paid" in done.text
    assert [(each.author, each.amount.micros) for each in await bills.paying.book.all(9) if each.author] == [
        (HOSTILE, 300_000)
    ]
    gone = await board.post(f"{at}/payee", {**form, "act": "forget"})
    assert gone.status == 303
    assert await bills.paying.book.payees() == {}
