"""Rows leave the database and come back, and nobody who asks for figures, leaves or evidence can tell."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.app.stores import folding_of
from gateway.dashboard.filters import Decision, LogFilter
from gateway.problems import StoreUnavailable
from gateway.provenance.audit import audit
from gateway.provenance.chain import includes, inclusion_proof, leaf_hash
from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.provenance.public_log import PublicLog, tree
from gateway.provenance.record import FetchRecord
from gateway.provenance.segments import segments
from gateway.store.moving import move
from gateway.store.postgres.database import Postgres
from gateway.store.purses import EntryConflict
from gateway.store.sqlite.access_log import SqliteAccessLog
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.leaves import SqliteLeaves
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.originals import SqliteOriginals
from gateway.store.sqlite.shelving import Shelving
from gateway.store.sqlite.stored_rows import last_row, rows_upto, stored_rows
from gateway.store.sqlite.traffic import SqliteTraffic
from gateway.store.sqlite.withdrawals import SqliteWithdrawals
from tests.store.sqlite.shelf_of_records import BLOCK, HOUR_US, KEEP, START_US, entries, shelf

KILLER = Path(__file__).with_name("shelf_killer.py")
MADE = entries()
ALL_US = START_US + 10_000 * HOUR_US
NOW = ALL_US // 1_000_000
FILTERS = [
    LogFilter(last="all"),
    LogFilter(from_us=START_US + 3 * HOUR_US + 5, to_us=START_US + 9 * HOUR_US + 7),
    LogFilter(from_us=START_US + 60_000_000, to_us=START_US + 2 * HOUR_US, crawler="GPTBot"),
    LogFilter(from_us=START_US + HOUR_US // 3, to_us=START_US + HOUR_US // 2),
    LogFilter(from_us=START_US + HOUR_US // 3, to_us=START_US + HOUR_US // 2, decision=Decision.QUOTED),
    LogFilter(to_us=START_US + 5 * HOUR_US, words=(("licensee", ""),)),
    LogFilter(to_us=START_US + 5 * HOUR_US, words=(("site", "journal"),), crawler=""),
    LogFilter(text="/7"),
    LogFilter(path="/essays/"),
]


@pytest.fixture(params=["sqlite", "postgres"])
async def database(tmp_path: Any, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    if request.param == "postgres":
        made: Any = await Postgres.open(request.getfixturevalue("emptied").url, lines=2)
        made.journal = tmp_path / "journal"
    else:
        made = await Database.open(tmp_path / "licet.db")
    yield made
    await made.close()


@pytest.fixture
async def shelving(database: Any, tmp_path: Any) -> Shelving:
    await shelf(database, tmp_path / "journal", MADE)
    return Shelving(folding_of(database), database, keep=KEEP)


async def _figures(database: Any) -> dict[str, object]:
    """What every page and report tells in figures."""
    log = SqliteAccessLog(database, counted=KEEP)
    found: dict[str, object] = {}
    # The statements are the same on both; a server takes longer for each.
    for nth, filter in enumerate(FILTERS if isinstance(database, Database) else FILTERS[:3]):
        found |= {
            f"overview {nth}": await log.overview(filter),
            f"crawlers {nth}": await log.crawlers(filter),
            f"works {nth}": await log.works(filter),
            f"paths {nth}": await log.paths(filter),
            f"facets {nth}": await log.facets(filter),
        }
    found["visits"] = sorted(map(str, await log.visits("journal", START_US)))
    begin = START_US // 1_000_000
    for name, until, most in (("all", NOW, 99), ("some", begin + 4000, 99), ("top", NOW, 2)):
        found[f"traffic {name}"] = await SqliteTraffic(database).traffic("journal", begin, until, most)
        names = ["GPTBot", "OldBot", ""]
        found[f"fetches {name}"] = await SqliteTraffic(database).fetches("journal", names, begin, until, most)
    for work in ("essays", "videos"):
        found[f"seen {work}"] = await SqliteOriginals(database).seen("journal", work)
    found["copies"] = await SqliteWithdrawals(database).copies("journal")
    found["books"] = await SqliteLedger(database).books()
    return found


async def _rows(database: Any) -> list[Any]:
    sql = "SELECT seq, id, kind, outcome, status, time_us, face, licensee, path, count, bytes_sent, file, place FROM journal ORDER BY seq"
    found: list[Any] = await database.read(lambda db: db.execute(sql).fetchall())
    return found


async def test_figures_leaves_and_evidence_stay_as_they_were(database: Any, shelving: Shelving) -> None:
    leaves, log = SqliteLeaves(database), SqliteAccessLog(database, counted=KEEP)
    figures, rows = await _figures(database), await _rows(database)
    hashed, opened = await leaves.leaves(0, 2000), await leaves.opened_from(0, 2000)
    licensee = await leaves.opened_of("le_1", 0, ALL_US, (0, -1), 2000)
    known = [each for each in MADE if isinstance(each, FetchRecord)]
    listed = {each.id: await log.row(each.id) for each in known}

    left = await shelving.leave(ALL_US, NOW)

    nobodys = [each for each in known if not each.licensee]
    assert 400 < left < len(nobodys) + 20
    assert shelving.stayed == []
    assert len(await _rows(database)) == len(rows) - left
    assert await _figures(database) == figures
    assert await leaves.size() == len(hashed) == len(MADE)
    assert await leaves.leaves(0, 2000) == hashed
    assert await leaves.leaves(333, 7) == hashed[333:340]
    assert await leaves.opened_from(0, 2000) == opened
    assert await leaves.opened_from(255, 90) == opened[255:345]
    assert [await leaves.opened(each.id) for each in MADE[::31]] == list(opened[::31])
    assert await leaves.opened("nobody's") is None
    assert await leaves.opened_of("le_1", 0, ALL_US, (0, -1), 2000) == licensee
    assert {each.id: await log.row(each.id) for each in known} == listed
    assert await log.record(nobodys[0].id) == nobodys[0]
    gone = await log.gone(LogFilter())
    assert gone is not None
    assert (gone.entries, gone.first_us) == (left, min(each.time_us for each in nobodys))
    assert await log.gone(LogFilter(from_us=ALL_US)) is None

    blocks = await shelving.shelved()
    assert sum(each.entries for each in blocks) == left
    assert [await shelving.bring_back(each.seq, NOW + 9) for each in blocks] == [
        each.entries for each in blocks
    ]
    assert await _rows(database) == rows
    assert await _figures(database) == figures
    assert await leaves.opened_from(0, 2000) == opened
    assert await log.gone(LogFilter()) is None
    assert await shelving.leave(ALL_US, NOW) == 0, "they stay as long as they were wanted"
    assert await shelving.leave(ALL_US, NOW + 10) == left
    assert await shelving.bring_back(7, 0) == 0, "no block ends there"


async def test_an_audit_reads_what_left_and_says_where_it_was_changed(
    database: Any, shelving: Shelving, tmp_path: Any
) -> None:
    await shelving.leave(ALL_US, NOW)
    rows = await database.read(stored_rows)
    positions = await folding_of(database).positions()
    good = audit(tmp_path / "journal", rows, positions=positions)
    assert good.ok, good.faults
    assert (good.rows, good.unfolded) == (len(MADE), 0)
    assert [row.seq for row in rows] == list(range(1, len(MADE) + 1)), "what left stands among what stayed"
    assert await database.read(last_row) == len(MADE)
    for last in (0, 7, BLOCK, BLOCK + 1):
        assert await database.read(lambda db, last=last: list(rows_upto(db, last))) == rows[:last]
    # The digest that was kept is another's.
    await database.write(
        lambda db: db.execute("UPDATE shelved SET digest = ? WHERE seq = ?", (b"0" * 32, BLOCK))
    )
    changed = audit(tmp_path / "journal", await database.read(stored_rows), positions=positions)
    assert [fault.why for fault in changed.faults] == [
        "what left up to number 100 is not what the journal's files hold now"
    ]
    with pytest.raises(StoreUnavailable, match="is not what the journal's files hold"):
        await shelving.bring_back(BLOCK, NOW)
    # Places that lead nowhere.
    await database.write(
        lambda db: db.execute("UPDATE shelved SET places = ? WHERE seq = ?", (b"0" * 32, BLOCK))
    )
    lost = audit(tmp_path / "journal", await database.read(stored_rows), positions=positions)
    assert any("the database is damaged" in fault.why for fault in lost.faults)
    assert lost.fault_count > BLOCK // 3, "each of its entries is missing"


async def test_the_public_log_goes_on_and_is_made_again_from_what_left(
    database: Any, shelving: Shelving, tmp_path: Any
) -> None:
    key, leaves = Ed25519PrivateKey.from_private_bytes(bytes(32)), SqliteLeaves(database)
    log = await PublicLog.open(tmp_path / "log", "journal.example/.licet/log", key, leaves)
    await log.catch_up(leaves)
    await shelving.leave(ALL_US, NOW)
    for folder in ("log", "anew"):
        again = await PublicLog.open(tmp_path / folder, "journal.example/.licet/log", key, leaves)
        await again.catch_up(leaves)
        assert (again.head.size, again.head.root) == (len(MADE), log.head.root), folder
    one = await leaves.opened("r000031")
    assert one is not None
    proof = inclusion_proof(one.index, len(MADE), tree(tmp_path / "log", len(MADE)))
    assert includes(one.index, len(MADE), leaf_hash(one.leaf), proof, log.head.root)


async def test_nothing_leaves_too_early(database: Any, tmp_path: Any) -> None:
    folder = tmp_path / "journal"
    await shelf(database, folder, MADE, packed=False)
    shelving = Shelving(folding_of(database), database, keep=KEEP)
    assert await shelving.leave(ALL_US, NOW) == 0
    assert "is not packed yet" in shelving.stayed[0]
    from gateway.provenance.packing import pack_folded

    pack_folded(folder, await folding_of(database).positions())
    assert await shelving.leave(START_US, NOW) == 0, "none is older than the first"
    first = await shelving.leave(START_US + 4 * HOUR_US, NOW)
    assert 0 < first < BLOCK
    assert await shelving.leave(ALL_US, NOW, most=2) < 2 * BLOCK
    assert (await shelving.shelved())[-1].seq == 3 * BLOCK
    await shelving.leave(ALL_US, NOW)
    assert (await shelving.shelved())[-1].seq <= len(MADE) - KEEP, "the newest stay"
    # A file of another data folder, folded into the same database.
    await database.write(lambda db: db.execute("INSERT INTO fold_positions VALUES ('other-1.seg', 900)"))
    assert await shelving.leave(ALL_US, NOW) == 0
    assert "other-1.seg was folded and is not in this data folder" in shelving.stayed[0]


async def test_a_row_that_is_not_what_its_frame_says_stays(
    database: Any, shelving: Shelving, tmp_path: Any
) -> None:
    await database.write(lambda db: db.execute("UPDATE journal SET bytes_sent = 77 WHERE id = 'r000003'"))
    await shelving.leave(ALL_US, NOW)
    assert next(each.seq for each in await shelving.shelved()) == 2 * BLOCK
    (why,) = shelving.stayed
    assert "entry r000003 is not what w" in why


async def test_what_left_is_not_folded_twice(database: Any, shelving: Shelving) -> None:
    await shelving.leave(ALL_US, NOW)
    before = await _rows(database)
    again = next(each for each in MADE if isinstance(each, FetchRecord) and not each.licensee)
    folding = folding_of(database)
    sealed = SealedEntry(again, bytes(32), again.canonical(), "front")
    assert await folding.fold(FoldBatch((sealed,), (), ())) == 0
    other = replace(again, bytes_sent=9)
    with pytest.raises(EntryConflict):
        await folding.fold(FoldBatch((SealedEntry(other, bytes(32), other.canonical(), "front"),), (), ()))
    fresh = replace(again, id="another")
    assert (
        await folding.fold(FoldBatch((SealedEntry(fresh, bytes(32), fresh.canonical(), "front"),), (), ()))
        == 1
    )
    rows = await _rows(database)
    assert rows[:-1] == before
    assert rows[-1][0] == len(MADE) + 1


async def test_files_that_are_damaged_after_rows_left_are_told(
    database: Any, shelving: Shelving, tmp_path: Any
) -> None:
    await shelving.leave(ALL_US, NOW)
    path = segments(tmp_path / "journal")[0]
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 1
    path.write_bytes(octets)
    block = (await shelving.shelved())[0]
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        await SqliteLeaves(database).leaves(0, 2000)
    with pytest.raises(StoreUnavailable, match="left the database and cannot be read at w"):
        await shelving.bring_back(block.seq, NOW)
    assert len(await shelving.shelved()) > 3, "nothing came back half"


async def test_a_kill_before_any_statement_loses_nothing_and_doubles_nothing(tmp_path: Any) -> None:
    database = await Database.open(tmp_path / "licet.db")
    await shelf(database, tmp_path / "journal", MADE)
    await database.close()
    killing = await asyncio.create_subprocess_exec(
        sys.executable, str(KILLER), str(tmp_path), stdout=PIPE, stderr=PIPE
    )
    said, wrong = await killing.communicate()
    assert killing.returncode == 0, wrong.decode()
    told = json.loads(said)
    # Killed again and again, it goes on: a block is here or there, and in the end all that was asked for is done.
    assert len(told["leave"]) > 5
    assert len(told["come"]) > 5
    assert told["leave"][0] == []
    assert told["leave"][-1]
    assert len(told["come"][-1]) < len(told["leave"][-1])


async def test_what_left_is_moved_to_postgresql_and_read_there(tmp_path: Any, emptied: Any) -> None:
    file = await Database.open(tmp_path / "licet.db")
    await shelf(file, tmp_path / "journal", MADE)
    await Shelving(folding_of(file), file, keep=KEEP).leave(ALL_US, NOW, most=3)
    leaves = await SqliteLeaves(file).leaves(0, 2000)
    await move(file, emptied, "a")
    emptied.journal = tmp_path / "journal"
    try:
        shelving = Shelving(folding_of(emptied), emptied, keep=KEEP)
        assert await SqliteLeaves(emptied).leaves(0, 2000) == leaves
        assert await shelving.bring_back(2 * BLOCK, 0) > 0
        assert await SqliteLeaves(emptied).leaves(0, 2000) == leaves
        await shelving.leave(ALL_US, NOW)
        assert await SqliteLeaves(emptied).leaves(0, 2000) == leaves
    finally:
        emptied.journal = None
        await file.close()
