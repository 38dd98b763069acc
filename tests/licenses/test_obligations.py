"""Duties and their dates: what follows from a license, exactly and always alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.license import License
from gateway.licenses.obligations import (
    DAY,
    LAST_WEEK,
    MOST_EVIDENCE,
    WEEK,
    Evidence,
    Kind,
    State,
    Stated,
    accepted,
    delivered,
    excused,
    late_sentence,
    periods,
    rejected,
    reminder,
    schedule,
    suspends,
)
from gateway.licenses.offers import months_after
from gateway.paths import PathScope
from gateway.problems import Problem
from gateway.terms.license_terms import (
    Attribution,
    Audit,
    Compensation,
    Liability,
    LicenseTerms,
    Purpose,
    Scope,
)
from gateway.uses import Use

TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)), Purpose(frozenset({Use.AI_TRAIN})), Compensation("USD")
)


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def license_of(starts_at, ends_at, id="li_1", **levers):
    return License(id, "le_1", "journal", "", replace(TERMS, **levers), "sha-256:p", starts_at, ends_at)


def year(**levers):
    return license_of(at("2026-01-31"), at("2027-01-31"), **levers)


starts = st.integers(at("1999-12-31"), at("2060-01-01"))
words = st.sampled_from(("none", "yearly", "quarterly", "monthly"))
licenses = st.builds(
    lambda begins, months, over, word, samples, insured, text: license_of(
        begins,
        months_after(begins, months) + over,
        audit=Audit(word, output_samples=samples),
        liability=Liability(insurance=insured),
        attribution=Attribution(text, "", 30),
    ),
    starts,
    st.integers(0, 40),
    st.integers(1, 20 * DAY),
    words,
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from(("", "The Journal")),
)


def test_a_year_from_the_end_of_january_has_four_quarters_and_a_final_report():
    found = schedule(year(audit=Audit("quarterly")))
    assert [(each.kind, each.begins, each.ends) for each in found] == [
        (Kind.REPORT, at("2026-01-31"), at("2026-04-30")),
        (Kind.REPORT, at("2026-04-30"), at("2026-07-31")),
        (Kind.REPORT, at("2026-07-31"), at("2026-10-31")),
        (Kind.REPORT, at("2026-10-31"), at("2027-01-31")),
    ]
    assert [each.due_at for each in found] == [each.ends + 30 * DAY for each in found]
    assert "final" in found[-1].asked
    assert not any("final" in each.asked for each in found[:-1])


@pytest.mark.parametrize(
    ("start", "ends"),
    [
        ("2028-01-31", ["2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"]),
        ("2027-01-31", ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]),
        ("2028-02-29", ["2028-03-29", "2028-04-29", "2028-05-29", "2028-06-29"]),
        ("2027-12-31T23:59:59", ["2028-01-31T23:59:59", "2028-02-29T23:59:59", "2028-03-31T23:59:59"]),
    ],
)
def test_months_are_counted_from_the_start_so_that_no_short_month_moves_them(start, ends):
    found = periods(at(start), at(ends[-1]), 1)
    assert [end for _, end in found] == [at(each) for each in ends]


def test_what_is_owed_follows_from_the_terms():
    stated = Stated(
        releases=(("Summarizer 2", at("2026-05-01")),),
        insured_until=(at("2026-09-01"), at("2028-01-01"), at("2020-01-01")),
    )
    found = schedule(
        year(
            audit=Audit("yearly", output_samples=3),
            attribution=Attribution("The Journal", "", 45),
            liability=Liability(insurance=True),
        ),
        stated,
    )
    assert {(each.kind, each.due_at) for each in found} == {
        (Kind.REPORT, at("2027-03-02")),
        (Kind.OUTPUT_SAMPLES, at("2027-03-02")),
        (Kind.ATTRIBUTION, at("2026-03-02")),
        (Kind.INSURANCE, at("2026-03-02")),
        (Kind.INSURANCE, at("2026-09-01")),
        (Kind.MODEL_CARD, at("2026-05-01") + 45 * DAY),
    }
    assert schedule(year(audit=Audit("none"))) == (), "nothing is owed beside what the terms say"
    assert schedule(license_of(0, 10**8, id="pf_1")) == (), "a license for one fetch brings no duty"
    assert [each.kind for each in schedule(year(audit=Audit("none", output_samples=1)))] == [
        Kind.OUTPUT_SAMPLES
    ] * 4


@given(starts, st.integers(1, 5 * 366 * DAY), st.sampled_from((1, 3, 12)))
def test_every_second_of_the_term_is_in_exactly_one_period(begins, length, months):
    found = periods(begins, begins + length, months)
    assert found[0][0] == begins
    assert found[-1][1] == begins + length, "the last one is the final one, and none is after the end"
    assert all(one[1] == other[0] for one, other in pairwise(found))
    assert all(one < other for one, other in found)
    whole = found[:-1]
    assert all(end == months_after(begins, months * nth) for nth, (_, end) in enumerate(whole, 1))


@given(licenses)
def test_the_same_license_has_the_same_duties_each_once(license):
    found = schedule(license)
    assert schedule(license) == found
    assert len({each.id for each in found}) == len(found)
    assert list(found) == sorted(found, key=lambda each: each.due_at)
    assert all(license.starts_at <= each.begins <= each.ends <= license.ends_at for each in found)
    assert all(each.due_at > license.starts_at and not each.evidence for each in found)


@given(licenses, words, st.integers(0, 2), st.booleans())
def test_more_owed_is_never_fewer_due_dates(license, word, samples, insured):
    order = ("none", "yearly", "quarterly", "monthly")
    before = license.terms
    more = replace(
        license,
        terms=replace(
            before,
            audit=replace(
                before.audit,
                report=max(word, before.audit.report, key=order.index),
                output_samples=max(samples, before.audit.output_samples),
            ),
            liability=Liability(insurance=insured or before.liability.insurance),
        ),
    )
    one = {(each.kind, each.due_at) for each in schedule(license)}
    other = {(each.kind, each.due_at) for each in schedule(more)}
    if (
        before.audit.report != "none"
        or not before.audit.output_samples
        or more.terms.audit.report != "yearly"
    ):
        assert one <= other
    assert len({each for each in other if each[0] is Kind.REPORT}) >= len(
        {each for each in one if each[0] is Kind.REPORT}
    )


DUTY = schedule(year(audit=Audit("quarterly")))[0]
PAPER = Evidence("a" * 64, "text/plain", 3, DUTY.due_at)


@pytest.mark.parametrize(
    ("days", "type", "stage"),
    [
        (-15, None, ""), (-14, "duty.due_soon", "14d"), (-4, "duty.due_soon", "14d"), (-3, "duty.due_soon", "3d"),
        (0, "duty.overdue", "0w"), (6, "duty.overdue", "0w"), (7, "duty.overdue", "1w"), (22, "duty.overdue", "3w"),
        (7 * (LAST_WEEK + 1), None, ""),
    ],
)  # fmt: skip
def test_reminders_come_before_at_and_after_the_deadline(days, type, stage):
    said = reminder(DUTY, DUTY.due_at + days * DAY)
    if type is None:
        assert said is None
    else:
        assert (said.type, said.stage) == (type, f"{DUTY.due_at}{'+' if days >= 0 else '-'}{stage}")


@given(st.lists(st.integers(-20 * DAY, 40 * WEEK), min_size=1, max_size=30), st.randoms())
def test_what_is_said_does_not_depend_on_the_order_of_the_clocks_ticks(ticks, random):
    shuffled = random.sample(ticks, len(ticks))
    said, other = (
        {reminder(DUTY, DUTY.due_at + each) for each in order} for order in (ticks, shuffled + ticks)
    )
    assert said == other
    stages = [each.stage for each in said if each]
    assert len(stages) == len(set(stages))


def test_what_was_met_is_not_asked_for():
    for met in (delivered(DUTY, PAPER, 5), excused(DUTY, "not needed")):
        assert reminder(met, met.due_at + 90 * DAY) is None
        assert not suspends(met, met.due_at + 900 * DAY)
        assert met.state_at(met.due_at + 90 * DAY) is met.state


def test_a_report_that_is_thirty_days_late_suspends_and_nothing_else_does():
    late = DUTY.due_at + 30 * DAY
    assert not suspends(DUTY, late - 1)
    assert suspends(DUTY, late)
    assert DUTY.state_at(DUTY.due_at - 1) is State.OPEN
    assert DUTY.state_at(DUTY.due_at) is State.OVERDUE
    samples = schedule(year(audit=Audit("none", output_samples=1)))[0]
    assert not suspends(samples, late + 900 * DAY)
    assert late_sentence(DUTY) == (
        "Overdue since 2026-05-30: The transparency report for 2026-01-31 to 2026-04-30."
    )


@pytest.mark.parametrize("days", [0, 1, 30, 90])
def test_a_license_is_suspended_as_late_as_it_says_itself(days):
    duty = schedule(year(audit=Audit("quarterly", suspend_after_days=days)))[0]
    assert duty.id == DUTY.id, "which duty it is does not depend on what is done about it"
    late = duty.due_at + days * DAY
    assert suspends(duty, late) is bool(days)
    assert not suspends(duty, late - 1)
    assert not days or suspends(duty, late + 900 * DAY)


def test_what_is_turned_back_has_to_come_again_with_some_time_for_it():
    came = delivered(DUTY, PAPER, DUTY.due_at + 40 * DAY)
    back = rejected(came, "It names no model.", DUTY.due_at + 50 * DAY)
    assert back.deadline == DUTY.due_at + 64 * DAY
    assert (back.state, back.why) == (State.REJECTED, "It names no model.")
    assert not suspends(back, back.deadline + 29 * DAY)
    assert suspends(back, back.deadline + 30 * DAY)
    again = delivered(back, replace(PAPER, sha256="b" * 64), back.deadline)
    assert [each.sha256[0] for each in again.evidence] == ["a", "b"]
    done = accepted(again)
    assert (done.state, done.why) == (State.ACCEPTED, "")
    early = rejected(delivered(DUTY, PAPER, 5), "No.", DUTY.due_at - 100 * DAY)
    assert early.deadline == DUTY.due_at, "nobody has less time than was agreed"


def test_acts_that_the_state_does_not_allow_are_refused():
    came = delivered(DUTY, PAPER, 5)
    done, waived = accepted(came), excused(DUTY, "no")
    for refused in (
        accepted(DUTY), rejected(DUTY, "x", 9), accepted(done), rejected(done, "x", 9), excused(done, "x"),
        excused(came, "x"), delivered(done, PAPER, 9), delivered(waived, PAPER, 9),
    ):  # fmt: skip
        assert refused.problem is Problem.DUTY_OVER
    assert delivered(came, PAPER, 9) is came, "the same document twice is one"
    many = DUTY
    for nth in range(MOST_EVIDENCE):
        many = delivered(many, replace(PAPER, sha256=f"{nth:064x}"), 5)
    assert delivered(many, PAPER, 5).problem is Problem.DUTY_OVER


def test_the_version_names_what_changed():
    came = delivered(DUTY, PAPER, 5)
    seen = {
        DUTY.version,
        came.version,
        accepted(came).version,
        rejected(came, "x", 1).version,
        excused(DUTY, "x").version,
    }
    assert len(seen) == 5
