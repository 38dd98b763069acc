"""The last good copy of every feed, in the data folder, and the networks in force with them.

``DATA/feeds/NAME.json`` holds one copy and what the last try came to. A file is
replaced whole, so a reader never meets half of one; what cannot be read, or
would not be taken from its operator either, is left aside with a note, and the
shipped copy goes on. `LiveNetworks` looks at the folder again when asked and
swaps all lists at once: every process of a gateway has its own.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.problems import Mistake
from gateway.visitors.feeds import LONGEST, MOST
from gateway.visitors.networks import FetchedCopy, NetworkList, Networks, prefix_fault

#: 9999-12-31: a later second is no time.
_LATEST: Final = 253_402_214_400
_Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the folder knows of one list: the last good copy, if any, and the last try.

    *tried_at* is in seconds since the epoch, 0 for never; *trouble* is why the
    last try brought nothing, or "".
    """

    name: str
    copy: FetchedCopy | None = None
    tried_at: int = 0
    trouble: str = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = ""
    fetched_at: int = Field(default=0, ge=0, le=_LATEST)
    etag: str = Field(default="", max_length=512)
    prefixes: tuple[str, ...] = Field(default=(), max_length=MOST)
    tried_at: int = Field(default=0, ge=0, le=_LATEST)
    trouble: str = Field(default="", max_length=4096)


class FeedFolder:
    """Reads and writes the copies of one data folder."""

    def __init__(self, path: Path) -> None:
        """Use the folder *path*, which need not exist yet."""
        self.path = path

    def read(self, known: Iterable[NetworkList]) -> tuple[Mapping[str, Kept], tuple[Mistake, ...]]:
        """What is kept of the *known* lists, and what could not be used. No raise.

        A copy of another source than the list's is left aside: the list has
        been pointed elsewhere since.
        """
        kept: dict[str, Kept] = {}
        mistakes: list[Mistake] = []
        for each in known:
            try:
                found = _read(self._file(each.name), each)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                mistakes.append(Mistake(str(self._file(each.name)), "", f"a copy that can be used ({error})"))
                continue
            kept[each.name] = found
        return kept, tuple(mistakes)

    def write(self, kept: Kept, source: str) -> None:
        """Keep *kept*, whole or not at all. Raises `OSError`."""
        for folder in (self.path.parent, self.path):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy = kept.copy
        octets = orjson.dumps(
            {
                "source": source,
                "fetched_at": copy.fetched_at if copy else 0,
                "etag": copy.etag if copy else "",
                "prefixes": [str(prefix) for prefix in copy.prefixes] if copy else [],
                "tried_at": kept.tried_at,
                "trouble": kept.trouble[:4096],
            },
            option=orjson.OPT_INDENT_2,
        )
        descriptor, made = tempfile.mkstemp(prefix=".", suffix=".new", dir=self.path)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(octets)
                file.flush()
                os.fsync(file.fileno())
            Path(made).replace(self._file(kept.name))
        except BaseException:
            with contextlib.suppress(OSError):
                Path(made).unlink()
            raise

    def stamp(self) -> _Stamp:
        """What tells whether a file came, went or changed."""
        found = []
        with contextlib.suppress(OSError), os.scandir(self.path) as entries:
            for entry in entries:
                if entry.name.endswith(".json"):
                    with contextlib.suppress(OSError):
                        seen = entry.stat()
                        found.append((entry.name, seen.st_mtime_ns, seen.st_ino))
        return tuple(sorted(found))

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.json"


class LiveNetworks:
    """Shipped lists with the folder's copies. Readers take `networks`, which is replaced whole."""

    def __init__(self, shipped: Networks, folder: FeedFolder) -> None:
        """Take up what *folder* holds; it may hold nothing."""
        self.shipped = shipped
        self.folder = folder
        self.networks = shipped
        self.kept: Mapping[str, Kept] = {}
        self.mistakes: tuple[Mistake, ...] = ()
        self._stamp: _Stamp = ()
        self._take_up()

    def refresh(self) -> bool:
        """Look at the folder again; whether the networks were replaced."""
        return self.folder.stamp() != self._stamp and self._take_up()

    def _take_up(self) -> bool:
        # Stamped before reading: a change during the reading is a change still to be seen.
        self._stamp = self.folder.stamp()
        self.kept, self.mistakes = self.folder.read(self.shipped.lists.values())
        self.networks = self.shipped.with_copies(
            each.copy for each in self.kept.values() if each.copy is not None
        )
        return True


def _read(path: Path, known: NetworkList) -> Kept:
    """Read one file. Raises `OSError`, or `ValueError` with what is wrong."""
    with path.open("rb") as file:
        octets = file.read(LONGEST + 1)
    if len(octets) > LONGEST:
        raise ValueError(f"more than {LONGEST >> 20} MB")
    try:
        read = _File.model_validate(orjson.loads(octets))
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, found['loc']))}: {found['msg']}") from None
    if not read.prefixes or read.source != known.source:
        return Kept(known.name, None, read.tried_at, read.trouble)
    prefixes = tuple(map(ip_network, read.prefixes))
    for prefix in prefixes:
        if fault := prefix_fault(prefix):
            raise ValueError(f"{fault}, not {prefix}")
    copy = FetchedCopy(known.name, read.fetched_at, prefixes, read.etag)
    return Kept(known.name, copy, read.tried_at, read.trouble)
