"""Slowness and size (reliability checklist, rows T): whatever a client does, it ends, and others are served.

No assertion looks at a clock. Limits are short, and what must end is waited
for. The numbers of the checklist run with ``-m night``; fewer show the same.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

KIT = Path(__file__).resolve().parent.parent / "front" / "kit.py"
night = pytest.mark.night
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"


def fewer(few: int, all_of_them: int):
    """*few* of them by day, and by night as many as the checklist says."""
    return pytest.mark.parametrize(
        "count", [few, pytest.param(all_of_them, marks=[night, pytest.mark.timeout(1800)])]
    )


@fewer(100, 1000)
async def test_connections_that_say_nothing_are_closed_and_others_are_served(kit, started, origin, count):
    """T01."""
    door = await started(kit.Door(origin.url, limits=kit.Limits(header=0.5)))
    idle = [await door.connect() for _ in range(count)]
    assert kit.statuses(await door.send(kit.get("/x"))) == [200]
    async with asyncio.timeout(kit.PATIENCE):
        for reader, _ in idle:
            assert await reader.read() == b""
    assert origin.connections == 1


@fewer(20_000, 1_000_000)
async def test_a_body_of_single_octets_arrives_whole(driver, count):
    """T09."""
    head = b"POST /x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    outcome = await driver(head + b"1\r\na\r\n" * count + b"0\r\n\r\n")
    assert outcome.statuses == [200]
    (message,) = outcome.messages()
    assert message.body == b"a" * count


async def test_an_answer_that_would_fill_the_memory_is_passed_on_coded(door, origin, kit):
    """T11."""
    bomb = gzip.compress(bytes(50 << 20), mtime=0)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    origin.reply = head + bomb
    tracemalloc.start()
    try:
        received = await door.send(kit.get("/x", "User-Agent: GPTBot/1.2"))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert received.endswith(bomb)
    assert most < 10 << 20


@pytest.mark.parametrize("size", [1, 4096, 20_000])
async def test_a_long_line_is_too_long_however_it_is_cut(driver, size):
    """T12."""
    octets = b"GET /x HTTP/1.1\r\nHost: a.example\r\nX: " + b"a" * 20_000 + b"\r\n\r\n"
    outcome = await driver(*(octets[at : at + size] for at in range(0, len(octets), size)))
    assert outcome.statuses == [431]
    assert outcome.origin == ()


@fewer(1000, 10_000)
async def test_a_client_that_asks_much_and_reads_nothing_is_given_up(kit, started, origin, count):
    """T13: the origin is not asked for what nobody takes."""
    page = b"a" * 65536
    origin.reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(page), page)
    door = await started(kit.Door(origin.url, limits=kit.Limits(write_idle=0.2)))
    reader, writer = await door.connect()
    reader._transport.pause_reading()
    writer.write(kit.get("/x", close=False) * count)
    async with asyncio.timeout(kit.PATIENCE):
        while door.listener.connections or not origin.requests:
            await asyncio.sleep(0.01)
    assert 0 < len(origin.requests) < count
    writer.transport.abort()


CROWDED = """
import asyncio, importlib.util, resource, sys
spec = importlib.util.spec_from_file_location("kit", sys.argv[1])
kit = importlib.util.module_from_spec(spec)
sys.modules["kit"] = kit
spec.loader.exec_module(kit)

async def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[2]),) * 2)
    origin = await kit.RawOrigin().start()
    door = await kit.Door(origin.url, limits=kit.Limits(header=1.0)).start()
    print(door.port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await door.stop()
    await origin.stop()
    print(door.listener.faults)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("limit", "count"), [(64, 200), pytest.param(1024, 5000, marks=[night, pytest.mark.timeout(600)])]
)
async def test_more_connections_than_files_and_it_recovers(kit, tmp_path, limit, count):
    """T14."""
    with (tmp_path / "noise").open("wb") as noise:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CROWDED, str(KIT), str(limit),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=noise,
        )  # fmt: skip
    port = int(await process.stdout.readline())
    crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    for _, writer in crowd:
        writer.transport.abort()
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(kit.get("/x"))
        received = await reader.read()
    writer.close()
    said, _ = await process.communicate(b"")
    assert kit.statuses(received) == [200]
    assert (process.returncode, said.strip()) == (0, b"0")


