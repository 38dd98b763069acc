"""A journal of packed files, folded and summed up, for tests of what leaves the database and comes back."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.app.stores import folding_of
from gateway.provenance.append_file import AppendFile, Disk
from gateway.provenance.frames import SealedDetail, detail_frame, entry_frame
from gateway.provenance.keeper import Keeper
from gateway.provenance.packing import pack_folded
from gateway.provenance.record import BookEntry, FetchDetail, FetchRecord, FloodNote, JournalEntry, ShedNote
from gateway.provenance.segments import segment_name
from gateway.store.sqlite.totals import SqliteTotals

HOUR_US = 3_600_000_000
START_US = 1_795_000_000_000_000 // HOUR_US * HOUR_US
#: Entries in a block, and how many of the newest stay.
BLOCK, KEEP = 100, 150
DETAIL = FetchDetail("203.0.113.9", "", "Bot/1", "", "q", ("ua_claim:x",))
_BASE = FetchRecord(
    id="", time_us=0, duration_us=1, site="journal", host="journal.example", method="GET", path="/", policy="p",
    visitor_class="ai", identity="claimed", identity_method="none", verdict="serve", rule="", mode="enforce",
    outcome="free", status=200, bytes_sent=1, ended="complete", detail="d", currency="USD",
)  # fmt: skip
_ENDS = (("licensed", 200), ("refused", 402), ("refused", 403), ("free", 200), ("open", 206), ("failed", 502))


def entries(count: int = 900) -> list[JournalEntry]:
    """Fetches of all kinds, floods and notes of what was shed, an hour apart for every forty, from a fixed seed."""
    dice = random.Random(5)
    made: list[JournalEntry] = []
    for number in range(count):
        at = START_US + number * HOUR_US // 40 + dice.randrange(60_000_000)
        if number == 0:
            made.append(BookEntry("paid", at, "credit", "", "le_1", 10**9, "USD"))
        elif number % 90 == 7:
            made.append(
                FloodNote(
                    f"flood-{number}",
                    at,
                    at - 60,
                    30,
                    "journal",
                    "GPTBot",
                    "ai",
                    "license-required",
                    402,
                    "d",
                )
            )
        elif number % 200 == 9:
            made.append(ShedNote(f"shed-{number}", at, 0, 5, "disk"))
        else:
            outcome, status = dice.choice(_ENDS)
            paid = outcome == "licensed"
            made.append(
                replace(
                    _BASE,
                    id=f"r{number:06}",
                    detail=DETAIL.commitment(_salt(f"r{number:06}")),
                    time_us=at,
                    outcome=outcome,
                    status=status,
                    licensee="le_1" if paid else "",
                    license="lic_1" if paid else "",
                    problem="" if status < 300 else "license-required",
                    crawler=dice.choice(["", "GPTBot", "ClaudeBot"] + ["OldBot"] * (number < 100)),
                    work=dice.choice(["essays", "videos"]),
                    path=f"/essays/{dice.randrange(12)}",
                    digest=f"{dice.randrange(3):064x}" if status < 300 else "",
                    charged_micros=4000 if paid else 0,
                    charge_reason="fetch" if paid else "",
                    quote_micros=0 if paid else dice.randrange(3) * 1000,
                )
            )
    return made


def write(folder: Path, made: list[JournalEntry], *, files: int = 4) -> None:
    """Write *made*, in its order, to *files* journal files in *folder*, and close them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        own = made[number * len(made) // files : (number + 1) * len(made) // files]
        file = AppendFile(folder / segment_name("w0", "0" * 24, number + 1), Disk())
        frames = [entry_frame(each.kind, each.canonical(), _salt(each.id)) for each in own]
        details = [
            detail_frame(SealedDetail(each.id, _salt(each.id), each.time_us, DETAIL))
            for each in own
            if each.id.endswith("3")
        ]
        file.append(b"".join(frames), b"".join(details))
        file.close()


async def shelf(database: Any, folder: Path, made: list[JournalEntry], *, packed: bool = True) -> None:
    """Fold *made*, written to *folder*, sum it up, and pack the files."""
    write(folder, made)
    folding = folding_of(database)
    await Keeper(folder, folding).catch_up()
    await SqliteTotals(database, block=BLOCK).keep_up()
    if packed:
        pack_folded(folder, await folding.positions())


def _salt(id: str) -> bytes:
    return id.encode().ljust(32, b".")
