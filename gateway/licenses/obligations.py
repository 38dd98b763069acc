"""What a licensee has to hand in, and by when: duties with dates that follow from a license alone. Pure.

================ ================================== ===============================
kind             there is one for                   due
================ ================================== ===============================
report           each reporting period of the term  30 days after the period
output-samples   the same, where samples are owed   with the report
attribution      the license, where a text or link  30 days after the term begins
                 is to be shown (`shows_credit`)
insurance        the license, and each proof that   30 days after the term begins,
                 ends before the term does          and when a proof ends
model-card       each release of a model            `model_card_days` after it
answer           each veto (`output_review`)        30 days after it
================ ================================== ===============================

The plan after a withdrawal has its own deadline, steps and reminders (`removal`).

Periods are counted from the start of the term in calendar months (UTC), so that
no month's end moves them; the last one ends with the term, and its report is the
final one. 0 days of a duty are no duty.

A duty is met by what is handed in. One that is turned back has to be handed in
again within `AGAIN_DAYS`, or until it was due anyway; `deadline` is the later of
the two. A report that is `suspend_after_days` late suspends its license, where
the license says so, until it is handed in (`suspension`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from gateway.canonical import canonical_bytes, canonical_digest
from gateway.licenses.license import BY_FETCH, License
from gateway.licenses.offers import months_after
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import LicenseTerms

DAY: Final = 86_400
WEEK: Final = 7 * DAY
#: Days from the end of a period to its report.
REPORT_DAYS: Final = 30
#: Days from the start of a term until attribution and insurance are shown.
FIRST_PROOF_DAYS: Final = 30
#: Days to hand in again what was turned back.
AGAIN_DAYS: Final = 14
#: After so many weeks nobody is reminded any more.
LAST_WEEK: Final = 26
#: How many pieces of evidence one duty may have.
MOST_EVIDENCE: Final = 20
#: The longest reason of a creator, in characters.
LONGEST_WHY: Final = 500
_MONTHS: Final = {"monthly": 1, "quarterly": 3, "yearly": 12}


class Kind(StrEnum):
    """What is to be handed in."""

    REPORT = "report"
    OUTPUT_SAMPLES = "output-samples"
    ATTRIBUTION = "attribution"
    INSURANCE = "insurance"
    MODEL_CARD = "model-card"
    ANSWER = "answer"


class State(StrEnum):
    """Where a duty stands. OVERDUE is told and never kept: it follows from the time."""

    OPEN = "open"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    VETOED = "vetoed"
    EXCUSED = "excused"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One document that was handed in: its SHA-256 (hex), what it is, and when it came.

    *holds_until* is when a proof of insurance ends, 0 for other documents.
    """

    sha256: str
    media_type: str
    size: int
    at: int
    name: str = ""
    holds_until: int = 0


