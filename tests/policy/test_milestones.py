"""Milestones and payment as a creator writes them."""

from __future__ import annotations

import pytest

from gateway.policy.reading import read_policy
from gateway.problems import ConfigurationError
from gateway.terms.license_terms import Milestone

POLICY = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
mode = "enforce"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
[offers.training.price]
{price}
[[rules]]
then = "serve"
"""
UPFRONT = 'upfront = "500"\n'
TWO = 'milestones = [{ when = "ingestion", share = "50 %", items = 3 }, { when = "launch", share = "50 %", months = 6 }]\n'


@pytest.fixture
def price(tmp_path):
    def read(text):
        file = tmp_path / "journal.toml"
        file.write_text(POLICY.replace("{price}", text))
        return read_policy(file).by_offer["training"].terms.compensation

    return read


def test_what_was_written_is_what_is_offered(price):
    found = price(
        UPFRONT
        + TWO
        + 'holder = "agent:Notary Example"\npayment_days = 5\ncalendar = "target"\nlate_interest = "5 %"'
    )
    assert found.milestones == (
        Milestone("ingestion", 5_000, "journal", 3), Milestone("launch", 5_000, "operator", 0, 6),
    )  # fmt: skip
    assert (found.holder, found.payment_days, found.calendar, found.late_interest_bp) == (
        "agent:Notary Example", 5, "target", 500,
    )  # fmt: skip
    plain = price(UPFRONT)
    assert (plain.milestones, plain.holder, plain.payment_days, plain.calendar) == ((), "nobody", 10, "")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (TWO + 'per_fetch = "1"', "milestones"), (UPFRONT + TWO.replace("50 %", "51 %"), "milestones"),
        (UPFRONT + TWO.replace("launch", "ingestion"), "milestones"),
        (UPFRONT + TWO + 'holder = "bank"', "holder"), (UPFRONT + 'holder = "agent:N"', "holder"),
        (UPFRONT + 'calendar = "moon"', "calendar"), (UPFRONT + "payment_days = 400", "payment_days"),
        (UPFRONT + 'late_interest = "101 %"', "late_interest"),
        (UPFRONT + TWO.replace("50 %", "0 %", 1), "milestones[0]"),
        (UPFRONT + 'milestones = [{ when = "a", share = "1 %", shown_by = "x" }]', "milestones[0].shown_by"),
    ],
)  # fmt: skip
def test_what_cannot_stand_is_named(price, text, key):
    with pytest.raises(ConfigurationError) as error:
        price(text)
    assert [each.key for each in error.value.mistakes] == [f"offers.training.price.{key}"]
