"""Every row goes over, also when the move is cut off; nothing is mixed with anything; and the way back is the same."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from gateway.app.stores import folding_of
from gateway.billing.reconcile import reconcile
from gateway.event import Event
from gateway.outbox.events import About
from gateway.problems import ConfigurationError
from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.provenance.record import BookEntry, FetchRecord, ShedNote
from gateway.store.moving import NotMoved, move
from gateway.store.postgres.database import Postgres
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import SqliteEvents, keep_events
from gateway.store.sqlite.leaves import SqliteLeaves
from gateway.store.sqlite.ledger import SqliteLedger

NOW = 1_795_000_000
MONTH_US = 31 * 86_400 * 1_000_000
FETCH = FetchRecord(
    id="", time_us=0, duration_us=1, site="journal", host="journal.example", method="GET", path="/a", policy="p",
    visitor_class="ai", identity="claimed", identity_method="none", verdict="license", rule="r", mode="enforce",
    outcome="licensed", status=200, bytes_sent=1, ended="complete", detail="0" * 64, currency="USD", crawler="GPTBot",
    licensee="le_1", client="cl_1", license="lic_1", work="essays", rendition="page", digest="d" * 64, etag="",
    price_micros=5, charged_micros=5, charge_reason="fetch",
)  # fmt: skip


def entries():
    yield BookEntry(
        id="c", time_us=NOW * 1_000_000, kind_of="credit", site="", licensee="le_1", amount_micros=10_000_000,
        currency="USD", memo="paid in", by="operator",
    )  # fmt: skip
    for n in range(130):
        changed = {
            "id": f"f{n:03}",
            "time_us": NOW * 1_000_000 + n * MONTH_US // 20,
            "path": f"/essays/{n % 7}",
        }
        if n % 10 == 9:
            changed["digest"] = "no digest at all"
        yield replace(FETCH, **changed)
    yield ShedNote("shed", NOW * 1_000_000, 0, 3, "disk")


def event(n: int) -> Event:
    return Event(
        f"ev_{n}", "license.issued", NOW + n, "journal", "le_1", f"lic_{n}", {"n": n, "text": "a\x00b"}
    )


@pytest.fixture
async def filled(tmp_path):
    """A SQLite file with a journal, books, words and events of which the last is gone."""
    database = await Database.open(tmp_path / "licet.db")
    sealed = [
        SealedEntry(each, hashlib.sha256(each.id.encode()).digest(), each.canonical(), "x:8")
        for each in entries()
    ]
    await folding_of(database).fold(FoldBatch(tuple(sealed), (), (("x", 9),)))
    await database.write(lambda db: keep_events(db, [event(n) for n in range(1, 6)]))
    await database.write(lambda db: db.execute("DELETE FROM events WHERE nth = 5"))
    yield database
    await database.close()


@pytest.fixture
async def empty(postgres_cluster, tmp_path):
    database = await Postgres.open(postgres_cluster.make(tmp_path.name), lines=2, half=True)
    yield database
    await database.close()


async def leaves(side):
    return await SqliteLeaves(side).leaves(0, 10_000)


async def test_everything_goes_over_and_back(filled, empty, tmp_path):
    said = []
    moved = await move(
        filled, empty, "here", at_once=50, say=lambda table, count: said.append((table, count))
    )
    rows = {each.name: each.rows for each in moved}
    assert (rows["journal"], rows["events"], rows["audience"]) == (132, 4, 0)
    assert [count for table, count in said if table == "journal"] == [50, 100, 132]
    assert await leaves(empty) == await leaves(filled)
    assert reconcile(await SqliteLedger(empty).books()).ok
    months = "SELECT count(DISTINCT tableoid) FROM journal"
    assert await empty.read(lambda db: db.execute(months).get) == 8
    # Numbers go on behind what was there once, and words behind the last.
    await empty.write(lambda db: keep_events(db, [event(6)]))
    assert [each.nth for each in await SqliteEvents(empty).after(0, 99, About())] == [1, 2, 3, 4, 6]
    more = ShedNote("more", NOW * 1_000_000, 0, 3, "disk")
    sealed = SealedEntry(more, bytes(32), more.canonical(), "another:8")
    await folding_of(empty).fold(FoldBatch((sealed,), (), ()))
    back = await Database.open(tmp_path / "back.db")
    again = {each.name: each.rows for each in await move(empty, back, "here")}
    assert again == rows | {"journal": 133, "events": 5, "words": rows["words"] + 1}
    assert await leaves(back) == await leaves(empty)
    await back.write(lambda db: keep_events(db, [event(7)]))
    assert [each.nth for each in await SqliteEvents(back).after(4, 99, About())] == [6, 7]
    assert reconcile(await SqliteLedger(back).books()).ok
    await back.close()


class Cut(Exception):
    """What a kill is to one that is not asked."""


@pytest.mark.parametrize("after", [("words", 1), ("journal", 2), ("events", 1)])
async def test_a_move_that_was_cut_off_goes_on_where_it_was(filled, empty, after):
    wanted, times = after
    said: list[str] = []

    def say(table: str, count: int) -> None:
        said.append(table)
        if said.count(wanted) == times:
            raise Cut

    with pytest.raises(Cut):
        await move(filled, empty, "here", at_once=60, say=say)
    # Nobody takes it for a database meanwhile.
    with pytest.raises(ConfigurationError, match="half a copy"):
        await Postgres.open(empty.url)
    with pytest.raises(NotMoved, match="another data folder"):
        await move(filled, empty, "elsewhere", at_once=60)
    rest: list[tuple[str, int]] = []
    moved = await move(
        filled, empty, "here", at_once=60, say=lambda table, count: rest.append((table, count))
    )
    assert {each.name: each.rows for each in moved}["journal"] == 132
    if wanted == "journal":
        assert [count for table, count in rest if table == "journal"] == [120, 132][times - 1 :]
    opened = await Postgres.open(empty.url, lines=1)
    assert await leaves(opened) == await leaves(filled)
    await opened.close()


async def test_a_target_that_holds_anything_is_refused_and_stays(filled, empty):
    await empty.write(
        lambda db: db.execute("INSERT INTO fold_positions (source, position) VALUES ('theirs', 1)")
    )
    with pytest.raises(NotMoved, match="not empty: it has fold_positions"):
        await move(filled, empty, "here")
    assert await empty.read(lambda db: db.execute("SELECT count(*) FROM journal").get) == 0
    with pytest.raises(NotMoved, match="not empty"):
        await move(filled, empty, "here")


async def test_a_finished_copy_is_not_written_on_again(filled, empty):
    await move(filled, empty, "here")
    with pytest.raises(NotMoved, match="not empty"):
        await move(filled, empty, "here")


async def test_a_row_that_reads_otherwise_is_found(filled, empty):
    def change(table: str, _count: int) -> None:
        if table == "balances":
            raise Cut

    with pytest.raises(Cut):
        await move(filled, empty, "here", say=change)
    await empty.write(lambda db: db.execute("UPDATE balances SET micros = micros + 1"))
    with pytest.raises(NotMoved, match="balances is not the same"):
        await move(filled, empty, "here")
