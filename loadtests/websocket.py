"""WebSocket load: each connection sends a message, waits for its echo, sends the next.

python -m loadtests.websocket --port 8402 --connections 64 --seconds 2
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import time

from gateway.app.boot import run_loop
from loadtests.serving import PERSON

_TEXT = b"t" * 64
_MASK = b"mask"
#: One masked text frame (RFC 6455, section 5.2), and what its echo must be.
_FRAME = (
    bytes((0x81, 0x80 | len(_TEXT))) + _MASK + bytes(a ^ b for a, b in zip(_TEXT, _MASK * 16, strict=True))
)
_ECHO = bytes((0x81, len(_TEXT))) + _TEXT


class Wrong(Exception):
    """What came back is not what was sent."""


class Echoed(asyncio.Protocol):
    """One connection that is upgraded and then sends and awaits messages until it is stopped."""

    def __init__(self, port: int, path: str) -> None:
        """Upgrade at *path*."""
        self._head = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: {PERSON}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ).encode()
        self._got = b""
        self.open = asyncio.get_running_loop().create_future()
        self.lost = asyncio.get_running_loop().create_future()
        self.times: list[float] = []
        self._ended = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Ask for the upgrade."""
        self.transport = transport
        transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        """Take the answer to the upgrade, then echoes."""
        self._got += data
        if not self.open.done():
            head, found, self._got = self._got.partition(b"\r\n\r\n")
            if not found:
                self._got = head
            elif b" 101 " not in head.split(b"\r\n")[0]:
                self.open.set_exception(Wrong(f"the upgrade got {head[:40]!r}"))
            else:
                self.open.set_result(None)
            return
        if len(self._got) < len(_ECHO):
            return
        if self._got != _ECHO:
            self._lose(Wrong(f"an echo was {self._got[:40]!r}"))
            return
        self._got = b""
        self.times.append(time.perf_counter() - self._sent)
        if not self._ended:
            self.send()

    def send(self) -> None:
        """Send one message."""
        self._sent = time.perf_counter()
        self.transport.write(_FRAME)

    def end(self) -> None:
        """Send no more."""
        self._ended = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        if not self._ended:
            self._lose(exc or Wrong("the connection was closed"))

    def _lose(self, why: Exception) -> None:
        for waiting in (self.open, self.lost):
            if not waiting.done():
                waiting.set_exception(why)


async def echoes(port: int, path: str, connections: int, seconds: float) -> dict[str, float]:
    """Load for *seconds*; returns the count as ``requests`` and times in microseconds. Raises `Wrong` or `OSError`."""
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda: Echoed(port, path), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    async with asyncio.timeout(20):
        await asyncio.gather(*(each.open for each in made))
    began = time.perf_counter()
    for each in made:
        each.send()
    await asyncio.wait([each.lost for each in made], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    took = time.perf_counter() - began
    for each in made:
        if each.lost.done():
            await each.lost
        each.end()
        each.transport.abort()
    times = sorted(micros * 1e6 for each in made for micros in each.times)
    if not times:
        raise Wrong("nothing was echoed")
    p99 = times[min(len(times) - 1, len(times) * 99 // 100)]
    return {"requests": len(times), "micros": took * 1e6, "p50": statistics.median(times), "p99": p99}


async def _report(chosen: argparse.Namespace) -> None:
    try:
        found = await echoes(chosen.port, chosen.path, chosen.connections, chosen.seconds)
    except (Wrong, OSError, TimeoutError) as error:
        raise SystemExit(f"{error or 'no answer to the upgrade in time'}") from None
    print(json.dumps(found), flush=True)
    os._exit(0)


def main() -> None:
    """Print what was counted as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/echo")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=2)
    run_loop(_report(parser.parse_args()))


if __name__ == "__main__":
    main()
