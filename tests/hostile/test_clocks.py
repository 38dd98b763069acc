"""Where everybody waits, a clock runs that ends it: no client and no origin holds a connection for ever.

The clocks run out as fast as the loop turns (`in_memory.MemoryDriver.pass_time`).
"""

from __future__ import annotations

import asyncio

import pytest

BIG = b"a" * (1 << 20)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BIG)
POST = b"POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 400000\r\n\r\n"
CRAWLER = b"User-Agent: GPTBot/1.2\r\n"


class Origin(asyncio.Protocol):
    """Says *first* to the first octets it gets, and stays as it is."""

    first = b""
    reads = True

    def __init__(self, recorder) -> None:
        self.raw = b""

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not self.raw:
            self.transport.write(self.first)
            if not self.reads:
                self.transport.pause_reading()
        self.raw += data


@pytest.fixture
def before(kit, recording, in_memory, started):
    """Starts a door before an origin that says *first*."""

    async def start(first: bytes, *, reads: bool = True):
        kind = type("Said", (Origin,), {"first": first, "reads": reads})
        return await started(in_memory.MemoryDriver(kit, recording, kind))

    return start


async def _all_end(driver, in_memory) -> int:
    """Let every clock run out, one after the other, until no client is connected; how many it took."""
    for count in range(20):
        await in_memory.settled()
        if not driver.door.listener.connected:
            assert driver.door.listener.faults == 0
            return count
        assert driver.pass_time(), "no clock runs, and a client is held"
    raise AssertionError("clocks run and end nothing")


@pytest.mark.parametrize("close", [b"", b"Connection: close\r\n"], ids=["keep", "close"])
@pytest.mark.parametrize("reads", [0, 1], ids=["reads nothing", "reads once"])
async def test_a_client_that_takes_no_more(before, in_memory, close, reads):
    driver = await before(HEAD + BIG)
    _, end = driver.connect()
    if not reads:
        end.pause_reading()
    end.write(b"GET /x HTTP/1.1\r\nHost: a.example\r\n" + close + b"\r\n")
    if reads:
        await asyncio.sleep(0)
        end.pause_reading()
    await _all_end(driver, in_memory)


@pytest.mark.parametrize("body", [b"", b"a" * 1000], ids=["none", "some"])
async def test_an_early_answer_to_a_body_that_stops(before, in_memory, body):
    """The client hears the answer, and keeps its connection open."""
    driver = await before(b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno")
    client, end = driver.connect()
    end.write(POST + body)
    await _all_end(driver, in_memory)
    assert client.received.startswith(b"HTTP/1.1 413 No")


@pytest.mark.parametrize("reads", [True, False], ids=["sends on", "stops at once"])
async def test_an_early_answer_to_a_client_that_does_not_read_it(before, in_memory, reads):
    driver = await before(HEAD + BIG)
    _, end = driver.connect()
    end.pause_reading()
    end.write(POST)
    for _ in range(5 if reads else 0):
        await in_memory.settled()
        end.write(b"a" * 1000)
    await _all_end(driver, in_memory)


async def test_an_origin_that_stops_in_its_answer_while_it_takes_the_body(before, in_memory):
    driver = await before(HEAD + b"half", reads=False)
    client, end = driver.connect()
    end.write(POST + b"a" * 200_000)
    await in_memory.settled()
    (origin,) = [one for watch in driver.watches[1:] for one in watch.watched]
    assert origin._full
    origin._transport.other.resume_reading()
    end.write(b"a" * 200_000)
    await _all_end(driver, in_memory)
    assert client.received.endswith(b"half")


async def test_a_body_behind_more_requests_than_are_read_ahead(memory, in_memory):
    """Reading has paused for those that wait; the body that is waited for is read all the same."""
    many = b"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n" * 20
    last = b"POST /y HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"
    client, end = memory.connect()
    end.write(many[: len(many) // 20])
    await asyncio.sleep(0)
    end.write(many + last)
    await asyncio.sleep(0)
    assert end.other.paused
    await in_memory.settled()
    end.write(b"hello")
    await in_memory.settled()
    assert client.over
    assert client.received.count(b"HTTP/1.1 200 OK\r\n") == 22
    assert memory.recorder.take()[-1].endswith(b"\r\n\r\nhello")


async def test_an_origin_that_is_gone_before_it_is_asked(before, in_memory, kit):
    """Its connection was made and lost before the request that waits for it goes on."""
    driver = await before(b"")
    pool = driver.door.origin._connections
    made = pool.make

    async def lost(upstream, client):
        connection = await made(upstream, client)
        connection._transport.other.close()
        while not connection.closed:
            await asyncio.sleep(0)
        return connection

    pool.make = lost
    client, end = driver.connect()
    end.write(kit.get("/x"))
    for _ in range(20):
        await asyncio.sleep(0)
    await _all_end(driver, in_memory)
    assert client.received.startswith(b"HTTP/1.1 502 ")
