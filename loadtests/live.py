"""The Live page while a thousand fetches a second are recorded: does it freeze, does it grow, do pause and filter work?

A real gateway in a process of its own writes records of crawlers into its real
journal at a steady rate; its keeper folds them, its dashboard streams them
(server-sent events), and Debian's Chromium shows the page for a minute. Printed
is what the page itself measured: the longest time that its event loop stood
still, its long tasks, its heap and elements after garbage was collected at the
beginning and at the end, and the rows it was shown; and the memory of the office.

python -m loadtests.live [--rate 1000] [--seconds 60]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from gateway.app import Licet
from gateway.app.timers import log_to_stderr
from gateway.config import read_config
from gateway.problems import StoreUnavailable
from loadtests.log_pages import records
from loadtests.screenshots import CHROMIUM, FLAGS, PASSWORD

_POLICY: Final = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "http://127.0.0.1:9"
mode = "enforce"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
"""
_TICKS: Final = 20
#: What the page measures of itself, in milliseconds.
_MEASURE: Final = """
() => {
  const seen = { gap: 0, long: 0, longest: 0, last: performance.now() };
  window.seen = seen;
  window.setInterval(() => {
    const now = performance.now();
    seen.gap = Math.max(seen.gap, now - seen.last);
    seen.last = now;
  }, 20);
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) { seen.long += 1; seen.longest = Math.max(seen.longest, each.duration); }
  }).observe({ entryTypes: ["longtask"] });
}
"""


async def serve(folder: Path, rate: int) -> None:
    """Run the gateway, and record *rate* fetches a second until the process is ended."""
    log_to_stderr(40)
    licet = Licet(read_config(folder))
    addresses = await licet.start()
    print(json.dumps([addresses.dashboard, addresses.sign_in]), flush=True)
    made, number, begun = records(2_000), 0, time.monotonic()
    try:
        while True:
            wanted = int((time.monotonic() - begun) * rate)
            now = time.time_ns() // 1000
            some = [
                replace(made[each % 2_000], id=f"{now + each:016x}-{each}", time_us=now)
                for each in range(number, wanted)
            ]
            number = wanted
            with suppress(StoreUnavailable):
                await asyncio.gather(*(licet.journal.keep(each) for each in some))
            await asyncio.sleep(1 / _TICKS)
    finally:
        await licet.stop(1)


async def watch(dashboard: str, sign_in: str, seconds: int, pid: int) -> dict[str, Any]:
    """Look at the page for so long; gives the figures."""
    from playwright.async_api import async_playwright

    told: dict[str, Any] = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = await (await browser.new_context()).new_page()
        await page.goto(sign_in)
        for field in await page.locator("input[type=password]").all():
            await field.fill(PASSWORD)
        await page.get_by_role("button", name="sign in").click()
        await page.wait_for_url(f"{dashboard}/")
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Performance.enable")

        async def weighed() -> tuple[float, int]:
            await devtools.send("HeapProfiler.collectGarbage")
            found = {
                each["name"]: each["value"]
                for each in (await devtools.send("Performance.getMetrics"))["metrics"]
            }
            return found["JSHeapUsedSize"] / 1e6, int(found["Nodes"])

        await page.goto(f"{dashboard}/live")
        await page.evaluate(_MEASURE)
        await asyncio.sleep(min(10, seconds / 4))
        first = await weighed()
        told["office_mb"] = [rss(pid)]
        levels = [first]
        for _ in range(3):
            await asyncio.sleep(seconds / 4)
            levels.append(await weighed())
        told["heap_mb"], told["elements"] = (list(each) for each in zip(*levels, strict=True))
        told["office_mb"].append(rss(pid))
        told.update(
            await page.evaluate(
                "() => ({...window.seen, rows: document.querySelectorAll('#rows tr').length})"
            )
        )
        told.pop("last")
        told["said"] = await page.locator("#state").inner_text()
        # A press is answered at once although rows come.
        begun = time.monotonic()
        await page.get_by_role("button", name="Pause").click()
        await page.get_by_text("Paused.").wait_for()
        told["pause_ms"] = round(1000 * (time.monotonic() - begun))
        # What was on its way when it was pressed is there by now.
        still = await page.locator("#rows tr a").first.get_attribute("href")
        await asyncio.sleep(3)
        told["still"] = still == await page.locator("#rows tr a").first.get_attribute("href")
        begun = time.monotonic()
        await page.goto(f"{dashboard}/live?crawler=GPTBot&decision=licensed")
        told["filter_ms"] = round(1000 * (time.monotonic() - begun))
        before = await page.locator("#rows tr a").first.get_attribute("href")
        await page.wait_for_function(
            "before => document.querySelector('#rows tr a').getAttribute('href') !== before", arg=before
        )
        told["filtered"] = sorted(set(await page.locator("#rows tr .decision").all_inner_texts()))
        await browser.close()
    return told


def rss(pid: int) -> float:
    """Resident memory of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * 4096 / 1e6, 1)


async def measured(rate: int, seconds: int) -> dict[str, Any]:
    """Run both sides; gives the figures of `watch`, with how many were recorded a second."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sites").mkdir()
        folder.chmod(0o700)
        (folder / "licet.toml").write_text(
            "[listen]\nport = 0\n[dashboard]\nport = 0\n[store]\nreserve_mb = 1\n"
        )
        (folder / "sites" / "journal.toml").write_text(_POLICY)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "loadtests.live", "--serve", str(folder), "--rate", str(rate),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert child.stdout is not None
            dashboard, sign_in = json.loads(await child.stdout.readline())
            told = await watch(dashboard.rstrip("/"), sign_in, seconds, child.pid)
        finally:
            child.terminate()
            await child.wait()
        from gateway.provenance.audit import export_entries

        times = [
            each["entry"]["time_us"] for each in export_entries(folder / "journal") if each["kind"] == "fetch"
        ]
        told["recorded_per_second"] = round(len(times) * 1e6 / max(1, max(times) - min(times)))
    return told


def main() -> None:
    """Measure, and print one figure a line; ends with 1 where the page froze, grew, or did not obey."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.serve, given.rate))
        return
    told = asyncio.run(measured(given.rate, given.seconds))
    for name, value in told.items():
        print(f"{name:<22} {value}")
    grown = (
        told["heap_mb"][-1] > told["heap_mb"][0] * 1.2 + 1
        or told["elements"][-1] > told["elements"][0] * 1.2 + 100
    )
    bad = grown or told["longest"] > 250 or not told["still"] or told["filtered"] != ["licensed"]
    print("not as it should be" if bad else "as it should be")
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