@dataclass(frozen=True, slots=True)
class Obligation:
    """One duty of one license. Times are whole seconds.

    Attributes:
        id: follows from license, kind and *about*, so that planning twice plans once.
        about: what tells duties of one kind apart: a period, a model, a withdrawal.
        begins, ends: the period it is about, the end not in it; both the same for a moment.
        asked: what is to be handed in, as a sentence.
        late_days: after so many days of lateness the license is suspended; 0 for never.
        again_by: until when it has to be handed in again, 0 if it was not turned back.
        delivered_at: when it was handed in last, 0 for not yet.
        why: the creator's reason where it was turned back, vetoed or excused.
    """

    id: str
    license: str
    licensee: str
    site: str
    kind: Kind
    about: str
    begins: int
    ends: int
    due_at: int
    asked: str
    late_days: int = 0
    state: State = State.OPEN
    again_by: int = 0
    delivered_at: int = 0
    evidence: tuple[Evidence, ...] = ()
    why: str = ""

    @property
    def version(self) -> str:
        """Names everything that can change about it."""
        changing = [
            self.state,
            self.again_by,
            self.delivered_at,
            [each.sha256 for each in self.evidence],
            self.why,
        ]
        return canonical_digest([self.id, *changing])

    @property
    def unmet(self) -> bool:
        """Whether it still has to be handed in."""
        return self.state in {State.OPEN, State.REJECTED}

    @property
    def deadline(self) -> int:
        """Until when it is handed in in time."""
        return max(self.due_at, self.again_by)

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands among all: the least first, which is the earliest deadline."""
        return self.deadline, self.id

    def state_at(self, now: int) -> State:
        """Where it stands at *now*: what is unmet at its deadline is overdue."""
        return State.OVERDUE if self.unmet and now >= self.deadline else self.state


@dataclass(frozen=True, slots=True)
class Stated:
    """What happened under a license that brings duties with it, each with its time in whole seconds.

    *releases* are models by name and version, *insured_until* the ends of proofs of insurance.
    """

    releases: tuple[tuple[str, int], ...] = ()
    insured_until: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Reminder:
    """Something to say about a duty at some time. *stage* is its name: each is said once for a deadline."""

    type: str
    stage: str


def schedule(license: License, stated: Stated = Stated()) -> tuple[Obligation, ...]:
    """Every duty that *license* brings with it, by what is *stated*; the earliest due first.

    The same license gives the same duties. More owed is never fewer due dates.
    """
    if license.id.startswith(BY_FETCH):
        return ()
    found = (*_periodic(license), *_at_the_start(license), *_after(license, stated))
    return tuple(sorted(found, key=lambda each: (each.due_at, each.kind, each.about)))


def shows_credit(terms: LicenseTerms) -> bool:
    """Whether it has to be shown how the source is named: not by whoever pays for deliveries alone and reports nothing.

    Credit is due there too; a proof of it for every small purchase would be read by nobody.
    """
    named = terms.attribution.text or terms.attribution.link
    return bool(named) and (terms.audit.report != "none" or not terms.compensation.pays_as_it_goes)


def periods(starts_at: int, ends_at: int, months: int) -> tuple[tuple[int, int], ...]:
    """The term cut into pieces of *months* calendar months, the last one as long as it is left.

    Each second of the term is in exactly one. Counted from the start each time:
    from 31 January a month later is 28 February, and two months later 31 March.
    """
    found = list[tuple[int, int]]()
    begins = starts_at
    while begins < ends_at:
        ends = min(months_after(starts_at, (len(found) + 1) * months), ends_at)
        found.append((begins, ends))
        begins = ends
    return tuple(found)


def obligation(
    license: License,
    kind: Kind,
    about: str,
    period: tuple[int, int],
    due_at: int,
    asked: str,
    *,
    late_days: int = 0,
) -> Obligation:
    """A duty of *license* with the id that follows from it."""
    digest = hashlib.sha256(canonical_bytes([license.id, kind, about])).hexdigest()
    return Obligation(
        f"du_{digest[:32]}", license.id, license.licensee, license.site, kind, about, *period, due_at, asked, late_days
    )  # fmt: skip


def _periodic(license: License) -> Iterator[Obligation]:
    audit = license.terms.audit
    # Samples are handed over with each report; who owes them and no report hands them over each quarter.
    months = _MONTHS.get(audit.report) or (3 if audit.output_samples else 0)
    if not months:
        return
    for period in periods(license.starts_at, license.ends_at, months):
        about = f"{period[0]}/{period[1]}"
        due_at = period[1] + REPORT_DAYS * DAY
        named = f"{day(period[0])} to {day(period[1])}"
        if audit.report in _MONTHS:
            final = "final " if period[1] == license.ends_at else ""
            yield obligation(
                license, Kind.REPORT, about, period, due_at, f"The {final}transparency report for {named}.",
                late_days=audit.suspend_after_days,
            )  # fmt: skip
        if audit.output_samples:
            asked = f"{audit.output_samples} examples of outputs that relied on the works, from {named}."
            yield obligation(license, Kind.OUTPUT_SAMPLES, about, period, due_at, asked)


def _at_the_start(license: License) -> Iterator[Obligation]:
    starts_at, terms = license.starts_at, license.terms
    moment, due_at = (starts_at, starts_at), starts_at + FIRST_PROOF_DAYS * DAY
    if shows_credit(terms):
        asked = "Where and how the source is named, as a document or a screenshot in PDF."
        yield obligation(license, Kind.ATTRIBUTION, "term", moment, due_at, asked)
    if terms.liability.insurance:
        yield obligation(
            license, Kind.INSURANCE, "term", moment, due_at, "A proof of insurance that holds now."
        )


def _after(license: License, stated: Stated) -> Iterator[Obligation]:
    terms = license.terms
    if terms.attribution.model_card_days:
        for model, at in stated.releases:
            asked = f"The model card of {model}, which names the works as a source."
            due_at = at + terms.attribution.model_card_days * DAY
            yield obligation(license, Kind.MODEL_CARD, model, (at, at), due_at, asked)
    if terms.liability.insurance:
        for at in stated.insured_until:
            if license.starts_at < at < license.ends_at:
                asked = "A proof of insurance in place of the one that ends."
                yield obligation(license, Kind.INSURANCE, f"from {at}", (at, at), at, asked)


def reminder(duty: Obligation, now: int) -> Reminder | None:
    """What is to be said about *duty* at *now*, or None: 14 and 3 days before, at the deadline, each week after.

    It is the latest of what could have been said by then: whoever was away does
    not hear everything at once. It depends on nothing but *duty* and *now*.
    """
    if not duty.unmet:
        return None
    late = now - duty.deadline
    if late >= 0:
        week = late // WEEK
        return Reminder("duty.overdue", f"{duty.deadline}+{week}w") if week <= LAST_WEEK else None
    for days in (3, 14):
        if late >= -days * DAY:
            return Reminder("duty.due_soon", f"{duty.deadline}-{days}d")
    return None


def suspends(duty: Obligation, now: int) -> bool:
    """Whether *duty* is so late at *now* that its license is suspended until it is handed in."""
    return bool(duty.late_days) and duty.unmet and now >= duty.deadline + duty.late_days * DAY


def late_sentence(duty: Obligation) -> str:
    """Why a license is suspended for *duty*, as its licensee reads it."""
    return f"Overdue since {day(duty.deadline)}: {duty.asked}"


def too_early(duty: Obligation, now: int) -> Refusal | None:
    """Why nothing is taken for *duty* at *now* yet, or None: what is about a period comes after its end."""
    if now >= duty.ends:
        return None
    return Refusal(
        Problem.DUTY_OVER,
        f"Its period ends on {day(duty.ends)}; hand it in after that.",
        facts=(("state", str(duty.state)), ("ends", str(duty.ends))),
    )


def delivered(duty: Obligation, evidence: Evidence, now: int) -> Obligation | Refusal:
    """*duty* once *evidence* was handed in at *now*; again, it stands beside what came before."""
    if duty.state in {State.ACCEPTED, State.EXCUSED, State.VETOED}:
        return _over(duty)
    if any(each.sha256 == evidence.sha256 for each in duty.evidence) and duty.state is State.DELIVERED:
        return duty
    if len(duty.evidence) >= MOST_EVIDENCE:
        return Refusal(Problem.DUTY_OVER, f"At most {MOST_EVIDENCE} documents are taken for one duty.")
    return replace(duty, state=State.DELIVERED, delivered_at=now, evidence=(*duty.evidence, evidence))


def accepted(duty: Obligation) -> Obligation | Refusal:
    """*duty* once the creator accepted what was handed in."""
    return replace(duty, state=State.ACCEPTED, why="") if duty.state is State.DELIVERED else _over(duty)


def rejected(duty: Obligation, why: str, now: int) -> Obligation | Refusal:
    """*duty* once the creator turned back what was handed in, for the reason *why*."""
    if duty.state is not State.DELIVERED:
        return _over(duty)
    return replace(duty, state=State.REJECTED, why=why, again_by=now + AGAIN_DAYS * DAY)


def excused(duty: Obligation, why: str) -> Obligation | Refusal:
    """*duty* once the creator waived it, for the reason *why*."""
    return replace(duty, state=State.EXCUSED, why=why) if duty.unmet else _over(duty)


def day(seconds: int) -> str:
    """The day of a moment in UTC.

    >>> day(1_769_860_800)
    '2026-01-31'
    """
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _over(duty: Obligation) -> Refusal:
    return Refusal(Problem.DUTY_OVER, f"This duty is {duty.state}.", facts=(("state", str(duty.state)),))
