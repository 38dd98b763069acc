"""Entries lie in the table of their month, once each, from however many journals."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib

import pytest

from gateway.admission.spending import Charge
from gateway.money import Money
from gateway.problems import StoreUnavailable
from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.provenance.record import BookEntry, ShedNote
from gateway.store.postgres.database import Postgres
from gateway.store.postgres.folding import PostgresFolding, month_of
from gateway.store.purses import EntryConflict
from gateway.store.sqlite.folding import COLUMNS
from gateway.store.sqlite.leaves import SqliteLeaves
from gateway.store.sqlite.spend_book import SqliteSpendBook
from gateway.tokens.claims import Budget


def us(year: int, month: int, day: int = 1, second: int = 0) -> int:
    return int(dt.datetime(year, month, day, tzinfo=dt.UTC).timestamp() + second) * 1_000_000


def note(id: str, time_us: int) -> SealedEntry:
    entry = ShedNote(id, time_us, 0, 1, "disk")
    return SealedEntry(entry, hashlib.sha256(id.encode()).digest(), entry.canonical(), "front")


def add(db, seq: int, id: str, time_us: int) -> None:
    values = [seq, id, "shed", "", 0, time_us, 0, 0, 0, 1, 0, 0, 0, 0, None, 0, -1, b"", b""]
    db.execute(f"INSERT INTO journal ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})", values)


def tables(db):
    sql = "SELECT tableoid::regclass::text, id FROM journal ORDER BY seq"
    return [(table.rpartition(".")[2], id) for table, id in db.execute(sql)]


async def test_a_month_is_a_table(emptied):
    folding = PostgresFolding(emptied)
    times = [us(2026, 11, 30, 86_399), us(2026, 12), us(2026, 11), us(2024, 2, 29), -5, 2**52]
    assert await folding.fold(FoldBatch(tuple(note(f"n{n}", at) for n, at in enumerate(times)), (), ())) == 6
    assert await emptied.read(tables) == [
        ("journal_2026_11", "n0"), ("journal_2026_12", "n1"), ("journal_2026_11", "n2"), ("journal_2024_02", "n3"),
        ("journal_other", "n4"), ("journal_other", "n5"),
    ]  # fmt: skip
    assert await SqliteLeaves(emptied).size() == 6


@pytest.mark.parametrize("time_us", [-1, 2**62, us(1999, 12, 31), us(2100, 1)])
def test_a_time_that_no_entry_can_have_makes_no_table(time_us):
    assert month_of(time_us) is None


async def test_two_journals_that_are_folded_at_once_share_one_order_without_a_gap(emptied):
    other = await Postgres.open(emptied.url, lines=2, place="other")
    foldings = [PostgresFolding(emptied), PostgresFolding(other)]
    batches = [
        FoldBatch(
            tuple(note(f"{name}{n}-{m}", us(2026, 11, 3, n)) for m in range(5)), (), ((f"{name}.seg", n + 1),)
        )
        for n in range(20)
        for name in "ab"
    ]
    await asyncio.gather(*(foldings[n % 2].fold(batch) for n, batch in enumerate(batches)))
    numbers = await emptied.read(lambda db: list(db.execute("SELECT seq, id FROM entries ORDER BY seq")))
    assert [seq for seq, _ in numbers] == list(range(1, 201))
    assert len({id for _, id in numbers}) == 200
    # The same again changes nothing, and the same id with other content is refused whole.
    assert await foldings[1].fold(batches[0]) == 0
    changed = note("a0-0", us(2026, 11, 4))
    with pytest.raises(EntryConflict):
        await foldings[0].fold(FoldBatch((note("new", us(2026, 11)), changed), (), ()))
    assert await SqliteLeaves(other).size() == 200
    await other.close()


async def test_an_id_stands_once_whatever_an_act_believes(emptied):
    def twice(db):
        db.execute("SELECT make_months(0, 0)")
        for seq, month in ((1, 0), (2, us(2030, 1))):
            add(db, seq, "same", month)

    with pytest.raises(StoreUnavailable, match="another row of that key"):
        await emptied.write(twice)


async def test_a_keeper_closes_the_purses_of_its_own_place_alone(emptied):
    """Another gateway's writers have no file here, and live."""
    other = await Postgres.open(emptied.url, lines=2, place="other")
    credit = BookEntry(
        id="c", time_us=us(2026, 11), kind_of="credit", site="", licensee="le_1", amount_micros=10_000,
        currency="USD", memo="", by="operator",
    )  # fmt: skip
    sealed = SealedEntry(credit, bytes(32), credit.canonical(), "office")
    await PostgresFolding(emptied).fold(FoldBatch((sealed,), (), ()))
    charge = Charge("r", "le_1", "lic_1", Money(10, "USD"), Budget())
    for database, writer in ((emptied, "front-" + "0" * 24), (other, "front-" + "1" * 24)):
        assert await SqliteSpendBook(database).lease(writer, charge, 5) == 5
    assert await PostgresFolding(emptied).purse_writers() == {"front-" + "0" * 24}
    assert await PostgresFolding(other).purse_writers() == {"front-" + "1" * 24}
    await other.close()


async def test_eight_that_lease_at_once_never_sell_more_than_there_is(emptied):
    """Budget 9,999 of 10,000 in units: eight gateways, one row that all of them want."""
    credit = BookEntry(
        id="c", time_us=us(2026, 11), kind_of="credit", site="", licensee="le_1", amount_micros=10_000,
        currency="USD", memo="", by="operator",
    )  # fmt: skip
    await PostgresFolding(emptied).fold(
        FoldBatch((SealedEntry(credit, bytes(32), credit.canonical(), "o"),), (), ())
    )
    gateways = [await Postgres.open(emptied.url, lines=1, place=str(n)) for n in range(8)]
    charge = Charge("r", "le_1", "lic_1", Money(1, "USD"), Budget(fetches=9_999))

    async def take_all(number: int) -> int:
        book, taken = SqliteSpendBook(gateways[number]), 0
        while isinstance(got := await book.lease(f"front-{number:024d}", charge, 64), int):
            taken += got
        return taken

    taken = await asyncio.gather(*(take_all(number) for number in range(8)))
    assert sum(taken) == 9_999
    assert (await SqliteSpendBook(emptied).available("le_1", "USD")) == Money(1, "USD")
    for each in gateways:
        await each.close()
