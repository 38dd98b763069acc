"""Late interest as entries for the journal: of each sum that is late, month by month, each once. Pure.

What bears interest are the dues of a license and what was released of a promise,
where the version in force when they fell due agreed it; interest bears none, and
nor do tax and rounding. A sum is late after the last day that was agreed, or
after the day that a bill names on which it stands, where that is later: who pays
by the day on the bill is in time. A part in dispute bears none on the days of the
dispute, however it is decided; what was credited or counted anew never did; what
was written off bears none from then on.

Payments pay what they name, and else the oldest of everything that is owed, as
`billing.dunning` counts them. A month is booked when it is over in the calendar
of the agreement, at its last second: it is what the interest until then comes to
above what it came to a month before, so that the months add up to what is rounded
once. Its id follows from license, sum and month. Where facts change afterwards,
such as a payment that came to light late, entries correct it as those of
`billing.booking` do.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from gateway.billing.business_days import Calendar, business_days_after
from gateway.billing.dues import Payment, payment_of
from gateway.billing.invoices import CREDIT_NOTE, INTEREST, Document
from gateway.billing.late_interest import InDispute, Paid, late_interest
from gateway.billing.line_disputes import Dispute
from gateway.canonical import canonical_bytes
from gateway.licenses.license import License
from gateway.licenses.payment_words import percent
from gateway.money import Money
from gateway.provenance.record import BookEntry, JournalEntry

#: Who enters it.
BY: Final = "interest"
#: Entries by which something is owed.
_OWED: Final = frozenset({"due", "tax", "round_up", "release"})
#: Entries by which less is owed from their time on.
_PAID: Final = frozenset({"payment", "write_off", "round_down"})
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one licensee.

    Attributes:
        entries: its book entries, in the journal's order.
        due_on: the last day on which a due is in time, by its id; any other counts from its own time.
        documents: its bills; credit notes and what has no number yet are passed over.
        disputes: of lines of them.
    """

    entries: Sequence[JournalEntry]
    due_on: Mapping[str, date]
    documents: Sequence[Document] = ()
    disputes: Sequence[Dispute] = ()


@dataclass(frozen=True, slots=True)
class MonthOfInterest:
    """What one sum bore in one month: *id* follows from license, sum and month, *at* is the month's last second."""

    id: str
    bears: str
    at: int
    amount: Money
    memo: str


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum that is owed: *micros* of it stand by now, *paid* are its parts with the second of each."""

    entry: BookEntry
    micros: int
    paid: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Bill:
    """What a document says that is looked at here: the day by which it is to be paid, and its lines' entries by number."""

    id: str
    due_on: date
    entries: Mapping[int, str]


def bills_of(documents: Iterable[Document]) -> tuple[Bill, ...]:
    """The bills among *documents*; credit notes and what has no number yet are none."""
    found = list[Bill]()
    for each in documents:
        if each.kind != CREDIT_NOTE and each.number:
            told = each.told
            entries = {line["nth"]: line["entry"] for line in told["lines"] if line["entry"]}
            found.append(Bill(each.id, date.fromisoformat(told["due_on"]), entries))
    return tuple(found)


def agreed(versions: Iterable[License]) -> bool:
    """Whether interest was agreed at any time."""
    return any(each.terms.compensation.late_interest_bp for each in versions)


def next_month(versions: Sequence[License], now: int) -> int:
    """The first second after *now* at which a month is over by the calendar of any of *versions*."""
    found = []
    for each in versions:
        calendar = payment_of(each.terms).calendar
        last = _last_of(calendar.day_of(now))
        over = calendar.ends_at(last)
        found.append(over if over > now else calendar.ends_at(_last_of(last + _DAY)))
    return min(found)


