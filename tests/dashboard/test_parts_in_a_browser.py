"""What a page puts anew without the rest, in a real browser: filters, pages, orders; and what happens when that fails."""

from __future__ import annotations

import pytest

from tests.dashboard.test_browser import CHROMIUM, Watch, sign_in
from tests.dashboard.test_duties_in_a_browser import browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]
__all__ = ["browser"]


@pytest.fixture
async def opened(browser, start, filled):
    board = await start(filled)
    context = await browser.new_context(viewport={"width": 1280, "height": 844})
    watch = Watch(context, board.base)
    page = await context.new_page()
    await sign_in(page, board)
    yield board, page, watch
    await context.close()


async def mark(page) -> None:
    """Leave a word in the window, which a page that is loaded does not have."""
    await page.evaluate("window.stayed = true")


async def stayed(page) -> bool:
    return bool(await page.evaluate("window.stayed === true"))


async def test_typing_narrows_the_log_down_and_nothing_else_moves(opened):
    board, page, watch = opened
    await page.goto(f"{board.base}/log")
    every = await page.locator("#found tbody tr").count()
    await mark(page)
    field = page.get_by_label("Text")
    await field.press_sequentially("harbour")
    await page.wait_for_url("**/log?**text=harbour**")
    rows = page.locator("#found tbody tr")
    assert 0 < await rows.count() < every
    assert all("harbour" in text for text in await rows.all_inner_texts())
    assert await stayed(page)
    assert await field.evaluate("field => field === document.activeElement")
    assert await page.locator("#told").inner_text() == f"{await rows.count()} fetches on this page"
    address = page.url
    await page.reload()
    assert page.url == address
    assert await rows.count() == await page.locator("#found tbody tr").count()
    assert watch.clean()


async def test_pages_and_columns_come_anew_and_back_leads_back(opened):
    board, page, watch = opened
    await page.goto(f"{board.base}/log?limit=2")
    first = await page.locator("#found tbody").inner_text()
    await mark(page)
    await page.get_by_role("link", name="Older").click()
    await page.wait_for_url("**/log?**before=**")
    await page.locator("#main:focus").wait_for()
    assert await page.locator("#found tbody").inner_text() != first
    assert await stayed(page)
    # No page is kept, so the one before is loaded.
    async with page.expect_event("load"):
        await page.go_back()
    assert page.url == f"{board.base}/log?limit=2"
    assert await page.locator("#found tbody").inner_text() == first
    # No page is kept in the browser, which another person may sign in with; the library notes one address of the tab.
    kept = await page.evaluate("[Object.keys(localStorage), Object.keys(sessionStorage)]")
    assert kept == [[], ["htmx-current-path-for-history"]]
    assert watch.clean()


async def test_a_period_brings_its_charts_along(opened):
    board, page, watch = opened
    await page.goto(f"{board.base}/?last=24h")
    await page.locator(".drawn-chart canvas").first.wait_for()
    await mark(page)
    await page.get_by_label("Period").get_by_role("link").first.click()
    await page.wait_for_url(lambda url: "last=24h" not in url)
    await page.locator(".drawn-chart canvas").first.wait_for()
    assert await stayed(page)
    assert watch.clean()


async def test_a_mistake_is_shown_as_on_a_page_that_is_loaded(opened):
    board, page, watch = opened
    await page.goto(f"{board.base}/log")
    await mark(page)
    await page.get_by_label("From").fill("yesterday")
    await page.get_by_role("button", name="Show").click()
    await page.get_by_role("alert").wait_for()
    assert "The filter cannot be used" in await page.get_by_role("alert").inner_text()
    assert await page.get_by_label("From").input_value() == "yesterday"
    assert await stayed(page)
    assert all(
        "Failed to load resource" in said or "Response Status Error Code 400" in said for said in watch.said
    )


async def test_who_is_signed_out_meanwhile_is_led_to_the_sign_in_page(opened):
    board, page, _ = opened
    await page.goto(f"{board.base}/log?limit=2")
    await page.context.clear_cookies()
    await page.get_by_role("link", name="Older").click()
    await page.wait_for_url(f"{board.base}/sign-in")
    assert await page.locator("nav.groups").count() == 0


async def test_a_gateway_that_is_gone_is_said_by_the_browser(opened):
    board, page, _ = opened
    await page.goto(f"{board.base}/log?limit=2")
    await page.context.set_offline(True)
    await page.get_by_role("link", name="Older").click()
    await page.get_by_text("ERR_INTERNET_DISCONNECTED").wait_for()
    assert await page.locator("#main").count() == 0
