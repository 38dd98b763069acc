"""A client and an origin that do anything, in any order, at any moment: everything ends, once, and nothing is left."""

from __future__ import annotations

import asyncio
import os
from itertools import product
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

BOT = b"User-Agent: GPTBot/1.2\r\n"
PAYS = BOT + b"X-Pay: 1\r\n"
LINE, POST = b"GET /x HTTP/1.1\r\nHost: a.example\r\n", b"POST /x HTTP/1.1\r\nHost: a.example\r\n"
LARGE = 200_000
CLIENT = [
    LINE + b"\r\n",
    LINE + BOT + b"\r\n",
    LINE + PAYS + b"\r\n",
    (LINE + PAYS + b"\r\n") * 20,
    LINE + PAYS + b"Connection: close\r\n\r\n",
    LINE.replace(b"1.1", b"1.0") + PAYS + b"\r\n",
    LINE.replace(b"GET", b"HEAD") + PAYS + b"\r\n",
    POST + PAYS + b"Content-Length: 5\r\n\r\n",
    POST + BOT + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    POST + b"Content-Length: %d\r\n\r\n" % LARGE,
    POST + PAYS + b"Transfer-Encoding: chunked\r\n\r\n",
    LINE + b"Connection: upgrade\r\nUpgrade: x\r\n\r\n",
    LINE + BOT + b"Connection: upgrade\r\nUpgrade: x\r\n\r\n",
    b"hello",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"\r\n\r\n",
    b"a" * LARGE,
]
ORIGIN = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    b"HTTP/1.1 101 Go\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5,
    b"ok",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"a" * LARGE,
]
_DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("client sends"), st.sampled_from(CLIENT)),
        st.tuples(st.just("client sends"), st.sampled_from(CLIENT)),
        st.tuples(st.just("origin says"), st.sampled_from(ORIGIN)),
        st.tuples(st.just("origin says"), st.sampled_from(ORIGIN)),
        st.tuples(
            st.sampled_from([
                "client pauses", "client reads", "client ends", "client leaves", "origin pauses", "origin reads",
                "origin closes", "origin resets", "a clock", "a turn", "a turn", "rest", "rest",
            ]),
            st.just(b""),
        ),
    ),
    min_size=2,
    max_size=24,
)  # fmt: skip


class Origin(asyncio.Protocol):
    """Does nothing of its own accord."""

    ends: ClassVar[list] = []

    def __init__(self, recorder) -> None:
        pass

    def connection_made(self, transport) -> None:
        self.ends.append(transport)

    def eof_received(self) -> bool:
        return True


async def _do(driver, in_memory, client, end, deed: str, octets: bytes) -> None:
    who, _, does = deed.partition(" ")
    one = end if who == "client" else Origin.ends[-1] if Origin.ends else None
    match deed:
        case "a clock":
            driver.pass_time()
        case "a turn":
            await asyncio.sleep(0)
        case "rest":
            await in_memory.settled()
        case "drain":
            # What `Listener.drain` does to connections that have been quiet, without its waiting.
            driver.door.listener._draining = True
            for connection in [one for one in driver.door.listener.connected if not one.busy]:
                connection.close()
    if one is None:
        return
    match does:
        case "sends" | "says":
            one.write(octets)
        case "pauses" if not one.paused:
            one.pause_reading()
        case "reads" if one.paused:
            one.resume_reading()
        case "ends":
            one.write_eof()
        case "leaves" | "resets":
            one.abort()
        case "closes":
            one.close()


@given(_DEEDS)
@example(
    [
        ("client sends", CLIENT[7]),
        ("rest", b""),
        ("origin says", ORIGIN[0]),
        ("a turn", b""),
        ("a clock", b""),
    ]
)
@example(
    [
        ("client sends", CLIENT[0]),
        ("client sends", CLIENT[2]),
        ("rest", b""),
        ("client pauses", b""),
        ("origin says", ORIGIN[0]),
        ("rest", b""),
        ("client ends", b""),
    ]
)
@example(
    [
        ("client sends", CLIENT[1]),
        ("rest", b""),
        ("origin says", ORIGIN[2]),
        ("origin says", ORIGIN[14]),
        ("origin says", ORIGIN[7]),
    ]
)
@example([("client sends", CLIENT[0]), ("rest", b""), ("origin says", ORIGIN[0] + ORIGIN[7])])
@settings(
    max_examples=int(os.environ.get("LICET_FUZZ_ORDERS", "2000")),
    deadline=None,
    derandomize="LICET_FUZZ_ORDERS" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
async def test_everything_ends_once(kit, recording, in_memory, deeds):
    await _everything_ends(kit, recording, in_memory, deeds)


async def _everything_ends(kit, recording, in_memory, deeds) -> None:
    Origin.ends = []
    driver = await in_memory.MemoryDriver(kit, recording, Origin).start()
    door = driver.door
    client, end = driver.connect()
    for deed, octets in deeds:
        await _do(driver, in_memory, client, end, deed, octets)
    for _ in range(200):
        await in_memory.settled()
        if not door.listener.connected:
            break
        assert driver.pass_time(), "no clock runs, and a client is held"
    assert not door.listener.connected, "clocks run and end nothing"
    assert door.listener.faults == 0
    asked = sorted(ask.id for ask in door.asks if "GPTBot" in ask.user_agent)
    assert sorted(record.id for record in door.journal.noted + door.journal.kept) == asked
    for server in door.origin._connections._servers.values():
        assert server.open == len([one for one in server.spare if not one.closed])
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
    await driver.stop()


_REST, _GO = ("rest", b""), ("origin says", ORIGIN[7])
#: A person and a crawler that speak another protocol already, or are about to.
_SWITCHED = {
    "a person's": [("client sends", CLIENT[11]), _REST, _GO, _REST],
    "a crawler's": [("client sends", CLIENT[12]), _REST, _GO, _REST],
    "just answered": [("client sends", CLIENT[11]), _REST, _GO],
    "asked for": [("client sends", CLIENT[12]), _REST],
}
_NEXT = [
    ("client sends", b"hello"), ("client sends", CLIENT[17]), ("origin says", b"ok"), ("origin says", ORIGIN[14]), _REST,
    *((deed, b"") for deed in (
        "client ends", "client leaves", "client pauses", "client reads", "origin closes", "origin resets",
        "origin pauses", "origin reads", "a clock", "a turn", "drain",
    )),
]  # fmt: skip


@pytest.mark.parametrize("begun", _SWITCHED)
@pytest.mark.parametrize("deeds", [1, 2, pytest.param(3, marks=pytest.mark.night)])
async def test_a_switched_connection_ends_in_every_order(kit, recording, in_memory, begun, deeds):
    after = [_GO] if begun == "asked for" else []
    for order in product(_NEXT, repeat=deeds):
        try:
            await _everything_ends(kit, recording, in_memory, [*_SWITCHED[begun], *order, *after])
        except BaseException as error:
            error.add_note(str([deed for deed, _ in order]))
            raise
