"""First run, health, preview and webhooks in a real browser: clean, fitting, and without axe's complaints."""

from __future__ import annotations

import pytest

from gateway.dashboard.health_pages import Health
from tests.dashboard.test_browser import CHROMIUM, Watch, browser, picture, sign_in
from tests.dashboard.test_health_pages import Examiner

__all__ = ["browser"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]
PAGES = {"health": "/health"}


@pytest.fixture
async def desk(start, filled, files):
    settings = (("listen.port", "80"), ("trust.proxies", '["loopback"]'))
    return await start(filled, policies=files, health=Health(Examiner(), lambda: settings))


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
)
async def test_pages_are_clean_and_fit_and_axe_finds_nothing(browser, desk, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    watch = Watch(context, desk.base)
    page = await context.new_page()
    await sign_in(page, desk)
    for name, path in PAGES.items():
        await page.goto(desk.base + path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        await picture(page, f"{name}-{scheme}-{width}")
        found = await axe.Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    assert watch.clean()
    await context.close()
