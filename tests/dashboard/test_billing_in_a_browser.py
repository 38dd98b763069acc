"""Bills in a real browser: they fit, say nothing, and break no rule of WCAG."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.dashboard.test_billing_pages import bills, issued
from tests.dashboard.test_browser import CHROMIUM, Watch, picture, sign_in
from tests.dashboard.test_duties_in_a_browser import browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]
__all__ = ["bills", "browser", "issued"]
PAGES = {
    "billing": "/billing",
    "billing-figures": "/billing?from=2026-01-01&to=2026-12-31&compare=2025-01-01..2025-12-31",
    "billing-statement": "/billing/statements/le_1/2026-11",
    "billing-closed": "/billing/statements/le_1/2026-10",
}


@pytest.mark.parametrize("test", [False, True])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
async def test_bills_are_clean_and_fit(browser, start, database, issued, scheme, width, test):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    found, invoice, dispute = issued
    board = await start(database, bills=replace(found, test=test))
    pages = {
        **PAGES,
        "billing-invoice": f"/billing/documents/{invoice.id}",
        "billing-dispute": f"/billing/disputes/{dispute.id}",
    }
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    watch = Watch(context, board.base)
    page = await context.new_page()
    await sign_in(page, board)
    for name, path in pages.items():
        assert (await page.goto(board.base + path)).status == 200, path
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        found = await axe.Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        await picture(page, f"{name}{'-test' if test else ''}-{scheme}-{width}")
    assert watch.clean()
    await context.close()
