"""TDMRep: the first rule that matches decides, what either side reserves is reserved, and metas that contradict are found."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.terms.tdmrep import (
    MINING,
    TdmRule,
    at,
    contradicting_meta,
    header_value,
    merged,
    merged_file,
    read,
    render,
    rules_of,
)
from gateway.uses import Use

PATTERNS = ("/", "/a", "/a/", "/a/b", "/a/*.pdf", "/a$", "/a/b/*", "/*.pdf$", "/c/")
PATHS = ("/", "/a", "/a/", "/a/x.pdf", "/a/b", "/a/b/x.pdf", "/a/b/y", "/c/z", "/ab", "/x.pdf")
rules = st.lists(st.builds(TdmRule, st.sampled_from(PATTERNS), st.booleans()), max_size=5).map(tuple)


def test_the_whole_site_stands_last_and_narrower_ones_before(make):
    terms = make.published(
        make.scope("/open/", free=MINING),
        make.scope("/essays/", free={Use.SEARCH}, offers=[make.offer()]),
        make.scope("/", free={Use.SEARCH}),
    )
    found = rules_of(terms)
    policy = "https://journal.example/.well-known/licenses/tdm.jsonld"
    assert [(rule.location, rule.reserved) for rule in found] == [
        ("/open$", False), ("/open?", False), ("/open/", False), ("/", True),
    ]  # fmt: skip
    assert found[-1].policy == policy
    assert found[0].policy == ""
    assert read(render(found)) == found


def test_nothing_is_free_that_is_not_free_for_every_use_that_mines(make):
    for use in MINING:
        (rule,) = rules_of(make.published(make.scope("/", free=MINING - {use})))
        assert rule.reserved
    (rule,) = rules_of(make.published(make.scope("/", free=MINING)))
    assert not rule.reserved
    (rule,) = rules_of(make.published())
    assert (rule.location, rule.reserved, rule.policy) == ("/", True, "")


@settings(max_examples=500)
@given(rules, rules, st.sampled_from(PATHS))
def test_what_either_side_reserves_is_reserved(ours, theirs, path):
    both = at(merged(ours, theirs), path)
    for side in (ours, theirs):
        said = at(side, path)
        if said is not None and said.reserved:
            assert both.reserved


@given(rules, st.sampled_from(PATHS))
def test_without_a_file_of_theirs_ours_is_told_as_it_is(ours, path):
    assert at(merged(ours, ()), path) == at(ours, path)


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        (b'[{"location": "/", "tdm-reservation": 1}]', (TdmRule("/", reserved=True),)),
        (b'\xef\xbb\xbf[{"location": "/a b", "tdm-reservation": 0, "tdm-policy": "https://p"}]', (TdmRule("/a%20b", reserved=False),)),
        (b'[{"location": "/", "tdm-reservation": true}]', ()),
        (b'[{"location": "/", "tdm-reservation": 2}]', ()),
        (b'[{"location": "/", "tdm-reservation": "1"}]', ()),
        (b'[{"tdm-reservation": 1}]', ()),
        (b'[{"location": "x", "tdm-reservation": 1}, 7]', ()),
        (b'{"tdmrep": [{"location": "/", "tdm-reservation": 1}]}', None),
        (b"<!doctype html>", None),
        (b"[" * 100_000, None),
        (b" " * 300_000, None),
        (b"\xff", None),
    ],
)  # fmt: skip
def test_what_a_file_says(octets, found):
    assert read(octets) == found


@given(st.binary())
def test_no_octets_by_chance_say_anything(octets):
    assert not read(octets)
    assert not contradicting_meta(octets)


def test_what_a_header_says():
    assert [header_value(value) for value in ("1", " 0 ", "1, 1", "", "yes")] == [
        True,
        False,
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("page", "found"),
    [
        (b'<html><head><meta name="tdm-reservation" content="0">', True),
        (b"<META CONTENT='0' NAME='TDM-Reservation' />", True),
        (b"<meta name=tdm-reservation content=0>", True),
        (b'<meta name="tdm-reservation" content="1">', False),
        (b'<meta name="tdm-policy" content="0">', False),
        (b'<!-- <meta name="tdm-reservation" content="0"> -->', False),
        (b'<script>"<meta name=tdm-reservation content=0>"</script>', False),
        (b"x" * 70_000 + b'<meta name="tdm-reservation" content="0">', False),
        (b"", False),
    ],
)
def test_a_meta_that_defeats_the_header_is_found(page, found):
    assert contradicting_meta(page) is found


def test_real_files(shared_data):
    found = {
        path.name: read(path.read_bytes()) for path in sorted((shared_data / "terms").glob("*tdmrep.json"))
    }
    assert len(found) >= 6
    silent = [name for name, rules in found.items() if rules is None]
    print(f"tdmrep.json: {len(found)} files, {len(silent)} no array")
    assert [name.partition("__")[0] for name in silent] == ["OR13"]
    assert all(rules for name, rules in found.items() if name not in silent)


def test_what_is_beyond_the_rules_looked_at_stays_closed(make):
    open_rule = b'{"location": "/a/%d", "tdm-reservation": 0}'
    own = b"[" + b",".join(open_rule % number for number in range(201)) + b"]"
    rules = read(own)
    assert at(rules, "/a/1").reserved is False
    assert at(rules, "/b").reserved is True


def test_the_file_reserves_what_the_site_s_own_reserves_and_all_while_that_is_unknown(make):
    free = make.published(make.scope("/", free=MINING))
    own = b'[{"location": "/a/", "tdm-reservation": 1, "tdm-policy": "https://x.example/p"}]'
    told = read(merged_file(own, free))
    assert at(told, "/a/1") == TdmRule("/a/", reserved=True, policy="https://x.example/p")
    assert at(told, "/b") == TdmRule("/", reserved=False)
    assert read(merged_file(None, free)) == (TdmRule("/", reserved=False),)
    assert read(merged_file(None, free, unread=True)) == (TdmRule("/", reserved=True),)
    assert read(merged_file(own + b" " * 300_000, free)) == (TdmRule("/", reserved=True),)


def test_the_file_points_to_a_policy_where_something_is_for_sale(make):
    terms = make.published(make.scope("/", offers=[make.offer()]))
    (rule,) = read(merged_file(None, terms, unread=True))
    assert rule.policy == "https://journal.example/.well-known/licenses/tdm.jsonld"
