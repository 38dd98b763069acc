"""What is owed for paying late, where it was agreed: simple interest of a year, counted by the day. Pure.

A day is late from the one after the last day on which payment is in time; days
are those of the calendar of the agreement, and a year has 365 of them, a leap
year too. Interest bears no interest. It is rounded once, for a due as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from gateway.money import Money

_YEAR: Final = 365 * 10_000


@dataclass(frozen=True, slots=True)
class Paid:
    """A part of what was due, and the day on which it was paid."""

    amount: Money
    on: date


def late_interest(due: Money, due_on: date, paid: Iterable[Paid], basis_points: int, until: date) -> Money:
    """The interest on *due*, payable by *due_on*, until day *until*, at *basis_points* hundredths of a percent a year.

    Each part bears it until the day on which it was *paid*; what is paid above what is
    due bears none. Payments after *until* have not happened yet. Zero where nothing is late.
    """
    left, days = due.micros, 0
    for each in sorted(paid, key=lambda one: one.on):
        if each.amount.currency != due.currency:
            raise ValueError(f"what is due in {due.currency} is not paid in {each.amount.currency}")
        if each.on > until:
            continue
        part = min(left, each.amount.micros)
        days += part * _late(due_on, each.on)
        left -= part
    days += left * _late(due_on, until)
    return Money(1, due.currency).times(days * basis_points, _YEAR)


def _late(due_on: date, paid_on: date) -> int:
    return max(0, (paid_on - due_on).days)
