from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from gateway.licenses.contract import NOTICE
from gateway.licenses.traffic import Crawled, OwnDeal, Traffic, Wanted
from gateway.licenses.value_memo import (
    About,
    Comparable,
    Figure,
    Figures,
    Memo,
    octets,
    period,
    unstated,
)
from gateway.licenses.written import plain_text
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import Compensation, Exclusivity, LicenseTerms, Purpose, Scope, Term
from gateway.uses import Use

NOV = 1_793_491_200  # 2026-11-01
DEC = NOV + 30 * 86_400
TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_TRAIN})),
    Compensation("USD", upfront=Money(500_000_000, "USD"), per_fetch=Money(100, "USD")),
    exclusivity=Exclusivity(True),
    term=Term(months=24),
)
SEEN = Traffic(
    "journal",
    NOV,
    DEC,
    (
        Crawled("GPTBot", "OpenAI", "ai", 1024, 1000, 3, 1020, 20_480_000),
        Crawled("", "", "automation", 7, 7, 0, 0, 512),
    ),
    (Wanted("essays", 900, 20_000_000), Wanted("/about", 1, 12)),
    4321,
    (("/essays/", 4000), ("/", 321)),
    (("ChatGPT", 40),),
    12,
)
ENTERED = Figures(
    (Figure(About.WATCH_TIME, "time on a film", "6 min 12 s", "our analytics", date(2026, 10, 31)),),
    (Comparable("200 films", "40 USD a film", "https://news.example/deal", date(2026, 5, 1)),),
)
MEMO = Memo(
    "The Journal", date(2026, 12, 1), SEEN, {"GPTBot": ("training",)}, ENTERED, (OwnDeal(NOV, TERMS),)
)


def test_who_says_what_is_said():
    page = plain_text(MEMO.writing())
    assert NOTICE in page
    assert "Value memo: The Journal" in page
    assert "from 2026-11-01 to 2026-11-30. Made on 2026-12-01." in page
    assert "People were answered 4,321 times." in page
    assert "ChatGPT (40)" in page
    assert "GPTBot          OpenAI   training     1,024      1,000   1,020  20 MB" in page
    assert "without a name" in page
    assert "12 unpaid requests were not recorded." in page
    assert "These are the creator's own figures; the gateway did not measure them." in " ".join(page.split())
    assert "watch or engaged time  time on a film  6 min 12 s  our analytics  2026-10-31" in page
    assert "Nothing is stated about views, conversion, demographics and case studies." in page
    assert "Deals of others, as the creator knows of them" in page
    assert "2026-11  ai-train  500 USD at signing; 0.0001 USD for each page or fil" in page
    assert "24 months, exclusive" in page


def test_what_is_not_there_is_said_to_be_not_there():
    empty = Memo("", date(2026, 12, 1), Traffic("journal", NOV, DEC))
    page = plain_text(empty.writing())
    assert "Value memo: journal" in page
    for said in (
        "The gateway counted no people in this time.",
        "The gateway recorded no crawler in this time.",
        "No deal is known to compare with.",
        "Nothing is stated about views, watch or engaged time, conversion, demographics",
    ):
        assert said in page
    told = empty.as_json()
    assert told["own_deals"] == told["comparable_deals"] == told["stated_by_the_creator"] == []
    assert told["not_stated"] == ["views", "watch-time", "conversion", "demographics", "case-study"]


def test_the_same_facts_for_machines():
    told = json.loads(json.dumps(MEMO.as_json()))
    assert told["measured"]["crawlers"][0] == {
        "crawler": "GPTBot", "operator": "OpenAI", "class": "ai", "purposes": ["training"], "fetches": 1024,
        "delivered": 1000, "licensed": 3, "verified": 1020, "bytes": 20_480_000,
    }  # fmt: skip
    assert told["stated_by_the_creator"][0]["source"] == "our analytics"
    assert told["own_deals"] == [
        {
            "month": "2026-11", "tier": 1, "uses": "ai-train", "term": "24 months, exclusive",
            "price": "500 USD at signing; 0.0001 USD for each page or file delivered",
        }
    ]  # fmt: skip
    assert told["notice"] == NOTICE


def test_only_the_first_few_are_shown_and_the_rest_is_summed_up():
    many = tuple(replace(SEEN.crawlers[0], crawler=f"Bot{number}") for number in range(9))
    page = plain_text(replace(MEMO, traffic=replace(SEEN, crawlers=many)).writing())
    assert "Besides these, 3 other crawlers made 3,072 requests." in page
    assert "Bot5" in page
    assert "Bot6" not in page


def test_other_figures_leave_nothing_out():
    assert About.OTHER not in unstated(Figures())
    every = tuple(Figure(each, "w", "v", "s", date(2026, 1, 1)) for each in About)
    assert unstated(Figures(every)) == ()


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        (NOV, DEC, "from 2026-11-01 to 2026-11-30"),
        (NOV, NOV + 1, "on 2026-11-01"),
        (NOV, NOV, "on 2026-11-01"),
    ],
)
def test_a_period(since, until, words):
    assert period(Traffic("journal", since, until)) == words


def test_octets():
    assert [octets(number) for number in (0, 999, 1000, 20_480_000, 10**12, 5 * 10**15)] == [
        "0 B", "999 B", "1 kB", "20 MB", "1 TB", "5,000 TB",
    ]  # fmt: skip
