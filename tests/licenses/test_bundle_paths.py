"""What a token that names a bundle opens: its items and what lies below them, as the same token with their paths would."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.bundle import Item, manifest
from gateway.licenses.bundle_paths import NO_BUNDLES, Contents, contents_of, opened_by
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import Territory
from gateway.tokens.claims import Budget, Claims
from gateway.uses import Use


def items(*paths):
    return [Item(path, "essays", "page", "a" * 64, 10, "own", "none") for path in paths]


MADE = manifest("launch", "journal", 1, items("/essays/a", "/essays/b/", "/letters/c.html"))
OTHER = manifest("other", "journal", 1, items("/essays/z"))
CONTENTS = Contents({each.hash: contents_of(each) for each in (MADE, OTHER)})
LISTED = Claims(
    "https://j.example/.licet", "https://j.example", "cl", "t", 0, 0, 9, "li", "le",
    tuple(PathScope(each.path) for each in MADE.items), ("page",), frozenset({Use.AI_TRAIN}), Territory(None),
    frozenset(), Budget(), Money(0, "USD"), "sha-256:t", "sha-256:p",
)  # fmt: skip
NAMED = replace(LISTED, scopes=(), bundle=MADE.hash)


@pytest.mark.parametrize(
    ("path", "opens"),
    [
        ("/essays/a", True),
        ("/essays/a/", True),
        ("/essays/a/print", True),
        ("/essays/b", True),
        ("/essays/b/x/y", True),
        ("/letters/c.html", True),
        ("/essays/ab", False),
        ("/essays/", False),
        ("/essays/z", False),
        ("/letters/c.htm", False),
        ("/", False),
        ("", False),
    ],
)
def test_it_opens_its_items_and_nothing_beside_them(path, opens):
    assert (opened_by(NAMED, path, CONTENTS) is not None) is opens
    assert (opened_by(LISTED, path, CONTENTS) is not None) is opens


@pytest.mark.parametrize(
    ("bundle", "contents"),
    [
        ("sha-256:" + "0" * 64, CONTENTS),
        (MADE.hash, NO_BUNDLES),
        (MADE.hash, Contents({OTHER.hash: contents_of(OTHER)})),
        (OTHER.hash, CONTENTS),
    ],
    ids=["unknown digest", "no manifests", "the manifest is gone", "another bundle"],
)
def test_what_the_manifests_at_hand_do_not_hold_opens_nothing(bundle, contents):
    assert opened_by(replace(NAMED, bundle=bundle), "/essays/a", contents) is None


PATHS = st.lists(st.sampled_from(["a", "b", "a.html", "ab"]), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


@given(st.sets(PATHS, min_size=1, max_size=6), PATHS)
def test_it_opens_what_a_token_with_the_paths_of_the_items_opens(paths, path):
    lone = [each for each in paths if not any(each.startswith(f"{other}/") for other in paths)]
    made = manifest("some", "journal", 1, items(*lone))
    named = replace(NAMED, bundle=made.hash)
    listed = replace(LISTED, scopes=tuple(PathScope(each.path) for each in made.items))
    contents = Contents({made.hash: contents_of(made)})
    one, other = opened_by(named, path, contents), opened_by(listed, path, contents)
    assert (one and one.pattern.rstrip("/")) == (other and other.pattern.rstrip("/"))
