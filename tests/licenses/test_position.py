"""Multiples of a price: exact, monotone, and never below what they are a multiple of."""

from __future__ import annotations

from hypothesis import given

from gateway.licenses.position import Concession, Position, committed, ratio
from gateway.money import MICROS, Money
from gateway.terms.comparing import Lever
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope, Term
from gateway.uses import Use
from tests.licenses.deals import deals, prices


def usd(text):
    return Money.parse(text, "USD")


def test_counters_go_from_ask_to_target_and_no_further():
    position = Position(target_micros=800_000, floor_micros=550_000, rounds=5)
    assert [position.multiple(step) for step in range(-1, 7)] == [
        1_000_000, 1_000_000, 950_000, 900_000, 850_000, 800_000, 800_000, 800_000,
    ]  # fmt: skip
    assert Position(target_micros=800_000, rounds=1).multiple(5) == 800_000


@given(prices)
def test_a_price_is_all_of_itself(price):
    assert ratio(price, price) == MICROS
    assert ratio(Compensation("EUR"), price) == 0


def test_no_part_makes_up_for_another():
    asked = Compensation("USD", upfront=usd("500"), per_fetch=usd("0.02"))
    bid = Compensation("USD", upfront=usd("900"), per_fetch=usd("0.005"))
    assert ratio(bid, asked) == 250_000


def test_what_a_deal_commits_to():
    terms = LicenseTerms(
        Scope(("e",), ()), Purpose(frozenset({Use.AI_TRAIN})),
        Compensation("USD", upfront=usd("500"), per_fetch=usd("1"), subscription=usd("10"), subscription_months=3,
                     minimum_guarantee=usd("7"), minimum_guarantee_months=6),
        term=Term(13),
    )  # fmt: skip
    assert committed(terms) == usd("571")  # 500 + 5 x 10 + 3 x 7


@given(deals)
def test_a_concession_changes_its_member_alone(terms):
    given_way = Concession(Lever.AUDIT, "output_samples", 0).applied(terms)
    assert given_way.audit.output_samples == 0
    assert given_way.audit.report == terms.audit.report
    assert given_way.scope == terms.scope
