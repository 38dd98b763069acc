"""`licet backup` and `licet restore`: everything a gateway must not lose, in one file."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import io
import json
import os
import re
import tarfile
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.say import DATA, AsJson, Data, counted, emit, moment, stop, tell, with_data

_MANIFEST = "backup.json"
_VERSION = 1
#: Rows of PostgreSQL that are copied in one transaction.
_AT_ONCE = 4000
#: What is copied as it stands. Policies and settings may be missing.
_PLAIN = ("sites", "earlier", "evidence", "figures", "licet.toml", "operator.json", "people.toml")
_LOG_NAME = Path("log") / "name"


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The archive to write, such as licet.tar.")],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Write everything to one archive.

    Database, journal, keys, policies and settings, beside a running gateway or
    without one. The archive holds private keys: it is made readable by you
    alone; keep it so. It is never written over another.

    Books on PostgreSQL are read as of one moment into the SQLite file of the
    archive, and every table is compared with its digest; gateways go on
    meanwhile. Of other machines it holds what they have folded, not the last
    seconds of the journals on their disks.
    """
    from gateway.app.stores import has_store

    if not has_store(data):
        raise stop(f"{data} is no data folder of licet")
    file = file.absolute()
    if file.exists():
        raise stop(f"{file} is there already; backups are never overwritten")
    if not file.parent.is_dir():
        raise stop(f"there is no folder {file.parent}")
    facts = asyncio.run(_write(file, data, say=not as_json))
    if as_json:
        emit({**facts, "file": str(file), "bytes": file.stat().st_size})
    else:
        print(f"{file}: {counted(facts['entries'], 'entry', 'entries')}, {file.stat().st_size} bytes")


async def _write(file: Path, data: Path, *, say: bool) -> dict[str, Any]:
    from gateway.app.stores import books_on_postgres

    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".licet-backup-") as scratch:
        copy, partial = Path(scratch) / "licet.db", Path(scratch) / "archive"
        facts: dict[str, Any] = {"v": _VERSION, "taken_at": int(time.time())}
        # The database first: the journal copied after it only ever knows more, and is folded on restore.
        if books_on_postgres(data):
            facts["tables"] = await _from_postgres(data, copy, say=say)
        else:
            await _from_file(data / "licet.db", copy)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            with tarfile.open(fileobj=out, mode="w") as archive:
                archive.add(copy, "licet.db")
                here = await asyncio.to_thread(_add_journal, archive, data / "journal")
                folded = [each["rows"] for each in facts.get("tables", ()) if each["table"] == "journal"]
                facts["entries"] = max(here, *folded, 0)
                with ExitStack() as still:
                    for ring in ("tokens", "identity", "origin", "log"):
                        still.enter_context(_still(data / "keys" / ring))
                    _add(archive, data / "keys", "keys")
                for name in _PLAIN:
                    _add(archive, data / name, name)
                _add(archive, data / _LOG_NAME, str(_LOG_NAME))
                _add_octets(archive, _MANIFEST, json.dumps(facts).encode())
            out.flush()
            os.fsync(out.fileno())
        _publish(partial, file)
    _sync(file.parent)
    return facts


async def _from_file(path: Path, copy: Path) -> None:
    from gateway.store.sqlite.database import Database

    database = await Database.open(path)
    try:
        await database.backup(copy)
    finally:
        await database.close()


async def _from_postgres(data: Path, copy: Path, *, say: bool) -> list[dict[str, Any]]:
    """Write one moment of the database into the file *copy*; what each table holds there and here."""
    from gateway.app.stores import open_store, place_of, postgres_of
    from gateway.cli.store import telling
    from gateway.folders import Folders
    from gateway.store.moving import NotMoved, move
    from gateway.store.postgres.snapshot import snapshot
    from gateway.store.sqlite.database import Database

    source = postgres_of(await open_store(data, readers=1))
    assert source is not None
    target = await Database.open(copy)
    try:
        async with snapshot(source) as moment_of:
            moved = await move(
                moment_of, target, place_of(Folders(data)), at_once=_AT_ONCE, say=telling() if say else None
            )
    except NotMoved as error:
        raise stop(str(error), 1) from None
    finally:
        await target.close()
        await source.close()
    return [{"table": each.name, "rows": each.rows, "sha256": each.digest} for each in moved]


def _publish(partial: Path, file: Path) -> None:
    try:
        # A link fails where a file came to be meanwhile; a rename would take its place.
        os.link(partial, file)
    except FileExistsError:
        raise stop(f"{file} is there already; backups are never overwritten") from None
    except OSError:
        # Not every file system has links.
        partial.rename(file)


def _add_journal(archive: tarfile.TarFile, folder: Path) -> int:
    """Add what is durable of every journal file, and return how many entries that is."""
    from gateway.provenance.segments import SegmentDamaged, read_frames, readable, segments

    entries = 0
    for path in segments(folder):
        try:
            ends = readable(path)
            try:
                for _ in read_frames(path, end=ends.entries):
                    entries += 1
            except SegmentDamaged as error:
                tell(f"{error}; it is copied as it is")
            _add_start(archive, path, ends.entries)
            _add_start(archive, path.with_suffix(".det"), ends.details)
        except FileNotFoundError:
            # An empty one that its writer removed, or details that were folded and are in the database.
            continue
    return entries


def _add_start(archive: tarfile.TarFile, path: Path, length: int | None) -> None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        member = tarfile.TarInfo(f"journal/{path.name}")
        member.size = size if length is None else min(length, size)
        member.mode, member.mtime = 0o600, int(time.time())
        archive.addfile(member, file)


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    if path.exists():
        archive.add(path, name)


