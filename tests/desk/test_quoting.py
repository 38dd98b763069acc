"""A quote is what the very same request would meet, told ahead of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.admit import admit
from gateway.ask import Ask
from gateway.desk.quoting import Question, quote
from gateway.licenses.pricing import cheapest
from gateway.policy.reading import read_policy_text
from gateway.policy.rules import Verdict
from gateway.policy.ruling import rule
from gateway.problems import Refusal
from gateway.uses import Use
from gateway.visitors.catalog import Catalog
from gateway.visitors.visitor import Identity, Visitor

CATALOG = Catalog.shipped()
POLICY = read_policy_text(
    """
otherwise = "serve"
free_paths = ["/press/"]
[site]
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
mode = "enforce"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[[works]]
id = "videos"
paths = ["/videos/"]
rights = "own"
people = "none"
renditions = { transcript = ["/videos/*.vtt"], thumbnail = ["/videos/*.jpg"] }
[[works]]
id = "letters"
paths = ["/letters/"]
rights = "unsure"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays", "videos"]
renditions = ["page", "transcript"]
price = { per_fetch = "0.02" }
[offers.favored]
uses = ["ai-train"]
works = ["essays"]
price = { per_fetch = "0.01" }
[offers.answers]
uses = ["ai-input", "ai-index"]
works = ["essays", "videos"]
price = { per_fetch = "0.004" }
[offers.everything]
uses = ["ai-train", "ai-input", "ai-index"]
works = ["essays"]
price = { per_fetch = "0.03" }
[[rules]]
when = { purpose = "search" }
then = "serve"
[[rules]]
when = { crawler = "Bytespider" }
then = "refuse"
[[rules]]
when = { crawler = "ClaudeBot" }
then = { license = ["favored", "training"] }
[[rules]]
when = { country = "FR" }
then = "refuse"
[[rules]]
when = { class = "ai" }
then = { license = ["training", "answers", "everything"] }
""",
    "site.toml",
)


def ask(path="/essays/tides", crawler="GPTBot", **more):
    known = CATALOG.crawler(crawler) if crawler else None
    return quote(POLICY, Question(path, known, **more))


@pytest.mark.parametrize(
    ("question", "outcome", "offer", "micros"),
    [
        ({}, "license", "training", 20_000),
        ({"crawler": "ClaudeBot"}, "license", "favored", 10_000),
        ({"crawler": "ClaudeBot", "path": "/videos/reef"}, "license", "training", 20_000),
        ({"crawler": "Bytespider"}, "refused", None, None),
        ({"crawler": "Googlebot"}, "free", None, None),
        ({"crawler": ""}, "license", "everything", 30_000),
        ({"crawler": "", "uses": frozenset({Use.AI_INPUT})}, "license", "answers", 4_000),
        ({"crawler": "", "uses": frozenset({Use.FINE_TUNE})}, "license", "training", 20_000),
        ({"uses": frozenset({Use.AI_INPUT})}, "license", "everything", 30_000),
        ({"uses": frozenset({Use.AI_INPUT}), "path": "/videos/reef"}, "uncovered", "answers", 4_000),
        ({"path": "/videos/reef.vtt"}, "license", "training", 20_000),
        ({"path": "/videos/reef.jpg"}, "refused", None, None),
        ({"path": "/videos/reef", "rendition": "transcript"}, "license", "training", 20_000),
        ({"path": "/videos/reef", "rendition": "thumbnail"}, "refused", None, None),
        ({"path": "/letters/one"}, "refused", None, None),
        ({"path": "/about"}, "free", None, None),
        ({"path": "/press/kit"}, "free", None, None),
        ({"country": "FR"}, "refused", None, None),
    ],
)
def test_each_lever_moves_the_price(question, outcome, offer, micros):
    found = ask(**question)
    assert (found.outcome, found.chosen.id if found.chosen else None) == (outcome, offer)
    assert (found.chosen.price.micros if found.chosen else None) == micros


def test_it_says_which_rule_which_offers_and_which_precedence():
    steps = ask().steps
    assert steps[0] == "/essays/tides is the page of the work essays."
    assert steps[1] == "For GPTBot, the uses are ai-train."
    assert "rule 1, rule 2, rule 3, rule 4 do not match; rule 5 matches class ai" in steps[2]
    assert "training, answers, everything sell the page" in steps[3]
    assert "training, everything cover all of these uses" in steps[4]
    assert "training at 0.02 USD" in steps[4]
    assert "not for sale" in ask(path="/letters/one").steps[2]
    assert "None of them alone covers" in ask(path="/videos/reef", uses=frozenset({Use.AI_INPUT})).steps[-1]


PATHS = (
    "/essays/tides",
    "/videos/reef",
    "/videos/reef.vtt",
    "/videos/reef.jpg",
    "/letters/x",
    "/about",
    "/press/x",
)


@given(
    st.sampled_from([None, *(entry.crawler for entry in CATALOG.crawlers)]),
    st.sampled_from(PATHS),
    st.sampled_from(["", "DE", "FR"]),
)
def test_the_unlicensed_request_is_told_the_price_of_the_quote(crawler, path, country):
    found = quote(POLICY, Question(path, crawler, country=country))
    from gateway.visitors.visitor import VisitorClass

    visitor = Visitor(VisitorClass.AI)
    if crawler is not None:
        proof = Identity.VERIFIED if crawler.verifiable else Identity.CLAIMED
        visitor = Visitor(crawler.visitor_class, crawler, proof)
    request = Ask("r", 0, "site", "https://journal.example", "GET", path, path, country=country)
    ruling = rule(POLICY, visitor, request, visitor.uses)
    decided = admit(ruling, visitor, request, None)
    if found.outcome == "free":
        assert not isinstance(decided, Refusal)
    else:
        assert isinstance(decided, Refusal)
        assert (decided.status == 402) is (found.outcome in {"license", "uncovered"})
        assert found.chosen == cheapest(ruling.offers, visitor.uses)


def test_a_rule_of_unverifiable_sells_every_form_it_can():
    policy = replace(POLICY, unverifiable=Verdict.LICENSE, by_offer={})
    assert quote(policy, Question("/essays/x", CATALOG.crawler("GPTBot"))).outcome == "license"
