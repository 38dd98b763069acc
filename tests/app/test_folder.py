"""Who holds a data folder, what it says of itself, and what is left of one that was killed."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import stat
import subprocess
import sys

import pytest

from gateway.app.folder import Addresses, FolderLock, RunFolder, running
from gateway.problems import ConfigurationError

ADDRESSES = Addresses("http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:2/sign-in?token=secret")


def test_one_gateway_has_the_folder_and_says_where_it_is(tmp_path):
    data = tmp_path / "data"
    assert running(data) is None
    lock = FolderLock(data)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert running(data) == {"pid": os.getpid()}
    with pytest.raises(ConfigurationError, match="another gateway runs on this data folder"):
        FolderLock(data)
    lock.tell(ADDRESSES, run=tmp_path)
    told = running(data)
    assert told == {
        "pid": os.getpid(),
        "front": ADDRESSES.front,
        "dashboard": ADDRESSES.dashboard,
        "run": str(tmp_path),
    }
    assert "secret" not in (data / "licet.lock").read_text()
    lock.release()
    assert running(data) is None
    FolderLock(data).release()


def test_the_rest_of_a_gateway_that_was_killed_is_waited_for_and_cleared_away(tmp_path, root):
    data = tmp_path / "data"
    program = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from gateway.app.folder import FolderLock, RunFolder\n"
        "lock, run = FolderLock(Path(sys.argv[1])), RunFolder.make()\n"
        "lock.has(run)\n"
        "if os.fork() == 0:\n"
        "    os.close(1)\n"
        "    sys.stdin.read(1)\n"  # a child that has the lock, until it is told
        "    os._exit(0)\n"
        "print(run.path, flush=True)\n"
        "time.sleep(60)\n"
    )
    killed = subprocess.Popen(
        [sys.executable, "-c", program, data],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    run = killed.stdout.readline().strip()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert os.path.isdir(run)
    assert running(data)["run"] == run
    killed.stdin.write("x")
    killed.stdin.flush()
    lock = FolderLock(data)
    killed.stdin.close()
    killed.stdout.close()
    assert not os.path.exists(run)
    lock.release()


def test_what_a_lock_file_names_is_removed_only_if_it_is_a_run_folder(tmp_path):
    data, precious = tmp_path / "data", tmp_path / "licet-precious"
    precious.mkdir()
    FolderLock(data).release()
    (data / "licet.lock").write_text(json.dumps({"pid": 2**22 + 1, "run": str(precious)}))
    FolderLock(data).release()
    assert precious.is_dir()
    (data / "licet.lock").write_text("[not ours")
    FolderLock(data).release()


def test_a_run_folder_is_private_and_short_enough_for_sockets():
    run = RunFolder.make()
    assert stat.S_IMODE(run.path.stat().st_mode) == 0o700
    assert all(len(os.fsencode(path)) < 100 for path in (run.desk, run.office))
    (run.path / "policies").mkdir()
    (run.path / "policies" / "1.toml").write_text("")
    with pytest.raises(BlockingIOError):  # systemd-tmpfiles looks for this lock
        lock_of(run.path)
    run.remove()
    assert not run.path.exists()
    run.remove()


def lock_of(folder):
    """Try to lock *folder* as somebody else would."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)


def test_a_service_manager_s_folder_is_used_unless_its_path_is_too_long(tmp_path, monkeypatch):
    given = tmp_path / "run"
    given.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(given))
    run = RunFolder.make()
    assert (run.path.parent == given) == (len(str(given)) <= 80)
    run.remove()
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/" + "x" * 100)
    run = RunFolder.make()
    assert len(str(run.office)) < 100
    run.remove()
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/nonexistent")
    with pytest.raises(ConfigurationError, match=r"/nonexistent.*must be writable"):
        RunFolder.make()
