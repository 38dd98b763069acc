"""Tiers as creators write them: later and cheaper, or a mistake that says where."""

from __future__ import annotations

import pytest

from gateway.money import Money
from gateway.policy.reading import read_policy_text
from gateway.problems import ConfigurationError
from gateway.terms.ages import AgeStep
from gateway.terms.license_terms import Tier

POLICY = """
[site]
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
{window}
price = {{ {price} }}
[[rules]]
when = {{ work = "essays" }}
then = {{ license = ["training"] }}
"""


def read(price, window=""):
    return read_policy_text(POLICY.format(price=price, window=window), "site.toml").by_offer["training"].terms


def test_tiers_lower_the_price_from_so_many_fetches_on():
    price = read(
        'per_fetch = "0.02", tiers = [{ from_fetches = 100, per_fetch = "0.015" }, { from_fetches = 1000, per_fetch = "0" }]'
    ).compensation
    assert price.tiers == (Tier(100, Money(15_000, "USD")), Tier(1000, Money(0, "USD")))
    asked = {fetches: price.price_after(fetches).micros for fetches in (0, 99, 100, 999, 1000, 10**6)}
    assert asked == {0: 20_000, 99: 20_000, 100: 15_000, 999: 15_000, 1000: 0, 10**6: 0}


@pytest.mark.parametrize(
    ("tiers", "key"),
    [
        ('[{ from_fetches = 100, per_fetch = "0.02" }]', "tiers[0].per_fetch"),
        ('[{ from_fetches = 100, per_fetch = "0.03" }]', "tiers[0].per_fetch"),
        ('[{ from_fetches = 0, per_fetch = "0.01" }]', "tiers[0].from_fetches"),
        ('[{ from_fetches = 9, per_fetch = "0.01" }, { from_fetches = 9, per_fetch = "0.001" }]', "tiers[1].from_fetches"),
        ('[{ from_fetches = 9, per_fetch = "0.01" }, { from_fetches = 10, per_fetch = "0.01" }]', "tiers[1].per_fetch"),
        ('[{ from_fetches = 9, per_fetch = "0.01 EUR" }]', "tiers[0].per_fetch"),
        ("[{ from_fetches = 9 }]", "tiers[0].per_fetch"),
    ],
)  # fmt: skip
def test_what_does_not_lower_the_price_is_a_mistake(tiers, key):
    with pytest.raises(ConfigurationError) as error:
        read(f'per_fetch = "0.02", tiers = {tiers}')
    assert [mistake.key for mistake in error.value.mistakes] == [f"offers.training.price.{key}"]


def test_tiers_need_a_price_to_lower():
    with pytest.raises(ConfigurationError, match="which is missing"):
        read('upfront = "5", tiers = [{ from_fetches = 100, per_fetch = "0.02" }]')


def test_the_window_stands_in_the_terms_and_the_usual_one_changes_no_hash():
    usual, short = read('per_fetch = "0.02"'), read('per_fetch = "0.02"', "window_hours = 1")
    assert read('per_fetch = "0.02"', "window_hours = 24").hash == usual.hash
    assert "window_hours" not in usual.as_json()["compensation"]
    assert short.as_json()["compensation"]["window_hours"] == 1
    with pytest.raises(ConfigurationError, match="window_hours"):
        read('per_fetch = "0.02"', "window_hours = 169")


def test_steps_by_age_lower_the_price_from_so_many_days_on():
    by_age = '[{ from_days = 30, per_fetch = "0.004" }, { from_days = 365, per_fetch = "0" }]'
    price = read(f'per_fetch = "0.02", by_age = {by_age}').compensation
    assert price.by_age == (AgeStep(30, Money(4_000, "USD")), AgeStep(365, Money(0, "USD")))


@pytest.mark.parametrize(
    ("by_age", "key"),
    [
        ('[{ from_days = 30, per_fetch = "0.02" }]', "by_age[0].per_fetch"),
        ('[{ from_days = 0, per_fetch = "0.01" }]', "by_age[0].from_days"),
        ('[{ from_days = 9, per_fetch = "0.01" }, { from_days = 8, per_fetch = "0.001" }]', "by_age[1].from_days"),
        ('[{ from_days = 9, per_fetch = "0.01 EUR" }]', "by_age[0].per_fetch"),
        ('[{ up_to_days = 9, per_fetch = "0.01" }]', "by_age[0].up_to_days"),
    ],
)  # fmt: skip
def test_a_step_by_age_that_does_not_lower_the_price_is_a_mistake(by_age, key):
    with pytest.raises(ConfigurationError) as error:
        read(f'per_fetch = "0.02", by_age = {by_age}')
    assert f"offers.training.price.{key}" in [mistake.key for mistake in error.value.mistakes]
