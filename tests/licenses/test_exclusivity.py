"""When two licenses stand in each other's way: to the second, to the segment, the same from both sides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.licenses.exclusivity import conflict, overlapping, scopes_meet, territories_meet
from gateway.licenses.license import License
from gateway.paths import PathScope
from gateway.terms.license_terms import (
    Basis,
    Compensation,
    Exclusivity,
    LicenseTerms,
    Purpose,
    Scope,
    Territory,
)
from gateway.uses import Use
from tests.licenses.deals import PATHS, deals, scopes, territories

TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_TRAIN})),
    Compensation("USD"),
    exclusivity=Exclusivity(exclusive=True),
    territory=Territory(frozenset({"EU"})),
)


def license_of(id="held", licensee="first", *, terms=TERMS, starts=100, ends=200, site="journal"):
    return License(id, licensee, site, "training", terms, "sha-256:p", starts, ends)


def plain(**levers):
    return replace(TERMS, exclusivity=Exclusivity(), **levers)


@pytest.mark.parametrize(
    ("other", "blocked"),
    [
        ({}, True),
        ({"terms": plain()}, True),
        ({"terms": plain(scope=Scope(("e",), (PathScope("/essays/a"),)))}, True),
        ({"terms": plain(scope=Scope(("e",), (PathScope("/essays-old/"),)))}, False),
        ({"terms": plain(scope=Scope(("e",), (PathScope("/"),), excluded=(PathScope("/essays/"),)))}, False),
        ({"terms": plain(scope=Scope(("e",), (PathScope("/essays/"),), ("transcript",)))}, False),
        ({"terms": plain(purpose=Purpose(frozenset({Use.AI_INPUT})))}, False),
        ({"terms": plain(purpose=Purpose(frozenset({Use.FINE_TUNE})))}, True),
        ({"terms": plain(territory=Territory(frozenset({"US"})))}, False),
        ({"terms": plain(territory=Territory(frozenset({"FR"})))}, True),
        ({"terms": plain(territory=Territory())}, True),
        ({"terms": plain(territory=Territory(frozenset({"US"}), Basis.LICENSEE))}, True),
        ({"starts": 199, "ends": 300}, True),
        ({"starts": 200, "ends": 300}, False),
        ({"starts": 0, "ends": 100}, False),
        ({"starts": 0, "ends": 101}, True),
        ({"licensee": "first"}, False),
        ({"site": "letters"}, False),
    ],
)  # fmt: skip
def test_an_exclusive_license_shuts_others_out(other, blocked):
    new = license_of(**{"id": "new", "licensee": "second", **other})
    for one, against in ((new, license_of()), (license_of(), new)):
        found = conflict(one, [against])
        assert (found is not None) is blocked
        if found:
            assert found.license == against.id
            assert found.starts_at < found.ends_at


def test_two_plain_licenses_never_meet():
    assert conflict(license_of("a", terms=plain()), [license_of("b", "second", terms=plain())]) is None


def test_of_several_the_longest_is_named():
    others = [
        license_of("short", ends=150),
        license_of("long", ends=190),
        license_of("late", starts=200, ends=300),
    ]
    found = conflict(license_of("new", "second"), others)
    assert (found.license, found.ends_at) == ("long", 190)


@settings(max_examples=300)
@given(deals, deals)
def test_it_is_symmetric_and_holds_for_oneself(one, other):
    assert overlapping(one, other) is overlapping(other, one)
    if any(one.scope.covers(path) for path in PATHS):
        assert overlapping(one, one)


@settings(max_examples=500)
@given(scopes, scopes)
def test_scopes_that_share_a_page_meet(one, other):
    shared = any(one.covers(path) and other.covers(path) for path in PATHS)
    if shared and set(one.renditions) & set(other.renditions):
        assert scopes_meet(one, other)


@given(territories, territories, st.sampled_from(("DE", "FR", "US", "NO")))
def test_territories_that_share_a_country_meet(one, other, country):
    if one.covers(country) and other.covers(country):
        assert territories_meet(one, other)
    assert not territories_meet(one, Territory(frozenset()))
