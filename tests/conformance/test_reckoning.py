"""`Ledger.reckoned`: however small the chunks, the books come to the same as they do whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.billing.book_export import Form, export
from gateway.billing.comparisons import Around, reconciled
from gateway.billing.reconcile import reckoned, reconcile

_STRAY = (
    "INSERT INTO posted (seq, leg, time_us, debit, credit, micros, currency, code, undoes)"
    " SELECT ?, ?, time_us, debit, credit, micros, currency, code, undoes FROM posted WHERE seq = ? AND leg = 0"
)


@pytest.fixture
async def story(ports, make):
    """Twelve entries: what is undone stands far before what undoes it, and a refused fetch stands between."""
    await ports.put(
        make.book("credit", 1_000_000, "paid"),
        make.fetch("r1", license="lic_1"),
        make.fetch("r2", license="lic_2", micros=7_000),
        make.book("credit", 1_000, "euros", currency="EUR", by="stripe"),
        make.fetch("refused", outcome="refused", micros=0, reason=""),
        make.fetch("r3", licensee="le_2", micros=0, reason="read-before"),
        make.book("share", 3_000, "divided", licensee="", site="journal", memo='{"Ann": 2000, "Bo": 1000}'),
        make.fetch("r4", time_us=make.NOW * 1_000_000 + 40 * 86_400_000_000),
        make.book("reversal", 2_000, "sorry", reference="r1"),
        make.book("reversal", 4_000, "too much", reference="r1"),
        make.book("reversal", 3_000, "the rest", reference="r1"),
        make.book("payout", 1_000, "out", licensee="", site="journal"),
    )
    await ports.spend_book.lease(make.WRITER, make.charge("open"), 1)
    return ports


async def _stray(ports, seq, leg, like, entry_id):
    """A posting like the one of the entry at *like* that stands at *seq*, whose entry is *entry_id*."""
    tables = getattr(ports.ledger, "_tables", None)
    if tables is None:
        await ports.ledger._database.write(lambda db: db.execute(_STRAY, (seq, leg, like)))
        return
    meant = next(each.entry.id for each in tables.entries if each.seq == like)
    posting = next(each for each in tables.postings if each.entry_id == meant)
    tables.postings.append(replace(posting, entry_id=entry_id))


async def _all_alike(ports):
    asked = ("r1", "r4", "gone")
    whole = vars(reckoned(await ports.ledger.books(), asked))
    for at_once in (1, 2, 3, 2_000):
        assert vars(await ports.ledger.reckoned(asked, at_once=at_once)) == whole
    return await ports.ledger.reckoned(asked, at_once=2)


async def test_chunks_come_to_what_the_books_are_whole(story):
    found = await _all_alike(story)
    assert (found.entries, found.postings, found.last_seq) == (11, 10, 12)
    assert found.charged == {"r1": 5_000, "r4": 5_000}
    assert [(each.code, each.subject) for each in found.derived()] == [("moves-nothing", "too much")]
    around = Around(receipts={"r1": 5_000, "gone": 1})
    whole = reconciled(await story.ledger.books(), around)
    assert reconciled(found, around) == whole
    with pytest.raises(ValueError, match="without looking"):
        reconciled(found, Around(receipts={"r2": 7_000}))


async def test_nothing_comes_to_nothing(ports):
    found = await _all_alike(ports)
    assert reconcile(found) == reconcile(await ports.ledger.books())
    assert (found.entries, found.postings, found.charged) == (0, 0, {})


async def test_postings_that_are_twice_or_of_no_entry_about_money_are_found_in_every_chunk(story):
    await _stray(story, 3, 1, 3, "r2")
    await _stray(story, 5, 0, 2, "refused")
    found = await _all_alike(story)
    assert [(each.code, each.subject) for each in found.derived()] == [
        ("posted-twice", "r2"), ("moves-nothing", "too much"), ("no-such-entry", "refused"),
    ]  # fmt: skip
    assert found.posted == {"USD": 5_000 + 2 * 7_000 + 5_000 + 5_000}


async def test_a_posting_behind_the_last_entry_about_money_is_found(story, make):
    await story.put(make.fetch("late", outcome="refused", micros=0, reason=""))
    await _stray(story, 13, 0, 2, "late")
    found = await _all_alike(story)
    assert [each.subject for each in found.derived() if each.code == "no-such-entry"] == ["late"]


async def test_what_is_kept_is_told_without_the_rest(story):
    books = await story.ledger.books()
    kept = await story.ledger.kept()
    assert (kept.balances, kept.spent, kept.purses, kept.limits) == (
        books.balances, books.spent, books.purses, books.limits,
    )  # fmt: skip


async def test_an_export_is_the_same_where_postings_are_read_as_they_are_written(story):
    books = await story.ledger.books()
    for form in Form:
        assert await story.ledger.through(lambda told, form=form: list(export(told, form))) == list(
            export(books, form)
        )
