"""Saved views, chosen columns and the wide tables in a real browser: they fit, axe finds nothing, no script is needed."""

from __future__ import annotations

import pytest

from gateway.store.sqlite.saved_views import SqliteSavedViews
from tests.dashboard.test_browser import CHROMIUM, Watch, picture, sign_in
from tests.dashboard.test_duties_in_a_browser import browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]
__all__ = ["browser"]


@pytest.mark.parametrize(
    ("scheme", "width"),
    [("light", 1280), ("dark", 390), pytest.param("dark", 1280, marks=pytest.mark.night)],
)
async def test_views_columns_and_notes_are_clean_and_fit(browser, start, filled, admin, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    board = await start(filled, admin=admin, views=SqliteSavedViews(filled.database))
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    watch = Watch(context, board.base)
    page = await context.new_page()
    await sign_in(page, board)
    for path, name in (
        ("/log?decision=quoted", "Told the price"),
        ("/log?crawler=GPTBot", "GPTBot, all of it"),
    ):
        await page.goto(board.base + path)
        await page.locator(".views summary").click()
        await page.get_by_label("Name what is shown now").fill(name)
        await page.get_by_role("button", name="Save", exact=True).click()
        await page.locator(".views summary", has_text=name).wait_for()
    for name, path in {
        "views-log": "/log?decision=quoted",
        "views": "/views",
        "columns": "/log?columns=time,crawler,decision,path,rule,licensee,country,duration_us&limit=9",
        "columns-crawlers": "/crawlers?last=24h&columns=fetches,charged,newest&compare=previous",
        "admin": "/admin",
        "people": "/people",
        "keys": "/keys",
    }.items():
        await page.goto(board.base + path)
        if name == "views-log":
            await page.locator(".views summary").click()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        await picture(page, f"{name}-{scheme}-{width}")
        found = await axe.Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        if name in {"admin", "views", "columns"}:
            inner = page.locator(".scroll.card").first
            wide, room = await inner.evaluate("box => [box.scrollWidth, box.clientWidth]")
            assert wide <= room, f"{path} scrolls sideways: {wide} in {room}"
    assert watch.clean()
    await context.close()


async def test_a_view_is_kept_renamed_and_removed_by_keyboard_without_script(browser, start, filled):
    board = await start(filled, views=SqliteSavedViews(filled.database))
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await sign_in(page, board)
    await page.goto(f"{board.base}/log?decision=quoted")
    await page.locator(".views summary").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Told the price")
    await page.keyboard.press("Enter")
    await page.locator(".views summary", has_text="Told the price").wait_for()
    await page.goto(f"{board.base}/views")
    await page.get_by_label("Another name for Told the price").fill("402s")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="402s").click()
    await page.wait_for_url("**/log?decision=quoted")
    await page.goto(f"{board.base}/views")
    await page.get_by_role("button", name="Remove 402s").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="No view has a name yet").wait_for()
    assert await page.get_by_role("link", name="402s").count() == 0
    await context.close()
