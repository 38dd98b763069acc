"""Samples of output: as many as are owed, objected to in time, and answered by a date."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.license import License
from gateway.licenses.obligations import DAY, Evidence, Kind, State, delivered, schedule, suspends
from gateway.licenses.output_review import Samples, owed, read_samples, review_by, reviewed, vetoed
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Audit, Compensation, LicenseTerms, Purpose, Scope

TERMS = LicenseTerms(Scope((), ()), Purpose(frozenset()), Compensation("USD"), audit=Audit(output_samples=2))
LICENSE = License("li_1", "le_1", "journal", "", TERMS, "p", 1_767_225_600, 1_767_225_600 + 365 * DAY)
DUTY = next(each for each in schedule(LICENSE) if each.kind is Kind.OUTPUT_SAMPLES)
REPORT = next(each for each in schedule(LICENSE) if each.kind is Kind.REPORT)
CAME = delivered(DUTY, Evidence("a" * 64, "application/json", 9, DUTY.due_at), DUTY.due_at)
ONE = {"output": "The tide turns.", "works": ["/essays/tides"]}


def test_as_many_as_are_owed_are_taken():
    assert owed(DUTY) == 2
    assert len(read_samples({"samples": [ONE, ONE]}, DUTY).samples) == 2
    assert read_samples({"samples": [ONE]}, DUTY).detail == "There are 1 samples, and 2 are due."


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "samples: Field required"),
        ({"samples": [{**ONE, "output": ""}, {}]}, "samples.0.output"),
        ({"samples": [{**ONE, "works": []}]}, "samples.0.works"),
        ({"samples": [{**ONE, "by": "x"}]}, "samples.0.by: Extra inputs"),
    ],
)
def test_what_is_wrong_is_named(body, told):
    refusal = read_samples(body, DUTY)
    assert refusal.problem is Problem.DOCUMENT_INVALID
    assert told in refusal.detail


@given(st.dictionaries(st.text(max_size=9), st.none() | st.lists(st.integers() | st.text())))
def test_nothing_makes_it_raise(body):
    assert isinstance(read_samples(body, DUTY), Samples | Refusal)


def test_a_veto_says_why_and_brings_a_duty_to_answer():
    at = CAME.delivered_at + 30 * DAY - 1
    veto = vetoed(CAME, LICENSE, [2, 2], "It says the author denies tides.", at, handed_over=2)
    assert (veto.samples.state, veto.samples.why) == (
        State.VETOED,
        "Samples 2: It says the author denies tides.",
    )
    assert (veto.answer.kind, veto.answer.due_at) == (Kind.ANSWER, at + 30 * DAY)
    assert "denies tides" in veto.answer.asked
    assert veto.answer.state_at(veto.answer.due_at) is State.OVERDUE
    assert not suspends(veto.answer, at + 900 * DAY), "the clause on reports speaks of reports"
    assert vetoed(CAME, LICENSE, [2], "Other.", at, handed_over=2).answer.id == veto.answer.id


def test_who_is_silent_for_thirty_days_accepts():
    late = review_by(CAME)
    assert late == CAME.delivered_at + 30 * DAY
    assert reviewed(CAME, late - 1) is State.DELIVERED
    assert reviewed(CAME, late) is State.ACCEPTED
    refusal = vetoed(CAME, LICENSE, [1], "x", late, handed_over=2)
    assert refusal.problem is Problem.DUTY_OVER
    report = delivered(REPORT, Evidence("b" * 64, "application/json", 9, 0), 5)
    assert reviewed(report, 10**10) is State.DELIVERED, "a report is not accepted by silence"
    assert review_by(DUTY) == 0
    assert reviewed(DUTY, DUTY.due_at) is State.OVERDUE


@pytest.mark.parametrize(
    ("duty", "samples", "why", "problem"),
    [
        (DUTY, [1], "x", Problem.DUTY_OVER),
        (REPORT, [1], "x", Problem.DUTY_OVER),
        (CAME, [], "x", Problem.DOCUMENT_INVALID),
        (CAME, [0], "x", Problem.DOCUMENT_INVALID),
        (CAME, [3], "x", Problem.DOCUMENT_INVALID),
        (CAME, [1], " ", Problem.DOCUMENT_INVALID),
        (CAME, [1], "x" * 501, Problem.DOCUMENT_INVALID),
    ],
)
def test_a_veto_that_is_none_is_refused(duty, samples, why, problem):
    assert vetoed(duty, LICENSE, samples, why, CAME.delivered_at, handed_over=2).problem is problem
