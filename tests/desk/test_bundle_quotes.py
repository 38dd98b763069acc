"""A quote for a bundle: one price for all of it, and what to send to buy exactly that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.desk.bundle_quotes import bundle_quote
from gateway.licenses.withdrawal import Withdrawal
from gateway.money import Money
from gateway.paths import PathScope
from gateway.policy.withdrawing import with_withdrawn
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Compensation, Scope
from gateway.terms.sold_bundle import Bundle
from gateway.uses import Use

BUNDLE = Bundle("launch", "sha-256:" + "b" * 64, 3, 900_000)


@pytest.fixture
def selling(world):
    paths = tuple(PathScope(f"/essays/{name}") for name in "abc")
    made = [
        world.make_offer(
            name, uses={Use.AI_INPUT}, price=Compensation("USD", upfront=Money.parse(price, "USD")), months=12
        )
        for name, price in (("dear", "12"), ("launch", "9"))
    ]
    offers = [
        replace(each, terms=replace(each.terms, scope=Scope(("essays",), paths, bundle=BUNDLE)))
        for each in made
    ]
    world.policy = world.make_policy((*world.offers, *offers))
    return world


async def test_it_is_quoted_and_bought_by_what_it_says(selling):
    answer = await selling.get("/.licet/quote?bundle=launch")
    assert answer.status == 200
    told = await answer.json()
    assert (told["bundle"], told["items"], told["manifest"]) == ("launch", 3, BUNDLE.manifest)
    assert told["due_at_signing"]["micros"] == 9_000_000
    assert told["credit_per_withdrawn_item"]["micros"] == 3_000_000
    assert (told["ingestion"], told["uses"], told["outcome"]) == (0.9, ["ai-input"], "license")
    assert [each["id"] for each in told["offers"]] == ["dear", "launch"]
    assert told["version_url"].endswith(told["version"]) and told["quoted_at"] and told["holds"]
    made = await selling.licensee("10")
    status, body = await selling.token(made, *told["buy"]["authorization_details"])
    assert status == 200, body
    (detail,) = body["authorization_details"]
    assert (detail["bundle"], detail["locations"], detail["version"]) == (BUNDLE.manifest, [], 4)
    assert detail["terms"] == told["terms"]
    assert await selling.balance(made.licensee.id, "USD") == Money.parse("1", "USD")


async def test_a_part_of_it_is_named_by_its_places(selling):
    made = await selling.licensee("10")
    wish = {"offer": "launch", "locations": ["/essays/b"]}
    _, body = await selling.token(made, wish)
    (detail,) = body["authorization_details"]
    assert (detail["version"], detail["locations"]) == (1, ["/essays/b/"])
    assert len(await selling.licenses(made)) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("bundle=other", 404),
        ("bundle=", 404),
        ("bundle=../launch", 404),
        ("bundle=launch&url=/essays/a", 400),
        ("bundle=launch&crawler=GPTBot", 400),
        ("bundle=launch&bundle=launch", 400),
        ("bundle=" + "x" * 2000, 404),
    ],
)
async def test_of_anything_else_there_is_no_quote(selling, query, status):
    assert (await selling.get(f"/.licet/quote?{query}")).status == status
    assert (await selling.post(f"/.licet/quote?{query}", json=["/essays/a"])).status == 400


async def test_a_bundle_that_lost_a_work_is_off_sale(selling):
    gone = Withdrawal("wd_1", "journal", frozenset({Use.AI_INPUT}), 1, 1, paths=(PathScope("/essays/b"),))
    left = with_withdrawn(selling.policy, (gone,))
    found = bundle_quote(left, "launch", selling.origin, "v")
    assert isinstance(found, Refusal) and found.problem is Problem.NOT_FOUND
