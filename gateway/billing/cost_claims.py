"""Costs that a licensee has to bear, such as of remediation after a withdrawal: claimed with evidence, accepted or disputed. Pure.

::

    CLAIMED ─accepted→ ACCEPTED (a due is booked)
       ├─disputed→ DISPUTED ─accepted→ ACCEPTED
       └─withdrawn (from either)→ WITHDRAWN

Where a claim stands follows from the journal alone. A claim is an entry ``claim``
that moves nothing: its memo holds the SHA-256 of the evidence and why; its
`reference` what it is about, such as a withdrawal. What the licensee accepts is
booked as a ``due`` that refers to it; nobody else's word makes it owed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from gateway.billing.business_days import Calendar, business_days_after
from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.provenance.record import BookEntry, JournalEntry

#: Who enters what came of a claim that was accepted.
BY: Final = "claim"
LONGEST_WHY: Final = 300
_EVIDENCE: Final = re.compile(r"sha-256:([0-9a-f]{64}); (.+)", re.DOTALL)


class State(StrEnum):
    """Where a claim stands."""

    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    DISPUTED = "disputed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim. *about* is what caused the costs, *evidence* a SHA-256 (hex), *answer* why it is disputed."""

    entry: BookEntry
    evidence: str
    why: str
    state: State = State.CLAIMED
    answer: str = ""

    @property
    def amount(self) -> Money:
        """What is claimed."""
        return Money(self.entry.amount_micros, self.entry.currency)


def claims_of(entries: Iterable[JournalEntry]) -> tuple[Claim, ...]:
    """Every claim among *entries*, in their order, as the answers among them left it."""
    found = dict[str, Claim]()
    for each in entries:
        if not isinstance(each, BookEntry):
            continue
        told = _EVIDENCE.fullmatch(each.memo) if each.kind_of == "claim" else None
        if told is not None and each.license:
            found[each.id] = Claim(each, told[1], told[2])
        before = found.get(each.reference)
        if before is None or before.entry.licensee != each.licensee:
            continue
        if each.kind_of == "due" and each.by == BY and before.state in {State.CLAIMED, State.DISPUTED}:
            found[each.reference] = replace(before, state=State.ACCEPTED)
        elif each.kind_of == "dispute" and before.state is State.CLAIMED:
            found[each.reference] = replace(before, state=State.DISPUTED, answer=each.memo)
        elif each.kind_of == "withdrawn" and before.state in {State.CLAIMED, State.DISPUTED}:
            found[each.reference] = replace(before, state=State.WITHDRAWN)
    return tuple(found.values())


def claimed(
    id: str, license: tuple[str, str, str], amount: Money, about: str, evidence: str, why: str, time_us: int
) -> BookEntry | Refusal:
    """The claim of *amount* under *license* (its id, licensee, site), with the SHA-256 of the *evidence* for it."""
    odd = _odd(why) or (
        None if re.fullmatch("[0-9a-f]{64}", evidence) else _no("Evidence is named by its SHA-256.")
    )
    if odd is None and amount.micros <= 0:
        odd = _no("A claim is of more than nothing.")
    if odd is None and not (about.isprintable() and 0 < len(about) <= 100):
        odd = _no("A claim names what caused the costs, in at most 100 characters.")
    return odd or BookEntry(
        id=id, time_us=time_us, kind_of="claim", site=license[2], licensee=license[1],
        amount_micros=amount.micros, currency=amount.currency, license=license[0], reference=about,
        memo=f"sha-256:{evidence}; {why.strip()}", by="operator",
    )  # fmt: skip


def accepted(claim: Claim, id: str, time_us: int, days: int, calendar: Calendar) -> BookEntry | Refusal:
    """What the licensee owes once it accepts *claim*: payable in *days* business days of *calendar*."""
    if claim.state not in {State.CLAIMED, State.DISPUTED}:
        return _over(claim)
    due_on = business_days_after(time_us // 1_000_000, days, calendar)
    memo = f"remediation_costs; to be paid by {due_on}; {claim.why}"
    return replace(
        claim.entry, id=id, time_us=time_us, kind_of="due", reference=claim.entry.id, memo=memo, by=BY
    )


def disputed(claim: Claim, id: str, time_us: int, why: str, by: str) -> BookEntry | Refusal:
    """The licensee objects to *claim*, because *why*."""
    if claim.state is not State.CLAIMED:
        return _over(claim)
    return _odd(why) or _answer(claim, id, time_us, "dispute", why.strip(), by)


def withdrawn(claim: Claim, id: str, time_us: int, by: str) -> BookEntry | Refusal:
    """The creator claims it no more."""
    if claim.state not in {State.CLAIMED, State.DISPUTED}:
        return _over(claim)
    return _answer(claim, id, time_us, "withdrawn", "", by)


def _answer(claim: Claim, id: str, time_us: int, kind: str, memo: str, by: str) -> BookEntry:
    return replace(
        claim.entry, id=id, time_us=time_us, kind_of=kind, reference=claim.entry.id, memo=memo, by=by
    )  # fmt: skip


def _odd(why: str) -> Refusal | None:
    fit = why.strip() and why.isprintable() and len(why) <= LONGEST_WHY
    return None if fit else _no(f"A reason is one line of at most {LONGEST_WHY} characters.")


def _no(why: str) -> Refusal:
    return Refusal(Problem.DOCUMENT_INVALID, why)


def _over(claim: Claim) -> Refusal:
    return Refusal(Problem.DUTY_OVER, f"The claim is {claim.state}.", facts=(("state", str(claim.state)),))
