from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.app.process import Process
from gateway.app.zygote import Zygote
from gateway.problems import StoreUnavailable

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def zygote() -> AsyncIterator[Zygote]:
    one = await Zygote.executed()
    yield one
    await one.close()
    assert not Path(f"/proc/{one.pid}").exists()


@pytest.fixture
async def spawned(zygote: Zygote) -> AsyncIterator[Process]:
    """A worker that lives and has not been told what it is, and a file that it inherits."""
    with open(os.devnull, "rb") as file:
        one = await Process.spawn("worker", "w1", (file.fileno(),), zygote)
    # Until it answers it may still be on its way out of the zygote.
    with pytest.raises(StoreUnavailable, match="has not started"):
        await one.channel.call("connections", seconds=20)
    yield one
    await one.end(5.0)


def files(pid: int) -> dict[int, str]:
    """What each descriptor of a process leads to, of those that are there when it is looked at."""
    found = {}
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found[int(each.name)] = os.readlink(each)
    return found


def stat(pid: int) -> list[str]:
    """The fields of proc(5) from the state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


async def test_who_is_born_is_a_child_of_ours_and_has_its_channel_and_what_it_inherits(
    zygote: Zygote, spawned: Process
) -> None:
    _, parent, group, session = stat(spawned.pid)[:4]
    assert int(parent) == os.getpid()
    assert int(group) == int(session) == spawned.pid
    (inherited,) = spawned.inherited
    born, zygotes, ours = (files(each) for each in (spawned.pid, zygote.pid, os.getpid()))
    assert born[inherited] == born[0] == os.devnull
    assert born[1] == born[2]
    # Beside these it has its channel and what its loop makes for itself.
    own = {link for number, link in born.items() if number not in {0, 1, 2, inherited}}
    assert any(link.startswith("socket:") for link in own)
    shared = {link for link in own if link.startswith(("socket:", "pipe:", "/"))} - {os.devnull}
    assert not shared & {*zygotes.values(), *ours.values()}


async def test_processes_are_listed_by_what_they_are(zygote: Zygote, spawned: Process) -> None:
    assert Path(f"/proc/{zygote.pid}/comm").read_text() == "licet zygote\n"
    assert Path(f"/proc/{spawned.pid}/comm").read_text() == "licet worker\n"


async def test_the_end_of_a_process_is_told_with_its_code(zygote: Zygote) -> None:
    killed = await Process.spawn("worker", "w1", (), zygote)
    os.kill(killed.pid, signal.SIGKILL)
    assert await killed.ended() == -signal.SIGKILL
    assert not Path(f"/proc/{killed.pid}").exists()
    left = await Process.spawn("worker", "w1", (), zygote)
    left.channel.close()
    assert await left.ended() == 0


async def test_a_zygote_that_is_killed_costs_nobody_who_was_born_and_bears_no_more(
    zygote: Zygote, spawned: Process
) -> None:
    os.kill(zygote.pid, signal.SIGKILL)
    with pytest.raises(OSError, match="has ended"):
        await Process.spawn("worker", "w2", (), zygote)
    assert zygote.lost
    with pytest.raises(StoreUnavailable, match="has not started"):
        await spawned.channel.call("connections", seconds=20)


async def test_a_birth_that_nobody_waits_for_leaves_no_process(zygote: Zygote) -> None:
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    # Others of this process may have servers running.
    before = set(children.read_text().split())
    waiting = asyncio.ensure_future(Process.spawn("worker", "w1", (), zygote))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    # Births come one after the other: this one is after that.
    after = await Process.spawn("worker", "w2", (), zygote)
    async with asyncio.timeout(20):
        while set(children.read_text().split()) - before - {str(after.pid)}:
            await asyncio.sleep(0.01)
    await after.end(5.0)


_DRAWING = """
import asyncio, os, random, secrets, socket, sys, uuid
import uuid_utils
from gateway.app import boot
from gateway.app.zygote import Zygote
from gateway.provenance.salts import fresh_salt

def draw(*_):
    drawn = uuid_utils.uuid7(), uuid_utils.uuid4(), random.random(), fresh_salt().hex(), uuid.uuid4(), secrets.token_hex()
    os.write(2, (" ".join(map(str, drawn)) + "\\n").encode())

draw()
boot.live = draw
zygote = Zygote.forked()
assert zygote is not None

async def main():
    for _ in range(3):
        one, _ = await zygote.born("worker", (0,))
        assert await one.wait() == 0
    await zygote.close()

asyncio.run(main())
"""


def test_no_two_that_are_born_draw_the_same_random_numbers() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _DRAWING], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    lines = done.stderr.splitlines()
    assert len(lines) == 4, done.stderr
    for drawn in zip(*(line.split() for line in lines), strict=True):
        assert len(set(drawn)) == 4, drawn


def test_it_is_forked_only_where_nothing_runs_beside() -> None:
    asking = (
        "import threading, gateway.app.zygote as z\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "print(z.Zygote.forked())"
    )
    done = subprocess.run(
        [sys.executable, "-c", asking], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "None\n"
