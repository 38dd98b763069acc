"""Closed periods: which entries belong to which, once a period was billed. Pure.

A period is closed by an entry of the journal (``close``, its `reference` the
period's name). What stands before it in the journal's order stays as it is for
ever; an entry of that time which comes in later belongs to the first later
period that was not closed before it came. So where an entry belongs follows from
the journal alone, and every entry belongs to exactly one period.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.billing.statements import Period

#: After every place in the journal.
END: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Window:
    """Entries from *since_us* to before *until_us* whose place lies between *after_seq* and *before_seq*, both not in it.

    *late* ones are of an earlier period that was closed when they came.
    """

    since_us: int
    until_us: int
    after_seq: int
    before_seq: int
    late: bool = False

    def holds(self, time_us: int, seq: int) -> bool:
        """Whether an entry of that time and place is in it."""
        return self.since_us <= time_us < self.until_us and self.after_seq < seq < self.before_seq


def preceding(period: Period) -> Period:
    """The month before *period*.

    >>> preceding(Period.parse("2026-01")).name
    '2025-12'
    """
    year, month = int(period.name[:4]), int(period.name[5:])
    return Period.parse(f"{year - (month == 1):04}-{(month - 2) % 12 + 1:02}")


def following(period: Period) -> Period:
    """The month after *period*.

    >>> following(Period.parse("2026-12")).name
    '2027-01'
    """
    year, month = int(period.name[:4]), int(period.name[5:])
    return Period.parse(f"{year + (month == 12):04}-{month % 12 + 1:02}")


def windows(period: Period, closes: Mapping[str, int]) -> tuple[Window, ...]:
    """Where the entries of *period* are: its own first, then what came late for earlier ones.

    *closes* gives the places of the ``close`` entries by the names of periods.
    """
    closed = closes.get(period.name, END)
    found = [Window(period.since_us, period.until_us, 0, closed)]
    found += (
        Window(each.since_us, each.until_us, each.after_seq, closed, late=True)
        for each in late_from(period, closes)
        if each.after_seq < closed
    )
    return tuple(found)


def late_from(period: Period, closes: Mapping[str, int]) -> tuple[Window, ...]:
    """What is earlier than *period* by its time, and belongs to it or to a later one all the same."""
    found, bar, month = list[Window](), 0, period
    while month.name > "1000-01" and (month := preceding(month)).name in closes:
        bar = max(bar, closes[month.name])
        found.append(Window(month.since_us, month.until_us, bar, END, late=True))
    return tuple(found)
