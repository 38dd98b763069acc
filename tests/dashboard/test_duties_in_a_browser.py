"""The calendar in a real browser: it fits, says nothing, breaks no rule of WCAG, and works by keyboard without script."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from gateway.licenses.obligations import Evidence, Kind, State
from gateway.licenses.transparency import TransparencyReport
from gateway.money import Money
from gateway.terms.license_terms import Liability
from tests.dashboard.conftest import TERMS
from tests.dashboard.test_browser import CHROMIUM, FLAGS, Watch, picture, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]
PRICE = replace(TERMS.compensation, revenue_share_bp=300, per_inference=Money(100, "USD"))


@pytest.fixture
async def browser():
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        await running.close()


async def filled_calendar(owed):
    """Three licensees: one late and suspended, one that handed something in, one at its beginning."""
    late = await owed.license("Example AI Labs GmbH", days_ago=170, liability=Liability(insurance=True))
    busy = await owed.license("University of Somewhere", days_ago=125, compensation=PRICE)
    await owed.license("Answers Inc", days_ago=3)
    await owed.book.remind_and_suspend(owed.now)
    duty = await owed.one(busy)
    report = TransparencyReport.model_validate(
        {
            "duty": duty.id, "license": busy.id, "period": {"begins": duty.begins, "ends": duty.ends},
            "datasets": [{"name": "essays-2026", "content": ["/essays/tides", "/diary/monday"], "items": 412}],
            "models": [{"name": "Summarizer", "version": "2", "datasets": ["essays-2026"]}],
            "inferences": [{"model": "Summarizer 2", "count": 1_204_388}],
            "revenue": [{"product": "Summarizer", "net": {"micros": 48_210_330_000, "currency": "USD"}}],
            "statement": {"by": "Eve Example", "role": "head of licensing"},
        }
    )  # fmt: skip
    evidence = Evidence(report.sha256, "application/json", len(report.document), owed.now, "report.json")
    await owed.book.hand_in(duty, duty.version, report.document, evidence, owed.now, report=report)
    samples = await owed.one(busy, Kind.OUTPUT_SAMPLES)
    body = {"samples": [{"output": "The tide turns.", "works": ["/essays/tides"]}] * 2}
    await owed.hand_in(samples, json.dumps(body).encode(), "samples.json", "application/json")
    shown = await owed.one(busy, Kind.ATTRIBUTION)
    await owed.hand_in(shown, b"%PDF-1.7", "where we name you.pdf", "application/pdf")
    await owed.book.accept(shown.id, owed.now)
    return {
        "duties": "/duties",
        "duties-of-one": f"/duties?licensee={busy.licensee}",
        "duties-nothing": "/duties?licensee=le_9",
        "duty-late": f"/duties/{(await owed.one(late)).id}",
        "duty-report": f"/duties/{duty.id}",
        "duty-samples": f"/duties/{samples.id}",
        "duty-done": f"/duties/{shown.id}?done=accept",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_the_calendar_is_clean_and_fits(browser, start, database, owed, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    pages = await filled_calendar(owed)
    board = await start(database, duties=owed.book)
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    watch = Watch(context, board.base)
    page = await context.new_page()
    await sign_in(page, board)
    for name, path in pages.items():
        assert (await page.goto(board.base + path)).status == 200, path
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


async def test_a_creator_judges_by_keyboard_and_without_script(browser, start, database, owed):
    pages = await filled_calendar(owed)
    board = await start(database, duties=owed.book)
    context = await browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 844})
    page = await context.new_page()
    await sign_in(page, board)
    await page.get_by_role("link", name="Proof", exact=True).focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Waits for your word").wait_for()
    await page.get_by_label("Licensee").select_option(label="University of Somewhere")
    await page.get_by_role("button", name="Show").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**licensee=le_**")
    assert await page.get_by_role("heading", name="Overdue").count() == 0
    await page.goto(board.base + pages["duty-report"])
    await page.get_by_label("Reason, which the licensee reads").focus()
    await page.keyboard.type("The revenue of May is missing.")
    await page.get_by_role("button", name="Send back").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**?done=reject")
    await page.get_by_text("Sent back.").wait_for()
    id = pages["duty-report"].rpartition("/")[2]
    found = await owed.duties.get(id)
    assert (found.state, found.why) == (State.REJECTED, "The revenue of May is missing.")
    async with page.expect_download() as saved:
        await page.get_by_role("link", name="report.json").click()
    assert (await saved.value).suggested_filename.startswith("report-")
    await context.close()
