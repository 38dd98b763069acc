"""A bundle in terms: what was agreed before there was a share keeps its hash."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.paths import PathScope
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope
from gateway.terms.sold_bundle import WHOLE, Bundle
from gateway.terms.terms_json import terms_of
from gateway.uses import Use

BUNDLE = Bundle("launch", "sha-256:" + "b" * 64, 3)
TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/a"),), bundle=BUNDLE),
    Purpose(frozenset({Use.AI_TRAIN})),
    Compensation("USD"),
)


def test_the_whole_is_not_spelled_out():
    assert TERMS.as_json()["scope"]["bundle"] == {"name": "launch", "manifest": BUNDLE.manifest, "items": 3}


@pytest.mark.parametrize("share", [1, 900_000, WHOLE - 1, WHOLE])
def test_terms_are_read_back_with_their_share(share):
    terms = replace(TERMS, scope=replace(TERMS.scope, bundle=replace(BUNDLE, ingestion=share)))
    assert terms_of(terms.as_json(), terms.hash) == terms
    assert (terms.hash == TERMS.hash) is (share == WHOLE)
