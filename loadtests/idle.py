"""Memory: what an idle connection costs, and what a body of many gigabytes costs."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from loadtests import targets
from loadtests.comparison import origin
from loadtests.measuring import peak_kb, pss_kb, reset_peak, rest, rss_kb, workers
from loadtests.processes import LOAD_CPU, CannotRun, free_port, running
from loadtests.serving import PERSON, LicetSite

_AT_ONCE = 64
_PIECE = 1 << 18
_Open = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _ask(port: int) -> _Open:
    """One page over a new connection, which stays open; raises `CannotRun` for any other answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET /page.html HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: {PERSON}\r\n\r\n"
    writer.write(head.encode())
    async with asyncio.timeout(30):
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 200"):
            raise CannotRun(f"a page got {answer[:40]!r}")
        await reader.readexactly(2048)
    return reader, writer


async def _opened(port: int, count: int) -> list[_Open]:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one() -> _Open:
        async with turns:
            return await _ask(port)

    return await asyncio.gather(*(one() for _ in range(count)))


async def _growth(target: targets.Target, count: int) -> dict[str, Any]:
    for _ in range(2):  # whatever is made once, and kept, is made before
        for _, writer in await _opened(target.port, 10 * _AT_ONCE):
            writer.close()
    await asyncio.to_thread(rest, target.pid)
    before = pss_kb(target.pid)
    opened = await _opened(target.port, count)
    await asyncio.to_thread(rest, target.pid)
    after = pss_kb(target.pid)
    still = sum(not reader.at_eof() for reader, _ in opened)
    for _, writer in opened:
        writer.transport.abort()
    if still < count:
        raise CannotRun(f"{count - still} of {count} connections were closed while they were idle")
    return {"pss_mb_before": before / 1024, "pss_mb_after": after / 1024, "kb_each": (after - before) / count}


def idle(folder: Path, names: Sequence[str], count: int) -> list[dict[str, Any]]:
    """How much each of *names* grows by *count* connections that have fetched one page each and wait."""
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        place = targets.Place(folder, stack.enter_context(origin(folder)))
        for name in names:
            try:
                found = asyncio.run(_growth(targets.start(name, place, stack), count))
            except (CannotRun, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                found = {"not_measured": str(error) or type(error).__name__}
            rows.append({"target": name, "connections": count, **found})
    return rows


async def _download(port: int, size: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_PIECE)
    writer.write(
        f"GET /bytes/{size} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: {PERSON}\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise CannotRun(f"the download got {head[:40]!r}")
    got = 0
    while got < size and (piece := await reader.read(_PIECE)):
        got += len(piece)
    writer.close()
    return got


async def _upload(port: int, size: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /upload HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: {PERSON}\r\nContent-Length: {size}\r\n\r\n"
    writer.write(head.encode())
    piece, left = bytes(_PIECE), size
    with contextlib.suppress(ConnectionError):
        while left:
            writer.write(piece[:left])
            left -= min(left, len(piece))
            await writer.drain()
    answer = await reader.readuntil(b"\r\n\r\n")
    if not answer.startswith(b"HTTP/1.1 200"):
        raise CannotRun(f"the upload got {answer[:40]!r}")
    counted = await reader.read(64)
    writer.close()
    return int(counted)


def big(folder: Path, gigabytes: float) -> list[dict[str, Any]]:
    """Peak resident memory of Licet's front above idle while one body of *gigabytes* (10^9 B) passes, either way."""
    port, size, rows = free_port(), int(gigabytes * 1e9), []
    made = [sys.executable, "-m", "loadtests.raw_origin", "--port", str(port)]
    with (
        running(made, LOAD_CPU, port, folder / "raw.log"),
        LicetSite.serving(folder, f"http://127.0.0.1:{port}", name="big") as site,
    ):
        for name, act in (("download", _download), ("upload", _upload)):
            asyncio.run(act(site.port, 10_000_000))
            rest(site.pid)
            fronts = workers(site.pid) or [site.pid]
            before = sum(map(rss_kb, fronts))
            for front in fronts:
                reset_peak(front)
            began = time.monotonic()
            try:
                passed = asyncio.run(act(site.port, size))
            except (CannotRun, OSError, asyncio.IncompleteReadError) as error:
                rows.append({"work": name, "not_measured": str(error)})
                continue
            took, peak = time.monotonic() - began, sum(map(peak_kb, fronts))
            if passed != size:
                rows.append({"work": name, "not_measured": f"only {passed} of {size} B came"})
                continue
            rows.append(
                {"work": name, "gigabytes": gigabytes, "mb_per_second": size / took / 1e6,
                 "rss_mb_idle": before / 1024, "peak_mb_above_idle": (peak - before) / 1024}
            )  # fmt: skip
    return rows
