"""The inbox in a real browser: it fits, says nothing, breaks no rule of WCAG, and works by keyboard without script."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from gateway.licenses.license import Standing
from gateway.licenses.negotiation import State
from gateway.licenses.private_links import PrivateLink, hashed
from gateway.terms.license_terms import Audit, Exclusivity, Purpose, Term, Territory
from tests.dashboard.conftest import TERMS
from tests.dashboard.test_browser import CHROMIUM, FLAGS, Watch, picture, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]


@pytest.fixture
async def browser():
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        await running.close()


async def filled_inbox(inbox):
    """Six negotiations: two that wait, two that are open, two that ended."""
    new = await inbox.buyer("Example AI Labs GmbH", Standing.QUARANTINED)
    greedy = replace(
        TERMS.compensation,
        upfront=TERMS.compensation.upfront.times(3, 10),
        per_fetch=TERMS.compensation.per_fetch.times(2, 5),
    )
    await inbox.waits(
        "ne_0197a1b2c3d47e8f9a0b1c2d3e4f5a6b", new, compensation=greedy, audit=Audit("none", 1), term=Term(600),
        exclusivity=Exclusivity(True), territory=Territory(), purpose=Purpose(TERMS.purpose.uses, sublicensing=True),
    )  # fmt: skip
    await inbox.links.add(
        PrivateLink(hashed("x"), "ne_0197a1b2c3d47e8f9a0b1c2d3e4f5a6b", "cl_1", "eve@lab.example", inbox.now)
    )
    await inbox.waits("ne_2", await inbox.buyer("University of Somewhere"), term=Term(12))
    for number, name in enumerate(("Answers Inc", "Index & Co"), 3):
        made = await inbox.waits(f"ne_{number}", await inbox.buyer(name))
        await inbox.deals.deciding.offer(made.id, made.version, TERMS, now=inbox.now)
    for number, name in enumerate(("Gone Ltd", "Never Again AG"), 5):
        made = await inbox.waits(f"ne_{number}", await inbox.buyer(name))
        await inbox.deals.deciding.decline(made.id, made.version, "Not this year.", now=inbox.now)


PAGES = {
    "deals": "/deals",
    "deals-nothing": "/deals?text=nobody",
    "deals-mistake": "/deals?stand=later",
    "deal": "/deals/ne_0197a1b2c3d47e8f9a0b1c2d3e4f5a6b",
    "deal-tabled": "/deals/ne_3?done=approved",
    "deal-ended": "/deals/ne_5",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_the_inbox_is_clean_and_fits(browser, start, database, inbox, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    await filled_inbox(inbox)
    board = await start(database, deals=inbox.deals)
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    watch = Watch(context, board.base)
    page = await context.new_page()
    await sign_in(page, board)
    for name, path in PAGES.items():
        answer = await page.goto(board.base + path)
        assert answer.status == (400 if name == "deals-mistake" else 200), path
        if answer.status >= 400:
            watch.said.clear()
        for opened in (False, True):
            if opened:
                for each in await page.locator("details").all():
                    await each.evaluate("e => e.open = true")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
            found = await axe.Axe().run(page)
            assert found.violations_count == 0, (path, found.generate_report())
            levels = await page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(e => +e.tagName[1])")
            assert levels.count(1) == 1
            assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), path
            await picture(page, f"{name}{'-opened' if opened else ''}-{scheme}-{width}")
    assert watch.clean()
    await context.close()


async def test_an_operator_decides_by_keyboard_and_without_script(browser, start, database, inbox):
    await filled_inbox(inbox)
    board = await start(database, deals=inbox.deals)
    context = await browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 844})
    page = await context.new_page()
    await sign_in(page, board)

    async def tab_to(name: str, role: str) -> None:
        wanted = page.get_by_role(role, name=name).first
        for _ in range(120):
            await page.keyboard.press("Tab")
            if await wanted.evaluate("e => e === document.activeElement"):
                return
        raise AssertionError(f"{name} cannot be reached by keyboard")

    await tab_to("Licensing", "link")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Deals").wait_for()
    # The first of the list waits longest; the second one is approved.
    links = page.locator("tbody a")
    assert await links.count() == 6
    await page.goto(f"{board.base}/deals/ne_2")
    await tab_to("Approve the buyer's terms", "button")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/deals/ne_2?done=approved")
    assert (await inbox.store.get("ne_2")).state is State.OFFERED

    await page.goto(f"{board.base}/deals/ne_3")
    await page.locator("summary", has_text="Edit the terms and counter").focus()
    await page.keyboard.press("Enter")
    await page.get_by_label("At signing").focus()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("a lot")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="The form cannot be used as it is").wait_for()
    await page.get_by_role("link", name="At signing").focus()
    await page.keyboard.press("Enter")
    assert await page.get_by_label("At signing").input_value() == "a lot"
    await page.get_by_label("At signing").focus()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("480.25")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/deals/ne_3?done=countered")
    assert (await inbox.store.get("ne_3")).table.compensation.upfront.amount == "480.25"

    await page.goto(f"{board.base}/deals/ne_4")
    await page.get_by_label("Reason").focus()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("We sell to nobody this year.")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/deals/ne_4?done=declined")
    assert (await inbox.store.get("ne_4")).why == "We sell to nobody this year."
    await context.close()
