"""What a withdrawal does to licenses that run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.license import License
from gateway.licenses.withdrawal import USUAL, Withdrawal
from gateway.licenses.withdrawal_effects import effects, unused
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Retention, Scope
from gateway.uses import Use

ESSAYS, VIDEOS = PathScope("/essays/"), PathScope("/videos/")
OWNED = (("essays", (ESSAYS,)), ("videos", (VIDEOS,)))
BOTH = LicenseTerms(
    Scope(("essays", "videos"), (ESSAYS, VIDEOS)),
    Purpose(frozenset({Use.AI_TRAIN})),
    Compensation("USD", upfront=Money(100, "USD"), per_fetch=Money(9, "USD")),
    retention=Retention(withdrawal_notice_days=9, remediation_plan_days=12, retrain=False),
)
ONE = replace(BOTH, scope=Scope(("essays",), (ESSAYS,)))


def license(id, terms, *, licensee="le_a", starts=0, ends=100):
    return License(id, licensee, "journal", "training", terms, "p", starts, ends)


def withdrawal(**changes):
    given_now = {"works": ("essays",), **changes}
    return Withdrawal(
        "wd_1",
        "journal",
        changes.pop("uses", USUAL),
        10,
        10,
        "operator",
        **{k: v for k, v in given_now.items() if k != "uses"},
    )


def test_a_license_loses_all_or_a_part_and_others_are_not_touched():
    found = effects(
        withdrawal(),
        [
            license("li_whole", ONE),
            license("li_part", BOTH, licensee="le_b"),
            license("li_over", ONE, ends=40),
            license("li_search", replace(ONE, purpose=Purpose(frozenset({Use.SEARCH})))),
        ],
        OWNED,
        40,
    )
    assert [(each.license.id, each.whole) for each in found] == [("li_whole", True), ("li_part", False)]
    assert found[0].credit == Money(60, "USD")
    assert "within 9 days." in found[0].promises[0]
    assert "within 12 days" in found[0].promises[1]


def test_of_one_licensee_everything_is_taken_and_of_nobody_else_anything():
    taken = withdrawal(works=(), licensee="le_b")
    held = [license("li_1", BOTH), license("li_2", BOTH, licensee="le_b")]
    (found,) = effects(taken, held, OWNED, 0)
    assert (found.license.id, found.whole) == ("li_2", True)


def test_a_hold_touches_no_license():
    assert effects(withdrawal(hold=True), [license("li_1", ONE)], OWNED, 0) == ()


@given(st.integers(0, 10**12), st.integers(1, 10**9), st.integers(0, 2 * 10**9))
def test_never_more_than_was_due_and_nothing_after_the_end(micros, lasts, now):
    terms = replace(ONE, compensation=Compensation("USD", upfront=Money(micros, "USD")))
    left = unused(license("li_1", terms, ends=lasts), now)
    assert 0 <= left.micros <= micros
    assert now < lasts or left.micros == 0
    assert unused(license("li_1", terms, ends=lasts), now + 1) <= left


@pytest.mark.parametrize("now", [-5, 0])
def test_before_it_begins_all_of_it_is_left(now):
    assert unused(license("li_1", ONE), now) == Money(100, "USD")
