"""What falls due, as entries for the journal: each once, and corrected by entries alone. Pure.

A due is booked as an entry ``due`` under its own id and at its own time, so that
whoever computes it again, after a restart too, finds it booked. What a token or
a fee at signing already took is in the books by that and is left out. Parts that
are counted from deliveries are booked for whole months (UTC), or for
what of a month a version was in force; the rest as soon as it is due.

Where the facts change afterwards (a record that came late from a server that had
been down, a report that was corrected), what is missing is booked as a further
due with the reference of the first, and what is too much is reversed, both at the
time of whoever looks. What somebody else reversed, such as a credit note, was
due all the same and is not asked for again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from gateway.billing.dues import Due, Dues, Facts, Missing, Part, Payment, Reckoning
from gateway.billing.spans import spans
from gateway.licenses.license import BY_FETCH, License
from gateway.licenses.obligations import periods
from gateway.licenses.offers import months_after
from gateway.money import LARGEST_MICROS
from gateway.provenance.record import BookEntry, JournalEntry

#: Who enters what is due.
BY: Final = "terms"
#: Parts that are due before what they are for.
IN_ADVANCE: Final = frozenset({Part.UPFRONT, Part.SUBSCRIPTION})
#: Seconds after the end of a license in which late records are still looked for.
LATE_SECONDS: Final = 35 * 86_400
_LONGEST_MEMO: Final = 300
_TOO_LARGE: Final = "it comes to more than any amount this gateway books"


def due_until(
    versions: Sequence[License], facts: Facts, now: int, payment: Payment | None = None, *, over_at: int = 0
) -> Dues:
    """Everything that fell due under a license from its start to second *now*, month by month, zero parts left out."""
    items, missing = list[Due](), list[Missing]()
    reckoning = Reckoning(versions, facts, payment, over_at)
    for begins, ends in _months(versions[0].starts_at, now + 1):
        found = reckoning.of(begins, ends)
        for each in found.items:
            if each.amount.micros > LARGEST_MICROS:
                # It would be no entry that the books can hold.
                missing.append(Missing(each.license, each.part, each.begins, each.ends, _TOO_LARGE))
            elif _is_over(each, now):
                items.append(each)
        missing += [each for each in found.missing if each.ends <= now]
    return Dues(tuple(items), tuple(missing))


def to_book(
    license: License, dues: Dues, booked: Iterable[JournalEntry], now_us: int
) -> tuple[BookEntry, ...]:
    """The entries that are still to be written for *dues* of *license*, given what is *booked*; none twice.

    *dues* are everything until now (`due_until`); of *booked* the book entries of its licensee count.
    """
    mine, back = defaultdict[str, list[BookEntry]](list), defaultdict[str, list[BookEntry]](list)
    for each in booked:
        if isinstance(each, BookEntry) and each.kind_of == "reversal":
            back[each.reference].append(each)
        elif isinstance(each, BookEntry) and (each.kind_of, each.by, each.license) == ("due", BY, license.id):
            mine[each.reference or each.id].append(each)
    found = list[BookEntry]()
    for due in dues.items:
        found += _booked(license, due.id, due.open.micros, due, mine.pop(due.id, []), back, now_us)
    unknown = {each.id for each in dues.missing}
    for id, entries in mine.items():
        # What is not due any more is taken back; what cannot be told at this moment stays.
        if id not in unknown:
            found += _booked(license, id, 0, None, entries, back, now_us)
    return tuple(found)


def moments(versions: Sequence[License], *, over_at: int = 0) -> tuple[int, ...]:
    """The seconds at which something falls due by time alone, in order: starts, ends of periods and months."""
    found = set[int]()
    for span in spans(versions, over_at):
        price = span.license.terms.compensation
        found |= {span.begins, span.ends}
        if price.subscription is not None:
            found |= {
                begins for begins, _ in periods(span.starts_at, span.ends_at, price.subscription_months)
            }
        if price.minimum_guarantee is not None:
            cut = periods(span.starts_at, span.ends_at, price.minimum_guarantee_months)
            found |= {ends for _, ends in cut}
        if counted(versions):
            found |= {ends for _, ends in _months(span.begins, span.ends)}
    return tuple(sorted(found))


def counted(versions: Iterable[License]) -> bool:
    """Whether deliveries have to be looked at to say what is due, beyond what each of them was charged."""
    prices = [each.terms.compensation for each in versions]
    return any(
        part is not None
        for price in prices
        for part in (
            price.per_item, price.per_megabyte, price.per_thousand_tokens, price.minimum_guarantee,
        )
    )  # fmt: skip


def bookable(versions: Sequence[License]) -> bool:
    """Whether anything can fall due under a license besides what is charged at each fetch."""
    if not versions or versions[0].id.startswith(BY_FETCH):
        return False
    return any(
        price.revenue_share_bp or any(part for part in price.parts() if part is not price.per_fetch)
        for price in (each.terms.compensation for each in versions)
    )


def _booked(
    license: License,
    id: str,
    wanted: int,
    due: Due | None,
    entries: list[BookEntry],
    back: dict[str, list[BookEntry]],
    now_us: int,
) -> Iterator[BookEntry]:
    ours = [each for one in entries for each in back[one.id] if each.by == BY]
    lacking = wanted - sum(each.amount_micros for each in entries) + sum(each.amount_micros for each in ours)
    nth = len(entries) + len(ours)
    if lacking > 0 and due is not None:
        again = bool(entries)
        yield BookEntry(
            id=f"{id}.{nth}" if again else id, time_us=now_us if again else due.trigger_at * 1_000_000,
            kind_of="due", site=license.site, licensee=license.licensee, amount_micros=lacking,
            currency=due.amount.currency, license=license.id, reference=id if again else "",
            memo=memo_of(due), by=BY,
        )  # fmt: skip
    for each in reversed(entries):
        standing = each.amount_micros - sum(one.amount_micros for one in back[each.id])
        part = min(-lacking, standing)
        if part > 0:
            yield BookEntry(
                id=f"{id}.{nth}", time_us=now_us, kind_of="reversal", site=license.site, licensee=license.licensee,
                amount_micros=part, currency=each.currency, license=license.id, reference=each.id,
                memo="counted anew", by=BY,
            )  # fmt: skip
            lacking, nth = lacking + part, nth + 1


def memo_of(due: Due) -> str:
    """What a due is and when it is to be paid, for people: the part, the day of payment, what it was computed from."""
    return f"{due.part}; to be paid by {due.due_on}; {due.basis}"[:_LONGEST_MEMO]


def _is_over(due: Due, now: int) -> bool:
    """Whether what *due* is counted from is over; what is paid in advance is due when it begins."""
    return (due.trigger_at if due.part in IN_ADVANCE else due.ends) <= now


def _months(begins: int, ends: int) -> Iterator[tuple[int, int]]:
    """The months (UTC) that touch the time from *begins* to before *ends*, each whole."""
    first = datetime.fromtimestamp(begins, UTC).replace(day=1, hour=0, minute=0, second=0)
    start = int(first.timestamp())
    while start < ends:
        after = months_after(start, 1)
        yield start, after
        start = after
