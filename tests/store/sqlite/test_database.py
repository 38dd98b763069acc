"""One file, one writer, many who wait for it; and everything that can go wrong with a file."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.store.sqlite import database as module
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.versions import OURS, steps


@pytest.fixture
async def database(tmp_path: Path):
    made = await Database.open(tmp_path / "licet.db", busy_ms=100)
    yield made
    await made.close()


def put(source: str, position: int = 1):
    def act(db: apsw.Connection) -> str:
        db.execute("INSERT INTO fold_positions (source, position) VALUES (?, ?)", (source, position))
        return source

    return act


def sources(db: apsw.Connection) -> set[str]:
    return {source for (source,) in db.execute("SELECT source FROM fold_positions")}


@pytest.mark.parametrize("library", ["sqlite3", "apsw"])
async def test_another_program_that_closes_the_file_takes_no_write_with_it(
    tmp_path: Path, library: str
) -> None:
    """Two of ours in one process, as in an office, and a stranger that opens and closes the file meanwhile."""
    path = tmp_path / "licet.db"
    first, second = await Database.open(path), await Database.open(path, readers=2)
    await first.write(put("before"))
    opened = {"sqlite3": "sqlite3.connect", "apsw": "apsw.Connection"}[library]
    program = (
        f"import sys, {library}; db = {opened}(sys.argv[1]); "
        "db.execute('CREATE TABLE IF NOT EXISTS passing (x)'); db.close()"
    )
    run = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(path))
    assert await run.wait() == 0
    assert path.with_name("licet.db-wal").exists(), "whoever closes it last removes its log, and nobody else"
    await first.write(put("after"))
    seen = "import sys, apsw; print(apsw.Connection(sys.argv[1]).execute('SELECT count(*) FROM fold_positions').get)"
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-c", seen, str(path), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await run.communicate()
    assert out.strip() == b"2"
    assert await second.read(sources) == {"before", "after"}
    await second.close()
    await first.close()


class Blocked:
    """The writer thread, held inside an act until it is let go."""

    def __init__(self, database: Database):
        self.inside, self.go = threading.Event(), threading.Event()
        self.task = asyncio.ensure_future(database.write(self._act))

    def _act(self, _db: apsw.Connection) -> None:
        self.inside.set()
        assert self.go.wait(60)

    async def begun(self) -> Blocked:
        await asyncio.to_thread(self.inside.wait)
        return self

    async def release(self) -> None:
        self.go.set()
        await self.task


async def test_it_keeps_what_it_answered_with_the_settings_it_promises(database, tmp_path):
    assert await database.write(put("a")) == "a"
    assert await database.read(sources) == {"a"}
    asked = ("journal_mode", "synchronous", "foreign_keys", "temp_store", "secure_delete", "mmap_size")
    assert await database.write(lambda db: [db.pragma(name) for name in asked]) == ["wal", 2, 1, 2, 1, 0]
    for name in ("licet.db", "licet.db-wal", "licet.db-shm"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


async def test_what_waits_is_committed_together(database):
    commits = []

    def count(db: apsw.Connection) -> None:
        db.set_commit_hook(lambda: bool(commits.append(1)))

    await database.write(count)
    commits.clear()
    blocked = await Blocked(database).begun()
    waiting = [asyncio.ensure_future(database.write(put(f"s{n}"))) for n in range(200)]
    await asyncio.sleep(0)
    await blocked.release()
    await asyncio.gather(*waiting)
    assert len(commits) == 2
    assert len(await database.read(sources)) == 200


async def test_one_that_fails_does_not_fail_its_neighbors(database):
    def bad(db: apsw.Connection) -> None:
        put("half")(db)
        raise KeyError("mine")

    def wrong(db: apsw.Connection) -> None:
        put("half")(db)
        put("half")(db)

    blocked = await Blocked(database).begun()
    waiting = [
        asyncio.ensure_future(database.write(act)) for act in (put("a"), bad, put("b"), wrong, put("c"))
    ]
    await asyncio.sleep(0)
    await blocked.release()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [answers[at] for at in (0, 2, 4)] == ["a", "b", "c"]
    assert isinstance(answers[1], KeyError)
    assert isinstance(answers[3], StoreUnavailable)
    assert await database.read(sources) == {"a", "b", "c"}


async def test_an_act_that_ends_the_transaction_keeps_nothing_of_the_group(database):
    blocked = await Blocked(database).begun()
    acts = (put("a"), lambda db: db.execute("ROLLBACK"), put("b"))
    waiting = [asyncio.ensure_future(database.write(act)) for act in acts]
    await asyncio.sleep(0)
    await blocked.release()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(answer, StoreUnavailable) for answer in answers)
    assert await database.read(sources) == set()
    assert await database.write(put("after")) == "after"


async def test_readers_cannot_write_and_see_one_moment(database):
    await database.write(put("a"))
    with pytest.raises(StoreUnavailable):
        await database.read(put("b"))
    loop = asyncio.get_running_loop()

    def twice(db: apsw.Connection) -> bool:
        before = sources(db)
        asyncio.run_coroutine_threadsafe(database.write(put("b")), loop).result()
        return before == sources(db)

    assert await database.read(twice)
    assert await database.read(sources) == {"a", "b"}


async def test_a_busy_file_is_told_and_works_again(database, tmp_path):
    other = apsw.Connection(str(tmp_path / "licet.db"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="busy"):
        await database.write(put("a"))
    assert await database.read(sources) == set()
    other.execute("ROLLBACK")
    other.close()
    assert await database.write(put("a")) == "a"


async def test_a_full_disk_is_told_and_what_was_asked_did_not_happen(database):
    await database.write(lambda db: db.pragma("max_page_count", 1))
    blocked = await Blocked(database).begun()
    big = asyncio.ensure_future(database.write(put("x" * 2_000_000)))
    await asyncio.sleep(0)
    await blocked.release()
    with pytest.raises(StoreUnavailable, match="full"):
        await big
    await database.write(lambda db: db.pragma("max_page_count", 10_000))
    assert await database.write(put("a")) == "a"
    assert await database.read(sources) == {"a"}


async def test_what_nobody_waits_for_any_more_is_not_begun(database):
    blocked = await Blocked(database).begun()
    waiting = asyncio.ensure_future(database.write(put("a")))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await blocked.release()
    assert await database.read(sources) == set()


async def test_too_many_that_wait_are_turned_away(database, monkeypatch):
    monkeypatch.setattr(database._jobs, "maxsize", 3)
    blocked = await Blocked(database).begun()
    waiting = [asyncio.ensure_future(database.write(put(f"s{n}"))) for n in range(4)]
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert [str(task.exception()) for task in done] == ["too many writes are waiting for the database"]
    await blocked.release()
    await asyncio.gather(*waiting[:3])


async def test_closing_finishes_what_waits_and_refuses_the_rest(database):
    blocked = await Blocked(database).begun()
    waiting = asyncio.ensure_future(database.write(put("a")))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(database.close())
    await asyncio.sleep(0)
    await blocked.release()
    assert await waiting == "a"
    await closing
    await database.close()
    for use in (database.write(put("b")), database.read(sources)):
        with pytest.raises(StoreUnavailable, match="closed"):
            await use
    with pytest.raises(StoreUnavailable):
        database.version()


async def test_the_version_changes_with_every_commit_of_anybody(database, tmp_path):
    seen = [database.version()]
    assert database.version() == seen[0]
    await database.write(put("a"))
    seen.append(database.version())
    other = await Database.open(tmp_path / "licet.db")
    await other.write(put("b"))
    seen.append(database.version())
    await other.close()
    assert len(set(seen)) == 3


async def test_a_backup_is_whole_private_and_never_overwrites(database, tmp_path):
    await database.write(put("a"))
    copy = tmp_path / "copy.db"
    waiting = [asyncio.ensure_future(database.write(put(f"s{n}"))) for n in range(50)]
    await database.backup(copy)
    await asyncio.gather(*waiting)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        await database.backup(copy)
    opened = await Database.open(copy)
    found = await opened.read(lambda db: (db.execute("PRAGMA integrity_check").get, sources(db)))
    assert found[0] == "ok"
    assert "a" in found[1]
    await opened.close()


async def test_what_is_erased_is_gone_from_file_and_log(database, tmp_path):
    secret = "203.0.113.77 was here"
    row = ("r", b"s", 1, secret, "", "", "", "", "[]")
    await database.write(lambda db: db.execute("INSERT INTO details VALUES (?,?,?,?,?,?,?,?,?)", row))
    octets = lambda: b"".join(path.read_bytes() for path in tmp_path.iterdir())  # noqa: E731
    assert secret.encode() in octets()
    await database.write(lambda db: db.execute("DELETE FROM details"))
    assert await database.checkpoint()
    assert secret.encode() not in octets()


async def test_a_reader_in_the_way_of_a_checkpoint_is_told(database, tmp_path):
    await database.write(put("a"))
    other = apsw.Connection(str(tmp_path / "licet.db"))
    other.execute("BEGIN")
    other.execute("SELECT * FROM fold_positions").fetchall()
    await database.write(put("b"))
    assert not await database.checkpoint()
    other.execute("ROLLBACK")
    other.close()
    assert await database.checkpoint()


class FailingSync(apsw.VFS):
    """The disk, until its syncs fail."""

    def __init__(self) -> None:
        self.failing = False
        super().__init__("failing-sync", "unix", makedefault=True)

    def xOpen(self, name, flags):
        return _File(self, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk, name, flags):
        self.disk = disk
        super().__init__("unix", name, flags)

    def xSync(self, flags):
        if self.disk.failing:
            error = apsw.IOError("sync")
            error.result, error.extendedresult = apsw.SQLITE_IOERR, apsw.SQLITE_IOERR_FSYNC
            raise error
        super().xSync(flags)


@pytest.fixture
def disk() -> Iterator[FailingSync]:
    disk = FailingSync()
    yield disk
    disk.unregister()


async def test_after_a_failed_sync_nothing_more_is_acknowledged(disk, tmp_path):
    database = await Database.open(tmp_path / "licet.db")
    await database.write(put("a"))
    disk.failing = True
    with pytest.raises(StoreUnavailable, match="disk"):
        await database.write(put("b"))
    disk.failing = False
    with pytest.raises(StoreUnavailable, match="restart"):
        await database.write(put("c"))
    await database.close()
    again = await Database.open(tmp_path / "licet.db")
    assert "a" in await again.read(sources)
    assert "c" not in await again.read(sources)
    await again.close()


async def test_a_disk_that_fails_at_the_end_raises_nothing_and_loses_nothing(disk, tmp_path):
    database = await Database.open(tmp_path / "licet.db")
    await database.write(put("a"))
    disk.failing = True
    await database.close()
    disk.failing = False
    again = await Database.open(tmp_path / "licet.db")
    assert "a" in await again.read(sources)
    await again.close()


async def _mistake(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        await Database.open(path)
    (mistake,) = caught.value.mistakes
    assert mistake.file == str(path)
    return mistake.expected


async def test_a_later_schema_is_left_alone(tmp_path):
    path = tmp_path / "licet.db"
    await (await Database.open(path)).close()
    other = apsw.Connection(str(path))
    other.execute(f"PRAGMA user_version = {len(steps()) + 1}")
    other.close()
    before = path.read_bytes()
    assert "later version" in await _mistake(path)
    assert path.read_bytes() == before


async def test_another_programs_database_is_left_alone(tmp_path):
    path = tmp_path / "other.db"
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE songs (title TEXT)")
    other.close()
    before = path.read_bytes()
    assert "another program" in await _mistake(path)
    assert path.read_bytes() == before


async def test_no_database_no_folder_no_file(tmp_path):
    (tmp_path / "text.db").write_text("this is no database, however long it is made to be " * 50)
    assert "damaged" in await _mistake(tmp_path / "text.db")
    assert "licet can write" in await _mistake(tmp_path / "missing" / "licet.db")
    assert "licet can write" in await _mistake(tmp_path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        found = "?"
        try:
            folder.chmod(0o555)
            if os.getuid() == 0:
                for parent in (tmp_path, *tmp_path.parents[:3]):
                    parent.chmod(0o755)
                os.setgid(65534)
                os.setuid(65534)
            Database._open(folder / "licet.db", 1, 100)
        except ConfigurationError as error:
            found = str(error)
        finally:
            os.write(write, found.encode())
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        assert "must be a file licet can write" in told.read()
    os.waitpid(child, 0)


async def test_an_old_engine_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module.apsw, "sqlite_lib_version", lambda: "3.40.1")
    assert "3.40.1" in await _mistake(tmp_path / "licet.db")
    assert not (tmp_path / "licet.db").exists()


async def test_the_file_says_whose_it_is(database):
    assert await database.read(lambda db: (db.pragma("application_id"), db.pragma("user_version"))) == (
        OURS,
        len(steps()),
    )
