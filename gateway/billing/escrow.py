"""What becomes of the money of one milestone: paid in or promised, met, disputed, released, refunded. Pure.

::

    PLANNED ─funded→ WAITING ─met→ MET ─released→ RELEASED
                        │           │
                        │           └disputed→ DISPUTED ─settled→ RELEASED | REFUNDED | SHARED
                        ├disputed─────────────────┘
                        └lapsed, given_back→ REFUNDED

Where a milestone stands follows from the journal's entries alone (`standing`);
each act answers with the entries to write next, or says why not. Its money is
held by whom its `Holder` names, or by nobody; this gateway never holds any.

A milestone is met by what was agreed to show it: fetches in the journal
themselves, a statement that the licensee signed, or the operator's word. From
then on the licensee has a while to object, unless it says that it will not. A
milestone that is not met in time lapses, and its money goes back. What is
disputed waits until both agree or somebody decides: no clock moves it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.provenance.record import BookEntry, FetchRecord, JournalEntry
from gateway.terms.holding import Holder, Keeps

#: Seconds in which the licensee may object, where nothing else was agreed.
OBJECTION_SECONDS: Final = 7 * 86_400


class Proof(StrEnum):
    """What shows that a milestone is met."""

    JOURNAL = "journal"
    STATEMENT = "statement"
    OPERATOR = "operator"


class State(StrEnum):
    """Where a milestone stands. SHARED: a part went to each side, by a dispute that was settled, or as credit for a withdrawn work."""

    PLANNED = "planned"
    WAITING = "waiting"
    MET = "met"
    DISPUTED = "disputed"
    RELEASED = "released"
    REFUNDED = "refunded"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Milestone:
    """One milestone as it was agreed. Times are whole seconds.

    Attributes:
        name: what it is, such as ``ingestion``; single in its license.
        proof: what shows that it is met; for `Proof.JOURNAL` *items* different works or forms were delivered.
        until: when it lapses if it is not met.
        objection: seconds that the licensee has to object once it is met.
        gone: paths that were withdrawn and credited: nobody can fetch them any more, so they do not count.
    """

    license: str
    licensee: str
    site: str
    name: str
    amount: Money
    holder: Holder
    proof: Proof
    until: int
    items: int = 1
    objection: int = OBJECTION_SECONDS
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where it stands. *entry* is the deposit or promise, "" for none; *met_at* in whole seconds, 0 for not."""

    state: State
    entry: str
    left: Money
    released: Money
    refunded: Money
    met_at: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an act adds of its own to the entries it makes: an id for each, when, and by whom."""

    ids: tuple[str, ...]
    time_us: int
    by: str

    @property
    def now(self) -> int:
        """The time in whole seconds."""
        return self.time_us // 1_000_000


Act = tuple[BookEntry, ...] | Refusal


def standing(milestone: Milestone, entries: Iterable[JournalEntry]) -> Standing:
    """Where *milestone* stands by the journal's *entries*, in their order.

    Only what `billing.postings` posts counts; of several deposits for one
    milestone the first is the one, and the others are to be refunded.
    """
    nothing = Money(0, milestone.amount.currency)
    found = Standing(State.PLANNED, "", nothing, nothing, nothing)
    for entry in entries:
        if not isinstance(entry, BookEntry) or entry.license != milestone.license:
            continue
        if not found.entry:
            found = _begun(milestone, found, entry)
        elif entry.reference == found.entry:
            found = _next(found, entry)
    return found


def ingested(milestone: Milestone, entries: Iterable[JournalEntry]) -> int | None:
    """The second at which *items* different paths or renditions were delivered under the license, or None."""
    first: dict[tuple[str, str], int] = {}
    for each in entries:
        if (
            isinstance(each, FetchRecord)
            and each.license == milestone.license
            and each.is_paid
            and each.charge_reason == "fetch"
            and each.path not in milestone.gone
        ):
            item, second = (each.path, each.rendition), each.time_us // 1_000_000
            first[item] = min(first.get(item, second), second)
    times = sorted(first.values())
    return times[milestone.items - 1] if len(times) >= milestone.items > 0 else None


def funded(milestone: Milestone, now: Standing, stamp: Stamp) -> Act:
    """Its holder has the money; or, where nobody holds it, it is promised."""
    if now.state is not State.PLANNED:
        return _no(f"The {milestone.holder.told} {milestone.name} is {now.state}: it is paid in once.")
    promised = milestone.holder.keeps is Keeps.NOBODY
    reference = "" if promised else str(milestone.holder)
    return (
        _entry(milestone, "promise" if promised else "deposit", milestone.amount, stamp, reference, milestone.name),
    )  # fmt: skip


def met(
    milestone: Milestone,
    now: Standing,
    stamp: Stamp,
    proof: Proof,
    evidence: str,
    entries: Iterable[JournalEntry] = (),
) -> Act:
    """It is met, by what was agreed to show it; *evidence* is a digest or a word that stands in the journal.

    *entries* are looked at for `Proof.JOURNAL` alone, and have to show it themselves.
    """  # fmt: skip
    if now.state is not State.WAITING:
        return _no(f"{milestone.name} is {now.state}: only what waits for its milestone can be met.")
    if proof is not milestone.proof:
        return _no(f"It was agreed that {milestone.name} is shown by {milestone.proof}, not by {proof}.")
    if stamp.now >= milestone.until:
        return _no(f"{milestone.name} lapsed before it was met.")
    if proof is Proof.JOURNAL and ingested(milestone, entries) is None:
        return _no(f"The journal does not show {milestone.items} deliveries for {milestone.name} yet.")
    return (_entry(milestone, "milestone", milestone.amount, stamp, now.entry, evidence),)


def disputed(milestone: Milestone, now: Standing, stamp: Stamp, why: str) -> Act:
    """One side objects, because *why*; what is met can be objected to until its time is over."""
    if now.state not in {State.WAITING, State.MET}:
        return _no(f"{milestone.name} is {now.state}: there is nothing left to object to.")
    if not why.strip():
        return _no("An objection says why.")
    if now.state is State.MET and stamp.now >= now.met_at + milestone.objection:
        return _no(f"The time to object to {milestone.name} is over.")
    return (_entry(milestone, "dispute", now.left, stamp, now.entry, why.strip()),)


def released(milestone: Milestone, now: Standing, stamp: Stamp, *, agreed: bool = False) -> Act:
    """The creator gets the money: once nobody can object any more, or the licensee *agreed* not to."""
    if now.state is not State.MET:
        return _no(f"{milestone.name} is {now.state}: only what is met is released.")
    if not agreed and stamp.now < now.met_at + milestone.objection:
        return _no(f"The licensee may still object to {milestone.name}.")
    return (_entry(milestone, "release", now.left, stamp, now.entry, milestone.name),)


def settled(milestone: Milestone, now: Standing, stamp: Stamp, to_creator: Money) -> Act:
    """A dispute is over: *to_creator* of what is left goes to the creator and the rest back. Takes two ids."""
    if now.state is not State.DISPUTED:
        return _no(f"{milestone.name} is {now.state}: nothing is disputed.")
    if to_creator.currency != now.left.currency or not 0 <= to_creator.micros <= now.left.micros:
        return _no(f"Of {milestone.name} there are {now.left} to settle, not {to_creator}.")
    parts = (("release", to_creator), ("refund", now.left - to_creator))
    return tuple(
        _entry(milestone, kind, amount, replace(stamp, ids=(id,)), now.entry, milestone.name)
        for id, (kind, amount) in zip(stamp.ids, parts, strict=True)
        if amount
    )


def lapsed(milestone: Milestone, now: Standing, stamp: Stamp) -> Act:
    """Its time is over and it was not met: the money goes back."""
    if now.state is not State.WAITING:
        return _no(f"{milestone.name} is {now.state}: it does not lapse.")
    if stamp.now < milestone.until:
        return _no(f"{milestone.name} may still be met.")
    return (_entry(milestone, "refund", now.left, stamp, now.entry, "not met in time"),)


def given_back(milestone: Milestone, now: Standing, stamp: Stamp) -> Act:
    """The creator gives the money back, whatever became of the milestone."""
    if now.state not in {State.WAITING, State.MET, State.DISPUTED}:
        return _no(f"{milestone.name} is {now.state}: there is nothing to give back.")
    return (_entry(milestone, "refund", now.left, stamp, now.entry, "given back"),)


def _begun(milestone: Milestone, found: Standing, entry: BookEntry) -> Standing:
    promised = milestone.holder.keeps is Keeps.NOBODY
    kind, reference = ("promise", "") if promised else ("deposit", str(milestone.holder))
    asked = (kind, reference, milestone.name, milestone.licensee, milestone.amount.currency)
    said = (entry.kind_of, entry.reference, entry.memo, entry.licensee, entry.currency)
    if said != asked or entry.amount_micros != milestone.amount.micros:
        return found
    return replace(found, state=State.WAITING, entry=entry.id, left=milestone.amount)


def _next(found: Standing, entry: BookEntry) -> Standing:
    amount = Money(entry.amount_micros, entry.currency)
    match entry.kind_of:
        case "milestone" if found.state is State.WAITING:
            return replace(found, state=State.MET, met_at=entry.time_us // 1_000_000)
        case "dispute" if found.state in {State.WAITING, State.MET}:
            return replace(found, state=State.DISPUTED, why=entry.memo)
        case "release" | "refund" if (
            amount.currency == found.left.currency and 0 < amount.micros <= found.left.micros
        ):
            to = "released" if entry.kind_of == "release" else "refunded"
            after = replace(found, left=found.left - amount, **{to: getattr(found, to) + amount})
            return replace(after, state=_over(after)) if not after.left else after
    return found


def _over(found: Standing) -> State:
    if found.released and found.refunded:
        return State.SHARED
    return State.RELEASED if found.released else State.REFUNDED


def _entry(
    milestone: Milestone, kind: str, amount: Money, stamp: Stamp, reference: str, memo: str
) -> BookEntry:
    return BookEntry(
        id=stamp.ids[0], time_us=stamp.time_us, kind_of=kind, site=milestone.site, licensee=milestone.licensee,
        amount_micros=amount.micros, currency=amount.currency, license=milestone.license, reference=reference,
        memo=memo, by=stamp.by,
    )  # fmt: skip


def _no(why: str) -> Refusal:
    return Refusal(Problem.MILESTONE_WAITS, why)
