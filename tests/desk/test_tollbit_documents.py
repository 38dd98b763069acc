"""TollBit's documents: what is read of them, member by member, and under which of their names an offer is sold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.desk.tollbit_documents import (
    Kind,
    Order,
    Usage,
    kind_of,
    offer_document,
    read_order,
    read_report,
)
from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Attribution, Compensation, Exclusivity

ORDER = {
    "url": "https://journal.example/essays/tides", "userAgent": "ExampleBot/1.0", "maxPriceMicros": 5000,
    "currency": "USD", "licenseType": "ON_DEMAND_LICENSE", "licenseCuid": "",
}  # fmt: skip
USAGE = {
    "url": "https://journal.example/essays/tides", "timesUsed": 3, "licensePermissions": [{"name": "PARTIAL_USE"}],
    "licenseType": "ON_DEMAND_LICENSE", "licenseId": None, "metadata": {"any": "thing"},
}  # fmt: skip


def usd(text):
    return Money.parse(text, "USD")


def test_an_order_is_read():
    found = read_order(ORDER)
    assert found == Order(ORDER["url"], "ExampleBot/1.0", Money(5000, "USD"), Kind.ON_DEMAND)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("url", None), ("url", ""), ("url", "x" * 3000), ("url", 7), ("url", "a\nb"),
        ("userAgent", None), ("userAgent", ["x"]),
        ("maxPriceMicros", -1), ("maxPriceMicros", 1.5), ("maxPriceMicros", True), ("maxPriceMicros", 1 << 70),
        ("currency", "usd"), ("currency", "DOLLAR"), ("currency", None),
        ("licenseType", "FREE"), ("licenseType", None), ("licenseType", {}), ("licenseCuid", 4),
    ],
)  # fmt: skip
def test_a_wrong_member_is_named(member, value):
    refused = read_order({**ORDER, member: value})
    assert isinstance(refused, Refusal)
    assert refused.problem is Problem.FORM_INVALID
    assert refused.detail.startswith(member)


def test_a_custom_license_is_named_by_its_id():
    refused = read_order({**ORDER, "licenseType": "CUSTOM_LICENSE"})
    assert isinstance(refused, Refusal) and refused.detail.startswith("licenseCuid")
    found = read_order({**ORDER, "licenseType": "CUSTOM_LICENSE", "licenseCuid": "L1"})
    assert isinstance(found, Order) and found.license == "L1"


def test_a_report_is_read():
    found = read_report({"idempotencyId": "k-1", "usage": [USAGE]})
    assert not isinstance(found, Refusal)
    assert (found.key, found.usages) == ("k-1", (Usage(USAGE["url"], 3, Kind.ON_DEMAND),))


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "idempotencyId"),
        ({"idempotencyId": "a b", "usage": [USAGE]}, "idempotencyId"),
        ({"idempotencyId": "k" * 256, "usage": [USAGE]}, "idempotencyId"),
        ({"idempotencyId": "k"}, "usage"),
        ({"idempotencyId": "k", "usage": []}, "usage"),
        ({"idempotencyId": "k", "usage": [USAGE] * 101}, "usage"),
        ({"idempotencyId": "k", "usage": [USAGE, 5]}, "usage[1]"),
        ({"idempotencyId": "k", "usage": [{**USAGE, "timesUsed": 0}]}, "usage[0]: timesUsed"),
        ({"idempotencyId": "k", "usage": [{**USAGE, "timesUsed": True}]}, "usage[0]: timesUsed"),
        ({"idempotencyId": "k", "usage": [{**USAGE, "timesUsed": 10**9}]}, "usage[0]: timesUsed"),
        (
            {"idempotencyId": "k", "usage": [{**USAGE, "licenseType": "CUSTOM_LICENSE"}]},
            "usage[0]: licenseId",
        ),
    ],
)
def test_a_wrong_report_is_refused_where_it_is_wrong(body, named):
    refused = read_report(body)
    assert isinstance(refused, Refusal)
    assert refused.detail.startswith(named)


@pytest.fixture
def answers(world):
    return world.policy.by_offer["answers"]


def changed(offer, **parts):
    return replace(offer, terms=replace(offer.terms, **parts))


async def test_only_what_is_sold_by_the_fetch_is_on_demand(answers):
    purpose = answers.terms.purpose
    assert kind_of(answers) is Kind.ON_DEMAND
    assert kind_of(changed(answers, purpose=replace(purpose, redistribution=True))) is Kind.FULL_USE
    for price in (
        Compensation("USD"),
        Compensation("USD", per_fetch=usd("0.01"), upfront=usd("1")),
        Compensation("USD", per_fetch=usd("0.01"), revenue_share_bp=100),
        Compensation("USD", per_inference=usd("0.01")),
    ):
        assert kind_of(changed(answers, compensation=price)) is None
    assert kind_of(changed(answers, exclusivity=Exclusivity(exclusive=True))) is None


async def test_permissions_say_what_the_terms_say(answers):
    told = offer_document(answers, Kind.ON_DEMAND, "https://journal.example/.licet/")
    assert told["permissions"] == [{"name": "PARTIAL_USE"}]
    shown = changed(answers, attribution=Attribution(text="The Journal"))
    names = [each["name"] for each in offer_document(shown, Kind.ON_DEMAND, "")["permissions"]]
    assert names == ["PARTIAL_USE", "CITATION_REQUIRED"]
