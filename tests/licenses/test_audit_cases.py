"""Audits: what the agreement allows, step by step, and what is underpaid."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.audit_cases import (
    AuditCase,
    AuditScope,
    Finding,
    Step,
    auditor_named,
    bound,
    canceled,
    closed,
    found,
    requested,
    scope_agreed,
)
from gateway.licenses.license import License
from gateway.licenses.offers import months_after
from gateway.money import Money
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Audit, Compensation, LicenseTerms, Purpose, Scope


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def usd(micros):
    return Money(micros, "USD")


def license_of(audits=1, window=12, months=36):
    terms = LicenseTerms(
        Scope((), (PathScope("/essays/"),)), Purpose(frozenset()), Compensation("USD"),
        audit=Audit(audits_per_year=audits, audit_window_months=window),
    )  # fmt: skip
    return License(
        "li_1", "le_1", "journal", "", terms, "p", at("2026-01-31"), months_after(at("2026-01-31"), months)
    )


LICENSE, NOW = license_of(), at("2027-06-30")
WANTED = AuditScope(("/essays/", "du_1"), at("2026-06-30"), at("2027-06-30"))


def ask(license=LICENSE, before=(), wanted=WANTED, now=NOW, why="The report of May looks low."):
    return requested(license, before, why, wanted, reports=("du_1",), now=now)


def scoped():
    case = auditor_named(ask(), "Audit & Co", "audit@auditor.example", NOW + 1)
    case = bound(case, "I keep what I see to myself. A. Auditor", NOW + 2)
    return scope_agreed(case, replace(WANTED, items=("du_1",)), NOW + 3)


def test_from_a_request_to_a_correction():
    case = ask()
    assert (case.step, case.requested_at) == (Step.REQUESTED, NOW)
    case = scoped()
    assert case.scope.items == ("du_1",)
    findings = [
        Finding("du_1", "Two products were left out.", usd(1_000_000), usd(50_001)),
        Finding("du_1", "The count of answers is right."),
    ]
    case = found(case, findings, "USD", NOW + 4)
    assert case.correction.amount == usd(50_001)
    assert (case.correction.reference, case.correction.costs) == (case.id, True)
    assert (
        found(scoped(), [replace(findings[0], underpaid=usd(50_000))], "USD", 1).correction.costs is False
    ), "five percent is not more than five percent"
    case = closed(case, NOW + 5)
    assert case.step is Step.CLOSED
    assert found(scoped(), [], "USD", NOW).correction is None


@pytest.mark.parametrize(
    ("begins", "ends", "window", "now", "allowed"),
    [
        ("2026-06-30", "2027-06-30", 12, "2027-06-30", True),
        ("2026-06-29", "2027-06-30", 12, "2027-06-30", False),
        ("2026-06-30", "2027-07-01", 12, "2027-06-30", False),
        ("2026-01-31", "2026-12-01", 24, "2027-06-30", True),
        ("2026-01-30", "2026-12-01", 24, "2027-06-30", False),
        ("2026-12-01", "2026-12-01", 24, "2027-06-30", False),
        ("2028-06-01", "2029-01-31", 12, "2029-06-01", True),
        ("2028-06-01", "2029-02-01", 12, "2029-06-01", False),
        ("2029-01-01", "2029-01-31", 12, "2030-01-31", False),
        ("2028-02-29", "2029-01-31", 24, "2030-02-28", True),
    ],
)
def test_it_looks_back_as_far_as_was_agreed_and_at_the_term_alone(begins, ends, window, now, allowed):
    case = ask(license_of(window=window), wanted=AuditScope(("/essays/",), at(begins), at(ends)), now=at(now))
    assert isinstance(case, AuditCase) is allowed
    if not allowed:
        assert case.problem is Problem.AUDIT_REFUSED


def done(requested_at, step=Step.CLOSED, bound_at=1):
    return AuditCase(
        f"au_{requested_at}", "li_1", "le_1", "journal", requested_at, "x", WANTED, step, bound_at=bound_at
    )


def test_it_is_counted_over_twelve_months_to_the_second():
    last = done(months_after(NOW, -12))
    assert isinstance(ask(before=[last]), AuditCase)
    refusal = ask(before=[replace(last, requested_at=last.requested_at + 1)])
    assert "1 in twelve months were agreed" in refusal.detail
    assert "2027-06-30" in refusal.detail, "it says from when another is possible"
    assert isinstance(ask(license_of(audits=2), before=[done(NOW - 86_400)]), AuditCase)
    assert isinstance(ask(license_of(audits=0)), Refusal)


def test_what_was_given_up_before_an_auditor_was_bound_does_not_count():
    assert isinstance(ask(before=[done(NOW - 5, Step.CANCELED, bound_at=0)]), AuditCase)
    assert isinstance(ask(before=[done(NOW - 5, Step.CANCELED, bound_at=3)]), Refusal)


def test_one_at_a_time():
    assert "not closed" in ask(license_of(audits=5), before=[done(NOW - 5, Step.SCOPED)]).detail


@given(st.lists(st.integers(0, 36 * 31), min_size=1, max_size=40), st.integers(1, 4))
def test_no_twelve_months_ever_hold_more_than_were_agreed(days, audits):
    license, held = license_of(audits, months=60), []
    for day in sorted(days):
        now = license.starts_at + 86_400 * (1 + day)
        case = requested(license, held, "x", AuditScope(("/essays/",), now - 3600, now), now=now)
        if isinstance(case, AuditCase):
            held.append(replace(case, step=Step.CLOSED, bound_at=now))
        else:
            assert len([each for each in held if months_after(each.requested_at, 12) > now]) == audits
    for each in held:
        assert (
            sum(
                each.requested_at <= other.requested_at < months_after(each.requested_at, 12)
                for other in held
            )
            <= audits
        )


@pytest.mark.parametrize("items", [(), ("/diary/",), ("du_2",), ("/essays/../diary",), ("/essays/",) * 201])
def test_items_are_of_the_license(items):
    assert ask(wanted=replace(WANTED, items=items)).problem is Problem.AUDIT_REFUSED


@pytest.mark.parametrize("text", ["", " ", "a\x00", "x" * 2001])
def test_texts_are_texts(text):
    for refusal in (
        ask(why=text),
        auditor_named(ask(), text, "a", NOW),
        auditor_named(ask(), "a", text, NOW),
    ):
        assert refusal.problem is Problem.AUDIT_REFUSED


def test_the_licensee_agrees_to_no_more_than_was_asked_and_findings_stay_inside():
    case = bound(auditor_named(ask(), "A", "a", NOW), "I promise.", NOW)
    for scope in (
        replace(WANTED, items=()), replace(WANTED, items=("/essays/", "du_9")),
        replace(WANTED, begins=WANTED.begins - 1), replace(WANTED, ends=WANTED.ends + 1),
        replace(WANTED, begins=WANTED.ends),
    ):  # fmt: skip
        assert scope_agreed(case, scope, NOW).problem is Problem.AUDIT_REFUSED
    for finding in (
        Finding("/essays/", "x"), Finding("du_1", ""), Finding("du_1", "x", usd(5), usd(6)),
        Finding("du_1", "x", None, usd(6)), Finding("du_1", "x", usd(-1)),
        Finding("du_1", "x", Money(5, "EUR"), Money(5, "EUR")),
    ):  # fmt: skip
        assert found(scoped(), [finding], "USD", NOW).problem is Problem.AUDIT_REFUSED


def test_no_step_is_left_out_or_taken_twice():
    steps = [
        ask(), auditor_named(ask(), "A", "a", NOW), bound(auditor_named(ask(), "A", "a", NOW), "I promise.", NOW),
        scoped(), found(scoped(), [], "USD", NOW), closed(found(scoped(), [], "USD", NOW), NOW), canceled(ask(), NOW),
    ]  # fmt: skip
    acts = [
        (lambda case: auditor_named(case, "B", "b", NOW), {Step.REQUESTED, Step.NAMED}),
        (lambda case: bound(case, "I promise.", NOW), {Step.NAMED}),
        (lambda case: scope_agreed(case, WANTED, NOW), {Step.BOUND}),
        (lambda case: found(case, [], "USD", NOW), {Step.SCOPED}),
        (lambda case: closed(case, NOW), {Step.FOUND}),
        (lambda case: canceled(case, NOW), {Step.REQUESTED, Step.NAMED, Step.BOUND, Step.SCOPED}),
    ]
    assert [each.step for each in steps] == list(Step)
    for case in steps:
        for act, allowed in acts:
            after = act(case)
            assert isinstance(after, AuditCase) is (case.step in allowed), (case.step, after)
            if isinstance(after, Refusal):
                assert dict(after.facts)["step"] == case.step
