from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.contract import NOTICE
from gateway.licenses.estimating import NAMES, YOURS, as_json, calculated, policy_lines, read_expected
from gateway.licenses.pricing_guide import LABEL, SHIPPED, Expected, Span, suggestions
from gateway.licenses.written import plain_text
from gateway.money import Money
from gateway.policy.reading import read_policy_text, read_positions
from gateway.terms.license_terms import Compensation
from gateway.terms.scaling import scaled

EVERYTHING = {
    "views": "40000", "all_views": "100000", "revenue": "12000", "files": "120", "minutes": "12",
    "inferences": "5000000", "net_revenue": "1000000.5 USD", "model": "closed", "product": "paid",
    "exclusive": "yes",
}  # fmt: skip
SITE = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
[[works]]
id = "essays"
paths = ["/"]
rights = "own"
people = "none"
"""


def test_what_is_typed():
    assert set(EVERYTHING) == set(NAMES)
    expected, mistakes = read_expected(EVERYTHING, "USD")
    assert not mistakes
    assert expected == Expected(
        "USD", 40_000, 100_000, Money(12_000_000_000, "USD"), 120, 12, 5_000_000,
        Money(1_000_000_500_000, "USD"), True, "closed", "paid",
    )  # fmt: skip
    assert read_expected(dict.fromkeys(NAMES, " "), "EUR") == (Expected("EUR"), ())


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("files", "1,2", "without separators"),
        ("files", "-1", "whole number"),
        ("files", "1.5", "whole number"),
        ("files", "\u0661", "whole number"),
        ("files", "9" * 5000, "whole number"),
        ("views", "1000000000001", "whole number"),
        ("revenue", "1.2345678", "cannot be read"),
        ("revenue", "-1", "cannot be read"),
        ("revenue", "5 EUR", "is in USD"),
        ("net_revenue", "1e3", "cannot be read"),
        ("model", "huge", "closed or open"),
        ("product", "x", "free or paid or premium"),
        ("exclusive", "no", "yes, or left out"),
        ("all_views", "7", "views"),
        ("fame", "7", "no figure"),
    ],
)
def test_a_mistake_is_named(name, text, says):
    expected, mistakes = read_expected({name: text}, "USD")
    assert expected is None
    assert says in " ".join(f"{key} {sentence}" for key, sentence in mistakes)


def test_all_mistakes_are_told_at_once():
    _, mistakes = read_expected({"files": "x", "revenue": "y", "model": "z"}, "USD")
    assert [key for key, _ in mistakes] == ["files", "revenue", "model"]


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(), st.text()))
def test_nothing_is_raised(given_):
    expected, mistakes = read_expected(given_, "USD")
    assert (expected is None) == bool(mistakes)


def test_the_page_says_what_it_is_and_shows_formulas():
    expected, _ = read_expected(EVERYTHING, "USD")
    text = " ".join(plain_text(calculated(SHIPPED, expected, site="journal")).split())
    for said in (LABEL, NOTICE, YOURS, "12000 USD", "40,000 of 100,000 views", "0.5 % to 2 %"):
        assert said in text
    assert "\u00d7 views of these works \u00f7 all views \u00d7 share" in text
    without = " ".join(plain_text(calculated(SHIPPED, Expected("USD"), site="journal")).split())
    assert "not worked out without files" in without
    assert "not worked out without revenue, or files and inferences" in without
    assert "USD and are taken as EUR" in plain_text(
        calculated(SHIPPED, Expected("EUR"), site="journal")
    ).replace("\n", " ")


def test_machines_read_whole_numbers():
    expected, _ = read_expected(EVERYTHING | {"exclusive": ""}, "USD")
    told = json.loads(json.dumps(as_json(SHIPPED, expected, site="journal")))
    assert (told["label"], told["notice"], told["currency"]) == (LABEL, NOTICE, "USD")
    rows = {row["framework"]: row for row in told["frameworks"]}
    assert (rows["per-file"]["low_micros"], rows["per-file"]["high_micros"]) == (720_000_000, 7_200_000_000)
    assert told["expected"]["revenue"] == 12_000_000_000
    assert told["tiers"][2]["parts"][0]["unit"] == "micros"
    assert told["tiers"][0]["parts"][1] == {
        "part": "revenue_share", "unit": "millionths", "ask": 100_000, "target": 55_000, "floor": 10_000,
        "exclusive": 200_000,
    }  # fmt: skip
    nothing = as_json(SHIPPED, Expected("USD"), site="journal")
    assert nothing["frameworks"][0]["low_micros"] is None
    assert nothing["frameworks"][0]["missing"] == ["revenue"]


@pytest.mark.parametrize("tier", [1, 2, 3])
def test_what_is_to_be_written_into_a_policy_is_a_policy(tmp_path, tier):
    expected = Expected("USD", files=117, minutes=13, inferences=7)
    one = suggestions(SHIPPED, expected)[tier - 1]
    lines = policy_lines(SHIPPED, one)
    uses = {1: "ai-train", 2: "ai-index", 3: "ai-input"}[tier]
    text = f'{SITE}[offers.sold]\nuses = ["{uses}"]\nworks = ["essays"]\n{lines}[[rules]]\nthen = {{ license = "sold" }}\n'
    (tmp_path / "journal.toml").write_text(text)
    policy = read_policy_text(text, "journal.toml")
    position = read_positions(tmp_path / "journal.toml")["sold"]
    price = policy.by_offer["sold"].terms.compensation
    assert price == Compensation(
        "USD",
        **{
            "revenue_share_bp" if part.name == "revenue_share" else part.name: part.ask // 100
            if part.name == "revenue_share"
            else part.ask
            for part in one.parts
        },
    )
    # The least that the engine would take is no part's own floor undercut.
    least = scaled(price, position.floor_micros)
    for part in one.parts:
        if part.name == "revenue_share":
            assert least.revenue_share_bp * 100 >= part.floor
        else:
            assert getattr(least, part.name) >= part.floor
    assert tomllib.loads(lines)["position"]["target"] >= tomllib.loads(lines)["position"]["floor"]


def test_there_is_nothing_to_write_where_figures_are_missing():
    one, two, three = suggestions(SHIPPED, Expected("USD"))
    assert policy_lines(SHIPPED, one) == policy_lines(SHIPPED, two) == ""
    assert policy_lines(SHIPPED, three)


def test_a_range_of_one_value_is_one_value():
    from dataclasses import replace

    text = plain_text(
        calculated(replace(SHIPPED, per_file=Span(7, 7)), Expected("USD", files=1), site="journal")
    )
    assert "0.000007 USD" in text
