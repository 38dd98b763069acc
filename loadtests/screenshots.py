"""A picture of every screen, filled from a day of traffic: light and dark, wide and narrow; and what axe finds on each.

A real `licet serve` runs on the folder that `loadtests.day` made. Screens that
belong to one thing (a record, a crawler, a license, …) are found by following
the first link of that kind, as a reader would. Public pages are asked for at the
front. Pictures are OUT/NAME-SCHEME-WIDTH.png; the table is printed, and kept as
OUT/axe.json. Ends with 1 where axe found anything, a page is wider than its
window, or a page said something on the console.

python -m loadtests.screenshots FOLDER OUT [--only NAME,NAME]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from loadtests.day import LOGINS, site

PASSWORD: Final = "tides come in twice a day"
CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
)  # fmt: skip
#: Each screen of the dashboard: its address, or the screen that leads to it and the beginning of the link's address.
SCREENS: Final[dict[str, str | tuple[str, str]]] = {
    "overview": "/",
    "overview-month": "/?last=30d",
    "live": "/live",
    "crawlers": "/crawlers?last=24h",
    "crawler": "/crawlers/GPTBot?last=24h",
    "content": "/content?last=24h",
    "log": "/log",
    "log-narrowed": "/log?decision=refused&identity=spoofed",
    "record": ("log", "/records/"),
    "record-paid": ("/log?decision=licensed", "/records/"),
    "replay": ("record-paid", "/records/"),
    "who": "/who?ua=GPTBot/1.2&ip=203.0.113.9",
    "refused": "/refused",
    "person": ("refused", "/refused/"),
    "policies": "/policies",
    "policy": "/policies/journal?path=/essays/tides&as=GPTBot",
    "consent-grid": "/policies/journal/consent",
    "policy-lines": "/policies/journal/lines",
    "consent": "/consent",
    "withdrawals": "/consent/withdrawals",
    "objections": "/consent/objections",
    "consent-authors": "/consent/authors",
    "effects": "/consent/effects?site=journal&work=essays",
    "withdrawal": ("consent", "/consent/withdrawals/"),
    "objection": ("consent", "/consent/objections/"),
    "preview": "/preview",
    "bundles": "/bundles",
    "bundle": ("bundles", "/bundles/"),
    "deals": "/deals",
    "deal-waiting": ("/deals?stand=waiting", "/deals/"),
    "deal-done": ("/deals?stand=ended", "/deals/"),
    "licenses": "/licenses",
    "license": ("licenses", "/licenses/"),
    "licensees": "/licensees",
    "licensee": ("licensees", "/licensees/"),
    "memo": "/memo",
    "calculator": "/calculator",
    "figures": "/figures?site=journal",
    "dossier": "/dossier?crawler=GPTBot",
    "billing": "/billing",
    "statements": "/billing/statements",
    "documents": "/billing/documents",
    "disputes": "/billing/disputes",
    "payouts": "/billing/payouts",
    "statement": ("billing", "/billing/statements/"),
    "invoice": ("billing", "/billing/documents/"),
    "authors-billing": "/billing/authors",
    "milestones": "/milestones",
    "milestone": ("milestones", "/milestones/li_"),
    "duties": "/duties",
    "duty": ("duties", "/duties/"),
    "audits": "/audits",
    "auditors": "/auditors",
    "looks": "/auditors/looks",
    "admin": "/admin",
    "setup": "/setup",
    "setup-new": "/setup/new",
    "health": "/health",
    "webhooks": "/webhooks",
    "events": "/webhooks/newest",
    "webhook": ("webhooks", "/webhooks/we_"),
    "webhook-event": ("webhooks", "/webhooks/events/"),
    "people": "/people",
    "account": "/account",
    "passkeys": "/account/passkeys",
    "views": "/views",
    "table-licenses": "/licenses.html",
    "table-events": "/webhooks/newest.html?columns=at,type,licensee&sort=type",
    "table-grid": "/policies/journal/consent.html",
    "keys": "/keys",
    "trouble": "/nowhere",
}
#: Public pages at the front, as a person's browser asks for them.
PUBLIC: Final = {
    "desk": "/.licet/", "terms": "/.licet/terms", "negotiate": "/.licet/negotiate", "privacy": "/.licet/privacy",
    "objections": "/.licet/objections", "receipt": "/.licet/receipt", "developers": "/.licet/developers", "person": "/.licet/person",
    "problems": "/.licet/problems",
}  # fmt: skip
#: What a machine that asks for a page gets to see, if it looks like one.
REFUSED: Final = {"402": "/essays/tides", "402-videos": "/videos/harbor.mp4", "403": "/letters/1"}
#: What a licensee sees who logs in.
HELD: Final = {
    "account": "/.licet/account", "charges": "/.licet/account/charges", "invoices": "/.licet/invoices",
}  # fmt: skip
WIDTHS: Final = (1280, 390)
#: What the browser of a public page says it reads.
LANGUAGES: Final = ("en", "de")
SCHEMES: Final = ("light", "dark")


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[str, str, str]]:
    """A `licet serve` on *folder*, and the creator's server of that day; gives the front, the dashboard and an address that signs in."""
    # Where the day's pages and webhooks were, they are again.
    port = re.search(r"127\.0\.0\.1:(\d+)/books", (folder / "licet.toml").read_text())
    assert port is not None, f"{folder} was not made by loadtests.day"
    runner = web.AppRunner(site(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(port[1])).start()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "serve", "--port", "0", "--dashboard-port", "0", "--data", str(folder),
        stderr=asyncio.subprocess.PIPE, env=os.environ | {"NO_COLOR": "1"},
    )  # fmt: skip
    assert process.stderr is not None
    reading: asyncio.Task[None] | None = None
    try:
        found: dict[str, str] = {}
        async with asyncio.timeout(60):
            while len(found) < 2:
                line = (await process.stderr.readline()).decode()
                if not line:
                    raise RuntimeError("licet serve ended")
                name, _, rest = line.partition(" ")
                if name in {"gateway", "dashboard"}:
                    found[name] = rest.strip()

        async def drain() -> None:
            assert process.stderr is not None
            while await process.stderr.read(65_536):
                pass

        reading = asyncio.create_task(drain())
        yield found["gateway"], found["dashboard"].partition("/sign-in")[0], found["dashboard"]
    finally:
        process.terminate()
        await process.wait()
        if reading is not None:
            await reading
        await runner.cleanup()


