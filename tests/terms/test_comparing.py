"""The partial order of deals: lever by lever, and its laws."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.comparing import Lever, Relation, compare, overlap, scope_within, wider_on, within
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
)
from gateway.uses import Use
from tests.licenses.deals import PATHS, deals, scopes

TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_INPUT})),
    Compensation("USD", upfront=Money(100, "USD"), per_fetch=Money(10, "USD"), subscription=Money(30, "USD")),
    attribution=Attribution("The Journal", "", 30),
    territory=Territory(frozenset({"EU"})),
)
PRICE, SCOPE = TERMS.compensation, TERMS.scope


@pytest.mark.parametrize(
    ("lever", "value", "relation"),
    [
        ("scope", replace(SCOPE, paths=(PathScope("/essays/a"),)), "narrower"),
        ("scope", replace(SCOPE, paths=(PathScope("/"),)), "wider"),
        ("scope", replace(SCOPE, paths=(PathScope("/letters/"),)), "apart"),
        ("scope", replace(SCOPE, excluded=(PathScope("/essays/x"),)), "narrower"),
        ("scope", replace(SCOPE, renditions=("page", "transcript")), "wider"),
        ("purpose", Purpose(frozenset({Use.AI_INPUT, Use.AI_TRAIN})), "wider"),
        ("purpose", Purpose(frozenset({Use.AI_TRAIN})), "apart"),
        ("purpose", Purpose(frozenset({Use.AI_INPUT}), resale=True), "wider"),
        ("purpose", Purpose(frozenset({Use.AI_INPUT}), model_release="open"), "wider"),
        ("compensation", replace(PRICE, per_fetch=Money(11, "USD")), "narrower"),
        ("compensation", replace(PRICE, upfront=None), "wider"),
        ("compensation", replace(PRICE, upfront=None, per_fetch=Money(99, "USD")), "apart"),
        ("compensation", replace(PRICE, subscription_months=2), "wider"),
        ("compensation", replace(PRICE, subscription=Money(90, "USD"), subscription_months=3), "same"),
        ("compensation", Compensation("EUR", upfront=Money(999, "EUR")), "apart"),
        ("compensation", replace(PRICE, revenue_share_bp=1), "narrower"),
        ("exclusivity", Exclusivity(exclusive=True), "wider"),
        ("attribution", Attribution("", "", 30), "wider"),
        ("attribution", Attribution("Another", "", 30), "apart"),
        ("attribution", Attribution("The Journal", "", 0), "wider"),
        ("attribution", Attribution("The Journal", "", 10), "narrower"),
        ("audit", Audit(report="none"), "wider"),
        ("audit", Audit(report="monthly"), "narrower"),
        ("audit", Audit(suspend_after_days=7), "narrower"),
        ("audit", Audit(suspend_after_days=0), "wider"),
        ("audit", Audit(report="yearly", audits_per_year=2), "apart"),
        ("retention", Retention(retention_days=10), "narrower"),
        ("retention", Retention(remediation_plan_days=0), "wider"),
        ("retention", Retention(retrain=False), "wider"),
        ("liability", Liability(indemnity="licensee"), "narrower"),
        ("liability", Liability(indemnity="creator"), "wider"),
        ("liability", Liability(indemnity="none"), "apart"),
        ("liability", Liability(cap=Money(5, "USD")), "apart"),
        ("liability", Liability(insurance=True), "narrower"),
        ("term", Term(13), "wider"),
        ("term", Term(11, renewal=True), "apart"),
        ("territory", Territory(frozenset({"DE"})), "narrower"),
        ("territory", Territory(), "wider"),
        ("territory", Territory(frozenset({"US"})), "apart"),
        ("territory", Territory(frozenset({"EU"}), Basis.LICENSEE), "same"),
        ("territory", Territory(frozenset({"DE"}), Basis.LICENSEE), "apart"),
    ],
)
def test_each_lever_by_itself(lever, value, relation):
    other = replace(TERMS, **{lever: value})
    found = compare(other, TERMS)
    assert found[Lever(lever)] == relation
    assert {name for name, said in found.items() if said is not Relation.SAME} <= {lever}
    assert within(other, TERMS) is (relation in {"same", "narrower"})


@settings(max_examples=300)
@given(deals, deals)
def test_it_is_an_order(one, other):
    mirrored = {"narrower": "wider", "wider": "narrower", "same": "same", "apart": "apart"}
    there, back = compare(one, other), compare(other, one)
    assert {lever: mirrored[said] for lever, said in there.items()} == dict(back)
    assert within(one, one)
    assert wider_on(one, one) == ()
    if within(one, other) and within(other, one):
        assert set(there.values()) == {Relation.SAME}


@settings(max_examples=300)
@given(deals, deals, deals)
def test_it_is_transitive(one, other, third):
    middle = replace(other, scope=one.scope, purpose=one.purpose, territory=one.territory)
    if within(one, middle) and within(middle, third):
        assert within(one, third)


@settings(max_examples=300)
@given(scopes, scopes)
def test_a_scope_within_another_covers_no_page_that_the_other_does_not(one, other):
    if scope_within(one, other):
        assert set(one.renditions) <= set(other.renditions)
        for path in PATHS:
            assert not one.covers(path) or other.covers(path), path


@settings(max_examples=300)
@given(scopes, scopes)
def test_scopes_that_share_a_page_overlap(one, other):
    for mine in one.paths:
        for theirs in other.paths:
            assert overlap(mine, theirs) is overlap(theirs, mine)
            if any(mine.covers(path) and theirs.covers(path) for path in PATHS):
                assert overlap(mine, theirs)
