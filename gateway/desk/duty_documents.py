"""Duties, reports and audits as their licensee reads them. Pure."""

from __future__ import annotations

from typing import Final

from gateway.desk.metadata import issuer_of, money_document
from gateway.licenses.audit_cases import AuditCase, AuditScope, Finding, Step
from gateway.licenses.duties import KeptReport
from gateway.licenses.duty_book import Judged
from gateway.licenses.obligations import DAY, Kind, Obligation, State
from gateway.licenses.output_review import review_by, reviewed
from gateway.money import Money

_NEXT: Final = {
    State.OPEN: "Hand it in by the deadline.",
    State.OVERDUE: "Hand it in now; what it suspended holds again at once.",
    State.REJECTED: "Hand it in again; the reason is told in why.",
    State.DELIVERED: "Nothing; the creator may still judge it.",
    State.ACCEPTED: "Nothing.",
    State.VETOED: "Answer the veto; the duty to do so is listed beside this one.",
    State.EXCUSED: "Nothing; it was waived.",
}
_STEPS: Final = {
    Step.REQUESTED: "Wait: the creator names an auditor.",
    Step.NAMED: "Wait: the auditor has to promise confidentiality.",
    Step.BOUND: "Agree to the scope, or to part of it, at scope.",
    Step.SCOPED: "Let the auditor see what was agreed on.",
    Step.FOUND: "Read the findings; what was underpaid is told.",
    Step.CLOSED: "Nothing but to pay what was underpaid.",
    Step.CANCELED: "Nothing; the creator gave it up.",
}


def duty_document(duty: Obligation, now: int, origin: str) -> dict[str, object]:
    """*duty* as it stands at *now*, with where it is handed in."""
    base = f"{issuer_of(origin)}/duties/{duty.id}"
    state = reviewed(duty, now)
    return {
        "id": duty.id,
        "license": duty.license,
        "kind": str(duty.kind),
        "about": duty.about,
        "period": {"begins": duty.begins, "ends": duty.ends},
        "asked": duty.asked,
        "state": str(state),
        "due_at": duty.due_at,
        "deadline": duty.deadline,
        "suspends_at": duty.deadline + duty.late_days * DAY if duty.late_days and duty.unmet else None,
        "delivered_at": duty.delivered_at or None,
        "review_by": review_by(duty) or None if duty.kind is Kind.OUTPUT_SAMPLES else None,
        "why": duty.why,
        "evidence": [
            {
                "sha256": each.sha256,
                "media_type": each.media_type,
                "size": each.size,
                "name": each.name,
                "at": each.at,
                "holds_until": each.holds_until or None,
            }
            for each in duty.evidence
        ],
        "next_step": _NEXT[state],
        "version": duty.version,
        "links": {
            "self": base,
            "hand_in": f"{issuer_of(origin)}/reports" if duty.kind is Kind.REPORT else f"{base}/evidence",
        },
    }


def report_document(kept: KeptReport, judged: Judged) -> dict[str, object]:
    """A report as it was kept, what it makes due, and what in it the creator may ask about."""
    return {
        "duty": kept.duty,
        "license": kept.license,
        "at": kept.at,
        "sha256": kept.report.sha256,
        "due": [
            {"part": each.part, "amount": money_document(each.amount), "basis": each.basis}
            for each in judged.amounts
        ],
        "outside": list(judged.outside),
        "doubts": list(judged.doubts),
        "report": kept.report.model_dump(mode="json"),
    }


def audit_document(case: AuditCase, origin: str) -> dict[str, object]:
    """*case* as its licensee reads it: who, what, and what was found."""
    base = f"{issuer_of(origin)}/audits/{case.id}"
    correction = case.correction
    return {
        "id": case.id,
        "license": case.license,
        "step": str(case.step),
        "requested_at": case.requested_at,
        "why": case.why,
        "wanted": _scope(case.wanted),
        "auditor": {"name": case.auditor, "contact": case.auditor_contact} if case.auditor else None,
        "confidentiality": case.undertaking or None,
        "scope": _scope(case.scope) if case.scope else None,
        "findings": [_finding(each) for each in case.findings],
        "underpaid": None
        if correction is None
        else {
            "amount": money_document(correction.amount),
            "reference": correction.reference,
            "pays_for_the_audit": correction.costs,
        },
        "next_step": _STEPS[case.step],
        "version": case.version,
        "links": {"self": base, "scope": f"{base}/scope"},
    }


def _scope(scope: AuditScope) -> dict[str, object]:
    return {"items": list(scope.items), "begins": scope.begins, "ends": scope.ends}


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "item": finding.item,
        "said": finding.said,
        "due": _amount(finding.due),
        "underpaid": _amount(finding.underpaid),
    }


def _amount(amount: Money | None) -> object:
    return money_document(amount) if amount else None
