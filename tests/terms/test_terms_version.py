"""A version is named by what it says: the same said is the same name, another thing said another."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.publisher import Publisher
from gateway.canonical import canonical_bytes
from gateway.policy.reading import default_policy, read_policy, stances
from gateway.terms.license_terms import Basis, Compensation, Territory
from gateway.terms.terms_version import TermsVersion, changes, terms_version
from gateway.uses import Use, closure
from gateway.visitors.catalog import Catalog

EXAMPLE = Path(__file__).parents[2] / "policies" / "example-site.toml"
PUBLISH = Publisher(Catalog.shipped())
TERMS = PUBLISH(read_policy(EXAMPLE), "https://journal.example")


def other(**levers):
    """The example's terms with other levers in every offer."""
    scopes = tuple(
        replace(
            scope,
            offers=tuple(replace(offer, terms=replace(offer.terms, **levers)) for offer in scope.offers),
        )
        for scope in TERMS.scopes
    )
    return replace(TERMS, scopes=scopes)


def test_the_name_is_the_digest_of_the_canonical_text():
    version = terms_version(TERMS)
    assert version.name == hashlib.sha256(version.text).hexdigest()
    assert canonical_bytes(version.document) == version.text
    assert version.is_whole
    assert not TermsVersion(version.name, version.text + b" ").is_whole


def test_neither_the_address_nor_the_policy_behind_it_makes_another_version():
    moved = replace(
        TERMS, origin="https://elsewhere.example", digest="sha-256:other", honeypot="/x", robots=()
    )
    assert terms_version(moved) == terms_version(TERMS)


@pytest.mark.parametrize(
    "changed",
    [
        replace(TERMS, name="Another"),
        replace(TERMS, contact="else@journal.example"),
        replace(TERMS, scopes=TERMS.scopes[1:]),
        replace(TERMS, scopes=(replace(TERMS.scopes[0], free=frozenset()), *TERMS.scopes[1:])),
        other(territory=Territory(frozenset({"FR"}))),
        other(territory=Territory(frozenset({"EU", "US"}), Basis.USE)),
        other(compensation=Compensation("USD", window_hours=3)),
    ],
)
def test_whatever_is_said_otherwise_is_another_version(changed):
    assert terms_version(changed).name != terms_version(TERMS).name
    assert changes(terms_version(TERMS).document, terms_version(changed).document)


def test_no_secret_of_the_creator_is_in_it():
    text = terms_version(TERMS).text.decode()
    assert "0.55" in EXAMPLE.read_text(encoding="utf-8")
    # The calendar of European banks is called as the secret part of a position is.
    text = text.replace('"calendar":"target"', "")
    for secret in ("floor", "position", "target", "premium", "550000", "127.0.0.1"):
        assert secret not in text


@pytest.mark.parametrize("stance", stances())
def test_every_use_is_free_or_for_sale_or_reserved_as_the_terms_say(stance):
    terms = PUBLISH(default_policy("http://127.0.0.1:1", stance=stance), "https://journal.example")
    for said, scope in zip(terms_version(terms).document["scopes"], terms.scopes, strict=True):
        assert set(said["reserved"]) == set(Use) - closure(scope.free) - closure(scope.for_sale)
        assert said["offers"] == [offer.id for offer in scope.offers]


def test_changes_name_each_place_and_what_came_and_went():
    older = {"name": "a", "offers": [{"id": "x", "uses": ["search"]}, {"id": "y", "uses": []}]}
    newer = {"name": "a", "offers": [{"id": "z", "uses": ["tdm"]}, {"id": "x", "uses": ["search", "tdm"]}]}
    found = {(each.place, json.dumps(each.before), json.dumps(each.after)) for each in changes(older, newer)}
    assert found == {
        ("offers.z.id", "null", '"z"'),
        ("offers.z.uses", "null", '["tdm"]'),
        ("offers.x.uses", '["search"]', '["search", "tdm"]'),
        ("offers.y.id", '"y"', "null"),
        ("offers.y.uses", "[]", "null"),
    }
    assert changes(older, older) == ()
    assert changes({}, {}) == ()
