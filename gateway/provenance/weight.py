"""What a journal folder weighs on the disk: files that are written, that ended, that are packed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.provenance.packed import GZIP
from gateway.provenance.segments import readable, segments


@dataclass(frozen=True, slots=True)
class Weight:
    """Files and octets of each kind, and the octets of details that are not folded yet."""

    live: tuple[int, int]
    ended: tuple[int, int]
    packed: tuple[int, int]
    details: int

    @property
    def octets(self) -> int:
        """All of it."""
        return self.live[1] + self.ended[1] + self.packed[1] + self.details


def weigh(folder: Path) -> Weight:
    """Weigh the journal in *folder*. Raises `OSError`."""
    found = {"live": (0, 0), "ended": (0, 0), "packed": (0, 0)}
    details = 0
    for path in segments(folder):
        # A writer may end a file, or remove an empty one, at this moment.
        with suppress(FileNotFoundError):
            with path.open("rb") as file:
                packed = file.read(len(GZIP)) == GZIP
            kind = "packed" if packed else "live" if readable(path).live else "ended"
            files, octets = found[kind]
            found[kind] = files + 1, octets + path.stat().st_size
        with suppress(FileNotFoundError):
            details += path.with_suffix(".det").stat().st_size
    return Weight(**found, details=details)


def weigh_all(folder: Path) -> int:
    """Octets of every file below *folder*; 0 where there is none."""
    total = 0
    for path in folder.rglob("*") if folder.is_dir() else ():
        with suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total
