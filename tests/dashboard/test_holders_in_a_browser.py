"""The pages about licensees and licenses in a real browser."""

from __future__ import annotations

import pytest

from tests.dashboard.test_browser import CHROMIUM, Watch, browser, picture, sign_in
from tests.dashboard.test_holder_pages import desk

__all__ = ["browser", "desk"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]
PAGES = {
    "licensees": "/licensees",
    "licensee": "/licensees/le_0",
    "newcomer": "/licensees/le_1",
    "licenses": "/licenses",
    "license": "/licenses/li_1",
}


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
)
async def test_pages_are_clean_and_fit_and_axe_finds_nothing(browser, desk, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    watch = Watch(context, desk.board.base)
    page = await context.new_page()
    await sign_in(page, desk.board)
    for name, path in PAGES.items():
        await page.goto(desk.board.base + path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        await picture(page, f"{name}-{scheme}-{width}")
        found = await axe.Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    assert watch.clean()
    await context.close()
