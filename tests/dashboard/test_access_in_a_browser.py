"""The pages of people, keys and administration in a real browser; test mode seen on every page; forms that come back."""

from __future__ import annotations

import pytest
from yarl import URL

from gateway.dashboard.billing_tables import Bills
from gateway.dashboard.sessions import IDLE_US
from gateway.store.sqlite.account_book import SqliteAccountBook
from tests.dashboard.test_browser import CHROMIUM, FLAGS, Watch, picture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]
RECORD = "/records/019ab003-0000-7000-8000-000000000003"


@pytest.fixture
async def browser():
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        await running.close()


async def enter(context, board, role="owner"):
    """Be signed in as a new person of *role* in the browser too; returns its id."""
    id = board.become(role)
    (cookie,) = [each for each in board.client.cookie_jar if each.key == "licet_session"]
    await context.add_cookies([{"name": "licet_session", "value": cookie.value, "url": str(URL(board.base))}])
    return id


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
async def test_people_keys_and_administration_are_clean_and_axe_finds_nothing(
    browser, start, filled, admin, files, scheme, width
):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")

    async def names():
        return {}

    bills = Bills(SqliteAccountBook(filled.database), names, test=True)
    board = await start(filled, admin=admin, bills=bills, policies=files)
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    watch = Watch(context, board.base)
    page = await context.new_page()
    await enter(context, board)

    async def look(name):
        # What is measured without its style sheet is wider.
        await page.wait_for_load_state()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert "TEST MODE" in await page.locator(".testing").inner_text()
        assert (await page.title()).startswith("TEST · ")
        await picture(page, f"access-{name}-{scheme}-{width}")
        found = await axe.Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"

    await page.goto(f"{board.base}/people")
    await page.get_by_label("Sign-in name").fill("ada")
    await page.locator("form[action='/people/add'] select").select_option("auditor")
    await page.get_by_role("button", name="Make an invitation").click()
    await page.get_by_role("heading", name="The link for ada").wait_for()
    await page.get_by_text("Change somebody").wait_for()
    await page.locator("summary", has_text="ada").click()
    await look("people")
    await page.goto(f"{board.base}/keys")
    await page.locator("form[action='/keys/add'] input[name=name]").fill("nightly")
    await page.get_by_label("log.read").check()
    await page.get_by_label("log.export").check()
    await page.get_by_role("button", name="Make the key").click()
    await page.get_by_role("heading", name="The key nightly").wait_for()
    await look("keys")
    await page.goto(board.base + RECORD)
    await look("record")
    await page.get_by_role("button", name="Show the address").click()
    await page.get_by_text("203.0.113.9").first.wait_for()
    await page.goto(f"{board.base}/admin")
    assert await page.locator("tbody tr").count() == 3
    await look("admin")
    await page.goto(f"{board.base}/account")
    await look("account")
    assert watch.clean()
    export = await board.get("/log.csv")
    assert export.headers["Content-Disposition"] == 'attachment; filename="TEST-licet-log.csv"'
    assert export.headers["Licet-Mode"] == "test"
    await enter(context, board, "viewer")
    await page.goto(f"{board.base}/policies/journal")
    await look("policy-of-a-viewer")
    answer = await page.goto(f"{board.base}/people")
    assert answer.status == 403
    watch.said.clear()
    await look("not-yours")
    await context.close()


async def test_without_script_what_was_typed_comes_back_after_the_session_ended(
    browser, start, filled, clock
):
    board = await start(filled)
    await board.set_password()
    context = await browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 844})
    page = await context.new_page()
    (cookie,) = [each for each in board.client.cookie_jar if each.key == "licet_session"]
    await context.add_cookies([{"name": "licet_session", "value": cookie.value, "url": board.base}])
    await page.goto(f"{board.base}/people")
    await page.get_by_label("Sign-in name").fill("grace")
    clock.advance(IDLE_US / 1e6)
    await page.get_by_role("button", name="Make an invitation").click()
    await page.get_by_text("Your session had ended.").wait_for()
    await picture(page, "access-held-sign-in")
    await page.get_by_label("Password").fill("tides come in twice a day")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="What you were writing").wait_for()
    assert await page.get_by_label("name").input_value() == "grace"
    assert board.sessions.people.called("grace") is None
    await picture(page, "access-held")
    await page.get_by_role("button", name="Send it now").click()
    await page.get_by_role("heading", name="The link for grace").wait_for()
    assert board.sessions.people.called("grace") is not None
    await context.close()


async def test_live_pages_carry_no_mark_of_test_mode(start, filled):
    board = await start(filled)
    await board.set_password()
    page = await board.get("/")
    assert "TEST" not in page.text
    assert "Licet-Mode" not in page.headers
