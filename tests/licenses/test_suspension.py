"""Several causes for which one license opens nothing."""

from __future__ import annotations

from dataclasses import replace

from gateway.licenses.suspension import OWNER, Suspension, standing, suspended
from gateway.problems import Problem

LATE = Suspension("li_1", "du_1", "A report is overdue.", 20)
BY_HAND = Suspension("li_1", OWNER, "Works were passed on.", 30)


def test_a_license_is_suspended_as_long_as_one_cause_stands():
    assert standing([BY_HAND, LATE]) == (("li_1", "A report is overdue."),), "the earliest is told"
    assert standing([BY_HAND, replace(LATE, lifted_at=40)]) == (("li_1", "Works were passed on."),)
    assert standing([replace(BY_HAND, lifted_at=41), replace(LATE, lifted_at=40)]) == ()
    other = replace(LATE, license="li_0")
    assert [license for license, _ in standing([LATE, other])] == ["li_0", "li_1"]


def test_the_refusal_tells_rule_fact_and_next_step():
    refusal = suspended("li_1", LATE.said)
    assert (refusal.status, refusal.problem) == (403, Problem.LICENSE_SUSPENDED)
    assert refusal.detail == "License li_1 is suspended. A report is overdue."
    assert "/.licet/duties" in refusal.problem.next_step
    assert dict(refusal.facts)["license"] == "li_1"
