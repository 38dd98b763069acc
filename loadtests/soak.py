"""Hours of ordinary traffic at a moderate rate; fails if anything grows, or if journal and clients disagree.

    python -m loadtests.soak --minutes 10

People, a crawler without a license, one with, large files and WebSockets come
at fixed rates to a real `licet serve`. Every ten seconds the process tree's
memory and open files and the p99 of people's pages are taken.

The rule: the median of the second half is held against the second tenth (the
first tenth is warming up). Memory may be larger by a tenth and 8 MB, open files
by 16, p99 by twice and 50 ms. At the end `loadtests.reconcile` must find every
licensed answer in the journal, and the books whole. No answer may be wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from loadtests.measuring import open_files, pss_kb
from loadtests.processes import LOAD_CPU, CannotRun, free_port, raise_limits, running
from loadtests.raw_origin import PAGE
from loadtests.reconcile import reconcile
from loadtests.serving import CRAWLER, PERSON, LicetSite

_LARGE = 4_000_000
#: Visits a second. A WebSocket visit is one message on one of the open connections.
_RATES = {"person": 60, "unlicensed": 15, "licensed": 15, "large": 1, "websocket": 10}
_SOCKETS = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at one moment, and of the ten seconds before it."""

    second: float
    pss_mb: float
    files: int
    p99_ms: float


