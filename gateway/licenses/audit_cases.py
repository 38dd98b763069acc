"""One audit, from the creator's request to its result. Pure.

=========== ====================================== ===========================
state       reached when                           what comes next
=========== ====================================== ===========================
REQUESTED   the creator asks, saying what for      an auditor is named
NAMED       the creator named an independent       the auditor's promise of
            auditor; both sides are told           confidentiality
BOUND       the promise is there                   the licensee agrees to the
                                                   scope, or to part of it
SCOPED      both know what is looked at            findings
FOUND       the auditor told the result            the end
CLOSED      it is over; what was underpaid stands
            as a correction
CANCELED    the creator gave it up before findings
=========== ====================================== ===========================

What the agreement allows is counted here. At most *audits_per_year* in any
twelve calendar months (a request that was given up before an auditor was bound
does not count); it looks back *audit_window_months* from the request and never
before the term began; and it can be asked for as long as some of the term is in
that window, also after its end. The scope names items (paths of works, or the ids of
reports), and a finding is about one of them.

An underpayment is a correction: an amount with the audit as its reference, which
falls due when the audit is closed; the office books it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from gateway.canonical import canonical_bytes, canonical_digest
from gateway.licenses.license import License
from gateway.licenses.obligations import day
from gateway.licenses.offers import months_after
from gateway.money import Money
from gateway.paths import canonical
from gateway.problems import Problem, Refusal

#: An underpayment of more than this share of what was due makes the licensee pay for the audit, in percent.
COSTS_ABOVE_PERCENT: Final = 5
MOST_ITEMS: Final = 200
LONGEST: Final = 2000


class Step(StrEnum):
    """Where an audit stands."""

    REQUESTED = "requested"
    NAMED = "auditor-named"
    BOUND = "confidentiality-accepted"
    SCOPED = "scope-agreed"
    FOUND = "findings"
    CLOSED = "closed"
    CANCELED = "canceled"


_OVER: Final = frozenset({Step.CLOSED, Step.CANCELED})


@dataclass(frozen=True, slots=True)
class AuditScope:
    """What is looked at: *items* and the time from *begins* to before *ends*, whole seconds."""

    items: tuple[str, ...]
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found about one *item*; *underpaid* is None where nothing was, *due* what should have been paid."""

    item: str
    said: str
    due: Money | None = None
    underpaid: Money | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """What was paid too little, ready for the books: *reference* is the audit, *costs* whether it is paid for too."""

    id: str
    license: str
    licensee: str
    site: str
    amount: Money
    reference: str
    costs: bool


@dataclass(frozen=True, slots=True)
class AuditCase:
    """One audit of one license. Times are whole seconds, 0 for not yet.

    *wanted* is what the creator asked to look at, *scope* what the licensee
    agreed to, never more. *auditor* and *undertaking* are as they were told.
    """

    id: str
    license: str
    licensee: str
    site: str
    requested_at: int
    why: str
    wanted: AuditScope
    step: Step = Step.REQUESTED
    auditor: str = ""
    auditor_contact: str = ""
    named_at: int = 0
    undertaking: str = ""
    bound_at: int = 0
    scope: AuditScope | None = None
    scoped_at: int = 0
    findings: tuple[Finding, ...] = ()
    found_at: int = 0
    closed_at: int = 0

    @property
    def version(self) -> str:
        """Names everything that can change about it."""
        return canonical_digest(
            [
                self.id,
                str(self.step),
                self.named_at,
                self.bound_at,
                self.scoped_at,
                self.found_at,
                self.closed_at,
            ]
        )

    @property
    def over(self) -> bool:
        """Whether nothing is left to be done."""
        return self.step in _OVER

    @property
    def place(self) -> tuple[int, int, str]:
        """Where it stands among all: the greatest first, which are those that are not over, the newest of them first."""
        return int(not self.over), self.requested_at, self.id

    @property
    def counts(self) -> bool:
        """Whether it is one of the audits that are allowed in twelve months."""
        return self.step is not Step.CANCELED or bool(self.bound_at)

    @property
    def correction(self) -> Correction | None:
        """What the findings make due, or None."""
        amounts = [each.underpaid for each in self.findings if each.underpaid]
        if not amounts:
            return None
        underpaid = sum(amounts[1:], amounts[0])
        dues = [each.due for each in self.findings if each.due]
        due = sum(dues, Money(0, underpaid.currency))
        costs = underpaid.micros * 100 > COSTS_ABOVE_PERCENT * due.micros
        return Correction(
            f"co_{self.id[3:]}", self.license, self.licensee, self.site, underpaid, self.id, costs
        )


