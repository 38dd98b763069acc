"""Schema steps: shipped, numbered, applied once."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from gateway.billing.postings import postings_of
from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.provenance.append_file import AppendFile, Disk
from gateway.provenance.frames import entry_frame
from gateway.provenance.keeper import FoldBatch
from gateway.provenance.record import BookEntry, FloodNote, ShedNote, leaf
from gateway.provenance.segments import SealedEntry, open_entry, read_frames, segment_name
from gateway.store.sqlite import versions
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.leaves import SqliteLeaves
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.slimming import slim
from gateway.store.sqlite.stored_rows import stored_rows
from loadtests.recording import START_US, paid

#: The steps before the one that makes the journal compact, found by what it is called.
COMPACT = next(number for number, sql in versions.steps() if "CREATE TABLE journal" in sql) - 1
#: The columns of an entry before that.
OLD = (
    "seq", "id", "kind", "time_us", "site", "salt", "canonical", "leaf", "source", "crawler", "operator",
    "visitor_class", "identity", "licensee", "license", "outcome", "verdict", "rule", "problem", "would", "status",
    "method", "host", "path", "work", "ended", "country", "currency", "charged_micros", "quote_micros",
    "charge_reason", "bytes_sent", "duration_us", "count",
)  # fmt: skip
TEXTS = frozenset(OLD) - {"status", "charged_micros", "quote_micros", "bytes_sent", "duration_us", "count"}


def old_column(entry, name):
    """What that column had: a note of what was shed kept every default."""
    default = 1 if name == "count" else "" if name in TEXTS else 0
    return default if entry.kind == "shed" else getattr(entry, name, default)


def made(path: Path) -> apsw.Connection:
    return apsw.Connection(str(path))


def test_the_steps_are_numbered_from_one():
    assert [number for number, _ in versions.steps()] == list(range(1, len(versions.steps()) + 1))


def test_an_empty_file_gets_every_step_and_a_second_time_none(tmp_path):
    db = made(tmp_path / "a.db")
    assert versions.upgrade(db) == len(versions.steps())
    before = db.execute("SELECT sql FROM sqlite_schema").fetchall()
    assert versions.upgrade(db) == len(versions.steps())
    assert db.execute("SELECT sql FROM sqlite_schema").fetchall() == before
    versions.recognize(db, tmp_path / "a.db")
    db.close()


def test_a_step_that_fails_leaves_the_version_it_began_with(tmp_path, monkeypatch):
    shipped = versions.steps()
    db = made(tmp_path / "a.db")
    versions.upgrade(db)
    broken = (*shipped, (len(shipped) + 1, "CREATE TABLE extra (a); CREATE TABLE extra (a);"))
    monkeypatch.setattr(versions, "steps", lambda: broken)
    with pytest.raises(apsw.SQLError):
        versions.upgrade(db)
    assert db.pragma("user_version") == len(shipped)
    assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'").get == 0
    monkeypatch.setattr(versions, "steps", lambda: (*shipped, (len(shipped) + 1, "CREATE TABLE extra (a)")))
    assert versions.upgrade(db) == len(shipped) + 1
    monkeypatch.setattr(versions, "steps", lambda: shipped)
    with pytest.raises(ConfigurationError, match="later version"):
        versions.recognize(db, tmp_path / "a.db")
    db.close()


def test_a_step_is_read_against_the_tables_that_another_process_has_made_meanwhile(tmp_path, monkeypatch):
    shipped = versions.steps()
    # A table at first, then a view, which a later step drops.
    (dropped,) = (number for number, sql in shipped if "DROP VIEW entries;" in sql)
    assert dropped - 1 > COMPACT
    ours, theirs = made(tmp_path / "a.db"), made(tmp_path / "a.db")
    for db, reached in ((ours, COMPACT), (theirs, dropped - 1), (ours, len(shipped))):
        monkeypatch.setattr(versions, "steps", lambda reached=reached: shipped[:reached])
        assert versions.upgrade(db) == reached
        assert db.pragma("user_version") == reached
    for db in (ours, theirs):
        assert db.execute("SELECT count(*) FROM entries").get == 0
        db.close()


def test_holds_of_the_first_version_are_dropped_and_everything_else_stays(tmp_path, monkeypatch):
    shipped = versions.steps()
    monkeypatch.setattr(versions, "steps", lambda: shipped[:1])
    db = made(tmp_path / "a.db")
    assert versions.upgrade(db) == 1
    db.execute("INSERT INTO balances (account, currency, micros) VALUES ('licensee:le_1:prepaid', 'USD', 7)")
    db.execute(
        "INSERT INTO holds (record_id, licensee, license, currency, price, held, fetches, expires_at, state, counts)"
        " VALUES ('r1', 'le_1', 'lic_1', 'USD', 5, 5, 1, 99, 'open', 1)"
    )
    monkeypatch.setattr(versions, "steps", lambda: shipped)
    assert versions.upgrade(db) == len(shipped)
    assert db.execute("SELECT micros FROM balances").get == 7
    assert db.execute("SELECT count(*) FROM purses").get == 0
    assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'holds%'").get == 0
    db.close()


async def test_entries_of_an_earlier_version_say_the_same_and_give_up_what_the_files_hold(
    tmp_path, monkeypatch
):
    shipped = versions.steps()
    entries = [paid(number).record for number in range(40)]
    entries += [BookEntry(f"b{n}", START_US + n, "credit", "", "le_1", 5_000_000, "USD") for n in range(2)]
    entries += [FloodNote("f1", START_US, START_US, 9, "journal", "GPTBot", "ai", "pace", 429, "0" * 64)]
    entries += [ShedNote("s1", START_US, START_US, 7, "disk")]
    (tmp_path / "journal").mkdir()
    file = AppendFile(tmp_path / "journal" / segment_name("w0", "0" * 24, 1), Disk())
    for number, entry in enumerate(entries):
        file.append(entry_frame(entry.kind, entry.canonical(), bytes([number]) * 32), b"")
    file.close()
    sealed = [open_entry(frame) for frame, _ in read_frames(file.path)]
    monkeypatch.setattr(versions, "steps", lambda: shipped[:COMPACT])
    db = made(tmp_path / "licet.db")
    versions.upgrade(db)
    for seq, each in enumerate(sealed, 1):
        entry, salt, canonical, source = each
        db.execute(
            f"INSERT INTO entries ({', '.join(OLD)}) VALUES ({', '.join('?' * len(OLD))})",
            (
                seq, entry.id, entry.kind, entry.time_us, entry.site, salt, canonical, b"", source,
                *(old_column(entry, name) for name in OLD[9:]),
            ),
        )  # fmt: skip
        for leg, post in enumerate(postings_of(entry)):
            db.execute(
                "INSERT INTO postings (seq, leg, entry_id, time_us, debit, credit, micros, currency, code)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    seq,
                    leg,
                    entry.id,
                    entry.time_us,
                    post.debit,
                    post.credit,
                    post.amount.micros,
                    "USD",
                    post.code,
                ),
            )
    db.close()
    monkeypatch.setattr(versions, "steps", lambda: shipped)
    database = await Database.open(tmp_path / "licet.db")
    try:
        leaves, ledger = SqliteLeaves(database), SqliteLedger(database)
        wanted = tuple(leaf(each.entry, each.salt) for each in sealed)
        posted = tuple(post for entry in entries for post in postings_of(entry))
        for slimmed in (40, 0):
            assert await leaves.leaves(0, 99) == wanted
            assert await ledger.postings(None, 0, 1 << 60) == posted
            assert not [row.why for row in await database.read(stored_rows) if row.why]
            booked = await ledger.entries_of("le_1", 0, 1 << 60)
            assert [each.entry for each in booked] == entries[:42]
            assert await slim(database) == slimmed
        # One face for all that are alike; the frames hold what the rows gave up.
        assert await database.read(lambda db: db.execute("SELECT count(*) FROM faces").get) == 4
        file.path.unlink()
        with pytest.raises(StoreUnavailable, match="cannot be read from the journal"):
            await leaves.leaves(0, 99)
        assert len(await leaves.leaves(40, 99)) == 4
    finally:
        await database.close()


async def test_a_row_whose_file_says_something_else_keeps_its_octets(tmp_path):
    made = paid(1)
    record, place = made.record, f"{segment_name('w0', '0' * 24, 1)}:24"
    database = await Database.open(tmp_path / "licet.db")
    try:
        entry = SealedEntry(record, bytes(32), record.canonical(), place)
        await SqliteFolding(database).fold(FoldBatch((entry,), (), ()))
        (tmp_path / "journal").mkdir()
        file = AppendFile(tmp_path / "journal" / segment_name("w0", "0" * 24, 1), Disk())
        file.append(entry_frame("fetch", record.canonical(), bytes([1]) * 32), b"")
        file.close()
        assert await slim(database) == 0
        assert await SqliteLeaves(database).leaves(0, 9) == (leaf(record, bytes(32)),)
    finally:
        await database.close()
