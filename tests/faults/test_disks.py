"""A disk that is full, one that cannot be written, one that is slow: refused in a sentence, and whole afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.provenance.append_file import Disk
from loadtests.faults.shop import Said, Shop, record
from loadtests.faults.table import told
from loadtests.faults.verdict import judge


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own of 6 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {made.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path, *, but: int = 0) -> Path:
    """Take all that is free of *place* but for *but* octets."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 12))
        except OSError as error:
            assert error.errno == errno.ENOSPC
    os.truncate(ballast, max(0, ballast.stat().st_size - but))
    return ballast


async def until_full(shop: Shop) -> list[str]:
    """Sell, fold and sign until each was refused; what was said."""
    answers: list[str] = []
    for _ in range(200):
        for act in (lambda: shop.sell(3), shop.fold, shop.publish):
            try:
                reason = await act()
            except StoreUnavailable as error:
                answers.append(str(error))
            else:
                answers += [reason] if isinstance(reason, str) and reason else []
        if len(answers) > 12:
            break
    return answers


@pytest.mark.parametrize("room", [0, 40_000, 200_000])
async def test_a_full_disk_is_told_and_loses_nothing(small, said, room):
    data = small / "data"
    shop = await Shop.open(data, said)
    await shop.pay_in()
    await shop.sell(3)
    ballast = fill(small, but=room)
    answers = await until_full(shop)
    assert answers
    assert all("full" in each or "No space left" in each or "closed" in each for each in answers), answers
    before = len(said.entries)
    ballast.unlink()
    # Without an operator: the same life goes on as soon as there is room.
    for _ in range(200):
        try:
            await shop.sell(1)
        except StoreUnavailable:
            await asyncio.sleep(0.02)
    assert len(said.entries) > before
    await shop.close()
    found = await judge(data, said)
    told("disk full", 1, wrong=not found.clean, refused=len(answers))
    assert found.clean, found


async def test_a_refusal_that_is_not_heeded_is_found_out(small, said):
    """The control: a worker that serves although its record was refused."""
    data = small / "data"
    shop = await Shop.open(data, said)
    await shop.pay_in()
    assert await shop.lease(12) == 12
    ballast = fill(small)
    for number in range(12):
        made = record(number)
        with contextlib.suppress(StoreUnavailable):
            await shop.journal.keep(made)
        said.entry(made.id)
    ballast.unlink()
    await shop.close()
    found = await judge(data, said)
    assert found.lost
    told("disk full", control=f"a refusal not heeded: {len(found.lost)} lost, found")


async def test_a_folder_that_can_only_be_read_is_refused_at_the_start(small, said):
    data = small / "data"
    shop = await Shop.open(data, said)
    await shop.pay_in()
    await shop.sell(3)
    await shop.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    with pytest.raises(ConfigurationError, match="licet can write: Read-only file system") as told_:
        await Shop.open(data, Said(), round=1)
    assert str(data) in str(told_.value)
    subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)
    found = await judge(data, said)
    told("read-only folder", 1, wrong=not found.clean, control="refused before anything is sold")
    assert found.clean, found


class Slow(Disk):
    """One whose syncs wait until they are let go."""

    def __init__(self) -> None:
        self.waiting, self.go = threading.Event(), threading.Event()
        self.armed = False

    def sync(self, descriptor: int) -> None:
        if self.armed:
            self.waiting.set()
            self.go.wait(30)
        super().sync(descriptor)


async def test_nothing_is_acknowledged_while_a_sync_waits(data, said):
    disk = Slow()
    shop = await Shop.open(data, said, disk=disk)
    await shop.pay_in()
    before = len(said.entries)
    disk.armed = True
    selling = asyncio.create_task(shop.sell(2))
    await asyncio.to_thread(disk.waiting.wait, 30)
    assert await shop.fold() == 0, "a keeper reads no further than what is durable"
    for _ in range(50):
        await asyncio.sleep(0)
    assert (len(said.entries), selling.done()) == (before, False)
    disk.armed = False
    disk.go.set()
    assert await selling == 0
    assert len(said.entries) == before + 2
    await shop.close()
    found = await judge(data, said)
    told("slow fsync", 1, wrong=not found.clean, control="held back: nothing said, nothing folded")
    assert found.clean, found
