"""Who writes, and who is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from gateway.problems import StoreUnavailable
from gateway.provenance.segments import segment_name
from gateway.provenance.writers import OtherWriters, WriterLock, lives, named, sweep, writer_of

ONE, OTHER = "front-" + "0" * 24, "w12-" + "a" * 24

KILLED = """
import sys, time
from pathlib import Path
from gateway.provenance.writers import WriterLock
lock = WriterLock(Path(sys.argv[1]), sys.argv[2])
print("locked", flush=True)
time.sleep(600)
"""


def test_the_writer_of_a_file_and_of_a_place_in_it():
    name = segment_name("front", "0" * 24, 7)
    assert writer_of(name) == writer_of(f"{name}:24") == writer_of(name.replace(".seg", ".det")) == ONE
    for other in ("", "t@0", f"{ONE}.live", f"x/{name}", f"{name}:", f"{name}\n", name.upper()):
        assert writer_of(other) == "", other


def test_the_writers_of_a_folder_are_those_that_live_or_were_killed(tmp_path):
    assert named(tmp_path / "none") == frozenset()
    lock = WriterLock(tmp_path, ONE)
    (tmp_path / f"{OTHER}.live").touch()
    (tmp_path / "else.live").touch()
    assert named(tmp_path) == {ONE, OTHER}
    lock.release()
    assert named(tmp_path) == {OTHER}


def test_a_writer_lives_until_it_says_otherwise(tmp_path):
    assert not lives(tmp_path, ONE)
    lock = WriterLock(tmp_path, ONE)
    assert lives(tmp_path, ONE)
    assert not lives(tmp_path, OTHER)
    assert oct((tmp_path / f"{ONE}.live").stat().st_mode)[-3:] == "600"
    with pytest.raises(FileExistsError):
        WriterLock(tmp_path, ONE)
    lock.release()
    lock.release()
    assert not lives(tmp_path, ONE)
    assert os.listdir(tmp_path) == []


def test_a_writer_that_is_killed_is_gone_and_swept_up_after(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), ONE], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "locked\n"
    assert lives(tmp_path, ONE)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert not lives(tmp_path, ONE)
    with_a_life = WriterLock(tmp_path, OTHER)
    sweep(tmp_path, frozenset())
    assert len(os.listdir(tmp_path)) == 2
    sweep(tmp_path, frozenset({ONE, OTHER}))
    assert os.listdir(tmp_path) == [f"{OTHER}.live"]
    with_a_life.release()
    sweep(tmp_path / "absent", frozenset({ONE}))


async def test_nobody_waits_while_the_others_live_or_ended_well(tmp_path):
    others = OtherWriters(tmp_path)
    await others.settled(0)
    lock = WriterLock(tmp_path, ONE)
    others.watch([ONE, OTHER])
    assert others.names == {ONE}
    await others.settled(0)
    others.close()
    lock.release()
    assert others.names == frozenset()


async def test_after_one_that_ended_everybody_waits_until_it_is_left_out(tmp_path):
    lock, other = WriterLock(tmp_path, ONE), WriterLock(tmp_path, OTHER)
    others = OtherWriters(tmp_path)
    others.watch([ONE, OTHER])
    lock.release()
    with pytest.raises(StoreUnavailable):
        await others.settled(0)
    waiting = [asyncio.ensure_future(others.settled(30)) for _ in range(3)]
    await asyncio.sleep(0)
    others.watch([ONE, OTHER])  # still not known
    await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)
    others.watch([OTHER])
    await asyncio.gather(*waiting)
    others.close()
    other.release()


async def test_while_nobody_tells_of_the_others_everybody_waits(tmp_path):
    lock, others = WriterLock(tmp_path, ONE), OtherWriters(tmp_path)
    others.hear(heard=False)
    await others.settled(0)  # there are none
    others.watch([ONE])
    with pytest.raises(StoreUnavailable):
        await others.settled(0)
    waiting = [asyncio.ensure_future(others.settled(30)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)
    others.hear(heard=True)
    await asyncio.gather(*waiting)
    others.close()
    lock.release()


async def test_a_look_at_a_lock_takes_it_from_nobody(tmp_path):
    lock = WriterLock(tmp_path, ONE)
    one, other = OtherWriters(tmp_path), OtherWriters(tmp_path)
    one.watch([ONE])
    other.watch([ONE])
    await one.settled(0)
    lock.release()
    for watching in (one, other, one):
        with pytest.raises(StoreUnavailable):
            await watching.settled(0)
    one.close()
    other.close()
