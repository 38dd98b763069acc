"""Charts in a real browser: drawn from the rows of the view's address, read by keyboard, and standing without script."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime

import pytest

from gateway.provenance.audience import AudienceRow
from gateway.store.sqlite.audience import SqliteAudience
from tests.dashboard.test_browser import CHROMIUM, Watch, picture, sign_in
from tests.dashboard.test_duties_in_a_browser import browser

expect = pytest.importorskip("playwright.async_api").expect
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]
__all__ = ["browser"]

HOUR = 3_600_000_000
DRAWN = {
    "/?last=24h&compare=previous": 2,
    "/crawlers/GPTBot?last=24h": 3,
    "/content?last=24h&compare=previous": 2,
}
CANVAS = """places => places.map(place => {
    const canvas = place.querySelector("canvas");
    const ink = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const colors = new Set();
    for (let at = 0; at < ink.length; at += 4) if (ink[at + 3] > 250) colors.add(ink.slice(at, at + 3).join());
    return colors.size;
})"""


@pytest.fixture
async def busy(filled, clock, make_fetch):
    """The day of `filled`, its period before, people whom services sent, and records of clocks that jumped."""
    now = clock.now_us()
    more = [
        (make_fetch(700 + nth, "licensed", now - 30 * HOUR - nth * HOUR // 2, path="/essays/old"), None)
        for nth in range(12)
    ]
    await filled.insert(*more)
    hour_at = (now - 5 * HOUR) // HOUR * 3600
    rows = [
        AudienceRow(hour_at + nth * 3600, "journal", "/essays/", 200, "ChatGPT", 2 + nth) for nth in range(3)
    ]
    await SqliteAudience(filled.database).add(rows)
    return filled


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 1280),
        ("dark", 390),
        pytest.param("dark", 1280, marks=pytest.mark.night),
        pytest.param("light", 390, marks=pytest.mark.night),
    ],
)
async def test_charts_are_drawn_clean_fit_and_axe_finds_nothing(browser, start, busy, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    board = await start(busy)
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    watch = Watch(context, board.base)
    page = await context.new_page()
    await sign_in(page, board)
    for path, number in DRAWN.items():
        await page.goto(board.base + path)
        await expect(page.locator(".plot canvas")).to_have_count(number)
        # More than an axis: what is drawn has its colors.
        assert min(await page.locator(".plot").evaluate_all(CANVAS)) > 3, path
        assert await page.locator("svg.chart:visible").count() == 0
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        await picture(page, f"chart{path.split('?')[0].replace('/', '-')}-{scheme}-{width}")
        found = await axe.Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
    await page.set_viewport_size({"width": 700, "height": 844})
    await expect(page.locator(".plot .uplot").first).to_have_css("width", re.compile("^[56][0-9]{2}px$"))
    assert await page.evaluate("document.documentElement.scrollWidth") <= 700
    await page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
    await expect(page.locator(".plot canvas")).to_have_count(2)
    assert watch.clean()
    await context.close()


async def test_a_chart_says_step_by_step_by_keyboard_what_its_table_says(browser, start, busy):
    board = await start(busy)
    context = await browser.new_context()
    watch = Watch(context, board.base)
    page = await context.new_page()
    await sign_in(page, board)
    await page.goto(f"{board.base}/?last=24h")
    slider = page.get_by_label("Read decisions over time, one step at a time")
    await slider.focus()
    await page.keyboard.press("Home")
    rows = json.loads(await (await page.request.get(f"{board.base}/overview.json?last=24h")).body())["rows"]
    said = await slider.get_attribute("aria-valuetext")
    words = ("licensed", "quoted", "open", "refused", "free", "failed")
    told = ", ".join(f"{word} {rows[0][word]}" for word in words if rows[0][word])
    # Times are written as everywhere on these pages.
    first, second = (f"{datetime.fromisoformat(row['time']):%d %b %Y %H:%M}" for row in rows[:2])
    assert said == f"{first}: {told or 'nothing'}"
    await page.keyboard.press("ArrowRight")
    assert (await slider.get_attribute("aria-valuetext")).startswith(second)
    money = page.get_by_label("Read money over time, usd, one step at a time")
    await money.focus()
    await page.keyboard.press("Home")
    assert "USD" in await money.get_attribute("aria-valuetext")
    # What is drawn over is a period; the same address then says it.
    over = page.locator(".plot .u-over").first
    await over.scroll_into_view_if_needed()
    box = await over.bounding_box()
    await page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 30)
    await page.mouse.up()
    await page.wait_for_url("**from=**")
    assert "to=" in page.url
    assert "last=" not in page.url
    assert watch.clean()
    await context.close()


async def test_clocks_that_jumped_and_empty_periods_break_no_chart(
    browser, start, database, clock, make_fetch
):
    fetch = make_fetch(1, "licensed", clock.now_us())
    await database.insert((fetch, None))
    for nth, years in enumerate((60, -50)):
        jumped = fetch.time_us + years * 365 * 24 * HOUR
        await database.insert((replace(fetch, id=f"{fetch.id[:-1]}{nth + 2}", time_us=jumped), None))
    board = await start(database)
    context = await browser.new_context()
    watch = Watch(context, board.base)
    page = await context.new_page()
    await sign_in(page, board)
    for path in ("/?last=all", "/content?last=all", "/?from=2020-01-01&to=2020-01-02"):
        await page.goto(board.base + path)
        places = await page.locator("[data-source]").count()
        await expect(page.locator(".plot canvas")).to_have_count(places)
    assert watch.clean()
    await context.close()


async def test_without_script_the_drawing_of_the_page_and_its_table_stand(browser, start, busy):
    board = await start(busy)
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await sign_in(page, board)
    for path, number in DRAWN.items():
        await page.goto(board.base + path)
        assert await page.locator("svg.chart:visible").count() == number
        await page.locator("summary", has_text="The numbers, per hour").click()
        assert await page.get_by_role("table").filter(has_text="From").first.is_visible()
    await context.close()
