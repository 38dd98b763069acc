"""A licensee's account in a real browser: it fits light and dark, wide and narrow and mirrored, and keeps nothing there."""

from __future__ import annotations

import pytest

from gateway.languages import LANGUAGES, Language
from tests.dashboard.test_browser import CHROMIUM, Watch, picture
from tests.dashboard.test_duties_in_a_browser import browser
from tests.desk.test_account_desk import ACCOUNT, busy

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]
__all__ = ["browser", "busy"]


@pytest.mark.parametrize(
    ("scheme", "width", "language"),
    [
        ("light", 1280, "en"),
        ("dark", 320, "de"),
        ("light", 390, "ar"),
    ],
)
async def test_an_account_is_clean_and_fits(monkeypatch, browser, world, busy, scheme, width, language):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    monkeypatch.setitem(LANGUAGES, "ar", Language("ar", "العربية", "rtl"))
    made, _, _ = busy
    login = {"username": made.client.id, "password": made.secret}
    context = await browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 844}, http_credentials=login, locale=language
    )
    watch = Watch(context, world.origin)
    page = await context.new_page()
    for name, path in {
        "account": ACCOUNT,
        "account-charges": f"{ACCOUNT}/charges",
        "account-charge": f"{ACCOUNT}/charges/rec-0003",
    }.items():
        assert (await page.goto(world.origin + path)).status == 200, path
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert await page.evaluate("document.documentElement.lang") == language
        assert await page.evaluate("document.documentElement.dir") == LANGUAGES[language].direction
        found = await axe.Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        await picture(page, f"{name}-{scheme}-{width}-{language}")
    assert await context.cookies() == []
    assert await page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert [each for each in watch.said if "401" not in each] == []
    assert watch.elsewhere == []
    await context.close()


async def test_a_limit_is_set_by_keyboard_alone(browser, world, busy):
    made, _, _ = busy
    login = {"username": made.client.id, "password": made.secret}
    context = await browser.new_context(http_credentials=login, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(world.origin + ACCOUNT)
    await page.get_by_label("Limit a month in USD").focus()
    await page.keyboard.type("12.50")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/account#spend-limit")
    assert await page.get_by_label("Limit a month in USD").input_value() == "12.5"
    await context.close()