class Camera:
    """Goes to the screens in one context of the browser; *rows* are (name, scheme, width, violations, remarks)."""

    def __init__(self, page: Any, base: str, out: Path, scheme: str, width: int) -> None:
        """Take pictures into *out*."""
        self.page, self.base, self.out, self.scheme, self.width = page, base, out, scheme, width
        self.said: list[str] = []
        self.rows: list[tuple[str, str, int, list[str], list[str]]] = []
        self.at: dict[str, str] = {}
        page.context.on("console", lambda message: self.said.append(message.text))
        page.context.on("weberror", lambda error: self.said.append(str(error.error)))

    async def look(self, name: str, where: str | tuple[str, str]) -> None:
        """Go to one screen, take its picture, and have axe look at it."""
        from axe_playwright_python.async_playwright import Axe

        self.said.clear()
        address = await self._address(where)
        if address is None:
            self.rows.append((name, self.scheme, self.width, [], ["no link leads there"]))
            return
        answer = await self.page.goto(self.base + address)
        self.at[name] = address
        remarks = [
            each for each in self.said if not (answer.status >= 400 and "Failed to load resource" in each)
        ]
        if await self.page.evaluate("document.documentElement.scrollWidth") > self.width:
            remarks.append("wider than its window")
        await self.page.screenshot(path=self.out / f"{name}-{self.scheme}-{self.width}.png", full_page=True)
        found = await Axe().run(self.page)
        broken = [each["id"] for each in found.response["violations"]]
        self.rows.append((name, self.scheme, self.width, broken, remarks))

    async def _address(self, where: str | tuple[str, str]) -> str | None:
        if isinstance(where, str):
            return where
        source, begins = where
        await self.page.goto(self.base + self.at.get(source, source))
        hrefs = await self.page.eval_on_selector_all(
            "main a", "links => links.map(each => each.getAttribute('href') || '')"
        )
        here = self.at.get(source, "")
        longer = (each for each in hrefs if each.startswith(begins) and each.partition("?")[0] != here)
        plain = (each for each in longer if not each.rpartition("/")[2].count("."))
        return next(plain, None)


