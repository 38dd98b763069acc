"""Rows that fail today, each for a reason of its own; each moves to its table when it passes."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import subprocess
import sys
from pathlib import Path

import pytest

KIT = Path(__file__).resolve().parent.parent / "front" / "kit.py"


@pytest.mark.parametrize("apart", [True, False])
async def test_what_follows_a_whole_request_does_not_unmake_it(driver, apart):
    """F64: the request is answered, what stands behind it is a 400; one segment or two."""
    octets = b"POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello"
    garbage = b"garbage garbage\r\n\r\n"
    outcome = await (driver(octets, garbage) if apart else driver(octets + garbage))
    assert outcome.statuses == [200, 400]
    assert [message.body for message in outcome.messages()] == [b"hello"]


@pytest.mark.parametrize("octet", [b"\0", b"\x01", b"\x0b", b"\x7f"], ids=ascii)
async def test_a_control_octet_behind_a_status_is_the_origins_fault(door, origin, kit, octet):
    """U12: as one in a header is (RFC 9112, section 4: a reason phrase has no controls)."""
    origin.reply = b"HTTP/1.1 200 O" + octet + b"K\r\nContent-Length: 2\r\n\r\nok"
    received = await door.send(kit.get("/x", "User-Agent: GPTBot/1.2", "X-Pay: 1"))
    assert kit.statuses(received) == [502]
    assert door.listener.faults == 0
    assert [record.charged_micros for record in door.journal.noted] == [0]


async def test_an_address_that_is_silent_is_passed_over(kit, started, origin, monkeypatch):
    """R17: RFC 8305 tries the next address after a quarter of a second, not after the limit for all of them."""
    with socket.socket() as silent, socket.socket() as first, socket.socket() as second:
        # A full queue takes no more connections and says nothing.
        silent.bind(("127.0.0.3", origin.port))
        silent.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.3", origin.port))

        async def resolve(host, port, **_):
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                for address in ("127.0.0.3", "127.0.0.1")
            ]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
        door = await started(kit.Door(f"http://origin.example:{origin.port}"))
        assert kit.statuses(await door.send(kit.get("/x"))) == [200]


async def test_too_many_files_are_told_in_few_lines(kit, tmp_path):
    """T14: asyncio logs one accept that failed a thousand times, with its traceback."""
    spec = importlib.util.spec_from_file_location(
        "licet_tests_hostile_time", Path(__file__).parent / "test_time.py"
    )
    times = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(times)
    with (tmp_path / "noise").open("wb") as noise:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", times.CROWDED, str(KIT), "64",
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
