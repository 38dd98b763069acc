"""What others are told of duties, suspensions and audits. Pure.

============================= ================================================
type                          what it means for who hears it
============================= ================================================
``duty.due_soon``             14 days, then 3 days, are left to hand it in
``duty.overdue``              it is late: at the deadline, and each week after
``duty.delivered``            something was handed in: the creator may judge it
``duty.accepted``             that was accepted
``duty.rejected``             it was turned back and has to come again
``duty.vetoed``               samples of output were objected to
``duty.excused``              the creator waived it
``license.suspended``         no token of it opens anything for now
``license.resumed``           one cause of that is gone
``audit.requested``, …        an audit came one step further
============================= ================================================

A body says what changed and where it is read, by whoever may read it: no
reasons, no names, nothing that was handed in.
"""

from __future__ import annotations

from typing import Final

from gateway.event import Event, event
from gateway.licenses.audit_cases import AuditCase, Step
from gateway.licenses.license import License
from gateway.licenses.obligations import Obligation
from gateway.licenses.suspension import Suspension

_OF_AUDITS: Final = {
    Step.REQUESTED: "audit.requested",
    Step.NAMED: "audit.auditor_named",
    Step.BOUND: "audit.confidentiality_accepted",
    Step.SCOPED: "audit.scope_agreed",
    Step.FOUND: "audit.findings",
    Step.CLOSED: "audit.closed",
    Step.CANCELED: "audit.canceled",
}
DUE_SOON, OVERDUE, DELIVERED = "duty.due_soon", "duty.overdue", "duty.delivered"
SUSPENDED, RESUMED = "license.suspended", "license.resumed"
#: Every type that there is.
TYPES: Final = (
    DUE_SOON, OVERDUE, DELIVERED, "duty.accepted", "duty.rejected", "duty.vetoed", "duty.excused", SUSPENDED, RESUMED,
    *_OF_AUDITS.values(),
)  # fmt: skip


def duty_event(duty: Obligation, type: str, at: int, *, stage: str = "") -> Event:
    """The event that *type* happened to *duty* at *at*; *stage* tells reminders of one type apart."""
    return event(
        type,
        at=at,
        site=duty.site,
        subject=duty.id,
        licensee=duty.licensee,
        nth=stage or duty.version,
        body={
            "license": duty.license,
            "kind": str(duty.kind),
            "state": str(duty.state),
            "due_at": duty.due_at,
            "deadline": duty.deadline,
            "path": f"/.licet/duties/{duty.id}",
        },
    )


def judged_event(duty: Obligation, at: int) -> Event:
    """The event that the creator judged *duty*, which stands as it was judged."""
    return duty_event(duty, f"duty.{duty.state}", at)


def suspension_event(suspension: Suspension, license: License) -> Event:
    """The event of a *suspension* that was put, or lifted, on *license*."""
    at = suspension.since if suspension.stands else suspension.lifted_at
    return event(
        SUSPENDED if suspension.stands else RESUMED,
        at=at,
        site=license.site,
        subject=license.id,
        licensee=license.licensee,
        nth=f"{suspension.cause}@{at}",
        body={"cause": suspension.cause, "since": suspension.since, "path": suspension.path},
    )


def audit_event(case: AuditCase, at: int) -> Event:
    """The event of the step that *case* reached at *at*; both sides hear it."""
    return event(
        _OF_AUDITS[case.step],
        at=at,
        site=case.site,
        subject=case.id,
        licensee=case.licensee,
        nth=case.version,
        body={"license": case.license, "step": str(case.step), "path": f"/.licet/audits/{case.id}"},
    )
