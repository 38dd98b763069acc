"""A language that an address names goes on to the pages it leads to: by links, forms and redirects, without a cookie."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.languages import chosen, here_in, speak
from gateway.paper import in_language, sheet

PAGE = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
def english():
    yield
    speak("en")


async def text_of(world, path, **more):
    answer = await world.get(path, headers={**PAGE, **more})
    assert "Set-Cookie" not in answer.headers
    return await answer.text()


@pytest.mark.parametrize("start", ["/.licet/?lang=de", "/.licet/terms/?lang=de", "/.licet/negotiate?lang=de"])
async def test_every_page_that_a_german_page_leads_to_is_german(world, start):
    seen, todo = set(), [start]
    while todo and len(seen) < 25:
        path = todo.pop()
        seen.add(path)
        page = await text_of(world, path)
        if not page.startswith("<!doctype html>"):
            continue
        assert '<html lang="de"' in page, path
        for href in re.findall(r'<a href="([^"]+)"', page):
            there = unescape(href).removeprefix(world.origin).partition("#")[0]
            if there.startswith("/.licet/") and there not in seen and not there.endswith("lang=en"):
                todo.append(there)
    assert len(seen) > 3


async def test_without_a_choice_addresses_stay_as_they_are(world):
    page = await text_of(world, "/.licet/", **{"Accept-Language": "de"})
    assert '<html lang="de"' in page
    assert "lang=de" not in page.replace('hreflang="de"', "")


async def test_another_language_keeps_the_rest_of_the_address(world):
    page = await text_of(world, "/.licet/developers?url=/essays/1&use=ai-train&lang=de")
    (there,) = re.findall(r'<a href="([^"]+)" hreflang="en"', page)
    assert unescape(there) == "?url=%2Fessays%2F1&use=ai-train&lang=en"
    assert '<input type="hidden" name="lang" value="de">' in page


def test_an_unknown_language_is_no_choice():
    speak("en", "lang=xx&a=1")
    assert chosen() == ""
    assert "?lang=" not in sheet("a", '<a href="/.licet/">b</a>')


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<a href="/.licet/">', '<a href="/.licet/?lang=de">'),
        ('<a class="x" href="/.licet/a?b=1&amp;c=2">', '<a class="x" href="/.licet/a?b=1&amp;c=2&amp;lang=de">'),
        ('<a href="https://a.example/.licet/x#y">', '<a href="https://a.example/.licet/x?lang=de#y">'),
        ('<a href="/.licet/a?lang=en">', '<a href="/.licet/a?lang=en">'),
        ('<a href="/.licet/statements/2026-11.pdf">', '<a href="/.licet/statements/2026-11.pdf">'),
        ('<a href="/essays/">', '<a href="/essays/">'),
        ('<a href="/license.xml">', '<a href="/license.xml">'),
        ('<form method="post" action="/.licet/person">', '<form method="post" action="/.licet/person?lang=de">'),
        ("<p>/.licet/ &lt;a href=&quot;/.licet/&quot;&gt;</p>", "<p>/.licet/ &lt;a href=&quot;/.licet/&quot;&gt;</p>"),
    ],
)  # fmt: skip
def test_which_addresses_ask_for_a_language(before, after):
    assert in_language(before, "de") == after


@given(st.text(max_size=80))
def test_no_query_makes_another_address_of_the_links_to_languages(query):
    speak("de", query)
    page = sheet("a", "", choice=True)
    (there,) = re.findall(r'<a href="([^"]*)" hreflang="en"', page)
    assert there.startswith("?")
    assert there.endswith("lang=en")
    assert "<" not in there
    assert here_in("en").count("lang=en") >= 1
