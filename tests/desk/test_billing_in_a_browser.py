"""A licensee's bills in a real browser: they fit, say nothing, and break no rule of WCAG."""

from __future__ import annotations

import pytest

from tests.dashboard.test_browser import CHROMIUM, Watch, picture
from tests.dashboard.test_duties_in_a_browser import browser
from tests.desk.test_billing import month
from tests.desk.test_invoices import billed

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]
__all__ = ["billed", "browser"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
async def test_bills_are_clean_and_fit(browser, world, billed, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    made, invoice = billed
    dispute = await world.billing.dispute(
        made.licensee.id, invoice.id, {"line": 1, "amount": "1", "reason": "It was empty."}
    )
    login = {"username": made.client.id, "password": made.secret}
    context = await browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 844}, http_credentials=login
    )
    watch = Watch(context, world.origin)
    page = await context.new_page()
    for name, path in {
        "desk-statements": "/.licet/statements",
        "desk-statement": f"/.licet/statements/{month(world)}",
        "desk-invoices": "/.licet/invoices",
        "desk-invoice": f"/.licet/invoices/{invoice.id}",
        "desk-dispute": f"/.licet/disputes/{dispute.id}",
    }.items():
        assert (await page.goto(world.origin + path)).status == 200, path
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        found = await axe.Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        await picture(page, f"{name}-{scheme}-{width}")
    # A browser asks for the login first, and says so.
    assert [each for each in watch.said if "401" not in each] == []
    assert watch.elsewhere == []
    await context.close()
