"""Who writes, and who is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from gateway.provenance.segments import segment_name
from gateway.provenance.writers import WriterLock, lives, sweep, writer_of

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
