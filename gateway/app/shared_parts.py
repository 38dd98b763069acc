"""The parts of a data folder that several machines have in common, as octets, and back.

========= =================================================================
keys      every key ring and secret under ``keys``
policies  ``sites`` with its bundles, and what the policies were and who put
          them in force (``policy-versions``); on a machine that has just
          joined also ``earlier``, which each machine goes on with by itself
log       the name of the public log
seen      the head that enough witnesses cosigned
========= =================================================================

Octets are a JSON object of relative paths and base64, in the order of paths: the
same files are the same octets. Reading holds the locks of the key rings, so that
no half of a rotation is read; writing does too, and puts what a manifest names
there before the manifest, and the policies' history before the policies.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import orjson

from gateway.folders import Folders, make_folder

KEYS: Final = "keys"
POLICIES: Final = "policies"
LOG: Final = "log"
SEEN: Final = "seen"
#: What of each part is looked for, below the data folder.
_PATTERNS: Final[Mapping[str, tuple[str, ...]]] = {
    KEYS: ("keys/**/*",),
    POLICIES: ("policy-versions/**/*", "sites/*.toml", "sites/bundles/*.json"),
    LOG: ("log/name",),
    SEEN: ("log/witnessed",),
}
#: Written on a machine that joins, and never again.
_SEEDS: Final[Mapping[str, tuple[str, ...]]] = {POLICIES: ("earlier/**/*",)}
_LARGEST: Final = 64 << 20


class PartRefused(Exception):
    """These octets are no part; the message is a sentence."""


def stamp(folders: Folders, name: str) -> tuple[tuple[str, int, int, int], ...]:
    """What changes whenever a file of the part does: path, time, size and inode of each."""
    found = []
    for path in _files(folders.folder, _PATTERNS[name]):
        with contextlib.suppress(OSError):
            stat = path.stat()
            found.append((str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(found)


def read_part(folders: Folders, name: str, *, seeds: bool = False) -> bytes:
    """The part as it lies in the data folder, b"" where none of it is there; with *seeds* also what starts another machine.

    Raises `OSError`.
    """
    folder = folders.folder
    patterns = _PATTERNS[name] + (_SEEDS.get(name, ()) if seeds else ())
    with _held(folder / "keys" if name == KEYS else None):
        files = {str(path.relative_to(folder)): path.read_bytes() for path in _files(folder, patterns)}
    if not files:
        return b""
    told = {path: base64.b64encode(octets).decode() for path, octets in files.items()}
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)


def write_part(folders: Folders, name: str, octets: bytes, *, joining: bool = False) -> None:
    """Have the part in the data folder be *octets*: what is not in them goes. Raises `PartRefused` and `OSError`.

    What a machine begins with is written where it is *joining*.
    """
    folder = folders.folder
    files = _read(name, octets)
    own = {path: content for path, content in files.items() if not path.startswith("earlier/")}
    wanted = files if joining and not (folder / "earlier").exists() else own
    with _held(folder / "keys" if name == KEYS else None):
        for path in sorted(wanted, key=_last):
            target = folder / path
            if not (target.is_file() and target.read_bytes() == wanted[path]):
                _put(target, wanted[path], 0o644 if name in {LOG, SEEN} else 0o600)
        for there in _files(folder, _PATTERNS[name]):
            if str(there.relative_to(folder)) not in own:
                there.unlink(missing_ok=True)


def _last(path: str) -> tuple[bool, bool, str]:
    return path.startswith("sites/"), path.endswith("manifest.json"), path


def _read(name: str, octets: bytes) -> dict[str, bytes]:
    """The files in *octets*, each of which this part may have."""
    if len(octets) > _LARGEST:
        raise PartRefused("The part is larger than one may be.")
    try:
        told = orjson.loads(octets) if octets else {}
        if not isinstance(told, dict):
            raise TypeError("no object")
        files = {str(path): base64.b64decode(content, validate=True) for path, content in told.items()}
    except (orjson.JSONDecodeError, TypeError, ValueError) as error:
        raise PartRefused(f"The part cannot be read: {error}.") from None
    for path in files:
        if not _allowed(name, path):
            raise PartRefused(f"The part may hold no {path!r}.")
    return files


def _allowed(name: str, path: str) -> bool:
    parts = path.split("/")
    plain = all(part and not part.startswith(".") and "\0" not in part for part in parts)
    roots = {pattern.split("/", 1)[0] for pattern in (*_PATTERNS[name], *_SEEDS.get(name, ()))}
    if name in {LOG, SEEN}:
        return path in _PATTERNS[name]
    return plain and len(parts) > 1 and parts[0] in roots


def _files(folder: Path, patterns: Iterable[str]) -> list[Path]:
    found = {path for pattern in patterns for path in folder.glob(pattern)}
    return sorted(path for path in found if not path.name.startswith(".") and _is_kept(path))


def _is_kept(path: Path) -> bool:
    # What is being written has another name until it is whole.
    return path.suffix != ".new" and path.is_file() and not path.is_symlink()


def _put(path: Path, octets: bytes, mode: int) -> None:
    make_folder(path.parent)
    beside = path.with_name(f".{path.name}.shared")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(descriptor)
    beside.replace(path)


@contextlib.contextmanager
def _held(keys: Path | None) -> Iterator[None]:
    """Nobody rotates a ring in the folder *keys* meanwhile."""
    held: list[int] = []
    try:
        for ring in sorted(keys.iterdir()) if keys is not None and keys.is_dir() else ():
            if ring.is_dir():
                held.append(os.open(ring, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
                fcntl.flock(held[-1], fcntl.LOCK_EX)
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)
