"""What is due at signing, and what is cheaper."""

from __future__ import annotations

import pytest

from gateway.licenses.pricing import burden, due_at_signing
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope
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
