"""Bundles: what can be one, that nothing can be changed in it, what was fetched of it, what a withdrawal gives back."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.bundle import (
    MOST_ITEMS,
    TYPES,
    WHOLE,
    Fetched,
    Item,
    ManifestError,
    credit_for_withdrawn,
    ingested,
    manifest,
    progress,
    read_manifest,
    write_manifest,
)
from gateway.money import Money
from tests.licenses.test_life import FIRST

AT = 1_795_000_000


def item(path, digest="a", **changes):
    return replace(Item(path, "essays", "page", digest * 64, 10, "own", "none"), **changes)


def made(*paths, name="launch"):
    return manifest(name, "journal", AT, [item(path) for path in paths])


THREE = made("/essays/c", "/essays/a", "/essays/b/")


def test_items_are_in_order_whatever_order_they_came_in():
    assert [each.path for each in THREE.items] == ["/essays/a", "/essays/b/", "/essays/c"]
    assert made("/essays/b/", "/essays/c", "/essays/a") == THREE
    assert (THREE.size, THREE.bundle.items, THREE.bundle.manifest) == (30, 3, THREE.hash)
    assert THREE.items[0].id == "essays:/essays/a"


@pytest.mark.parametrize(
    ("name", "items", "why"),
    [
        ("Launch", [item("/a")], "short name"),
        ("../x", [item("/a")], "short name"),
        ("launch", [], "nothing"),
        ("launch", [item("/a"), item("/a", "b")], "twice"),
        ("launch", [item("/a"), item("/a/")], "twice"),
        ("launch", [item("/a"), item("/a/b")], "/a is above /a/b"),
        ("launch", [item("/a/"), item("/a/b/c")], "/a is above /a/b/c"),
        ("launch", [item("/")], "whole site"),
        ("launch", [item("/a/../b")], "plain path"),
        ("launch", [item("/a*")], "plain path"),
        ("launch", [item("/a", rights="unsure")], "not for sale"),
        ("launch", [item("/a", people="unsure")], "not for sale"),
        ("launch", [item("/a", sha256="A" * 64)], "digest"),
        ("launch", [item("/a", size=-1)], "digest"),
        ("launch", [item(f"/a{at}") for at in range(MOST_ITEMS + 1)], "at most"),
    ],
)
def test_what_cannot_be_sold_as_one(name, items, why):
    with pytest.raises(ManifestError, match=why):
        manifest(name, "journal", AT, items)


def test_a_neighbor_of_like_name_is_not_below():
    assert len(made("/a", "/ab", "/a-b/c").items) == 3


def test_a_manifest_is_read_as_it_was_written():
    assert read_manifest(write_manifest(THREE)) == THREE


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told["items"].pop(),
        lambda told: told["items"][0].update(sha256="b" * 64),
        lambda told: told["items"][0].update(rights="cleared"),
        lambda told: told.update(name="other"),
        lambda told: told.update(made_at=1),
        lambda told: told.update(hash="sha-256:0"),
        lambda told: told.pop("hash"),
        lambda told: told["items"][0].update(size="10"),
        lambda told: told["items"][0].update(path=7),
        lambda told: told["items"][0].pop("people"),
        lambda told: told.update(items=5),
    ],
)
def test_a_manifest_that_was_changed_is_none(change):
    told = orjson.loads(write_manifest(THREE))
    change(told)
    with pytest.raises(ManifestError):
        read_manifest(orjson.dumps(told))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)


@given(st.binary(max_size=40) | _JSON.map(orjson.dumps))
def test_nothing_but_its_own_error_comes_of_any_input(text):
    with pytest.raises(ManifestError):
        read_manifest(text)


@given(st.fixed_dictionaries({"items": st.lists(_JSON, max_size=2), "name": _JSON, "site": _JSON, "made_at": _JSON, "hash": _JSON}))  # fmt: skip
def test_nor_of_any_object_of_that_shape(told):
    with pytest.raises(ManifestError):
        read_manifest(orjson.dumps(told))


@pytest.mark.parametrize(
    ("fetched", "share", "missing", "changed"),
    [
        ([], 0, 3, 0),
        (["/essays/a"], 333_333, 2, 0),
        (["/essays/a", "/essays/a"], 333_333, 2, 0),
        (["/essays/a", "/essays/zzz"], 333_333, 2, 0),
        (["/essays/a", "/essays/b/", "/essays/c"], WHOLE, 0, 0),
    ],
)
def test_how_much_was_fetched(fetched, share, missing, changed):
    got = progress(THREE, [Fetched(path, "a" * 64) for path in fetched])
    assert (got.share, len(got.missing), len(got.changed)) == (share, missing, changed)
    assert got.met() == (share == WHOLE)


def test_octets_that_differ_count_and_are_told():
    got = progress(THREE, [Fetched("/essays/a", "f" * 64), Fetched("/essays/c", "f" * 64), Fetched("/essays/c", "a" * 64)])  # fmt: skip
    assert (got.fetched, got.changed) == (2, ("/essays/a",))
    assert got.met(600_000)
    assert not got.met(700_000)


PATHS = st.lists(st.integers(0, 60).map(lambda at: f"/p/{at}"), min_size=1, unique=True)


@given(PATHS, PATHS)
def test_only_all_of_it_is_all_of_it_and_more_is_never_less(paths, fetched):
    whole = made(*paths)
    got = progress(whole, [Fetched(path, "a" * 64) for path in fetched])
    assert got.met() == (set(paths) <= set(fetched))
    more = progress(whole, [Fetched(path, "a" * 64) for path in [*fetched, paths[0]]])
    assert more.share >= got.share


@pytest.mark.parametrize(
    ("price", "withdrawn", "credit"),
    [
        (100, [], 0),
        (100, ["/essays/a"], 33),
        (101, ["/essays/a"], 34),
        (100, ["/essays/a", "/essays/b/"], 67),
        (100, ["/essays/a", "/essays/b/", "/essays/c"], 100),
        (100, ["/essays/a", "/essays/a", "/elsewhere"], 33),
        (0, ["/essays/a"], 0),
    ],
)
def test_a_withdrawal_gives_back_its_part(price, withdrawn, credit):
    assert credit_for_withdrawn(THREE, Money(price, "USD"), withdrawn) == Money(credit, "USD")


@given(PATHS, PATHS, st.integers(0, 10**12))
def test_a_credit_is_never_more_than_the_price(paths, withdrawn, price):
    whole = made(*paths)
    credit = credit_for_withdrawn(whole, Money(price, "USD"), withdrawn)
    assert 0 <= credit.micros <= price
    assert credit_for_withdrawn(whole, Money(price, "USD"), paths).micros == price
    assert abs(credit.micros * len(paths) - price * len(set(paths) & set(withdrawn))) * 2 <= len(paths)


def test_the_milestone_is_one_event_for_a_license_and_a_manifest():
    got = progress(THREE, [Fetched(each.path, "a" * 64) for each in THREE.items])
    one = ingested(FIRST, got, THREE.hash, AT)
    assert (one.type, one.subject, one.licensee) == (TYPES[0], FIRST.id, FIRST.licensee)
    assert one.id == ingested(FIRST, got, THREE.hash, AT + 9).id
    assert one.id != ingested(FIRST, got, "sha-256:other", AT).id
    assert one.body["fetched"] == one.body["items"] == 3
