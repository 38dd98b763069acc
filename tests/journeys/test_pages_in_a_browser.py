"""The pages for people in a real browser: light and dark, wide and narrow, by keyboard, and what axe-core finds."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.paper import COLORS

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
#: No catalog knows it, and it says that it reads HTML: the 402 comes as a page.
AGENT = "Mozilla/5.0 (compatible; NobodyKnowsBot/1.0)"
EXAMPLE = Path(__file__).parents[2] / "policies" / "example-site.toml"
#: Where the pictures go for somebody to look at; nowhere unless told.
PICTURES = os.environ.get("LICET_TEST_PICTURES", "")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    """Debian's Chromium."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        await running.close()


async def addresses(one: Any) -> dict[str, str]:
    """The pages to look at, by a name for their pictures."""
    answer = await one.get("/.licet/terms/", "curl/8")
    name = answer.headers["Content-Location"].rsplit("/", 1)[1]
    return {
        "quoted": "/essays/tides",
        "terms": "/.licet/terms/",
        "version": f"/.licet/terms/{name}",
        "changes": f"/.licet/terms/{name}/changes",
        "versions": "/.licet/terms/versions",
        "desk": "/.licet/",
        "problem": "/.licet/problems/license-required",
    }


def lines(color: str) -> str:
    """A color as the browser spells it."""
    return f"rgb({', '.join(str(int(color[at : at + 2], 16)) for at in (1, 3, 5))})"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_pages_fit_say_nothing_and_break_no_rule_of_wcag(
    browser: Any, world: Any, scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    one = await world(policy=_policy())
    context = await browser.new_context(
        color_scheme=scheme,
        viewport={"width": width, "height": 844},
        user_agent=AGENT,
        bypass_csp=False,
    )
    said: list[str] = []
    elsewhere: list[str] = []
    context.on("console", lambda message: said.append(f"{message.text} {message.location}"))
    context.on("weberror", lambda error: said.append(str(error.error)))
    context.on(
        "request",
        lambda request: request.url.startswith(one.front + "/") or elsewhere.append(request.url),
    )
    page = await context.new_page()
    for name, path in (await addresses(one)).items():
        answer = await page.goto(one.front + path)
        assert answer.status == (402 if name == "quoted" else 200), path
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == lines(COLORS[scheme]["paper"]), path
        found = await axe.Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        assert await page.locator("h1").count() == 1
        assert await page.evaluate("document.documentElement.lang") == "en"
        levels = await page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(e => +e.tagName[1])")
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), path
        if PICTURES:
            await page.screenshot(path=f"{PICTURES}/{name}-{scheme}-{width}.png", full_page=True)
    # The browser itself remarks on a 402 and asks for an icon; nothing else may be said.
    assert [line for line in said if "Failed to load resource" not in line] == []
    assert elsewhere == []
    await context.close()


async def test_everything_can_be_reached_by_keyboard_and_is_seen(browser: Any, world: Any) -> None:
    one = await world(policy=_policy())
    context = await browser.new_context(viewport={"width": 390, "height": 844}, user_agent=AGENT)
    page = await context.new_page()
    for path in ("/essays/tides", "/.licet/terms/"):
        await page.goto(one.front + path)
        wanted = await page.evaluate("document.querySelectorAll('a, [tabindex=\"0\"]').length")
        reached = set()
        for _ in range(wanted):
            await page.keyboard.press("Tab")
            shown = await page.evaluate(
                "(e => { const s = getComputedStyle(e); return [e.tagName + (e.href || e.ariaLabel) + e.textContent,"
                " s.outlineStyle, parseFloat(s.outlineWidth)] })(document.activeElement)"
            )
            reached.add(shown[0])
            assert shown[1] == "solid"
            assert shown[2] >= 2
        assert len(reached) == wanted
    await context.close()


def _policy() -> str:
    """The example site with every lever set, in front of the world's origin."""
    return (
        EXAMPLE.read_text(encoding="utf-8")
        .replace('when = { class = "ai" } ', 'when = { class = ["ai", "automation"] } ')
        .replace("{", "{{")
        .replace("}", "}}")
        .replace('"http://127.0.0.1:8000"', '"{origin}"')
        .replace('mode     = "observe"', 'mode     = "{mode}"')
        .replace('["journal.example", "www.journal.example"]', '["127.0.0.1"]')
        .replace('public   = "https://journal.example"', 'public   = ""')
    )
