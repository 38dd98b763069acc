"""What holds of every page of the desk: nothing set, nothing run, nothing loaded, and it fits wherever it is read."""

from __future__ import annotations

import re

import aiohttp
import pytest

from gateway.languages import LANGUAGES, Language
from gateway.problems import Problem
from tests.dashboard.test_browser import CHROMIUM, Watch, picture
from tests.dashboard.test_duties_in_a_browser import browser
from tests.desk.test_account_desk import busy

__all__ = ["browser", "busy"]
PAGE = {"Accept": "text/html"}
#: What a reader's browser may ever load of the pages, packed, in octets.
#: Pages for everybody, by the names of their pictures.
PUBLIC = {
    "desk": "/.licet/",
    "developers": "/.licet/developers?url=/essays/1&use=ai-train",
    "problems": "/.licet/problems",
    "person": "/.licet/person?request=0197f0c0-0000-7000-8000-000000000001&path=/essays/1",
    "privacy": "/.licet/privacy",
    "receipt": "/.licet/receipt",
    "objections": "/.licet/objections",
    "negotiate": "/.licet/negotiate?offer=training",
}


async def addresses(world, made):
    """Every address of the desk that can be read, with what stands in the place of a star."""
    for path, route in world.desk.table.items():
        if "GET" in route.methods:
            yield path.replace("*", made.client.id if "clients" in path else Problem.NOT_FOUND.code)


async def test_no_page_sets_runs_or_loads_anything(world, busy):
    made, _, _ = busy
    world.pace = type(world.pace)()
    login = {"Authorization": aiohttp.encode_basic_auth(made.client.id, made.secret)}
    pages = 0
    async for path in addresses(world, made):
        for headers in (PAGE, {**PAGE, **login}):
            answer = await world.get(path, headers=headers)
            assert answer.status < 500, path
            assert "Set-Cookie" not in answer.headers, path
            if answer.content_type != "text/html":
                continue
            pages += 1
            text, policy = await answer.text(), answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none';"), path
            assert "unsafe" not in policy, path
            assert answer.headers["Content-Language"] == "en", path
            assert "Accept-Language" in answer.headers["Vary"], path
            assert not re.search(r"<script(?! type=\"application/ld\+json\")", text), path
            assert not re.search(r"<(img|iframe|object|embed|link|base|audio|video)\b|http-equiv", text), path
            assert not re.search(r"<[^>]*\s(style|on[a-z]+)=", text), path
            assert "localStorage" not in text, path
    assert pages > 20


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium")
@pytest.mark.parametrize(
    ("scheme", "width", "language"),
    # 320 pixels are a window of 1280 at 400 % zoom (WCAG 2.2, 1.4.10).
    [
        ("light", 1280, "en"),
        ("light", 390, "ar"),
        ("dark", 320, "de"),
    ],
)
async def test_pages_for_everybody_fit_and_axe_finds_nothing(
    monkeypatch, browser, world, scheme, width, language
):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    monkeypatch.setitem(LANGUAGES, "ar", Language("ar", "العربية", "rtl"))
    world.test_mode = True
    await world.reopen()
    made = await world.licensee("5")
    await world.log.sign_news()
    login = {"username": made.client.id, "password": made.secret}
    context = await browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 844}, http_credentials=login, locale=language
    )
    watch = Watch(context, world.origin)
    page = await context.new_page()
    for name, path in {**PUBLIC, "receipt-checked": "/.licet/receipt?id=credit-1"}.items():
        assert (await page.goto(world.origin + path)).status == 200, path
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        # What is wider than the window scrolls within its own region; nothing else reaches beyond it.
        beyond = await page.evaluate(
            "[...document.querySelectorAll('main *')].filter(e => !e.closest('.wide, .trap') &&"
            " (e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < -1))"
            ".map(e => e.tagName + e.textContent.slice(0, 40))"
        )
        assert beyond == [], path
        assert await page.evaluate("document.documentElement.dir") == LANGUAGES[language].direction
        found = await axe.Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        await picture(page, f"public-{name}-{scheme}-{width}-{language}")
    assert await context.cookies() == []
    assert await page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert [each for each in watch.said if "401" not in each] == []
    assert watch.elsewhere == []
    await context.close()
