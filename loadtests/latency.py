"""Latency at a fixed rate: arrivals do not wait for answers (open loop), so a stall delays all who came meanwhile.

    python -m loadtests.latency --port 8402 --rate 1000 --seconds 5

Arrivals are a Poisson process; each takes a free connection, or waits for one.
A time runs from the moment a request was due until its last octet came. The
loop waits by ``select``, whose time-outs have microseconds; those of ``epoll``
have milliseconds, which is more than what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from loadtests import targets
from loadtests.comparison import origin
from loadtests.processes import LOAD_CPU, CannotRun, pinned
from loadtests.serving import PERSON


class Wrong(Exception):
    """An answer was not the page, or a connection broke."""


class Connection(asyncio.Protocol):
    """One keep-alive connection that fetches one page at a time."""

    def __init__(self, rate: FixedRate) -> None:
        """Report to *rate*."""
        self._rate = rate
        self._got, self._wanted, self._due = 0, 0, 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Be free."""
        self.transport = transport
        self._rate.free.append(self)

    def ask(self, due: float) -> None:
        """Send the request that was due at *due*."""
        self._due, self._got, self._wanted = due, 0, 0
        self.transport.write(self._rate.request)

    def data_received(self, data: bytes) -> None:
        """Count octets until the answer is whole."""
        if not self._wanted:
            head, found, _ = data.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
            if not found or not length or not head.startswith(b"HTTP/1.1 200"):
                self._rate.fail(Wrong(f"an answer began {data[:60]!r}"))
                return
            self._wanted = len(head) + 4 + int(length[1])
        self._got += len(data)
        if self._got >= self._wanted:
            self._rate.answered(self, self._due)

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection that breaks spoils the run."""
        self._rate.fail(exc or Wrong("a connection was closed"))


class FixedRate:
    """A run at *rate* requests a second."""

    def __init__(self, port: int, path: str, rate: float) -> None:
        """Fetch *path* from *port*."""
        self._port, self._per_second = port, rate
        self.request = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: {PERSON}\r\n\r\n"
        ).encode()
        self.free: deque[Connection] = deque()
        self._waiting: deque[float] = deque()
        self.times: list[float] = []
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._dice = random.Random()

    async def run(self, connections: int, seconds: float) -> list[float]:
        """The times of all requests of *seconds*, in seconds; raises `Wrong` or `OSError`."""
        for _ in range(connections):
            await self._loop.create_connection(lambda: Connection(self), "127.0.0.1", self._port)
        for connection in list(self.free):  # each once: connections and caches are warm
            self.free.popleft().ask(self._loop.time())
            while connection not in self.free:
                await asyncio.sleep(0)
                self._raise_if_failed()
        self.times.clear()
        self._until = self._loop.time() + seconds
        self._next = self._loop.time()
        self._arrive()
        await self._ended
        while len(self.free) < connections:
            await asyncio.sleep(0.001)
        return self.times

    def _arrive(self) -> None:
        while self._next <= self._loop.time():
            self._waiting.append(self._next)
            self._next += self._dice.expovariate(self._per_second)
        while self._waiting and self.free:
            self.free.popleft().ask(self._waiting.popleft())
        if self._next < self._until:
            self._loop.call_at(self._next, self._arrive)
        elif not self._ended.done():
            self._loop.call_later(0.2, lambda: self._ended.done() or self._ended.set_result(None))

    def answered(self, connection: Connection, due: float) -> None:
        """Take the time of one answer, and let who waits have the connection."""
        self.times.append(self._loop.time() - due)
        if self._waiting:
            connection.ask(self._waiting.popleft())
        else:
            self.free.append(connection)

    def fail(self, why: Exception) -> None:
        """End the run."""
        if not self._ended.done():
            self._ended.set_exception(why)

    def _raise_if_failed(self) -> None:
        if self._ended.done():
            self._ended.result()


def fixed_rate(
    folder: Path, names: Sequence[str], rate: int, rounds: int, seconds: float, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """What each of *names* adds to the origin's own p50 and p99 in the same round; milliseconds."""
    added: dict[str, list[tuple[float, float]]] = {}
    why_not: dict[str, str] = {}
    with ExitStack() as stack:
        place = targets.Place(folder, stack.enter_context(origin(folder)))
        ports = {"origin": place.origin}
        for name in names:
            try:
                ports[name] = targets.start(name, place, stack).port
            except CannotRun as error:
                why_not[name] = str(error)
        for number in range(rounds):
            say(f"latency at {rate}/s, round {number + 1} of {rounds}")
            found = {}
            for name in random.sample(list(ports), len(ports)):
                try:
                    found[name] = _measured(ports[name], rate, seconds)
                except CannotRun as error:
                    why_not[name] = str(error)
                    del ports[name]
            for name, times in found.items():
                own = found.get("origin", (0.0, 0.0)) if name != "origin" else (0.0, 0.0)
                added.setdefault(name, []).append((times[0] - own[0], times[1] - own[1]))
    rows: list[dict[str, Any]] = [{"target": name, "not_measured": why} for name, why in why_not.items()]
    for name, times in added.items():
        if name not in why_not:
            p50, p99 = (sorted(each[index] for each in times) for index in (0, 1))
            rows.append(
                {"target": name, "rate": rate, "p50_ms": median(p50), "p50_best_ms": p50[0],
                 "p99_ms": median(p99), "p99_best_ms": p99[0]}
            )  # fmt: skip
    return rows


def _measured(port: int, rate: int, seconds: float) -> tuple[float, float]:
    command = [sys.executable, "-m", "loadtests.latency", "--port", str(port), "--rate", str(rate)]
    command += ["--seconds", str(seconds)]
    done = subprocess.run(
        pinned(command, LOAD_CPU), capture_output=True, text=True, check=False, timeout=seconds + 60
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise CannotRun(said[0][:200])
    found = json.loads(done.stdout)
    return found["p50_ms"], found["p99_ms"]


def main() -> None:
    """Print the times as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/page.html")
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=5)
    chosen = parser.parse_args()

    async def run() -> list[float]:
        return await FixedRate(chosen.port, chosen.path, chosen.rate).run(chosen.connections, chosen.seconds)

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        try:
            times = sorted(runner.run(run()))
        except (Wrong, OSError) as error:
            raise SystemExit(str(error)) from None
    percentiles = {
        f"p{share}_ms": times[min(len(times) - 1, len(times) * share // 100)] * 1000 for share in (50, 99)
    }
    print(json.dumps({"requests": len(times), **percentiles}))


if __name__ == "__main__":
    main()
