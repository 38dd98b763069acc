"""What is taken back: more of it never opens anything, and what is readmitted is as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.withdrawal import (
    NOTHING_WITHDRAWN,
    USUAL,
    Withdrawal,
    Withdrawn,
    content_id,
    readmitted,
    refusal_of,
    withdrawn,
)
from gateway.paths import PathScope
from gateway.problems import Problem
from gateway.terms.license_terms import Compensation, LicenseTerms, Offer, Purpose, Scope
from gateway.uses import Use, closure
from tests.licenses.deals import PATHS, PLACES, deals

NOW = 1_795_000_000
OWNED = (("a", (PathScope("/a/"),)), ("b", (PathScope("/a/b/"),)), ("ab", (PathScope("/ab/"),)))

uses = st.frozensets(st.sampled_from(Use), min_size=1)
withdrawals = st.builds(
    Withdrawal,
    st.integers(0, 99).map(lambda number: f"wd_{number}"),
    st.just("journal"),
    uses,
    st.integers(NOW - 5, NOW + 5),
    st.just(NOW - 9),
    works=st.sampled_from(((), ("a",), ("b",), ("a", "ab"))),
    paths=st.lists(st.sampled_from(PLACES).map(PathScope), max_size=2).map(tuple),
    licensee=st.sampled_from(("", "", "le_1", "le_2")),
    hold=st.booleans(),
    readmitted_at=st.sampled_from((0, 0, NOW - 1, NOW, NOW + 3)),
)
several = st.lists(withdrawals, max_size=5).map(tuple)
asks = st.fixed_dictionaries(
    {
        "path": st.sampled_from(PATHS),
        "work": st.sampled_from(("", "a", "b", "ab")),
        "uses": uses,
        "licensee": st.sampled_from(("", "le_1", "le_2", "le_3")),
        "now": st.integers(NOW - 6, NOW + 6),
    }
)


def of_works(*works, id="wd_1", uses=USUAL, **more):
    return Withdrawal(id, "journal", uses, NOW, NOW, works=works, **more)


def at(*paths, id="wd_1", uses=USUAL, **more):
    return Withdrawal(id, "journal", uses, NOW, NOW, paths=tuple(map(PathScope, paths)), **more)


@given(several, several, asks)
def test_withdrawing_more_never_opens_anything(some, more, ask):
    if withdrawn(some, **ask):
        assert withdrawn((*some, *more), **ask)


@given(several, st.data(), asks)
def test_a_wider_withdrawal_never_opens_anything(some, data, ask):
    if not some:
        return
    at = data.draw(st.integers(0, len(some) - 1))
    wider = replace(
        some[at],
        uses=some[at].uses | data.draw(uses),
        paths=(*some[at].paths, PathScope(data.draw(st.sampled_from(PLACES)))),
    )
    if withdrawn(some, **ask):
        assert withdrawn((*some[:at], wider, *some[at + 1 :]), **ask)


@given(several, asks)
def test_what_a_licensee_may_no_longer_nobody_else_loses_by_it(some, ask):
    alone = tuple(each for each in some if not each.licensee)
    if withdrawn(some, **{**ask, "licensee": "le_3"}):
        assert withdrawn(alone, **{**ask, "licensee": "le_3"})


@given(several, asks)
def test_after_readmission_it_is_as_if_it_had_never_been(some, ask):
    lifted = tuple(readmitted(each, ask["now"]) or each for each in some)
    later = {**ask, "now": ask["now"] + 10}
    assert withdrawn(lifted, **later) is None


@given(several, asks)
def test_search_goes_on_where_search_is_not_withdrawn(some, ask):
    models = tuple(replace(each, uses=(each.uses & USUAL) or USUAL) for each in some)
    assert withdrawn(models, **{**ask, "uses": frozenset({Use.SEARCH})}) is None


@given(several, asks)
def test_the_index_of_a_moment_says_the_same(some, ask):
    each = tuple(one for one in some if one.in_force(ask["now"]))
    index = Withdrawn(each, OWNED)
    assert index.stopping(ask["path"], ask["work"], ask["uses"], ask["licensee"]) == withdrawn(some, **ask)


@given(several, asks, st.booleans())
def test_what_holds_is_every_hold_that_reaches_and_nothing_else(some, ask, hold):
    each = tuple(replace(one, hold=hold) for one in some)
    found = Withdrawn(each, OWNED).holding(ask["path"], ask["work"], ask["uses"])
    assert found == tuple(
        one for one in each if hold and one.stops(ask["uses"]) and one.reaches(ask["path"], ask["work"])
    )


@given(several, asks)
def test_nothing_is_stopped_for_no_use_at_all(some, ask):
    assert withdrawn(some, **{**ask, "uses": frozenset()}) is None


@pytest.mark.parametrize(
    ("path", "stopped"),
    [("/a", True), ("/a/", True), ("/a/x", True), ("/ab/x", False), ("/ab", False), ("/", False), ("/A/x", False)],
)  # fmt: skip
def test_paths_are_whole_segments(path, stopped):
    found = withdrawn([at("/a/")], path=path, work="", uses=frozenset({Use.AI_TRAIN}), now=NOW)
    assert (found is not None) is stopped


@pytest.mark.parametrize(
    ("taken", "asked", "stopped"),
    [
        ({Use.AI_TRAIN}, {Use.FINE_TUNE}, True),
        ({Use.FINE_TUNE}, {Use.AI_TRAIN}, True),
        ({Use.AI_TRAIN}, {Use.SEARCH, Use.AI_TRAIN}, True),
        ({Use.AI_TRAIN}, {Use.AI_INPUT}, False),
        (USUAL, {Use.SEARCH}, False),
    ],
)
def test_a_wider_use_stands_for_the_narrower_it_includes(taken, asked, stopped):
    one = of_works("a", uses=frozenset(taken))
    found = withdrawn([one], path="/a/x", work="a", uses=frozenset(asked), now=NOW)
    assert (found is not None) is stopped


@pytest.mark.parametrize(("now", "stopped"), [(NOW - 1, False), (NOW, True), (NOW + 9, True), (NOW + 10, False)])  # fmt: skip
def test_it_holds_from_its_second_to_the_one_before_readmission(now, stopped):
    one = readmitted(of_works("a"), NOW + 10)
    assert one is not None
    found = withdrawn([one], path="/a/x", work="a", uses=USUAL, now=now)
    assert (found is not None) is stopped
    assert readmitted(one, NOW + 20) is None


def test_the_refusal_tells_what_it_is_about_and_what_to_do_and_no_reason():
    one = of_works("a", reason="the model in it asked", private="she phoned", by="the owner")
    said = refusal_of(one)
    assert (said.problem, said.status) == (Problem.WITHDRAWN, 403)
    facts = dict(said.facts)
    assert facts["withdrawal"] == "wd_1"
    assert facts["since"] == str(NOW)
    assert facts["acknowledge"] == "/.licet/withdrawals/wd_1"
    assert facts["withdrawn_uses"].split() == sorted(USUAL)
    for secret in ("asked", "phoned", "owner,"):
        assert secret not in f"{said.detail} {facts}"
    assert "phoned" not in repr(one)


def offer(*paths, uses=(Use.AI_TRAIN,), works=("a",), id="training"):
    terms = LicenseTerms(
        Scope(works, tuple(map(PathScope, paths))), Purpose(frozenset(uses)), Compensation("USD")
    )
    return Offer(id, "journal", terms, "sha-256:p")


@pytest.mark.parametrize(
    ("paths", "one", "left", "holes"),
    [
        (("/a/",), at("/a/"), None, ()),
        (("/a/", "/z/"), at("/a/"), ("/z/",), ()),
        (("/a/",), at("/a/b/"), ("/a/",), ("/a/b/",)),
        (("/a/b/",), at("/a/"), None, ()),
        (("/a/",), at("/ab/"), ("/a/",), ()),
        (("/a/",), at("/a/*.pdf"), ("/a/",), ("/a/*.pdf",)),
        (("/",), of_works("a"), ("/",), ("/a/",)),
        (("/a/", "/a/b/"), of_works("a"), ("/a/b/",), ("/a/",)),
        (("/a/",), at("/a/", licensee="le_1"), ("/a/",), ()),
        (("/a/",), at("/a/", uses=frozenset({Use.AI_INPUT})), ("/a/",), ()),
    ],
)
def test_an_offer_is_left_without_what_is_withdrawn(paths, one, left, holes):
    found = Withdrawn((one,), OWNED).offered([offer(*paths)])
    if left is None:
        assert found == ()
        return
    scope = found[0].terms.scope
    assert tuple(each.pattern for each in scope.paths) == left
    assert tuple(each.pattern for each in scope.excluded) == holes


@given(several, deals, st.sampled_from(PATHS))
def test_what_is_left_of_terms_covers_no_more_than_they_did_and_nothing_withdrawn(some, terms, path):
    left = Withdrawn(some, OWNED).left_of(terms, holds=True)
    if left is None or not left.scope.covers(path):
        return
    assert terms.scope.covers(path)
    for each in some:
        plain = [scope for scope in each.paths if "*" not in scope.pattern]
        granted = [scope for scope in terms.scope.paths if "*" not in scope.pattern]
        if not each.licensee and each.stops(terms.purpose.uses) and len(granted) == len(terms.scope.paths):
            assert not any(scope.covers(path) for scope in plain)


@given(several, deals)
def test_a_hold_stops_sales_and_leaves_licenses(some, terms):
    held = Withdrawn(tuple(replace(each, hold=True) for each in some), OWNED)
    assert held.left_of(terms, holds=False) == terms
    assert held.granted(terms, "le_1") == terms.scope
    assert held.stopping("/a/x", "a", terms.purpose.uses, "le_1") is None


def test_a_licensee_that_is_withdrawn_from_gets_no_token_and_others_do():
    one = Withdrawn((Withdrawal("wd_1", "journal", USUAL, NOW, NOW, licensee="le_1"),), OWNED)
    terms = offer("/a/").terms
    assert one.granted(terms, "le_2") == terms.scope
    refused = one.granted(terms, "le_1")
    assert refused.problem is Problem.WITHDRAWN
    assert one.offered([offer("/a/")]) == (offer("/a/"),)


def test_of_an_offer_for_several_uses_the_others_go_on_under_licenses():
    both = offer("/a/", uses=(Use.AI_TRAIN, Use.AI_INPUT))
    one = Withdrawn((of_works("a", uses=frozenset({Use.FINE_TUNE})),), OWNED)
    assert one.narrowed(both, "/a/x", "a").uses == {Use.AI_INPUT}
    assert one.narrowed(both, "/z", "z").uses == both.uses
    assert Withdrawn((of_works("a"),), OWNED).narrowed(both, "/a/x", "a") is None


def test_terms_that_reach_what_is_withdrawn_cannot_be_agreed_on():
    one = Withdrawn((at("/a/b/"),), OWNED)
    assert one.unsold(offer("/a/").terms).problem is Problem.WITHDRAWN
    assert one.unsold(offer("/ab/").terms) is None
    assert Withdrawn((at("/a/b/", hold=True),), OWNED).unsold(offer("/a/").terms).problem is (
        Problem.REFUSED_BY_OWNER
    )


def test_the_mark_tells_apart_what_is_in_force_and_not_its_order():
    one, two = of_works("a"), at("/ab/", id="wd_2")
    assert NOTHING_WITHDRAWN.mark == ""
    assert Withdrawn((one, two)).mark == Withdrawn((two, one)).mark
    marks = {Withdrawn(each).mark for each in ((), (one,), (two,), (one, two), (replace(one, hold=True),))}
    assert len(marks) == 5


def test_an_opaque_id_is_the_same_for_one_page_and_names_no_address():
    assert content_id("journal", "/a/x") == content_id("journal", "/a/x")
    assert (
        len({content_id("journal", "/a/x"), content_id("journal", "/a/y"), content_id("other", "/a/x")}) == 3
    )
    assert "/a/x" not in content_id("journal", "/a/x")


def test_every_use_is_withdrawn_usually_but_search():
    assert closure(USUAL) == frozenset(Use) - {Use.SEARCH}
