"""A licensee acknowledges, plans and attests, in this order and in its time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.license import BY_FETCH, License
from gateway.licenses.removal import (
    PLAN_DAYS,
    Copy,
    Removal,
    RemovalState,
    acknowledged,
    attested,
    begun,
    concerned,
    lifted,
    planned,
    reminded,
    told,
)
from gateway.licenses.withdrawal import USUAL, Withdrawal
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Retention, Scope
from gateway.uses import Use

NOW, DAY = 1_795_000_000, 86_400
ONE = Withdrawal("wd_1", "journal", USUAL, NOW, NOW, works=("essays",), private="she phoned", reason="asked")
OWNED = (("essays", (PathScope("/essays/"),)), ("notes", (PathScope("/notes/"),)))
TRAINING = frozenset({Use.AI_TRAIN})


def license(id="li_1", licensee="le_1", path="/essays/", uses=TRAINING, days=30, ends=NOW + 100, **more):
    terms = LicenseTerms(
        Scope(("essays",), (PathScope(path),)), Purpose(uses), Compensation("USD"),
        retention=Retention(remediation_plan_days=days),
    )  # fmt: skip
    return License(id, licensee, more.get("site", "journal"), "", terms, "sha-256:p", NOW - 50, ends)


def copy(licensee="le_1", path="/essays/a", work="essays", digest="d" * 64, uses=TRAINING):
    return Copy(licensee, path, work, digest, uses, NOW - 9)


@pytest.mark.parametrize(
    ("copies", "licenses", "who"),
    [
        ([copy()], [], ["le_1"]),
        ([], [license()], ["le_1"]),
        ([copy()], [license(licensee="le_2")], ["le_1", "le_2"]),
        ([copy(licensee="")], [], []),
        ([copy(uses=frozenset({Use.SEARCH}))], [], []),
        ([copy(path="/notes/a", work="notes")], [license(path="/notes/")], []),
        ([], [license(ends=NOW)], []),
        ([], [license(uses=frozenset({Use.SEARCH}))], []),
        ([], [license(site="other")], []),
    ],
)
def test_whoever_fetched_it_or_may_fetch_it_is_concerned(copies, licenses, who):
    assert [each.licensee for each in concerned(ONE, copies, licenses, OWNED, NOW)] == who


def test_a_licensee_that_is_withdrawn_from_is_told_of_all_that_it_has():
    one = replace(ONE, works=(), licensee="le_1")
    found = concerned(one, [copy(), copy("le_2"), copy(path="/notes/a", work="notes", digest="e" * 64)], [], OWNED, NOW)  # fmt: skip
    assert [(each.licensee, each.fetched) for each in found] == [("le_1", 2)]


def test_a_hold_concerns_nobody():
    assert concerned(replace(ONE, hold=True), [copy()], [license()], OWNED, NOW) == ()


def test_content_is_told_by_opaque_id_and_digest_once():
    found = begun(ONE, "le_1", [copy(), copy(), copy(digest="e" * 64)], [], NOW)
    assert [each.digest for each in found.contents] == ["d" * 64, "e" * 64]
    assert found.fetched == 2
    assert "/essays/a" not in repr(found)


@pytest.mark.parametrize(
    ("licenses", "days"),
    [([], PLAN_DAYS), ([license(days=10)], 10), ([license(days=10), license(days=5)], 5), ([license(days=0), license(days=9)], 9)],
)  # fmt: skip
def test_the_shortest_promise_counts(licenses, days):
    assert begun(ONE, "le_1", [], licenses, NOW).plan_due == NOW + days * DAY


@pytest.mark.parametrize("licenses", [[license(days=0)], [license(BY_FETCH + "1")]])
def test_no_plan_is_owed_where_none_was_agreed_or_a_page_was_bought_by_itself(licenses):
    one = begun(ONE, "le_1", [copy()], licenses, NOW)
    assert one.plan_due == 0
    assert not one.overdue(NOW + 999 * DAY)
    assert reminded(one, NOW + 999 * DAY) is one
    # Whoever wants to may still tell, and what it tells is kept.
    assert planned(acknowledged(one, "cl_1", NOW), "removed", "cl_1", NOW).state is RemovalState.PLANNED


def test_a_license_that_ended_still_says_when_a_plan_is_due():
    (one,) = concerned(ONE, [copy()], [license(days=10, ends=NOW - 1)], OWNED, NOW)
    assert one.plan_due == NOW + 10 * DAY
    (one,) = concerned(ONE, [copy()], [license(BY_FETCH + "1", ends=NOW - 1)], OWNED, NOW)
    assert one.plan_due == 0


def test_the_whole_way():
    one = begun(ONE, "le_1", [copy()], [], NOW)
    two = acknowledged(one, "cl_1", NOW + 1)
    three = planned(two, "removed by friday", "cl_1", NOW + 2)
    four = planned(three, "removed by monday", "cl_1", NOW + 3)
    five = attested(four, "done", "cl_1", NOW + 4)
    assert [each.state for each in (one, two, three, four, five)] == [
        "issued", "acknowledged", "planned", "planned", "attested"
    ]  # fmt: skip
    assert five.text_of(RemovalState.PLANNED) == "removed by monday"
    assert [step.act for step in five.steps] == ["issued", "acknowledged", "planned", "planned", "attested"]
    assert five.version == 5
    assert acknowledged(five, "cl_1", NOW + 5) is five


def test_steps_out_of_order_are_refused():
    one = begun(ONE, "le_1", [], [], NOW)
    for each in (one, acknowledged(one, "cl_1", NOW)):
        refused = attested(each, "done", "cl_1", NOW)
        assert isinstance(refused, Refusal)
        assert refused.problem is Problem.REMOVAL_OUT_OF_ORDER
    done = attested(planned(one, "x", "cl_1", NOW), "done", "cl_1", NOW)
    assert isinstance(planned(done, "y", "cl_1", NOW), Refusal)
    assert isinstance(attested(done, "y", "cl_1", NOW), Refusal)


def test_it_is_reminded_once_and_overdue_once_from_the_very_second():
    one = begun(ONE, "le_1", [], [license(days=10)], NOW)
    due = one.plan_due
    assert reminded(one, due - 7 * DAY - 1) is one
    two = reminded(one, due - 7 * DAY)
    assert two.steps[-1].act == "reminded"
    assert reminded(two, due - 1) is two
    assert not two.overdue(due - 1)
    assert two.overdue(due)
    three = reminded(two, due)
    assert three.steps[-1].act == "overdue"
    assert reminded(three, due + DAY) is three
    late = planned(three, "late, but here", "cl_1", due + DAY)
    assert not late.overdue(due + DAY)
    assert reminded(late, due + 99 * DAY) is late


def test_an_event_tells_no_reason_no_digest_and_nobody_else():
    one = begun(ONE, "le_1", [copy()], [], NOW)
    said = told(one, ONE)
    assert (said.type, said.licensee, said.subject) == ("withdrawal.issued", "le_1", "wd_1")
    for secret in ("phoned", "asked", "d" * 64, "/essays/a"):
        assert secret not in repr(said)
    again = told(one, ONE)
    assert again.id == said.id
    assert told(acknowledged(one, "cl_1", NOW), ONE).id != said.id
    assert told(lifted(one, "owner", NOW), ONE).type == "withdrawal.readmitted"


acts = st.lists(st.sampled_from(("acknowledge", "plan", "attest", "remind")), max_size=12)


@given(acts)
def test_no_order_of_acts_goes_back_or_loses_a_step(listed):
    order = list(RemovalState)
    one: Removal = begun(ONE, "le_1", [], [], NOW)
    for at, act in enumerate(listed):
        now = NOW + at * 5 * DAY
        if act == "remind":
            after = reminded(one, now)
        elif act == "acknowledge":
            after = acknowledged(one, "cl_1", now)
        else:
            after = (planned if act == "plan" else attested)(one, f"text {at}", "cl_1", now)
        if isinstance(after, Refusal):
            continue
        assert order.index(after.state) >= order.index(one.state)
        assert after.steps[: len(one.steps)] == one.steps
        assert after.version - one.version == len(after.steps) - len(one.steps)
        one = after