@dataclass
class Soak:
    """The clients and what they saw."""

    site: LicetSite
    http: aiohttp.ClientSession
    receipts: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    pages: int = 0
    sockets: list[aiohttp.ClientWebSocketResponse] = field(default_factory=list)

    @property
    def front(self) -> str:
        """The gateway's address."""
        return f"http://127.0.0.1:{self.site.port}"

    async def _get(self, path: str, headers: dict[str, str]) -> tuple[int, Any, bytes]:
        async with self.http.get(self.front + path, headers=headers) as answer:
            return answer.status, answer.headers, await answer.read()

    def _expect(self, what: str, *, good: bool, got: object) -> None:
        self.counts[what] += 1
        if not good:
            self.wrong[f"{what} got {got}"] += 1

    async def person(self) -> None:
        """Read a page."""
        began = time.perf_counter()
        status, _, body = await self._get("/page.html", {"User-Agent": PERSON})
        self.times.append(time.perf_counter() - began)
        self._expect("person", good=(status, body) == (200, PAGE), got=status)

    async def large(self) -> None:
        """Read a large file."""
        status, _, body = await self._get(f"/bytes/{_LARGE}", {"User-Agent": PERSON})
        self._expect("large", good=(status, len(body)) == (200, _LARGE), got=(status, len(body)))

    async def unlicensed(self) -> None:
        """Be told the price."""
        status, _, _ = await self._get("/page.html", {"User-Agent": CRAWLER})
        self._expect("unlicensed", good=status == 402, got=status)

    async def licensed(self) -> None:
        """Fetch a new page under the license, and keep the receipt."""
        self.pages += 1
        path = f"/pages/{self.pages}"
        token = await asyncio.to_thread(self.site.token)
        headers = {"User-Agent": CRAWLER, "Authorization": f"License {token}"}
        status, answered, body = await self._get(path, headers)
        good = (status, body) == (200, PAGE) and "Licet-Record" in answered
        self._expect("licensed", good=good, got=status)
        if good:
            self.receipts.append(
                {"record": answered["Licet-Record"], "path": path, "bytes": len(body),
                 "sha256": hashlib.sha256(body).hexdigest()}
            )  # fmt: skip

    async def websocket(self) -> None:
        """Say something on an open connection and hear it."""
        if len(self.sockets) < _SOCKETS:
            self.sockets.append(
                await self.http.ws_connect(f"{self.front}/echo", headers={"User-Agent": PERSON})
            )
        socket = self.sockets.pop(0)
        try:
            await socket.send_str(str(self.counts["websocket"]))
            said = str(self.counts["websocket"])
            heard = await socket.receive_str(timeout=20)
            self._expect("websocket", good=heard == said, got=heard)
        finally:
            self.sockets.append(socket)

    async def at_rate(self, act: Callable[[], Awaitable[None]], a_second: float, until: float) -> None:
        """Start *act* at a steady rate, whatever became of the ones before."""
        due, running = time.monotonic(), set()
        while (now := time.monotonic()) < until:
            if now < due:
                await asyncio.sleep(due - now)
                continue
            due += 1 / a_second
            running.add(task := asyncio.create_task(self._guarded(act)))
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)

    async def _guarded(self, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except (aiohttp.ClientError, OSError, TimeoutError, TypeError) as error:
            self.wrong[f"{act.__name__} broke: {error!r}"[:160]] += 1

    def sample(self, second: float) -> Sample:
        """Take one, and begin the next ten seconds."""
        times, self.times = sorted(self.times), []
        p99 = times[min(len(times) - 1, len(times) * 99 // 100)] if times else 0.0
        return Sample(second, pss_kb(self.site.pid) / 1024, open_files(self.site.pid), p99 * 1000)


def grown(samples: Sequence[Sample]) -> list[str]:
    """What grew from the second tenth to the second half, by the rule of this module's docstring."""
    count = len(samples)
    early = samples[max(1, count // 10) : max(2, count // 5)]
    late = samples[count // 2 :]
    if not early or len(late) < 2:
        return ["too few samples to tell: at least four are needed"]
    found = []
    allowed: dict[str, Callable[[float], float]] = {
        "pss_mb": lambda was: was * 1.1 + 8,
        "files": lambda was: was + 16,
        "p99_ms": lambda was: was * 2 + 50,
    }
    for name, most in allowed.items():
        was, now = (statistics.median(getattr(each, name) for each in part) for part in (early, late))
        if now > most(was):
            found.append(f"{name} went from {was:.1f} to {now:.1f}, and may go to {most(was):.1f}")
    return found


async def _load(
    site: LicetSite, seconds: float, every: float, say: Callable[[Sample], None]
) -> tuple[Soak, list[Sample]]:
    samples: list[Sample] = []
    timeout = aiohttp.ClientTimeout(total=60)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
        soak = Soak(site, http)
        await asyncio.to_thread(site.token)
        began = time.monotonic()
        until = began + seconds

        async def watch() -> None:
            due = began + every
            while due <= until + 0.01:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                samples.append(await asyncio.to_thread(soak.sample, due - began))
                say(samples[-1])
                due += every

        acts = (soak.at_rate(getattr(soak, name), rate, until) for name, rate in _RATES.items())
        await asyncio.gather(watch(), *acts)
        for socket in soak.sockets:
            await socket.close()
    return soak, samples


def soak(folder: Path, minutes: float, every: float, say: Callable[[Sample], None]) -> dict[str, Any]:
    """Run it in *folder*; ``ok`` only if nothing grew, nothing was wrong and the books agree."""
    port = free_port()
    made = [sys.executable, "-m", "loadtests.raw_origin", "--port", str(port)]
    with running(made, LOAD_CPU, port, folder / "raw.log"):
        with LicetSite.serving(folder, f"http://127.0.0.1:{port}") as site:
            load, samples = asyncio.run(_load(site, minutes * 60, every, say))
            data = site.data
        receipts = folder / "receipts.jsonl"
        receipts.write_text("".join(json.dumps(each) + "\n" for each in load.receipts))
        books = asyncio.run(reconcile(data, receipts))
    growth = grown(samples)
    return {
        "ok": bool(books["ok"]) and not growth and not load.wrong,
        "grown": growth,
        "wrong": dict(load.wrong.most_common(20)),
        "counts": dict(load.counts),
        "reconciled": {name: value for name, value in books.items() if name != "audit"},
        "samples": [asdict(each) for each in samples],
    }


def main() -> None:
    """Print samples as they come and the findings as JSON; exit 0 only if all is well."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--every", type=float, default=10, help="seconds between samples")
    chosen = parser.parse_args()
    raise_limits()

    def say(sample: Sample) -> None:
        print(
            f"{sample.second:7.0f} s   PSS {sample.pss_mb:7.1f} MB   {sample.files:5} files   p99 {sample.p99_ms:7.1f} ms",
            file=sys.stderr,
            flush=True,
        )

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="licet-soak-")))
        try:
            found = soak(folder, chosen.minutes, chosen.every, say)
        except CannotRun as error:
            raise SystemExit(str(error)) from None
    print(json.dumps({name: value for name, value in found.items() if name != "samples"}, indent=2))
    raise SystemExit(0 if found["ok"] else 1)


if __name__ == "__main__":
    main()