def _add_octets(archive: tarfile.TarFile, name: str, octets: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(octets), 0o600, int(time.time())
    archive.addfile(member, io.BytesIO(octets))


@contextmanager
def _still(folder: Path) -> Iterator[None]:
    """Keep a rotation of the keys in *folder* waiting while they are copied."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An archive of `licet backup`.")],
    data: Data = DATA,
    yes: Annotated[
        bool, typer.Option("--yes", help="Restore even if the data folder knows more than the archive.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup in place of the data folder.

    What stood there is kept beside it. If it knows more than the archive
    (fetches, licensees, licenses, revocations), that is a rollback: it is said
    what would be lost, and not done without --yes (exit 1). A restored gateway
    says so at every start, because what happened after the backup is missing,
    and begins another public log: the one before may have told others more.

    Books that rested on PostgreSQL are in the folder's file then, and the
    server is left alone; `licet store move sqlite: postgresql://…` brings them
    to an empty database.
    """
    from gateway.app import FolderLock, running
    from gateway.app.lost import MARK, NOTHING, what_is_lost
    from gateway.app.stores import books_on_postgres

    data = data.absolute()
    if not file.is_file():
        raise stop(f"there is no {file}")
    if running(data) is not None:
        raise stop(f"a gateway runs on {data}; stop it first")
    facts = _manifest(file)
    data.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data.parent, prefix=".licet-restore-") as scratch:
        fresh = Path(scratch) / "data"
        fresh.mkdir(mode=0o700)
        _unpack(file, fresh)
        lock = FolderLock(data) if data.exists() else None
        try:
            lost = asyncio.run(what_is_lost(data, fresh)) if lock else NOTHING
            if lost and not yes:
                raise stop(f"this would roll {data} back and lose {lost}; --yes does it all the same", 1)
            mark = {"taken_at": facts["taken_at"], "restored_at": int(time.time())}
            mark |= {"entries": facts["entries"], "lost": lost.as_json()}
            _begin_another_log(fresh / _LOG_NAME, mark["restored_at"])
            server = _in_its_file(fresh)
            (fresh / MARK).write_text(json.dumps(mark), encoding="utf-8")
            (fresh / MARK).chmod(0o600)
            kept = _set_aside(data)
            fresh.rename(data)
            _sync(data.parent)
        finally:
            if lock:
                lock.release()
    if as_json:
        emit({**mark, "data": str(data), "kept": str(kept or "")})
        return
    entries = counted(facts["entries"], "entry", "entries")
    print(f"restored {entries} of {moment(facts['taken_at'])} into {data}")
    if lost:
        tell(f"ROLLBACK: {lost} made after the backup are not in it")
    if kept:
        tell(f"what stood there is in {kept}")
    if server:
        again = with_data("licet store move sqlite: postgresql://…", data)
        tell(f"the books are in {data / 'licet.db'} now, and not on the server; `{again}` moves them to one")
    if books_on_postgres(data):
        tell("LICET_STORE_DATABASE names a server all the same: take it away before anything is started")


def _manifest(file: Path) -> dict[str, Any]:
    try:
        with tarfile.open(file) as archive:
            member = archive.extractfile(_MANIFEST)
            facts = json.loads(member.read(65536)) if member else {}
    except (tarfile.TarError, KeyError, ValueError, OSError, EOFError) as error:
        raise stop(f"{file} is no backup of licet: {error}") from None
    known = isinstance(facts, dict) and facts.get("v") == _VERSION
    if not known or not all(isinstance(facts.get(name), int) for name in ("taken_at", "entries")):
        raise stop(f"{file} was written by another version of licet")
    return dict(facts)


def _unpack(file: Path, folder: Path) -> None:
    try:
        with tarfile.open(file) as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise stop(f"{file} cannot be unpacked: {error}") from None
    if not (folder / "licet.db").is_file():
        raise stop(f"{file} holds no database")
    (folder / _MANIFEST).unlink(missing_ok=True)
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def _begin_another_log(name: Path, at: int) -> None:
    """Let the public log go by another name from second *at* on: heads that were signed after the backup stay true."""
    if name.is_file():
        before = re.sub(r"-[0-9]{10}$", "", name.read_text("utf-8").strip())
        name.write_text(f"{before}-{at}\n", "utf-8")


def _in_its_file(data: Path) -> str:
    """Let the books of *data* rest in its file; where its settings had them before, or "".

    Else a gateway would go on with a database that may know more than these keys and journals.
    """
    from gateway.cli.store import set_store

    settings = data / "licet.toml"
    with contextlib.suppress(OSError, tomllib.TOMLDecodeError):
        url = tomllib.loads(settings.read_text("utf-8")).get("store", {}).get("database", "")
        if url:
            set_store(settings, "database", "")
            return str(url)
    return ""


def _set_aside(data: Path) -> Path | None:
    """Move what stands at *data* out of the way; an empty folder is not worth keeping."""
    if not data.exists():
        return None
    at = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    kept = data.with_name(f"{data.name}.before-{at}")
    for number in range(2, 100):
        if not kept.exists():
            break
        kept = data.with_name(f"{data.name}.before-{at}-{number}")
    try:
        data.rename(kept)
    except OSError as error:
        why = error.strerror or str(error)
        raise stop(f"{data} cannot be moved aside ({why}); restore into another --data") from None
    return kept


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
