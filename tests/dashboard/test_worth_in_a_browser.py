"""Memo, calculator, figures and dossier in a real browser: they fit, say nothing, and break no rule of WCAG."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.licenses.value_memo import About, Comparable, Figure, Figures
from tests.dashboard.test_browser import CHROMIUM, FLAGS, Watch, picture, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]
PAGES = {
    "memo": "/memo?period=1d",
    "memo-mistake": "/memo?period=soon",
    "calculator": "/calculator",
    "calculator-worked": "/calculator?views=40000&all_views=100000&revenue=12000&files=120&minutes=12"
    "&inferences=5000000&net_revenue=1000000&model=closed&product=paid&exclusive=yes",
    "calculator-mistake": "/calculator?files=1,5&revenue=x",
    "figures": "/figures",
    "dossier": "/dossier",
    "dossier-found": "/dossier?crawler=OpenAI&period=2d",
}
ENTERED = Figures(
    (
        Figure(About.WATCH_TIME, "average time on a film", "6 min 12 s", "our channel's analytics, exported", date(2026, 10, 31)),
        Figure(About.DEMOGRAPHICS, "age of viewers", "41 % are 25 to 34 years old", "survey of subscribers", date(2026, 6, 30)),
    ),
    (Comparable("200 films for training", "40 USD a film", "https://news.example/deal", date(2026, 5, 1)),),
)  # fmt: skip


@pytest.fixture
async def browser():
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        await running.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
async def test_every_page_fits_and_breaks_no_rule(browser, valued, scheme, width):
    from axe_playwright_python.async_playwright import Axe

    valued.figures.keep("journal", ENTERED)
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    watch = Watch(context, valued.board.base)
    page = await context.new_page()
    await sign_in(page, valued.board)
    for name, path in PAGES.items():
        await page.goto(valued.board.base + path)
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, name
        found = await Axe().run(page)
        assert not found.response["violations"], (name, found.generate_report())
        await picture(page, f"{name}-{scheme}-{width}")
    # A status of 400 is told on the console; nothing else is said.
    watch.said = [line for line in watch.said if "400" not in line]
    assert watch.clean()
    await context.close()


async def test_it_works_without_script(browser, valued):
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await sign_in(page, valued.board)
    await page.goto(f"{valued.board.base}/calculator")
    await page.get_by_label("Files, such as videos").fill("12")
    await page.get_by_role("button", name="Work it out").click()
    await page.wait_for_url("**/calculator?*files=12*")
    assert await page.get_by_text("84 to 840 USD").count() == 1
    await page.goto(f"{valued.board.base}/figures")
    for label, text in (
        ("What is counted", "views a month"),
        ("Figure, or price", "40,000"),
        ("Source", "our analytics"),
        ("As of", "2026-10-31"),
    ):
        await page.get_by_label(label).fill(text)
    await page.get_by_role("button", name="Add").click()
    await page.get_by_role("button", name="Remove views a month").click()
    await page.get_by_text("Nothing entered yet").wait_for()
    assert valued.figures.read("journal") == Figures()
    await context.close()
