"""A licensee disputes a line of an invoice: open, then accepted by a credit note, or rejected with an answer. Pure.

======== =====================================================================
open     it waits for the operator's answer, until *answer_by*
accepted a credit note takes the disputed sum off the line
rejected the operator says why not; the sum is dunned again
======== =====================================================================

A line may be disputed within `dispute_days` of the issue of its document, once at
a time, for at most what is left of it. While it is open the sum is outside
dunning, however late the answer is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from gateway.billing.billing_rules import BillingRules
from gateway.billing.invoices import CREDIT_NOTE, Document, left_of
from gateway.event import Event, event
from gateway.money import Money, MoneyError
from gateway.problems import Problem, Refusal

_DAY_SECONDS: Final = 86_400
LONGEST_REASON: Final = 2_000
LONGEST_EVIDENCE: Final = 8_000
#: What a form or a JSON body holds; the amount may be left out.
FIELDS: Final = ("line", "amount", "reason", "evidence")
#: Every type that is told.
TYPES: Final = ("dispute.opened", "dispute.accepted", "dispute.rejected", "dispute.overdue")


class Disputed(StrEnum):
    """How far it is."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Dispute:
    """One line in dispute. *reason*, *evidence* and *answer* are read by both sides and are in no event.

    Times are whole seconds; *version* is 1 when it is opened, one more with each change.
    """

    id: str
    document: str
    line: int
    licensee: str
    amount: Money
    reason: str
    evidence: str
    opened_at: int
    answer_by: int
    state: Disputed = Disputed.OPEN
    decided_at: int = 0
    answer: str = ""
    credit_note: str = ""
    version: int = 1


def read_dispute(
    members: Mapping[str, object],
    document: Document,
    notes: Sequence[Document],
    rules: BillingRules,
    now: int,
) -> Dispute | Refusal:
    """Read what a form or a JSON body says of *document*; a refusal names the first member that is wrong."""
    unknown = [name for name in members if name not in FIELDS]
    if unknown:
        return _wrong(unknown[0][:40], "is unknown")
    line = _whole(members.get("line"))
    if line is None:
        return _wrong("line", "is not the number of a line")
    texts = {"reason": LONGEST_REASON, "evidence": LONGEST_EVIDENCE}
    for name, longest in texts.items():
        value = members.get(name, "")
        if not isinstance(value, str) or (name == "reason" and not value.strip()):
            return _wrong(name, "is missing")
        if len(value) > longest or not all(char.isprintable() or char in "\r\n\t" for char in value):
            return _wrong(name, f"is not printable text of at most {longest} characters")
    if document.kind == CREDIT_NOTE:
        return _refused("A credit note has no lines to dispute.")
    left = left_of(document, notes).get(line)
    if left is None:
        return _wrong("line", f"is no line of {document.label}")
    if now >= document.at + rules.dispute_days * _DAY_SECONDS:
        return _refused(f"A line is disputed within {rules.dispute_days} days of the issue.")
    amount = _amount(members.get("amount", ""), left, document.to_pay.currency)
    if amount is None:
        return _wrong("amount", f"is no amount in {document.to_pay.currency}, such as 1.50")
    if not 0 < amount.micros <= left:
        still = Money(left, amount.currency)
        return _refused(f"Of line {line}, {still} can be disputed.")
    named = f"{document.id}\x1f{line}\x1f{now}"
    return Dispute(
        f"ld_{hashlib.sha256(named.encode()).hexdigest()[:32]}", document.id, line, document.licensee, amount,
        str(members["reason"]).strip(), str(members.get("evidence", "")).strip(), now,
        now + rules.answer_days * _DAY_SECONDS,
    )  # fmt: skip


def accepted(dispute: Dispute, note: Document, answer: str, now: int) -> Dispute | Refusal:
    """It was right: *note* credits it."""
    return _decided(dispute, Disputed.ACCEPTED, answer, now, note.id)


def rejected(dispute: Dispute, answer: str, now: int) -> Dispute | Refusal:
    """It was not, and *answer* says why."""
    if not answer.strip():
        return Refusal(Problem.DISPUTE_REFUSED, "Say why: the licensee reads it.")
    return _decided(dispute, Disputed.REJECTED, answer, now, "")


def disputed_of(disputes: Sequence[Dispute]) -> dict[str, int]:
    """What is in dispute of each document, in micro-units."""
    found: dict[str, int] = {}
    for each in disputes:
        if each.state is Disputed.OPEN:
            found[each.document] = found.get(each.document, 0) + each.amount.micros
    return found


def told(dispute: Dispute, at: int, *, overdue: bool = False) -> Event:
    """What both sides hear: the line, the sum and the state, and no word of anybody's."""
    word = "overdue" if overdue else "opened" if dispute.state is Disputed.OPEN else str(dispute.state)
    return event(
        f"dispute.{word}",
        at=at,
        site="",
        subject=dispute.id,
        licensee=dispute.licensee,
        nth=str(dispute.version),
        body={
            "dispute": dispute.id,
            "document": dispute.document,
            "line": dispute.line,
            "micros": dispute.amount.micros,
            "currency": dispute.amount.currency,
            "state": str(dispute.state),
            "answer_by": dispute.answer_by,
            "credit_note": dispute.credit_note,
            "path": f"/.licet/disputes/{dispute.id}",
        },
    )


def as_document(dispute: Dispute) -> dict[str, object]:
    """The JSON of *dispute*, for both sides."""
    return {
        "dispute": dispute.id, "document": dispute.document, "line": dispute.line, "amount": dispute.amount.amount,
        "currency": dispute.amount.currency, "reason": dispute.reason, "evidence": dispute.evidence,
        "opened_at": dispute.opened_at, "answer_by": dispute.answer_by, "state": str(dispute.state),
        "decided_at": dispute.decided_at, "answer": dispute.answer, "credit_note": dispute.credit_note,
        "version": dispute.version,
    }  # fmt: skip


def _decided(dispute: Dispute, state: Disputed, answer: str, now: int, note: str) -> Dispute | Refusal:
    if dispute.state is not Disputed.OPEN:
        return _refused(f"The dispute {dispute.id} is {dispute.state} already.")
    if len(answer) > LONGEST_REASON or not all(char.isprintable() or char in "\r\n\t" for char in answer):
        return _refused(f"An answer is printable text of at most {LONGEST_REASON} characters.")
    return replace(
        dispute, state=state, decided_at=now, answer=answer.strip(), credit_note=note, version=dispute.version + 1
    )  # fmt: skip


def _amount(value: object, left: int, currency: str) -> Money | None:
    if value in {"", None}:
        return Money(left, currency)
    try:
        return Money.parse(value, currency) if isinstance(value, str) else None
    except MoneyError:
        return None


def _whole(value: object) -> int | None:
    if type(value) is int:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return None


def _refused(why: str) -> Refusal:
    return Refusal(Problem.DISPUTE_REFUSED, why)


def _wrong(member: str, why: str) -> Refusal:
    return Refusal(Problem.PROPOSAL_INVALID, f"Of the dispute, {member} {why}.", facts=(("member", member),))
