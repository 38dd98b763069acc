"""Claims: owed by the licensee's word alone, once, and read from the journal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.billing.business_days import WEEKDAYS
from gateway.billing.cost_claims import Claim, State, accepted, claimed, claims_of, disputed, withdrawn
from gateway.billing.postings import owed, postings_of
from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.provenance.record import BookEntry

AT = 1_795_000_000_000_000
LICENSE = ("lic_1", "le_1", "journal")


def claim(amount=120, about="wd_1", evidence="a" * 64, why="Two days of review."):
    return claimed("c1", LICENSE, Money(amount, "USD"), about, evidence, why, AT)


def only(*entries):
    (found,) = claims_of(entries)
    return found


def test_a_claim_moves_nothing_and_names_its_evidence():
    entry = claim()
    assert postings_of(entry) == ()
    found = only(entry)
    assert (found.state, found.amount, found.evidence, found.why) == (
        State.CLAIMED, Money(120, "USD"), "a" * 64, "Two days of review.",
    )  # fmt: skip


def test_what_is_accepted_is_owed_once_and_says_when_it_is_paid():
    entry = claim()
    due = accepted(only(entry), "d1", AT + 1, 10, WEEKDAYS)
    (posting,) = postings_of(due)
    assert (posting.debit, posting.amount.micros, posting.code) == (owed("le_1"), 120, "due")
    assert due.memo == "remediation_costs; to be paid by 2026-12-02; Two days of review."
    after = only(entry, due)
    assert after.state is State.ACCEPTED
    for again in (
        accepted(after, "d2", AT, 10, WEEKDAYS),
        disputed(after, "x", AT, "no", "b"),
        withdrawn(after, "x", AT, "o"),
    ):
        assert isinstance(again, Refusal)
        assert again.problem is Problem.DUTY_OVER


def test_what_is_disputed_may_still_be_accepted_or_withdrawn():
    entry = claim()
    no = disputed(only(entry), "x", AT, " Nothing was to review. ", "licensee le_1")
    assert postings_of(no) == ()
    found = only(entry, no)
    assert (found.state, found.answer) == (State.DISPUTED, "Nothing was to review.")
    assert isinstance(disputed(found, "y", AT, "no", "b"), Refusal)
    assert only(entry, no, accepted(found, "d1", AT, 10, WEEKDAYS)).state is State.ACCEPTED
    gone = withdrawn(found, "w", AT, "operator")
    assert postings_of(gone) == ()
    assert only(entry, no, gone).state is State.WITHDRAWN
    assert only(entry, no, gone, accepted(found, "d1", AT, 10, WEEKDAYS)).state is State.WITHDRAWN


def test_an_answer_of_somebody_else_changes_nothing():
    entry = claim()
    due = accepted(only(entry), "d1", AT, 10, WEEKDAYS)
    assert only(entry, replace(due, licensee="le_2")).state is State.CLAIMED
    assert only(entry, replace(due, by="terms")).state is State.CLAIMED
    assert claims_of([due]) == ()
    assert (
        claims_of(
            [BookEntry("c1", AT, "claim", "journal", "le_1", 5, "USD", license="lic_1", memo="no evidence")]
        )
        == ()
    )


@pytest.mark.parametrize(
    "given",
    [
        {"amount": 0}, {"amount": -5}, {"evidence": "A" * 64}, {"evidence": ""}, {"why": " "}, {"why": "a\nb"},
        {"why": "x" * 301}, {"about": ""}, {"about": "a\x00"}, {"about": "x" * 101},
    ],
)  # fmt: skip
def test_a_claim_that_is_none_is_refused(given):
    found = claim(**given)
    assert isinstance(found, Refusal)
    assert found.problem is Problem.DOCUMENT_INVALID


def test_a_dispute_says_why():
    assert isinstance(disputed(only(claim()), "x", AT, "", "b"), Refusal)
    assert isinstance(only(claim()), Claim)
