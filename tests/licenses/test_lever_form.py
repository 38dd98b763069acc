"""A form over the levers: what it holds is what it reads, and every mistake is told at its field."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.lever_form import FIELDS, first_asked, read_form, values_of
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.comparing import Lever
from gateway.terms.license_terms import (
    Compensation,
    Exclusivity,
    LicenseTerms,
    Purpose,
    Scope,
    Term,
    Territory,
)
from gateway.uses import Use
from tests.licenses.deals import deals

TERMS = LicenseTerms(
    Scope(("essays", "videos"), (PathScope("/essays/"), PathScope("/videos/"))),
    Purpose(frozenset({Use.AI_TRAIN})),
    Compensation(
        "USD", upfront=Money(500_000_000, "USD"), per_fetch=Money(20_000, "USD"), revenue_share_bp=250
    ),
    term=Term(24),
    territory=Territory(frozenset({"EU", "US"})),
)


def changed(fields=FIELDS, **typed):
    values = values_of(TERMS, fields) | {name.replace("__", "."): text for name, text in typed.items()}
    return read_form(values, TERMS, fields)


def without_nothing(terms):
    """An amount of nothing is the same as none, the cap aside."""
    parts = {
        name: None for name in Compensation.__dataclass_fields__ if getattr(terms.compensation, name) == Money(0, "USD")
    }  # fmt: skip
    return replace(terms, compensation=replace(terms.compensation, **parts))


@given(deals)
def test_what_a_form_holds_is_what_it_reads(terms):
    price = terms.compensation
    guarantee = price.minimum_guarantee and price.minimum_guarantee_months > terms.term.months
    period = price.subscription and price.subscription_months > terms.term.months
    filled = read_form(values_of(terms), terms)
    if guarantee or period:
        assert filled.mistakes
        return
    if (price.tiers or price.by_age) and not price.per_fetch:
        return
    assert not filled.mistakes
    assert filled.terms == without_nothing(terms)


def test_amounts_shares_and_lists_are_spelled_for_people():
    values = values_of(TERMS)
    assert values["compensation.upfront"] == "500"
    assert values["compensation.revenue_share_bp"] == "2.5"
    assert values["territory"] == "EU, US"
    assert values["scope.paths"] == "/essays/\n/videos/"
    assert values["purpose.uses:ai-train"] == "on"
    assert "exclusivity.exclusive" not in values
    assert values_of(replace(TERMS, territory=Territory()))["territory"] == "worldwide"


def test_what_is_typed_changes_the_terms():
    filled = changed(
        compensation__upfront="450.5", compensation__revenue_share_bp="3", territory="de, fr", term__months="12",
        exclusivity__exclusive="on", compensation__per_fetch="",
    )  # fmt: skip
    assert filled.mistakes == {}
    assert filled.terms.compensation == Compensation(
        "USD", upfront=Money(450_500_000, "USD"), revenue_share_bp=300
    )
    assert filled.terms.territory.regions == {"DE", "FR"}
    assert filled.terms.term.months == 12
    assert filled.terms.exclusivity == Exclusivity(True)


def test_a_box_that_is_not_sent_is_not_set_and_a_field_that_is_not_sent_stands():
    filled = read_form({"purpose.uses:ai-input": "on"}, TERMS)
    assert filled.terms.purpose.uses == {Use.AI_INPUT}
    assert filled.terms.term == TERMS.term
    assert filled.terms.retention.retrain is False
    only = first_asked(TERMS)
    assert read_form({}, TERMS, only).terms == TERMS


def test_every_mistake_is_told_at_once_and_what_was_typed_is_kept():
    filled = changed(
        compensation__upfront="lots", compensation__revenue_share_bp="3.333", term__months="0", territory="XX, DE",
        scope__paths="essays", audit__report="hourly", attribution__text="x" * 301, purpose__model_release="half",
        retention__retention_days="-1",
    )  # fmt: skip
    assert filled.terms is None
    assert set(filled.mistakes) == {
        "compensation.upfront", "compensation.revenue_share_bp", "term.months", "territory", "scope.paths", "audit.report",
        "attribution.text", "purpose.model_release", "retention.retention_days",
    }  # fmt: skip
    assert filled.values["compensation.upfront"] == "lots"
    assert "0.02" in filled.mistakes["compensation.upfront"]
    assert filled.mistakes["territory"] == "is neither a country code (ISO 3166-1) nor EU"


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ({"territory": ""}, "territory"),
        ({"scope.works": "podcasts"}, "scope.works"),
        ({"scope.works": "essays", "scope.paths": "/essays/"}, None),
        ({"compensation.minimum_guarantee": "5", "compensation.minimum_guarantee_months": "48"}, "compensation.minimum_guarantee_months"),
        ({"compensation.upfront": "1000000000000"}, "compensation.upfront"),
        ({"compensation.upfront": "-1"}, "compensation.upfront"),
        ({"compensation.upfront": "1e3"}, "compensation.upfront"),
        ({"compensation.upfront": "０"}, "compensation.upfront"),
        ({"compensation.revenue_share_bp": "101"}, "compensation.revenue_share_bp"),
        ({"compensation.upfront": "0"}, None),
        ({"liability.cap": "0"}, None),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(typed, at):
    filled = read_form(values_of(TERMS) | typed, TERMS)
    assert list(filled.mistakes) == ([at] if at else [])


def test_no_use_at_all_is_a_mistake_at_the_uses():
    values = {name: text for name, text in values_of(TERMS).items() if not name.startswith("purpose.uses")}
    assert list(read_form(values, TERMS).mistakes) == ["purpose.uses"]


def test_a_buyer_is_first_asked_for_price_term_and_place():
    assert [field.name for field in first_asked(TERMS)] == [
        "compensation.upfront", "compensation.per_fetch", "compensation.revenue_share_bp", "exclusivity.exclusive",
        "term.months", "territory",
    ]  # fmt: skip


def test_every_member_of_every_lever_has_a_field_but_steps_currency_and_bundle():
    levers = {lever: {field.member for field in FIELDS if field.lever is lever} for lever in Lever}
    for lever, members in levers.items():
        if lever is Lever.TERRITORY:
            continue
        known = set(type(getattr(TERMS, lever)).__dataclass_fields__)
        unasked = {
            Lever.COMPENSATION: {"currency", "tiers", "by_age", "milestones", "holder", "calendar"},
            Lever.SCOPE: {"bundle"},
        }
        assert known - members == unasked.get(lever, set())


names = st.sampled_from([field.name for field in FIELDS])


@given(st.dictionaries(names, st.text(max_size=60), max_size=12))
def test_no_text_makes_it_raise(typed):
    filled = read_form(values_of(TERMS) | typed, TERMS)
    assert (filled.terms is None) == bool(filled.mistakes)
    assert {name: filled.values[name] for name in typed} == typed
