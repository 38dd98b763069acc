"""A page or a document, and in which language."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gateway.ask import Ask
from gateway.front.accepting import language_of, reads_html
from gateway.visitors.visitor import Crawler, Identity, Visitor, VisitorClass

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
HTML = "text/html,application/xhtml+xml,*/*;q=0.8"


def ask(agent=BROWSER, accept=HTML, query="", language=""):
    headers = (
        ("user-agent", agent),
        ("accept", accept),
        *((("accept-language", language),) if language else ()),
    )
    return Ask("i", 0, "s", "https://journal.example", "GET", "/", "/", query=query, headers=headers)


@pytest.mark.parametrize(
    ("agent", "accept", "page"),
    [
        (BROWSER, HTML, True), (BROWSER, "*/*", False), (BROWSER, "", False), ("curl/8", HTML, False),
        (BROWSER, "text/html;q=0.2, application/json", False), (BROWSER, "text/html, application/json;q=0.9", True),
        (BROWSER, "text/html;q=0", False), (BROWSER, "text/html;q=x", False), (BROWSER, "text/*", True),
    ],
)  # fmt: skip
def test_a_browser_that_wants_html_gets_a_page(agent, accept, page):
    assert reads_html(ask(agent, accept), None) is page


@pytest.mark.parametrize(
    ("identity", "page"), [(Identity.NONE, True), (Identity.CLAIMED, False), (Identity.VERIFIED, False)]
)
def test_a_crawler_by_its_name_is_none_and_one_by_its_network_alone_may_be_a_person(identity, page):
    crawler = Crawler("x", "X", (), frozenset(), VisitorClass.AI)
    judged = SimpleNamespace(visitor=Visitor(VisitorClass.AI, crawler, identity))
    assert reads_html(ask(), judged) is page


@pytest.mark.parametrize(
    ("query", "language", "code"),
    [
        ("", "de", "de"), ("lang=de", "en", "de"), ("a=1&lang=de", "", "de"), ("lang=xx", "de", "de"), ("slang=de", "", "en"),
        ("lang=", "de", "de"), ("lang=de&lang=en", "", "de"),
    ],
)  # fmt: skip
def test_the_query_goes_before_the_browser(query, language, code):
    assert language_of(ask(query=query, language=language)) == code
