"""First run, health, preview and webhooks in a real browser: clean, fitting, and without axe's complaints."""

from __future__ import annotations

import pytest

from gateway.app.told_terms import previewed
from gateway.dashboard.health_pages import Health
from gateway.dashboard.preview_pages import Preview
from gateway.dashboard.setup_pages import Setup
from tests.dashboard.test_browser import CHROMIUM, Watch, browser, picture, sign_in
from tests.dashboard.test_health_pages import Examiner
from tests.dashboard.test_hook_pages import hooks, wire
from tests.dashboard.test_setup_pages import sites, visits

__all__ = ["browser", "hooks", "sites", "visits", "wire"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]
PAGES = {
    "health": "/health",
    "setup": "/setup",
    "setup-new": "/setup/new",
    "overview-steps": "/",
    "replay": "/records/019ab003-0000-7000-8000-000000000003/replay?as=GPTBot&proof=verified",
    "lines": "/policies/journal/lines?rule=rules[4]#line",
    "record-links": "/records/019ab003-0000-7000-8000-000000000003",
    "webhooks": "/webhooks",
    "webhook": "/webhooks/we_own",
    "webhook-event": "EVENT",
    "preview": "/preview?path=/essays/tides&as=GPTBot",
    "preview-free": "/preview?path=/&as=",
}


@pytest.fixture
async def desk(start, filled, files, visits, sites, hooks):
    settings = (("listen.port", "80"), ("trust.proxies", '["loopback"]'))

    async def payable() -> bool:
        return False

    return await start(
        filled,
        policies=files,
        health=Health(Examiner(), lambda: settings),
        hooks=hooks[0],
        preview=Preview(files, previewed),
        setup=Setup(sites, files, visits, payable),
    )


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
)
async def test_pages_are_clean_and_fit_and_axe_finds_nothing(browser, desk, hooks, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    watch = Watch(context, desk.base)
    page = await context.new_page()
    await sign_in(page, desk)
    for name, path in PAGES.items():
        await page.goto(desk.base + path.replace("EVENT", f"/webhooks/events/{hooks[1][0].id}"))
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        await picture(page, f"{name}-{scheme}-{width}")
        found = await axe.Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    assert watch.clean()
    await context.close()


async def test_a_first_policy_is_made_with_the_keyboard_alone_and_without_javascript(browser, desk, sites):
    context = await browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    watch = Watch(context, desk.base)
    page = await context.new_page()
    await sign_in(page, desk)
    await page.goto(f"{desk.base}/setup/new")
    await page.locator("#field-origin").focus()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("http://127.0.0.1:9")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Control+a")
    await page.keyboard.type("../wrong")
    await page.keyboard.press("Enter")
    await page.locator("#mistakes").wait_for()
    assert await page.locator("#field-origin").input_value() == "http://127.0.0.1:9"
    await page.locator("#mistakes a").focus()
    await page.keyboard.press("Enter")
    await page.locator("#field-hosts").focus()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("new.example")
    await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="The file that your answers make").wait_for()
    await picture(page, "setup-look-390")
    assert not (sites / "new.example.toml").exists()
    await page.get_by_role("button", name="Write it").focus()
    await page.keyboard.press("Enter")
    await page.get_by_text("The rules of new.example are written").wait_for()
    assert 'rights = "cleared"' in (sites / "new.example.toml").read_text()
    # Chromium says on its console that a form was turned back, which is what was meant.
    assert [each for each in watch.said if "status of 400" not in each] == []
    assert watch.elsewhere == []
    await context.close()
