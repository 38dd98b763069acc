"""Terms come back as they went in, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.money import Money
from gateway.paths import PathScope
from gateway.problems import StoreUnavailable
from gateway.store.terms_json import read_terms, write_terms
from gateway.terms.license_terms import (
    Attribution,
    Audit,
    Basis,
    Compensation,
    Exclusivity,
    Liability,
    LicenseTerms,
    Purpose,
    Retention,
    Scope,
    Term,
    Territory,
    Tier,
)
from gateway.uses import Use

amounts = st.none() | st.integers(0, 10**12).map(lambda micros: Money(micros, "EUR"))
names = st.text(max_size=8)
terms = st.builds(
    LicenseTerms,
    scope=st.builds(
        Scope,
        works=st.lists(names).map(tuple),
        paths=st.lists(st.sampled_from([PathScope("/"), PathScope("/essays"), PathScope("/v/*.vtt")])).map(
            tuple
        ),
        renditions=st.lists(names).map(tuple),
    ),
    purpose=st.builds(
        Purpose, uses=st.frozensets(st.sampled_from(Use)), resale=st.booleans(), evaluation=st.booleans()
    ),
    compensation=st.builds(
        Compensation,
        currency=st.just("EUR"),
        upfront=amounts,
        per_fetch=st.integers(10, 10**12).map(lambda micros: Money(micros, "EUR")),
        tiers=st.sampled_from([(), (Tier(5, Money(9, "EUR")), Tier(8, Money(0, "EUR")))]),
        window_hours=st.integers(1, 168),
        per_item=amounts,
        per_megabyte=amounts,
        per_thousand_tokens=amounts,
        per_inference=amounts,
        subscription=amounts,
        revenue_share_bp=st.integers(0, 10_000),
        minimum_guarantee=amounts,
    ),
    exclusivity=st.builds(Exclusivity, exclusive=st.booleans()),
    attribution=st.builds(Attribution, text=names, model_card_days=st.integers(0, 90)),
    audit=st.builds(
        Audit, report=st.sampled_from(["none", "monthly"]), suspend_after_days=st.sampled_from([30, 0, 7])
    ),
    retention=st.builds(Retention, retrain=st.booleans()),
    liability=st.builds(Liability, cap=amounts, warranties=st.lists(names).map(tuple)),
    term=st.builds(Term, months=st.integers(1, 60), renewal=st.booleans()),
    territory=st.builds(
        Territory, st.none() | st.frozensets(st.sampled_from(["EU", "US", "JP"])), st.sampled_from(Basis)
    ),
)


@given(terms)
def test_every_lever_comes_back(wanted):
    assert read_terms(write_terms(wanted), wanted.hash) == wanted


@given(terms, terms)
def test_other_terms_are_not_taken_for_these(one, other):
    if one.hash != other.hash:
        with pytest.raises(StoreUnavailable):
            read_terms(write_terms(other), one.hash)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"scope":1}', '{"surprise":{}}', "\x00"])
def test_what_is_no_terms_is_told(text):
    with pytest.raises(StoreUnavailable):
        read_terms(text, "sha-256:0")


def test_a_changed_amount_is_noticed():
    wanted = LicenseTerms(
        Scope(("a",), (PathScope("/"),)), Purpose(frozenset()), Compensation("EUR", per_fetch=Money(5, "EUR"))
    )
    changed = replace(wanted, compensation=Compensation("EUR", per_fetch=Money(4, "EUR")))
    with pytest.raises(StoreUnavailable, match="not those"):
        read_terms(write_terms(changed), wanted.hash)
