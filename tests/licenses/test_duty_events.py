"""What is told of duties, suspensions and audits: each change once, and nothing that was handed in."""

from __future__ import annotations

import re
from dataclasses import replace

from gateway.event import TYPE
from gateway.licenses.audit_cases import AuditCase, AuditScope, Step
from gateway.licenses.duty_events import (
    DUE_SOON,
    OVERDUE,
    TYPES,
    audit_event,
    duty_event,
    judged_event,
    suspension_event,
)
from gateway.licenses.license import License
from gateway.licenses.obligations import Evidence, State, accepted, delivered, excused, rejected, schedule
from gateway.licenses.suspension import OWNER, Suspension
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope

TERMS = LicenseTerms(Scope((), ()), Purpose(frozenset()), Compensation("USD"))
LICENSE = License("li_1", "le_1", "journal", "", TERMS, "p", 1_767_225_600, 1_798_761_600)
DUTY = schedule(LICENSE)[0]
CAME = delivered(DUTY, Evidence("a" * 64, "text/plain", 9, 5, "secret.txt"), 5)
LATE = Suspension("li_1", "du_1", "A report is overdue.", 20)
CASE = AuditCase("au_1", "li_1", "le_1", "journal", 5, "It looks low.", AuditScope(("/",), 1, 2))


def test_types_are_types():
    assert all(re.fullmatch(TYPE, each) for each in TYPES)
    assert len(set(TYPES)) == len(TYPES)


def test_each_judgment_is_one_event_that_gives_no_reason():
    judged = [accepted(CAME), rejected(CAME, "It is a secret.", 6), excused(DUTY, "It is a secret.")]
    judged.append(replace(CAME, state=State.VETOED, why="It is a secret."))
    told = [judged_event(each, 7) for each in judged]
    assert [each.type for each in told] == ["duty.accepted", "duty.rejected", "duty.excused", "duty.vetoed"]
    assert {each.type for each in told} <= set(TYPES)
    assert len({each.id for each in told}) == 4
    assert "secret" not in str(told)
    assert told[0].body["path"] == f"/.licet/duties/{DUTY.id}"
    assert (told[0].subject, told[0].licensee, told[0].site) == (DUTY.id, "le_1", "journal")


def test_a_reminder_has_one_id_for_its_stage():
    one = duty_event(DUTY, DUE_SOON, 5, stage="14d")
    assert duty_event(DUTY, DUE_SOON, 9, stage="14d").id == one.id
    assert (
        len(
            {
                one.id,
                duty_event(DUTY, DUE_SOON, 5, stage="3d").id,
                duty_event(DUTY, OVERDUE, 5, stage="14d").id,
            }
        )
        == 3
    )


def test_each_change_of_a_suspension_is_one_event():
    put, lifted = suspension_event(LATE, LICENSE), suspension_event(replace(LATE, lifted_at=40), LICENSE)
    assert (put.type, put.at, lifted.type, lifted.at) == ("license.suspended", 20, "license.resumed", 40)
    assert (put.subject, put.licensee, put.site) == ("li_1", "le_1", "journal")
    others = [
        suspension_event(replace(LATE, **change), LICENSE) for change in ({"cause": OWNER}, {"since": 50})
    ]
    assert len({put.id, lifted.id, *(each.id for each in others)}) == 4
    assert suspension_event(LATE, LICENSE) == put


def test_each_step_of_an_audit_is_one_event():
    named = replace(CASE, step=Step.NAMED, auditor="Audit & Co", named_at=6)
    told = [audit_event(each, 7) for each in (CASE, named, replace(named, named_at=7))]
    assert [each.type for each in told] == ["audit.requested", "audit.auditor_named", "audit.auditor_named"]
    assert len({each.id for each in told}) == 3
    assert audit_event(CASE, 99).id == told[0].id
    assert "Audit & Co" not in str(told)
    assert {audit_event(replace(CASE, step=step), 1).type for step in Step} <= set(TYPES)
