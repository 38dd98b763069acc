"""What `licet who` and its page tell: evidence with weights, and what would have changed the answer."""

from __future__ import annotations

import pytest

from gateway.evidence import NOTHING
from gateway.visitors.catalog import Catalog
from gateway.visitors.explained import Explanation, explain, imagined, verdict
from gateway.visitors.identify import Identifier
from gateway.visitors.networks import Networks
from gateway.visitors.reasons import REASONS, split
from gateway.visitors.weighing import Findings

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
DAY = 1_795_478_400


@pytest.fixture(scope="module")
def identifier(catalog: Catalog, networks: Networks) -> Identifier:
    return Identifier(catalog, networks)


def told(
    identifier: Identifier, agent: str | None, address: str = "203.0.113.9", *headers: str
) -> Explanation:
    pairs = [(name, "x") for name in headers]
    ask, _ = imagined(agent, address, pairs, origin="https://journal.example", at=DAY)
    found = identifier.findings(ask, NOTHING)
    assert isinstance(found, Findings)
    explanation = explain(found)
    assert explanation.visitor == identifier.identify(ask, NOTHING)
    return explanation


def test_a_contradicted_claim(identifier: Identifier) -> None:
    found = told(identifier, "GPTBot/1.2")
    assert found.told.startswith("claimed to be GPTBot; not proven (address not in the published list of 20")
    assert [(split(piece.reason)[0], piece.weight) for piece in found.pieces] == [
        ("ua_claim", 0.80),
        ("ip_not_in", -0.95),
        ("ip_list_dated", 0.0),
    ]
    changes = {change.if_: change.then for change in found.changes}
    assert changes["from an address in the published list openai-gptbot"] == (
        "GPTBot, class ai, identity verified"
    )
    assert changes["with a browser\u2019s User-Agent"] == "class unproven, identity none"
    assert found.lines()[0] == found.told


@pytest.mark.parametrize(
    ("agent", "if_", "then"),
    [
        ("YandexBot/3.0", "whose name ends in .yandex", "YandexBot, class search-engine, identity verified"),
        ("Google-Agent", "signed with a key of https://agent.bot.goog", "Google-Agent, class ai, identity verified"),
        (CHROME, "contradict its browser twice", "class automation, identity none"),
        ("curl/8.5.0", "a browser\u2019s User-Agent", "class unproven, identity none"),
    ],
)  # fmt: skip
def test_what_would_have_changed_it(identifier: Identifier, agent: str, if_: str, then: str) -> None:
    partly = Identifier(identifier.catalog, identifier.networks, headers=False)
    assert any(if_ in change.if_ and change.then == then for change in told(partly, agent).changes)


def test_every_reason_has_its_sentence_and_no_change_changes_nothing(identifier: Identifier) -> None:
    for agent in (CHROME, "GPTBot/1.2", "Googlebot/2.1", "curl/8", None, "NewBot/1 (+https://a.example)"):
        for address in ("132.196.86.7", "9.129.45.186", "66.249.66.1", "203.0.113.9", ""):
            found = told(identifier, agent, address, "accept")
            assert all(piece.sentence != piece.reason for piece in found.pieces)
            assert all(split(piece.reason)[0] in REASONS for piece in found.pieces)
            told_as_json = found.as_json()
            assert list(told_as_json)[:7] == list(verdict(found.visitor))
            assert 0 < found.visitor.confidence <= 1


def test_headers_count_only_where_they_were_captured() -> None:
    for pairs, whole in (
        ((), False),
        ((("User-Agent", CHROME),), False),
        ((("Host", "a"), ("Accept", "b")), True),
    ):
        ask, told_whole = imagined(CHROME, "::ffff:192.0.2.7", pairs, origin="https://a.example", at=1)
        assert (ask.user_agent, ask.address, told_whole) == (CHROME, "192.0.2.7", whole)
    ask, _ = imagined(None, "nowhere", (), origin="https://a.example", at=1, target="/a?b=c")
    assert (ask.has("user-agent"), ask.address, ask.path, ask.query) == (False, "nowhere", "/a", "b=c")