def requested(
    license: License,
    before: Sequence[AuditCase],
    why: str,
    wanted: AuditScope,
    *,
    reports: Sequence[str] = (),
    now: int,
) -> AuditCase | Refusal:
    """The audit that is asked for at *now*, or why the agreement does not allow it.

    *before* are the audits of *license* so far, *reports* the ids of its reports' duties.
    """
    audit = license.terms.audit
    if not audit.audits_per_year:
        return _no("No audits were agreed.")
    recent = [
        each for each in before if each.counts and each.requested_at <= now < months_after(each.requested_at, 12)
    ]  # fmt: skip
    if len(recent) >= audit.audits_per_year:
        free = months_after(sorted(each.requested_at for each in recent)[-audit.audits_per_year], 12)
        return _no(
            f"{audit.audits_per_year} in twelve months were agreed and were asked for; another is possible from {day(free)}."
        )
    if not all(each.over for each in before):
        return _no("Another audit of this license is not closed.")
    opens = max(license.starts_at, months_after(now, -audit.audit_window_months))
    closes = min(now, license.ends_at)
    if opens >= closes:
        return _no(
            f"Nothing of the term is in the {audit.audit_window_months} months that an audit may look back."
        )
    if not opens <= wanted.begins < wanted.ends <= closes:
        return _no(f"It may look at {day(opens)} to {day(closes)} and no other time.")
    wrong = _odd_items(wanted.items, license, reports) or _odd_text(why, "reason")
    if wrong:
        return _no(wrong)
    digest = hashlib.sha256(canonical_bytes([license.id, now, len(before)])).hexdigest()[:32]
    return AuditCase(
        f"au_{digest}", license.id, license.licensee, license.site, now, why.strip(), _tidy(wanted)
    )


def auditor_named(case: AuditCase, name: str, contact: str, now: int) -> AuditCase | Refusal:
    """*case* once an auditor is named; another may be until one is bound."""
    wrong = _odd_text(name, "name") or _odd_text(contact, "contact")
    if wrong:
        return _no(wrong)
    if case.step not in {Step.REQUESTED, Step.NAMED}:
        return _not_now(case)
    return replace(case, step=Step.NAMED, auditor=name.strip(), auditor_contact=contact.strip(), named_at=now)


def bound(case: AuditCase, undertaking: str, now: int) -> AuditCase | Refusal:
    """*case* once the auditor promised confidentiality by *undertaking*: the words, or a digest of the paper."""
    wrong = _odd_text(undertaking, "undertaking")
    if wrong:
        return _no(wrong)
    if case.step is not Step.NAMED:
        return _not_now(case)
    return replace(case, step=Step.BOUND, undertaking=undertaking.strip(), bound_at=now)


def scope_agreed(case: AuditCase, scope: AuditScope, now: int) -> AuditCase | Refusal:
    """*case* once the licensee agreed to *scope*, which is what was asked for or part of it."""
    if case.step is not Step.BOUND:
        return _not_now(case)
    wanted = case.wanted
    if not scope.items or not set(scope.items) <= set(wanted.items):
        return _no(f"The items are some of {', '.join(wanted.items)}.")
    if not wanted.begins <= scope.begins < scope.ends <= wanted.ends:
        return _no(f"The time is in {day(wanted.begins)} to {day(wanted.ends)}.")
    return replace(case, step=Step.SCOPED, scope=_tidy(scope), scoped_at=now)


def found(case: AuditCase, findings: Sequence[Finding], currency: str, now: int) -> AuditCase | Refusal:
    """*case* once the auditor told what was found; amounts are in *currency*, that of the agreement."""
    if case.step is not Step.SCOPED or case.scope is None:
        return _not_now(case)
    for each in findings:
        if each.item not in case.scope.items:
            return _no(f"A finding is about one of the items agreed on: {', '.join(case.scope.items)}.")
        if wrong := _odd_text(each.said, "finding"):
            return _no(wrong)
        for amount in (each.due, each.underpaid):
            if amount is not None and (amount.currency != currency or amount.micros < 0):
                return _no(f"Amounts are in {currency} and not below zero.")
        if each.underpaid and (each.due is None or each.due < each.underpaid):
            return _no("Where something was underpaid, what was due is told too, and is at least that much.")
    if len(findings) > MOST_ITEMS:
        return _no(f"At most {MOST_ITEMS} findings are told.")
    return replace(case, step=Step.FOUND, findings=tuple(findings), found_at=now)


def closed(case: AuditCase, now: int) -> AuditCase | Refusal:
    """*case* once it is over; nothing changes any more."""
    return replace(case, step=Step.CLOSED, closed_at=now) if case.step is Step.FOUND else _not_now(case)


def canceled(case: AuditCase, now: int) -> AuditCase | Refusal:
    """*case* once the creator gave it up."""
    if case.step in {Step.FOUND, Step.CLOSED, Step.CANCELED}:
        return _not_now(case)
    return replace(case, step=Step.CANCELED, closed_at=now)


def _tidy(scope: AuditScope) -> AuditScope:
    return replace(scope, items=tuple(dict.fromkeys(scope.items)))


def _odd_items(items: Sequence[str], license: License, reports: Sequence[str]) -> str:
    if not 1 <= len(items) <= MOST_ITEMS:
        return f"It names 1 to {MOST_ITEMS} items."
    for item in items:
        if item not in reports and not (canonical(item) == item and license.terms.scope.covers(item)):
            return "Each item is a path that the license covers, or the id of the duty of one of its reports."
    return ""


def _odd_text(text: str, noun: str) -> str:
    fit = text.strip() and len(text) <= LONGEST and text.replace("\n", " ").isprintable()
    return "" if fit else f"The {noun} is a printable text of at most {LONGEST} characters."


def _no(why: str) -> Refusal:
    return Refusal(Problem.AUDIT_REFUSED, why)


def _not_now(case: AuditCase) -> Refusal:
    return Refusal(Problem.AUDIT_REFUSED, f"This audit is at {case.step}.", facts=(("step", str(case.step)),))
