"""A client that is gone at any moment: each request of a crawler leaves one record, and nothing is left over."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from gateway.evidence import Need, Needs

WHO = {
    "person": b"",
    "crawler": b"User-Agent: GPTBot/1.2\r\n",
    "paying": b"User-Agent: GPTBot/1.2\r\nX-Pay: 1\r\n",
}
BODIES = {
    "none": (b"\r\n",),
    "length": (b"Content-Length: 10\r\n\r\n", b"hello", b"world"),
    "chunked": (b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n"),
    "expects": (b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", b"hello"),
    "a switch": (b"Connection: upgrade\r\nUpgrade: x\r\n\r\n", b"odd"),
}
SAYS = {
    "whole": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",),
    "pieces": (b"HTTP/1.1 200 OK\r\nContent-Le", b"ngth: 4\r\n\r\n", b"ok", b"ok"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nok\r\n", b"0\r\n\r\n"),
    "until it closes": (b"HTTP/1.0 200 OK\r\n\r\n", b"ok", b""),
    "breaks off": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", b""),
    "switches": (b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", b"ok", b""),
    "nothing": (b"",),
}


class Origin(asyncio.Protocol):
    """Says its pieces one turn after another, once something has come; an empty one hangs up."""

    pieces: tuple[bytes, ...] = ()

    def __init__(self, recorder) -> None:
        self.said = False

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not self.said:
            self.said = True
            self._say(self.pieces)

    def _say(self, pieces: tuple[bytes, ...]) -> None:
        if not pieces:
            # The next request on this connection gets the same.
            self.said = False
        elif pieces[0]:
            self.transport.write(pieces[0])
            asyncio.get_running_loop().call_soon(self._say, pieces[1:])
        else:
            self.transport.close()


def _waiting(door) -> None:
    """Let every crawler need evidence that takes a few turns, and every record some time to be kept."""
    inner, journal = door.gate.identify, door.journal
    need = Need("key", "x")

    def identify(ask, evidence):
        if ask.user_agent and not evidence.has("key", "x"):
            return Needs((need,))
        return inner(ask, evidence)

    async def fetched(_):
        for _ in range(3):
            await asyncio.sleep(0)

    async def keep(record, detail, salt):
        journal.kept.append(record)
        waiter = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(asyncio.get_running_loop().call_soon, _set, waiter)
        await waiter

    journal.keep = keep
    door.listener._gate = dataclasses.replace(door.gate, identify=identify, sources={"key": fetched})


def _set(waiter) -> None:
    if not waiter.done():
        waiter.set_result(None)


async def _gone_after(driver, in_memory, pieces, turns: int) -> bool:
    """Send *pieces* turn by turn and leave after *turns*; whether the gateway had ended before."""
    client, end = driver.connect()
    for turn in range(turns):
        if turn < len(pieces):
            end.write(pieces[turn])
        await asyncio.sleep(0)
    over = client.over
    end.abort()
    await in_memory.settled()
    return over


@pytest.mark.parametrize("says", SAYS.values(), ids=SAYS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("who", WHO.values(), ids=WHO)
async def test_each_request_of_a_crawler_leaves_one_record(
    kit, recording, in_memory, started, who, body, says
):
    kind = type("Saying", (Origin,), {"pieces": says})
    driver = await started(in_memory.MemoryDriver(kit, recording, kind))
    door = driver.door
    _waiting(door)
    head = b"GET /x HTTP/1.1\r\nHost: a.example\r\n" + who + body[0]
    servers = door.origin._connections._servers
    for turns in range(1, 60):
        left = await _gone_after(driver, in_memory, (head, *body[1:]), turns)
        records = len(door.journal.noted) + len(door.journal.kept)
        assert records == bool(who), turns
        door.journal.noted.clear()
        door.journal.kept.clear()
        assert not door.listener.connected
        assert door.listener.faults == 0
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
        for server in servers.values():
            assert server.open == len([one for one in server.spare if not one.closed])
        if left:
            break
