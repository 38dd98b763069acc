"""Saying yes and taking it back, in a real browser, by keyboard, with and without script; and what a crawler meets then."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import GPTBOT

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PICTURES = os.environ.get("LICET_TEST_PICTURES", "")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    """Debian's Chromium."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        await running.close()


async def press(page: Any, where: Any, key: str = "Enter") -> None:
    """Go to *where*, of a page that has come whole, and press *key*; the mouse is not touched."""
    await where.wait_for()
    await page.wait_for_load_state()
    await where.focus()
    await page.keyboard.press(key)


class Looking:
    """Looks at a page: what it said, whether it fits, what axe finds, and a picture for a person."""

    def __init__(self, context: Any, page: Any, name: str, width: int, script: bool) -> None:
        self.page, self.name, self.width, self.script = page, name, width, script
        self.said: list[str] = []
        context.on("console", lambda message: self.said.append(message.text))
        context.on("weberror", lambda error: self.said.append(str(error.error)))

    async def at(self, what: str) -> None:
        # What is measured without its style sheet is wider.
        await self.page.wait_for_load_state()
        if PICTURES:
            await self.page.screenshot(path=f"{PICTURES}/consent-{what}-{self.name}.png", full_page=True)
        if not self.script:
            return
        axe = pytest.importorskip("axe_playwright_python.async_playwright")
        assert await self.page.evaluate("document.documentElement.scrollWidth") <= self.width, what
        found = await axe.Axe().run(self.page)
        assert found.violations_count == 0, f"{what}: {found.generate_report()}"


async def until(ask: Any, status: int) -> Any:
    """Ask until the answer has *status*; policies are taken up within a second or two."""
    async with asyncio.timeout(20):
        while (answer := await ask()).status != status:
            await asyncio.sleep(0.05)
    return answer


#: Once with script and once without; more to look at where pictures are taken.
WAYS = [
    ("light", 1280, True),
    ("dark", 390, False),
    *([("dark", 1280, True), ("light", 390, True)] if PICTURES else []),
]


@pytest.mark.parametrize(("scheme", "width", "script"), WAYS)
async def test_consent_is_given_and_taken_back_and_the_next_fetch_is_refused(
    browser, world, scheme, width, script
):
    one = await world()
    context = await browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 844}, java_script_enabled=script
    )
    page = await context.new_page()
    look = Looking(context, page, f"{scheme}-{width}", width, script)
    await page.goto(one.sign_in)
    # The page gives the focus with its first frame, and Chromium remarks on it where a script took it before.
    await page.locator("input[type=password]:focus").wait_for()
    for field in await page.locator("input[type=password]").all():
        await field.fill("tides come in twice a day")
    await press(page, page.get_by_role("button", name="Set password and sign in"))
    await page.get_by_role("heading", level=1).first.wait_for()

    # Consent: one cell, its price, the words, yes.
    await page.goto(one.dashboard + "/consent")
    await press(page, page.get_by_role("main").get_by_role("link", name="journal", exact=True))
    await page.get_by_role("heading", level=1, name="What each use may do").wait_for()
    assert await page.locator("input[type=radio]:checked").count() == 0
    assert "by hand" in await page.get_by_role("row").filter(has_text="essays").inner_text()
    await look.at("grid")
    cell = page.get_by_role("group", name="the pages of podcast: Training", exact=False)
    await press(page, cell.get_by_role("radio", name="paid"), "Space")
    await press(page, page.get_by_role("button", name="See what would change"))
    await page.get_by_role("alert").wait_for()
    assert await cell.get_by_role("radio", name="paid").is_checked()
    await look.at("mistake")
    await cell.get_by_role("textbox").or_(cell.get_by_role("combobox").first).first.focus()
    await page.keyboard.type("0.03")
    await press(page, page.get_by_role("button", name="See what would change"))
    await page.get_by_role("heading", level=1, name="What would change").wait_for()
    assert "and then pays 0.03 USD for each fetch." in await page.get_by_role("main").inner_text()
    await look.at("change")
    await press(page, page.get_by_role("button", name="Yes, put it in force"))
    await page.get_by_role("status").filter(has_text="Put in force").wait_for()
    assert await cell.get_by_role("radio", name="paid").is_checked()
    await look.at("given")

    async def unpaid() -> Any:
        answer = await one.get("/podcast/1", GPTBOT)
        # What was sold at 0.02 before is so until the policy is taken up.
        return answer if answer.headers.get("crawler-price") != "USD 0.02" else await one.get("/.licet/none")

    assert (await until(unpaid, 402)).headers["crawler-price"] == "USD 0.03"
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret, resource="/podcast/"))["access_token"]
    assert (await one.get("/podcast/1", GPTBOT, token=token)).status == 200

    # Taking back: the work, whom it touches, yes.
    await press(page, page.get_by_role("link", name="Withdraw podcast"))
    await press(page, page.get_by_role("button", name="See whom it concerns"))
    await page.get_by_role("heading", name="Withdraw this?").wait_for()
    said = await page.get_by_role("main").inner_text()
    assert "To be credited" in said
    assert "an acknowledgement, a plan and an attestation" in said
    await look.at("withdraw")
    await press(page, page.get_by_role("button", name="Withdraw it now"))
    await page.get_by_role("heading", level=1, name="Withdrawn").wait_for()
    assert "waited for" in await page.get_by_role("main").inner_text()
    await look.at("withdrawn")
    refused = await until(lambda: one.get("/podcast/1", GPTBOT, token=token), 403)
    assert "no-store" in refused.headers["Cache-Control"]
    assert (await one.get("/podcast/1")).status == 200
    assert look.said == [] or all("400" in each for each in look.said)

    # The words are in the journal's chain, under the id that offers cite.
    offers = await (await one.http.get(f"{one.front}/.licet/offers")).json()
    from gateway.provenance.audit import export_entries

    entries = await asyncio.to_thread(lambda: list(export_entries(one.folder / "journal")))
    records = [each["entry"] for each in entries if each["kind"] == "consent"]
    assert [each["through"] for each in records] == ["the file", "the consent page"]
    assert records[1]["id"] == offers["consent"]
    assert any("pays 0.03 USD for each fetch." in each for each in records[1]["words"])
    await context.close()
