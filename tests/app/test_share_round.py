"""Once a day what was earned is divided among authors, on real stores and a real journal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.app.due_round import folded_whole
from gateway.app.share_round import ShareRound, authors_of, undivided
from gateway.clock import HandClock
from gateway.policy.reading import read_policy_text
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper
from gateway.provenance.record import BookEntry, FetchRecord
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.earnings import SqliteEarnings
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.register import SqliteRegister

POLICY = read_policy_text(
    """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
authors = [{ name = "Ada", share = "60 %" }, { name = "Bo", share = "40 %" }]
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = { per_fetch = "0.01" }
[[rules]]
then = "serve"
""",
    "journal.toml",
)
FETCH = FetchRecord(
    id="r0", time_us=0, duration_us=1, site="journal", host="h", method="GET", path="/essays/a", visitor_class="ai",
    identity="claimed", identity_method="none", verdict="license", rule="r", policy="p", mode="enforce",
    outcome="licensed", status=200, bytes_sent=9, ended="complete", detail="0" * 64, licensee="le_1", license="lic_1",
    charge_reason="fetch", work="essays", currency="USD", charged_micros=100,
)  # fmt: skip


@pytest.fixture
async def books(tmp_path):
    clock = HandClock()
    database = await Database.open(tmp_path / "licet.db")
    journal = Journal.open(tmp_path / "journal", "office", clock=clock, reserve_bytes=0)
    keeper = Keeper(tmp_path / "journal", SqliteFolding(database))
    ledger = SqliteLedger(database)

    def made():
        folded = folded_whole(tmp_path / "journal", SqliteFolding(database))
        return ShareRound(
            SqliteEarnings(database),
            SqliteRegister(database),
            lambda: (POLICY,),
            journal,
            clock,
            folded,
            lambda: None,
        )

    async def authors():
        await keeper.catch_up()
        return {
            name: (await ledger.balance(f"author:journal:{name}", "USD")).micros for name in ("Ada", "Bo")
        }

    async def earn(*entries):
        for entry in entries:
            await journal.keep(entry)

    yield made, earn, authors, clock, keeper
    await journal.close()
    await database.close()


async def test_each_day_divides_what_came_since_once_after_a_restart_too(books):
    made, earn, authors, clock, keeper = books
    await earn(
        BookEntry("c", 1, "credit", "", "le_1", 10_000, "USD"),
        replace(FETCH, id="r1"),
        replace(FETCH, id="r2"),
    )
    one = made()
    await one.act()
    assert await authors() == {"Ada": 0, "Bo": 0}, "nothing was folded"
    await one.act()
    await one.act()
    assert await authors() == {"Ada": 120, "Bo": 80}
    await earn(replace(FETCH, id="r3"))
    await keeper.catch_up()
    await one.act()
    assert await authors() == {"Ada": 120, "Bo": 80}, "not before the next day"
    await made().act()
    assert await authors() == {"Ada": 180, "Bo": 120}
    await earn(BookEntry("x", 5, "reversal", "", "le_1", 100, "USD", reference="r1"))
    await keeper.catch_up()
    clock.advance(86_400)
    await one.act()
    assert await authors() == {"Ada": 120, "Bo": 80}


async def test_what_is_the_authors_and_not_divided_yet_is_known(books, tmp_path):
    _, earn, _, _, keeper = books
    await earn(FETCH)
    await keeper.catch_up()
    database = await Database.open(tmp_path / "licet.db")
    try:
        found = await undivided(
            SqliteEarnings(database), SqliteRegister(database), "journal", authors_of(POLICY)
        )
    finally:
        await database.close()
    assert found[1] == {"USD": {"Ada": 60, "Bo": 40}}
