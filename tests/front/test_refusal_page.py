import re
from html import escape, unescape
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.front.refusal_page import MOST_OCTETS, refusal_page
from gateway.languages import Phrase, speak, standing_alone
from gateway.money import Money
from gateway.paper import STYLE
from gateway.paths import PathScope
from gateway.policy.rule_words import numbered
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import (
    Attribution,
    Compensation,
    LicenseTerms,
    Offer,
    PublishedTerms,
    Purpose,
    Scope,
    Territory,
)
from gateway.terms.payment_required import problem_body
from gateway.uses import Use

TERMS = PublishedTerms("https://journal.example", "The Journal", "rights@journal.example", "d", "USD", (), ())


def offers(count, name="training", credit="Credit us"):
    terms = LicenseTerms(
        Scope(("essays",), (PathScope("/essays/"),)),
        Purpose(frozenset({Use.AI_TRAIN})),
        Compensation(
            "USD", upfront=Money.parse("500", "USD"), per_fetch=Money(5_000, "USD"), revenue_share_bp=305
        ),
        attribution=Attribution(credit),
        territory=Territory(frozenset({"EU", "US"})),
    )
    return tuple(Offer(f"{name}{number}", "journal", terms, "sha-256:p") for number in range(count))


def body(refusal, offered=(), url="https://journal.example/essays/tides"):
    return problem_body(
        refusal, type_base="/.licet/problems", offers=offered, uses=frozenset({Use.AI_TRAIN}), terms=TERMS,
        request_url=url, quoted=offered[0] if offered else None, instance="urn:uuid:0192-a",
    )  # fmt: skip


class Texts(HTMLParser):
    """The text of a page and whether its elements close in order."""

    VOID = frozenset({"meta"})

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.text = [], [], []
        self.feed(page.decode())
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    return " ".join(" ".join(Texts(page).text).split())


def test_it_says_what_the_json_says():
    said = body(Refusal(Problem.LICENSE_REQUIRED, "The offer training0 asks 0.005 USD a fetch."), offers(2))
    page = refusal_page(said, site="The Journal", contact="rights@journal.example")
    text = read(page)
    title = "Are you a person? This is our mistake"
    assert [part.strip() for part in text.replace(STYLE, "").split(title)[:2]] == ["", ""]
    assert text.index("People read here for free") < text.index("This page needs a license for AI use")
    for fact in (said["detail"], said["next_step"], said["title"], "402", "license-required", "urn:uuid:0192-a",
                 "USD 0.005 a fetch", "USD 500 at signing", "3.05 % of revenue", "EU, US", "/essays/", "12 months",
                 "attribution: Credit us", "rights@journal.example", "The Journal", "taken for a machine."):  # fmt: skip
        assert fact in text, fact
    shown = unescape(page.decode())
    for line in said["buy"]["curl"]:
        assert line in shown
    tags = Texts(page).tags
    assert tags.count("h1") == 1 and {"main", "table", "th", "pre"} <= set(tags)
    assert b'content="noindex"' in page


@pytest.mark.parametrize(
    ("target", "again", "path"),
    [
        ("/essays/1?a=b&lang=de", "/essays/1?a=b&lang=de", "/essays/1"), ("//evil.example/", "/", "/"),
        ("https://evil.example/", "/", "/"), ("/" + "x" * 400, "/", "/"), ('/"><b>', '/"><b>', '/"><b>'),
    ],
)  # fmt: skip
def test_a_person_tells_it_or_tries_again_without_account_or_script(target, again, path):
    page = refusal_page(body(Refusal(Problem.LICENSE_REQUIRED, "x"), offers(1)), target=target).decode()
    links = [unescape(each) for each in re.findall(r'href="([^"]*)"', page)]
    told = urlsplit(links[0])
    assert (told.path, parse_qs(told.query)) == ("/.licet/person", {"request": ["0192-a"], "path": [path]})
    assert links[1] == again
    assert "<form" not in page
    assert "<script" not in page


def test_it_speaks_the_language_that_is_spoken():
    speak("de")
    try:
        page = refusal_page(body(Refusal(Problem.LICENSE_REQUIRED, "The <fact>."), offers(1))).decode()
    finally:
        speak("en")
    assert '<html lang="de" dir="ltr">' in page
    assert '<p lang="en" dir="ltr">The &lt;fact&gt;.</p>' in page
    assert 'href="?lang=en"' in page


@pytest.mark.parametrize("problem", Problem)
def test_every_problem_has_a_page(problem):
    text = read(refusal_page(body(Refusal(problem, "The fact."), offers(1))))
    assert problem.next_step in text and "The fact." in text and str(problem.status) in text
    assert ("Nothing is wrong on your side" in text) is (problem.status >= 500)


@pytest.mark.parametrize("count", [0, 1, 12, 300])
def test_it_stays_small_and_says_what_it_left_out(count):
    long = "https://journal.example/" + "x" * 8000
    said = body(Refusal(Problem.LICENSE_REQUIRED, "y" * 5000), offers(count, credit="z" * 300), long)
    page = refusal_page(said, site="s" * 2000, contact="c" * 2000)
    assert len(page) < MOST_OCTETS
    shown = Texts(page).tags.count("h3")
    assert shown == count or f"{count - shown} more offers stand in the same answer as JSON." in read(page)


@settings(deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_becomes_markup(text, other):
    evil = f"{text}<script>\"'&</p>{other}"
    said = body(
        Refusal(Problem.LICENSE_REQUIRED, evil),
        offers(1, name=evil, credit=evil),
        f"https://x.example/{evil}",
    )
    page = refusal_page(said, site=evil, contact=evil)
    assert "script" not in Texts(page).tags
    # Long texts leave no room for an offer, so there may be fewer.
    plain = refusal_page(body(Refusal(Problem.LICENSE_REQUIRED, "x"), offers(1)), site="x", contact="x")
    assert set(Texts(page).tags) <= set(Texts(plain).tags)


DETAILS = [
    (Phrase("The credit left is {left}; this fetch costs {price}.", left="2 USD", price="<b>"),
     "Das Guthaben beträgt noch 2 USD; dieser Abruf kostet &lt;b&gt;."),
    (standing_alone(Phrase("{rule} matches {what}", rule=numbered("rules[1]"), what=Phrase("class {words}", words="ai"))),
     "Regel 2 trifft zu auf Klasse ai."),
]  # fmt: skip


@pytest.mark.parametrize(("detail", "said"), DETAILS)
def test_the_fact_is_told_in_the_language_that_is_spoken_and_to_programs_in_english(detail, said):
    refusal = Refusal(Problem.REFUSED_BY_OWNER, detail)
    assert orjson.loads(orjson.dumps(body(refusal)))["detail"] == str(detail)
    assert f"<p>{escape(str(detail))}</p>" in refusal_page(body(refusal)).decode()
    speak("de")
    try:
        page = refusal_page(body(refusal)).decode()
        assert orjson.loads(orjson.dumps(body(refusal)))["detail"] == str(detail)
    finally:
        speak("en")
    assert f"<p>{said}</p>" in page
    assert '<p lang="en"' not in page