async def test_a_length_that_never_comes_is_not_made_room_for(kit, started, origin):
    """T15: 100 GB announced."""
    origin.read_bodies = False
    door = await started(kit.Door(origin.url, limits=kit.Limits(body_idle=0.1)))
    tracemalloc.start()
    try:
        received = await door.send(
            b"POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100000000000\r\n\r\nabc"
        )
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kit.statuses(received)[0] in {200, 408}
    assert most < 4 << 20


@night
@pytest.mark.timeout(1800)
async def test_ten_gigabytes_pass_in_little_memory(door, origin, kit):
    """T16; a hundred megabytes by day are measured in tests/front."""
    total, piece = 10 << 30, b"a" * (1 << 20)

    async def large(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        for _ in range(total // len(piece)):
            writer.write(piece)
            await writer.drain()

    origin.reply = large
    reader, writer = await door.connect()
    writer.write(kit.get("/big", "User-Agent: GPTBot/1.2"))
    await kit.read_head(reader)
    received, before = 0, _resident()
    while data := await reader.read(1 << 20):
        received += len(data)
    assert received == total
    assert _resident() - before < 32 << 20


def _resident() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@fewer(300, 10_000)
async def test_hosts_that_are_not_ours_leave_nothing(door, origin, kit, count):
    """T17."""
    for number in range(count):
        assert kit.statuses(await door.send(kit.get("/x", host=f"h{number}.example"))) == [421]
    assert dict(door.listener.refusals) == {"unknown-site": count}
    assert door.people.counted == door.journal.noted == door.asks == origin.requests == []


@fewer(30, 1000)
async def test_tunnels_that_are_silent_are_closed(kit, started, origin, count):
    """T19; how many a site may have at once is not limited."""

    async def switch(request, reader, writer):
        writer.write(SWITCH if request.values("upgrade") else kit.OK)
        await writer.drain()
        if request.values("upgrade"):
            await reader.read()

    origin.reply = switch
    door = await started(kit.Door(origin.url, limits=kit.Limits(tunnel_idle=0.5)))
    tunnels = []
    for _ in range(count):
        reader, writer = await door.connect()
        writer.write(kit.get("/x", "Connection: upgrade", "Upgrade: x", close=False))
        assert kit.statuses(await kit.read_head(reader)) == [101]
        tunnels.append(reader)
    assert kit.statuses(await door.send(kit.get("/x"))) == [200]
    async with asyncio.timeout(kit.PATIENCE):
        for reader in tunnels:
            assert await reader.read() == b""
        while origin.open > 1:  # the one that may be used again
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("step", [86_400, -86_400])
async def test_deadlines_do_not_follow_the_wall_clock(kit, started, origin, monkeypatch, step):
    """T22: a day forth or back ends no answer under way and keeps no deadline from coming."""
    import time

    answered = asyncio.Event()

    async def slow(request, reader, writer):
        await answered.wait()
        writer.write(kit.OK)

    origin.reply = slow
    door = await started(kit.Door(origin.url, limits=kit.Limits(header=0.3)))
    reader, writer = await door.connect()
    writer.write(kit.get("/x", close=False))
    async with asyncio.timeout(kit.PATIENCE):
        while not origin.requests:
            await asyncio.sleep(0.001)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + step)
    answered.set()
    async with asyncio.timeout(kit.PATIENCE):
        received = await reader.read()
    writer.close()
    assert kit.statuses(received) == [200]


async def test_too_many_files_are_told_in_few_lines(kit, tmp_path):
    """T14: asyncio logs one accept that failed a thousand times, with its traceback."""
    with (tmp_path / "noise").open("wb") as noise:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CROWDED, str(KIT), "64",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=noise,
        )  # fmt: skip
    port = int(await process.stdout.readline())
    crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
    for _, writer in crowd:
        writer.transport.abort()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(kit.get("/x"))
    assert kit.statuses(await reader.read()) == [200]
    writer.close()
    await process.communicate(b"")
    assert (tmp_path / "noise").read_bytes().count(b"\n") < 200
