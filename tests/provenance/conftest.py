"""Records to write, a store to fold into, disks that are too small or cannot be written."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from gateway.problems import StoreUnavailable
from gateway.provenance.audit import StoredRow
from gateway.provenance.frames import SealedDetail
from gateway.provenance.keeper import FoldBatch
from gateway.provenance.record import FetchDetail, FetchRecord, leaf
from gateway.provenance.segments import SealedEntry

DETAIL_SALT = bytes(range(32))


def make_detail(number: int) -> FetchDetail:
    return FetchDetail(
        address=f"192.0.2.{number % 256}", user_agent="GPTBot/1.2 – ☃", evidence=("ua_claim:GPTBot",)
    )


def make_record(number: int, *, paid: bool = True, site: str = "journal", path: str = "") -> FetchRecord:
    return FetchRecord(
        id=f"01900000-0000-7000-8000-{number:012x}",
        time_us=1_795_000_000_000_000 + number,
        duration_us=1500,
        site=site,
        host="journal.example",
        method="GET",
        path=path or f"/essays/{number}",
        visitor_class="ai",
        identity="verified",
        identity_method="network",
        verdict="license",
        rule="rules[2]",
        policy="sha-256:" + "0" * 64,
        mode="enforce",
        outcome="licensed" if paid else "refused",
        status=200 if paid else 402,
        bytes_sent=2048,
        ended="complete",
        detail=make_detail(number).commitment(DETAIL_SALT),
        crawler="GPTBot",
        uses=("ai-input", "ai-train"),
        currency="USD",
        price_micros=4000,
        charged_micros=4000 if paid else 0,
        digest=hashlib.sha256(str(number).encode()).hexdigest(),
    )


class MemoryFolding:
    """A store in memory that does what `Folding` promises, and breaks on demand.

    *fails* is asked before and after each transaction with its number and
    "before" or "after"; True breaks there, as a lost connection would.
    """

    def __init__(self) -> None:
        self.rows: list[StoredRow] = []
        self.details: dict[str, SealedDetail] = {}
        self.offsets: dict[str, int] = {}
        self.batches: list[FoldBatch] = []
        self.purses: set[str] = set()
        self.calls = 0
        self.fails: Callable[[int, str], bool] = lambda _call, _when: False

    async def positions(self) -> Mapping[str, int]:
        return dict(self.offsets)

    async def fold(self, batch: FoldBatch) -> int:
        self.calls += 1
        if self.fails(self.calls, "before"):
            raise StoreUnavailable("the store went away before the transaction")
        stored = {row.id for row in self.rows}
        new = [sealed for sealed in batch.entries if sealed.entry.id not in stored]
        self.rows += [self._row(len(self.rows) + at, sealed) for at, sealed in enumerate(new, start=1)]
        for detail in batch.details:
            self.details.setdefault(detail.id, detail)
        self.offsets.update(batch.positions)
        self.batches.append(batch)
        if self.fails(self.calls, "after"):
            raise StoreUnavailable("the store went away after the transaction")
        return len(new)

    async def purse_writers(self) -> frozenset[str]:
        return frozenset(self.purses)

    async def close_purses(self, writers: frozenset[str]) -> None:
        self.purses -= writers

    async def forget_before(self, time_us: int) -> int:
        old = [id for id, detail in self.details.items() if detail.time_us < time_us]
        for id in old:
            del self.details[id]
        return len(old)

    def _row(self, seq: int, sealed: SealedEntry) -> StoredRow:
        opened = leaf(sealed.entry, sealed.salt)
        return StoredRow(seq, sealed.entry.id, sealed.canonical, sealed.salt, hashlib.sha256(opened).digest())


@pytest.fixture(scope="session")
def new_record() -> Callable[..., FetchRecord]:
    """Makes record number *n*; *paid*, *site* and *path* as told."""
    return make_record


@pytest.fixture(scope="session")
def new_detail() -> Callable[[int], FetchDetail]:
    """Makes the detail that record number *n* commits to with `detail_salt`."""
    return make_detail


@pytest.fixture(scope="session")
def detail_salt() -> bytes:
    return DETAIL_SALT


@pytest.fixture
def folding() -> MemoryFolding:
    return MemoryFolding()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a tmpfs with the given options and return its folder; skips without the right to."""
    mounted: list[Path] = []

    def make(options: str) -> Path:
        place = tmp_path / f"mount{len(mounted)}"
        place.mkdir()
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, check=False
        )
        if made.returncode:
            pytest.skip(f"cannot mount a tmpfs here: {made.stderr.decode().strip()}")
        mounted.append(place)
        return place

    try:
        yield make
    finally:
        for place in mounted:
            subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.fixture
def remount() -> Callable[[Path, str], None]:
    """Remount a folder with other options."""

    def change(place: Path, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)

    return change