def interest_of(versions: Sequence[License], facts: Facts, now: int) -> tuple[MonthOfInterest, ...]:
    """What each sum of one license, all its *versions* in order, bore in each month that is over at *now*; zero left out."""
    bills, found = bills_of(facts.documents), list[MonthOfInterest]()
    for each in sums_of(facts.entries, bills):
        entry = each.entry
        if entry.license != versions[0].id or entry.by == BY or entry.kind_of not in {"due", "release"}:
            continue
        terms = _in_force(versions, entry.time_us // 1_000_000).terms
        points, payment = terms.compensation.late_interest_bp, payment_of(terms)
        if points:
            due_on = _due_on(entry, facts.due_on, bills, payment)
            disputed = _disputed(entry, bills, facts.disputes, payment.calendar)
            found += _months(each, due_on, disputed, points, payment.calendar, now)
    return tuple(found)


def sums_of(entries: Iterable[JournalEntry], bills: Iterable[Bill]) -> tuple[Sum, ...]:
    """Everything that one licensee owes, the oldest first, with what paid it: that which names it, then the others."""
    books = [each for each in entries if isinstance(each, BookEntry)]
    gone, promises = _reversed(books), {each.id for each in books if each.kind_of == "promise"}
    owed = sorted(
        (
            each
            for each in books
            if each.kind_of in _OWED and (each.kind_of != "release" or each.reference in promises)
        ),
        key=lambda one: one.time_us,
    )
    left = {each.id: each.amount_micros - gone[each.id] for each in owed}
    stands, paid = dict(left), defaultdict[str, list[tuple[int, int]]](list)
    named = _named(bills, owed)
    # Several processes write the journal: its order is not the order of time, and who paid first is counted first.
    for each in sorted(books, key=lambda one: one.time_us):
        if each.kind_of not in _PAID:
            continue
        rest, first = each.amount_micros - gone[each.id], named.get(each.reference, ())
        order = [*first, *(() if each.kind_of != "payment" else (one.id for one in owed))]
        money = {one.id for one in owed if one.currency == each.currency}
        for id in order:
            part = min(rest, left[id]) if id in money else 0
            if part > 0:
                left[id], rest = left[id] - part, rest - part
                paid[id].append((each.time_us // 1_000_000, part))
    return tuple(Sum(each, stands[each.id], tuple(paid[each.id])) for each in owed)


def to_book(
    license: License, wanted: Iterable[MonthOfInterest], booked: Iterable[JournalEntry], now_us: int
) -> tuple[BookEntry, ...]:
    """The entries that are still to be written for *license* so that its books say what is *wanted*; none twice."""
    mine, back = defaultdict[str, list[BookEntry]](list), defaultdict[str, list[BookEntry]](list)
    for each in booked:
        if not isinstance(each, BookEntry):
            continue
        if each.kind_of == "reversal":
            back[each.reference].append(each)
        elif (each.kind_of, each.by, each.license) == ("due", BY, license.id):
            mine[each.id.partition(".")[0]].append(each)
    found = list[BookEntry]()
    for month in wanted:
        found += _booked(license, month.id, month.amount.micros, month, mine.pop(month.id, []), back, now_us)
    for id, entries in mine.items():
        found += _booked(license, id, 0, None, entries, back, now_us)
    return tuple(found)


def _booked(
    license: License,
    id: str,
    wanted: int,
    month: MonthOfInterest | None,
    entries: list[BookEntry],
    back: Mapping[str, list[BookEntry]],
    now_us: int,
) -> Iterator[BookEntry]:
    """Up or down to *wanted*; what somebody else reversed, such as a credit note, is not asked for again."""
    ours = [each for one in entries for each in back.get(one.id, ()) if each.by == BY]
    lacking = wanted - sum(each.amount_micros for each in entries) + sum(each.amount_micros for each in ours)
    nth = len(entries) + len(ours)
    if lacking > 0 and month is not None:
        yield BookEntry(
            id=f"{id}.{nth}" if entries else id, time_us=now_us if entries else month.at * 1_000_000,
            kind_of="due", site=license.site, licensee=license.licensee, amount_micros=lacking,
            currency=month.amount.currency, license=license.id, reference=month.bears, memo=month.memo, by=BY,
        )  # fmt: skip
    for each in reversed(entries):
        part = min(-lacking, each.amount_micros - sum(one.amount_micros for one in back.get(each.id, ())))
        if part > 0:
            yield BookEntry(
                id=f"{id}.{nth}", time_us=now_us, kind_of="reversal", site=license.site, licensee=license.licensee,
                amount_micros=part, currency=each.currency, license=license.id, reference=each.id,
                memo="interest counted anew", by=BY,
            )  # fmt: skip
            lacking, nth = lacking + part, nth + 1


def _months(
    one: Sum, due_on: date, disputed: Sequence[InDispute], points: int, calendar: Calendar, now: int
) -> Iterator[MonthOfInterest]:
    entry, before = one.entry, 0
    due = Money(one.micros, entry.currency)
    paid = [Paid(Money(micros, entry.currency), calendar.day_of(at)) for at, micros in one.paid]
    last_paid = max((each.on for each in paid), default=due_on)
    settled = sum(each.amount.micros for each in paid) >= one.micros
    last = _last_of(due_on)
    while calendar.ends_at(last) <= now:
        until = late_interest(due, due_on, paid, points, last, disputed).micros
        if until > before:
            named = hashlib.sha256(canonical_bytes([entry.license, entry.id, f"{last:%Y-%m}"])).hexdigest()
            memo = f"late_interest; {percent(points)} a year for {last:%Y-%m}, on what was to be paid by {due_on}"
            yield MonthOfInterest(
                f"{INTEREST}{named[:32]}", entry.id, calendar.ends_at(last) - 1,
                Money(until - before, entry.currency), memo,
            )  # fmt: skip
        if settled and last >= last_paid:
            return
        before, last = until, _last_of(last + _DAY)


def _due_on(entry: BookEntry, known: Mapping[str, date], bills: Iterable[Bill], payment: Payment) -> date:
    agreed = known.get(entry.id)
    if agreed is None:
        # What was found to lack later cannot have been paid before anybody knew of it.
        after = business_days_after(entry.time_us // 1_000_000, payment.days, payment.calendar)
        agreed = max(after, known.get(entry.reference, after))
    return max([agreed, *(each.due_on for each in bills if entry.id in each.entries.values())])


def _disputed(
    entry: BookEntry, bills: Iterable[Bill], disputes: Iterable[Dispute], calendar: Calendar
) -> tuple[InDispute, ...]:
    lines = {(each.id, nth) for each in bills for nth, id in each.entries.items() if id == entry.id}
    return tuple(
        InDispute(
            each.amount,
            calendar.day_of(each.opened_at),
            calendar.day_of(each.decided_at) if each.decided_at else None,
        )
        for each in disputes
        if (each.document, each.line) in lines
    )


def _named(bills: Iterable[Bill], owed: Sequence[BookEntry]) -> dict[str, tuple[str, ...]]:
    """What is paid first by a payment that names a document, or a sum: the sum, then what stands on the same bill."""
    found: dict[str, tuple[str, ...]] = {each.id: (each.id,) for each in owed}
    ids, about = set(found), defaultdict[str, list[str]](list)
    for each in owed:
        about[each.reference].append(each.id)
    for bill in bills:
        lines = [id for id in bill.entries.values() if id in ids]
        all_ = (*lines, *about[bill.id])
        found[bill.id] = all_
        for id in lines:
            found[id] = (id, *(each for each in all_ if each != id))
    return found


def _reversed(books: Iterable[BookEntry]) -> defaultdict[str, int]:
    """What reversals took back by the id of what they undo; one that would undo more than stands posts nothing."""
    found, stood = defaultdict[str, int](int), dict[str, int]()
    for each in books:
        if each.kind_of != "reversal":
            stood[each.id] = each.amount_micros
        elif found[each.reference] + each.amount_micros <= stood.get(each.reference, 0):
            found[each.reference] += each.amount_micros
    return found


def _in_force(versions: Sequence[License], at: int) -> License:
    return next((each for each in reversed(versions) if each.starts_at <= at), versions[0])


def _last_of(day: date) -> date:
    """The last day of the month of *day*."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - _DAY
