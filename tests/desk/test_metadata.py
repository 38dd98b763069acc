"""What is published: what a rule sells, and only where something is charged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.desk.metadata import how_to_buy, money_document, offer_document, offers_document, on_offer
from gateway.money import Money
from gateway.policy.published import publish
from gateway.policy.reading import read_policy_text
from gateway.policy.rules import Mode, Verdict
from gateway.terms.odrl import odrl_offer

ORIGIN = "https://journal.example"


@pytest.mark.parametrize(("mode", "count"), [(Mode.OBSERVE, 0), (Mode.OFFER, 4), (Mode.ENFORCE, 4)])
async def test_nothing_is_on_offer_while_only_watching(world, mode, count):
    assert len(on_offer(world.make_policy(mode=mode))) == count


async def test_only_what_a_rule_sells_is_on_offer(world):
    policy = world.make_policy()
    assert "unsold" in policy.by_offer
    assert [offer.id for offer in on_offer(policy)] == ["training", "answers", "archive", "gift"]
    assert on_offer(replace(policy, rules=(), by_offer={})) == ()
    everything = replace(policy, unverifiable=Verdict.LICENSE, by_offer={})
    assert len(on_offer(everything)) == 5


async def test_an_offer_shows_no_more_than_its_terms_and_limits(world):
    policy = world.make_policy()
    found = offer_document(policy.by_offer["training"], publish(policy, ORIGIN, {}))
    assert found["published"] is True
    assert found["due_at_signing"]["micros"] == 0
    assert found["locations"] == ["/essays/"]
    assert "position" not in found
    assert "floor" not in str(found)


NARROW = """
otherwise = "refuse"
[site]
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
mode = "enforce"
[[works]]
id = "all"
paths = ["/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
price = { per_fetch = "0.02" }
[offers.one]
uses = ["ai-train"]
price = { per_fetch = "0.01" }
[[rules]]
when = { crawler = "GPTBot" }
then = { license = ["one"] }
[[rules]]
when = { path = "/essays/drafts/" }
then = "refuse"
[[rules]]
when = { path = "/essays/" }
then = { license = ["training"] }
[[rules]]
then = "refuse"
"""


def test_the_desk_says_the_same_scope_as_every_published_format():
    policy = read_policy_text(NARROW, "site.toml")
    published = publish(policy, ORIGIN, {})
    training, one = offers_document(policy, ORIGIN, published)["offers"]
    assert (training["published"], training["locations"], training["excluded"]) == (
        True,
        ["/essays/"],
        ["/essays/drafts/"],
    )
    told = odrl_offer(published, policy.by_offer["training"])
    assert "/essays/drafts/" in str(told) and "/essays/" in str(told)
    assert training["terms"]["scope"]["paths"] == ["/"], "what the hash is of stays whole"
    assert (one["published"], one["locations"]) == (False, ["/"]), "an offer to one crawler is in no format"


async def test_three_lines_buy_something_that_is_on_offer(world):
    lines = how_to_buy(world.make_policy(), ORIGIN)
    assert [line.split()[1] for line in lines] == [
        f"{ORIGIN}/.licet/register",
        f"{ORIGIN}/.licet/token",
        f"{ORIGIN}/essays/PAGE",
    ]
    assert f"resource={ORIGIN}/essays/" in lines[1]
    assert len(how_to_buy(world.make_policy(mode=Mode.OBSERVE), ORIGIN)) == 3


def test_money_is_told_exactly_in_two_ways():
    assert money_document(Money(5000, "EUR")) == {"amount": "0.005", "currency": "EUR", "micros": 5000}