async def pictures(
    folder: Path, out: Path, only: frozenset[str]
) -> list[tuple[str, str, int, list[str], list[str]]]:
    """Take every picture; gives the rows of the table."""
    from playwright.async_api import async_playwright

    out.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[str, str, int, list[str], list[str]]] = []
    async with serving(folder) as (front, dashboard, sign_in), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        state: Any = None
        for scheme, width in itertools.product(SCHEMES, WIDTHS):
            context = await browser.new_context(
                color_scheme=scheme, viewport={"width": width, "height": 844}, storage_state=state
            )
            page = await context.new_page()
            if state is None:
                await page.goto(sign_in)
                # The page gives the focus with its first frame, and Chromium remarks on it where a script took it before.
                await page.locator("input[type=password]:focus").wait_for()
                for field in await page.locator("input[type=password]").all():
                    await field.fill(PASSWORD)
                await page.get_by_role("button", name="sign in").click()
                await page.wait_for_url(f"{dashboard}/")
                state = await context.storage_state()
            camera = Camera(page, dashboard, out, scheme, width)
            for name, where in SCREENS.items():
                needed = {each[0] for key, each in SCREENS.items() if key in only and isinstance(each, tuple)}
                if not only or name in only | needed:
                    await camera.look(name, where)
            rows += camera.rows
            await context.close()
            client, secret = json.loads((folder / LOGINS).read_text())["labs"]
            visitors: tuple[tuple[dict[str, str], dict[str, Any]], ...] = (
                (PUBLIC, {}),
                (
                    REFUSED,
                    {
                        "user_agent": "Mozilla/5.0 (compatible; HarborHarvester/0.3; +https://harvest.example/about)"
                    },
                ),
                (HELD, {"http_credentials": {"username": client, "password": secret}}),
            )
            for (screens, visitor), language in itertools.product(visitors, LANGUAGES):
                outside = await browser.new_context(
                    color_scheme=scheme,
                    viewport={"width": width, "height": 844},
                    locale=language,
                    **visitor,
                )
                public = Camera(await outside.new_page(), front, out, scheme, width)
                for name, path in screens.items():
                    called = f"public-{name}" if language == LANGUAGES[0] else f"public-{name}-{language}"
                    if not only or called in only:
                        await public.look(called, path)
                rows += public.rows
                await outside.close()
        await browser.close()
    return rows


def main() -> None:
    """Take the pictures that the command line asks for, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", default="", help="names of screens, with commas between them")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as copy:
        # A folder is looked at for the first time only once: its copy is.
        folder = Path(shutil.copytree(given.folder, Path(copy) / "data"))
        rows = asyncio.run(pictures(folder, given.out, frozenset(filter(None, given.only.split(",")))))
    (given.out / "axe.json").write_text(json.dumps(rows, indent=1))
    wrong = 0
    print(f"{'screen':<18} {'light 1280':>12} {'light 390':>12} {'dark 1280':>12} {'dark 390':>12}")
    for name in dict.fromkeys(row[0] for row in rows):
        cells = []
        for scheme, width in itertools.product(SCHEMES, WIDTHS):
            told = next((row for row in rows if row[:3] == (name, scheme, width)), None)
            bad = [*told[3], *told[4]] if told else ["not looked at"]
            wrong += bool(bad)
            cells.append("; ".join(bad) or "0")
        print(f"{name:<18} " + " ".join(f"{each:>12}" for each in cells))
    print(f"{len(rows)} pictures; {wrong} with something to mend")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
