"""The pages in a real browser: no console message, no other origin, light and dark, wide and narrow."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.provenance.record import FloodNote

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
RECORD = "/records/019ab003-0000-7000-8000-000000000003"
PAGES = {
    "overview": "/?last=24h",
    "log": "/log",
    "log-filtered": "/log?decision=quoted&crawler=ClaudeBot&limit=10",
    "log-narrowed": "/log?identity=verified&path=/essays/&problem=-",
    "crawlers": "/crawlers?last=24h",
    "crawler": "/crawlers/GPTBot?last=24h",
    "content": "/content?last=24h",
    "crawlers-nothing": "/crawlers?from=2020-01-01&to=2020-01-02",
    "policies": "/policies",
    "policy": "/policies/journal?path=/essays/tides&as=GPTBot",
    "consent-grid": "/policies/journal/consent",
    "log-mistake": "/log?from=yesterday&decision=maybe",
    "log-nothing": "/log?text=nowhere",
    "live": "/live",
    "record": RECORD,
    "who": "/who",
    "who-claim": "/who?ua=GPTBot/1.2&ip=203.0.113.9",
    "who-browser": "/who?ua=Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64)+AppleWebKit/537.36+(KHTML,+like+Gecko)"
    "+Chrome/140.0.0.0+Safari/537.36&ip=9.129.45.186&headers=Accept:+*/*",
    "who-mistake": "/who?ua=a&headers=nonsense",
    "trouble": "/nowhere",
}
#: Where the pictures go for somebody to look at; nowhere unless told.
PICTURES = os.environ.get("LICET_TEST_PICTURES", "")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]


class Watch:
    """Everything a page says, asks for, or breaks on."""

    def __init__(self, context, base: str) -> None:
        self.said: list[str] = []
        self.elsewhere: list[str] = []
        context.on("console", lambda message: self.said.append(f"{message.text} {message.location}"))
        context.on("weberror", lambda error: self.said.append(str(error.error)))
        context.on("dialog", lambda dialog: self.said.append(f"dialog {dialog.message}"))
        context.on("request", lambda request: self._asked(request.url, base))

    def _asked(self, url: str, base: str) -> None:
        if not url.startswith(base + "/"):
            self.elsewhere.append(url)

    def clean(self) -> bool:
        assert self.said == []
        assert self.elsewhere == []
        return True


@pytest.fixture
async def browser():
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        await running.close()


async def sign_in(page, board) -> None:
    await page.goto(f"{board.base}/sign-in?token={board.sessions.sign_in_link(anew=True)}")
    # A script that types before the first frame takes the focus that the page gives, and Chromium remarks on it.
    await page.locator("input[type=password]:focus").wait_for()
    for field in await page.locator("input[type=password]").all():
        await field.fill("tides come in twice a day")
    await page.get_by_role("button", name="Set password and sign in").click()
    await page.wait_for_url(f"{board.base}/")


async def picture(page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_refusals_counted_together_are_a_row_that_leads_nowhere(
    browser, start, filled, clock, scheme, width
):
    now = clock.now_us()
    note = FloodNote(
        "019ab0ff-0000-7000-8000-0000000000ff", now - 1_000_000, now - 61_000_000, 191_101,
        "journal", "GPTBot", "ai", "license-required", 402, "cd" * 32,
    )  # fmt: skip
    await filled.insert((note, None))
    board = await start(filled)
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    watch = Watch(context, board.base)
    page = await context.new_page()
    await sign_in(page, board)
    for path in ("/log", "/live"):
        await page.goto(board.base + path)
        row = page.get_by_role("row").filter(has_text="counted together")
        assert "GPTBot" in await row.inner_text()
        assert await row.get_by_role("link").count() == 0
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        await picture(page, f"counted{path.replace('/', '-')}-{scheme}-{width}")
    assert watch.clean()
    await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_pages_are_clean_and_fit_and_axe_finds_nothing(browser, start, filled, files, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    board = await start(filled, policies=files)
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    watch = Watch(context, board.base)
    page = await context.new_page()
    await page.goto(f"{board.base}/sign-in?token={board.sessions.sign_in_link()}")
    await picture(page, f"sign-in-{scheme}-{width}")
    await sign_in(page, board)
    for name, path in PAGES.items():
        answer = await page.goto(board.base + path)
        if answer.status >= 400:
            # The browser itself remarks on such a status; that is the only remark allowed.
            assert all("Failed to load resource" in said for said in watch.said)
            watch.said.clear()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(251, 250, 248)", "dark": "rgb(20, 19, 18)"}[scheme]
        await picture(page, f"{name}-{scheme}-{width}")
        found = await axe.Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    assert watch.clean()
    await context.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
async def test_a_policy_is_changed_by_keyboard_without_script(browser, start, filled, files, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    board = await start(filled, policies=files)
    context = await browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 844}, java_script_enabled=False
    )
    page = await context.new_page()
    await sign_in(page, board)
    await page.goto(board.base + "/policies/journal")
    editor = page.get_by_label("The rules as they are written")
    await editor.focus()
    await page.keyboard.press("Control+End")
    await page.keyboard.type('\n[[rules]]\nthen = "serv"\n')
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert "Line 18" in await page.get_by_role("alert").inner_text()
    await picture(page, f"policy-mistake-{scheme}-{width}")
    mended = page.get_by_label("The rules as they are written")
    await mended.fill(files.text(files.policies[0]) + '\n[[rules]]\nthen = "refuse"\n')
    await mended.focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", level=1, name="What would change").wait_for()
    await picture(page, f"policy-change-{scheme}-{width}")
    body = await page.content()
    await page.get_by_role("button", name="Put it in force").focus()
    await page.keyboard.press("Enter")
    assert "Put in force" in await page.get_by_role("status").inner_text()
    assert files.text(files.policies[0]).endswith('then = "refuse"\n')
    await picture(page, f"policy-versions-{scheme}-{width}")
    await page.get_by_role("button", name="Put back").first.focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", level=1, name="What would change").wait_for()
    assert "-[[rules]]" in await page.get_by_label("Lines that differ").inner_text()
    await page.goto(f"{board.base}/policies/journal/versions/{files.versions(files.policies[0])[0].sha256}")
    await picture(page, f"policy-version-{scheme}-{width}")
    await context.close()
    # axe needs a script of its own, so it looks at the page that was shown, drawn once more.
    with_script = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    page = await with_script.new_page()
    await page.goto(board.base + "/sign-in")
    await page.set_content(body)
    found = await axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    await with_script.close()


async def test_live_grows_pauses_and_goes_on(browser, start, filled, make_fetch, clock):
    board = await start(filled)
    context = await browser.new_context()
    watch = Watch(context, board.base)
    page = await context.new_page()
    await sign_in(page, board)
    await page.goto(f"{board.base}/live")
    await page.get_by_text("Following.").wait_for()
    await filled.insert((make_fetch(900, "quoted", clock.now_us(), path="/first-new"), None))
    await page.get_by_text("/first-new").wait_for()
    await page.get_by_role("button", name="Pause").click()
    await page.get_by_text("Paused.").wait_for()
    await filled.insert(
        (make_fetch(901, "quoted", clock.now_us(), path="/<img src=x onerror=alert(1)>"), None)
    )
    assert await page.get_by_text("/<img").count() == 0
    await page.get_by_role("button", name="Go on").click()
    await page.locator("#rows tr").first.get_by_text("/<img src=x onerror=alert(1)>").wait_for()
    assert await page.get_by_text("/first-new").count() == 1
    assert watch.clean()
    await context.close()


async def test_the_journey_works_by_keyboard_and_without_script(browser, start, filled):
    board = await start(filled)
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await sign_in(page, board)
    await page.keyboard.press("Tab")
    assert await page.locator(":focus").inner_text() == "Skip to the content"
    await page.goto(f"{board.base}/log")
    await page.locator("#field-decision").select_option("quoted")
    await page.get_by_label("Text").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**decision=quoted**")
    assert set(await page.locator("tbody .decision").all_inner_texts()) == {"quoted"}
    await page.get_by_role("link", name="Who", exact=True).click()
    await page.get_by_label("User-Agent").fill("GPTBot/1.2")
    await page.get_by_label("Address").fill("203.0.113.9")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="claimed to be GPTBot; not proven").wait_for()
    await page.get_by_role("link", name="Live").click()
    assert await page.get_by_role("link", name="Stop that").is_visible()
    await page.get_by_role("link", name="Stop that").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in")
    await context.close()
