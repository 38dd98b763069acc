"""`licet backup` and `licet restore`: everything a gateway must not lose, in one file."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, stop, tell

_MANIFEST = "backup.json"
_MARK = "restored.json"
_VERSION = 1


def backup(
    file: Annotated[Path, typer.Argument(help="The archive to write, such as licet-backup.tar.")],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Write database, journal, keys, policies and settings to one archive, beside a running gateway or not.

    The archive holds private keys: it is made readable by you alone; keep it so.
    """
    if not (data / "licet.db").is_file():
        raise stop(f"{data} is no data folder of licet")
    if file.exists():
        raise stop(f"{file} is there already; backups are never overwritten")
    facts = asyncio.run(_write(file, data))
    if as_json:
        emit(facts)
    else:
        print(f"{file}: {facts['entries']} entries, {file.stat().st_size} bytes")


async def _write(file: Path, data: Path) -> dict[str, Any]:
    from gateway.store.sqlite.database import Database

    partial = file.with_name(file.name + ".partial")
    with tempfile.TemporaryDirectory(dir=file.parent or Path(), prefix=".licet-backup-") as scratch:
        copy = Path(scratch) / "licet.db"
        database = await Database.open(data / "licet.db")
        try:
            # The database first: the journal copied after it only ever knows more, and is folded on restore.
            await database.backup(copy)
        finally:
            await database.close()
        facts: dict[str, Any] = {
            "v": _VERSION,
            "taken_at": int(time.time()),
            "entries": await asyncio.to_thread(_count, data),
        }
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            with tarfile.open(fileobj=out, mode="w") as archive:
                _add_text(archive, _MANIFEST, json.dumps(facts))
                archive.add(copy, "licet.db")
                for name in ("journal", "keys", "sites", "licet.toml", "operator.json"):
                    if (data / name).exists():
                        archive.add(data / name, name)
            out.flush()
            os.fsync(out.fileno())
    partial.rename(file)
    return facts


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    octets = text.encode()
    member = tarfile.TarInfo(name)
    member.size = len(octets)
    member.mode = 0o600
    archive.addfile(member, io.BytesIO(octets))


def _count(data: Path) -> int:
    from gateway.provenance.audit import export_entries

    return sum(1 for _ in export_entries(data / "journal"))


def restore(
    file: Annotated[Path, typer.Argument(help="An archive of `licet backup`.")],
    data: Data = DATA,
    yes: Annotated[
        bool, typer.Option("--yes", help="Restore even if the data folder knows more than the archive.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup in place of the data folder; what stood there is kept beside it.

    If the folder holds entries that the archive lacks, that is a rollback: it
    is said how many, and not done without --yes. A restored gateway says so at
    every start, because fetches made after the backup may be missing.
    """
    if not file.is_file():
        raise stop(f"there is no {file}")
    facts = _manifest(file)
    missing = _missing(file, data)
    if missing and not yes:
        raise stop(
            f"this would roll back: {data} holds {missing} entries that {file} lacks; --yes does it all the same",
            1,
        )
    kept = _set_aside(data)
    data.mkdir(mode=0o700, parents=True)
    with tarfile.open(file) as archive:
        archive.extractall(data, filter="data")
    (data / _MANIFEST).unlink(missing_ok=True)
    _private(data)
    mark = {
        "taken_at": facts["taken_at"],
        "restored_at": int(time.time()),
        "entries": facts["entries"],
        "lost": missing,
    }
    (data / _MARK).write_text(json.dumps(mark), encoding="utf-8")
    if as_json:
        emit({**mark, "kept": str(kept or "")})
        return
    print(f"restored {facts['entries']} entries of {_when(facts['taken_at'])} into {data}")
    if missing:
        tell(f"ROLLBACK: {missing} entries made after the backup are not in it")
    if kept:
        tell(f"what stood there is in {kept}")


def _manifest(file: Path) -> dict[str, Any]:
    try:
        with tarfile.open(file) as archive:
            member = archive.extractfile(_MANIFEST)
            facts: dict[str, Any] = json.loads(member.read(65536)) if member else {}
    except (tarfile.TarError, KeyError, ValueError, OSError) as error:
        raise stop(f"{file} is no backup of licet: {error}") from None
    if facts.get("v") != _VERSION or not isinstance(facts.get("taken_at"), int):
        raise stop(f"{file} was written by another version of licet")
    return facts


def _missing(file: Path, data: Path) -> int:
    """How many entries of *data* the archive does not hold."""
    from gateway.provenance.audit import export_entries

    if not (data / "journal").is_dir():
        return 0
    with tempfile.TemporaryDirectory(prefix="licet-restore-") as scratch:
        with tarfile.open(file) as archive:
            members = [member for member in archive.getmembers() if member.name.split("/")[0] == "journal"]
            archive.extractall(scratch, members=members, filter="data")
        folder = Path(scratch) / "journal"
        known = {entry["entry"]["id"] for entry in export_entries(folder)} if folder.is_dir() else set()
    return sum(1 for entry in export_entries(data / "journal") if entry["entry"]["id"] not in known)


def _set_aside(data: Path) -> Path | None:
    if not data.exists():
        return None
    kept = data.with_name(f"{data.name}.before-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}")
    shutil.move(data, kept)
    return kept


def _private(data: Path) -> None:
    for path in [data, *data.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)


def _when(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(seconds))


def restored_note(data: Path) -> str:
    """What to say at start about a folder that came from a backup, or ""."""
    try:
        mark = json.loads((data / _MARK).read_text(encoding="utf-8"))
        lost = f"; {mark['lost']} entries were rolled back" if mark["lost"] else ""
        return f"restored {_when(mark['restored_at'])} from a backup of {_when(mark['taken_at'])}{lost}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
