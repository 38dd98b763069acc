"""What is due at signing, and what is cheaper."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.licenses.pricing import burden, by_the_fetch, cheapest, due_at_signing
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import (
    Basis,
    Compensation,
    Exclusivity,
    LicenseTerms,
    Offer,
    Purpose,
    Scope,
    Territory,
)
from gateway.uses import Use


def usd(text):
    return Money.parse(text, "USD")


def terms(price):
    return LicenseTerms(Scope(("w",), (PathScope("/"),)), Purpose(frozenset({Use.AI_TRAIN})), price)


@pytest.mark.parametrize(
    ("price", "due"),
    [
        ({}, "0"),
        ({"per_fetch": "0.02"}, "0"),
        ({"per_inference": "0.0001", "minimum_guarantee": "100"}, "0"),
        ({"upfront": "500"}, "500"),
        ({"subscription": "20"}, "20"),
        ({"upfront": "500", "subscription": "20", "per_fetch": "0.02"}, "520"),
    ],
)
def test_the_fee_and_the_first_period_are_due_and_nothing_else(price, due):
    compensation = Compensation("USD", **{name: usd(text) for name, text in price.items()})
    assert due_at_signing(terms(compensation)) == usd(due)


def test_a_revenue_share_is_not_due_at_signing():
    assert due_at_signing(terms(Compensation("EUR", revenue_share_bp=300))) == Money(0, "EUR")


@pytest.mark.parametrize(
    ("cheaper", "dearer"),
    [
        (Compensation("USD", per_fetch=usd("0.01")), Compensation("USD", per_fetch=usd("0.02"))),
        (Compensation("USD", per_fetch=usd("0.50")), Compensation("USD", upfront=usd("1"))),
        (Compensation("USD"), Compensation("USD", revenue_share_bp=1)),
        (Compensation("USD"), Compensation("USD", minimum_guarantee=usd("1"))),
        (Compensation("USD", per_fetch=usd("1")), Compensation("USD", subscription=usd("2"))),
    ],
)
def test_what_commits_less_is_cheaper(cheaper, dearer):
    assert burden(cheaper) < burden(dearer)


@pytest.mark.parametrize(
    ("price", "sold"),
    [
        ({"per_fetch": "0.02"}, True),
        ({"per_fetch": "0.02", "upfront": "0"}, True),
        ({"per_fetch": "0"}, False),
        ({}, False),
        ({"upfront": "500"}, False),
        ({"per_fetch": "0.02", "upfront": "500"}, False),
        ({"per_fetch": "0.02", "per_item": "1"}, False),
        ({"per_fetch": "0.02", "minimum_guarantee": "1"}, False),
    ],
)
def test_one_fetch_is_sold_where_nothing_else_is_owed(price, sold):
    compensation = Compensation("USD", **{name: usd(text) for name, text in price.items()})
    assert by_the_fetch(terms(compensation)) is sold


def test_one_fetch_buys_no_share_no_exclusivity_and_no_seat():
    plain = terms(Compensation("USD", per_fetch=usd("0.02")))
    assert by_the_fetch(plain)
    assert not by_the_fetch(terms(Compensation("USD", per_fetch=usd("0.02"), revenue_share_bp=1)))
    assert not by_the_fetch(replace(plain, exclusivity=Exclusivity(True)))
    assert not by_the_fetch(replace(plain, territory=Territory(frozenset({"DE"}), Basis.LICENSEE)))
    assert by_the_fetch(replace(plain, territory=Territory(frozenset({"DE"}))))


def offered(name, micros, uses):
    price = Compensation("USD", per_fetch=Money(micros, "USD"))
    return Offer(name, "s", replace(terms(price), purpose=Purpose(uses)), "p")


def test_the_cheapest_covers_every_use_before_it_is_cheap():
    both = frozenset({Use.AI_TRAIN, Use.AI_INPUT})
    offers = (offered("a", 1, frozenset({Use.AI_INPUT})), offered("b", 9, both), offered("c", 9, both))
    assert cheapest(offers, both).id == "b"
    assert cheapest(offers, frozenset({Use.AI_INPUT})).id == "a"
    assert cheapest(offers, frozenset({Use.SEARCH})).id == "a"
    assert cheapest((), both) is None


def test_what_a_machine_sells_is_quoted_before_what_a_person_decides_on():
    use = frozenset({Use.AI_INPUT})
    asked = replace(offered("asked", 1, use), by_person=True)
    assert cheapest((asked, offered("sold", 9, use)), use).id == "sold"
    assert cheapest((asked,), use).id == "asked"


def test_a_quote_is_what_one_fetch_costs_wherever_it_can_be():
    uses = frozenset({Use.AI_TRAIN})
    plain = offered("plain", 9, uses)
    price = Compensation("USD", upfront=Money(7, "USD"), per_fetch=Money(1, "USD"))
    fee = Offer("fee", "s", terms(price), "p")
    free = Offer("free", "s", terms(Compensation("USD")), "p")
    assert cheapest((fee, plain), uses).id == "plain"
    assert cheapest((fee,), uses).id == "fee"
    assert cheapest((fee, plain, free), uses).id == "free"
