"""What is owed for paying late, where it was agreed: simple interest of a year, counted by the day. Pure.

A day is late from the one after the last day on which payment is in time; days
are those of the calendar of the agreement, and a year has 365 of them, a leap
year too. Interest bears no interest. It is rounded once, for a due as a whole.
A day on which a sum was in dispute, however short, is free of it for that sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from gateway.money import Money

_YEAR: Final = 365 * 10_000
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Paid:
    """A part of what was due, and the day on which it was paid."""

    amount: Money
    on: date


@dataclass(frozen=True, slots=True)
class InDispute:
    """A part of what was due that was in dispute from day *begins* to day *ends*, both in it; None while it still is."""

    amount: Money
    begins: date
    ends: date | None = None


def late_interest(
    due: Money,
    due_on: date,
    paid: Iterable[Paid],
    basis_points: int,
    until: date,
    disputed: Sequence[InDispute] = (),
) -> Money:
    """The interest on *due*, payable by *due_on*, until day *until*, at *basis_points* hundredths of a percent a year.

    Each part bears it until the day on which it was *paid*; what is paid above what is
    due bears none, and nor does what is *disputed*, of what is not paid. Payments after
    *until* have not happened yet. Zero where nothing is late.
    """
    paid = tuple(paid)
    for amount in (*(each.amount for each in paid), *(each.amount for each in disputed)):
        if amount.currency != due.currency:
            raise ValueError(f"what is due in {due.currency} is not paid in {amount.currency}")
    # What is open stays the same between two of these days; a payment counts from the day after it.
    edges = {due_on + _DAY, until + _DAY} | {each.on + _DAY for each in paid}
    edges |= {each.begins for each in disputed} | {each.ends + _DAY for each in disputed if each.ends}
    days = 0
    for begins, ends in pairwise(sorted(edges)):
        if due_on < begins <= until:
            left = due.micros - sum(each.amount.micros for each in paid if each.on < begins)
            away = sum(each.amount.micros for each in disputed if _holds(each, begins))
            days += max(0, left - away) * (ends - begins).days
    return Money(1, due.currency).times(days * basis_points, _YEAR)


def _holds(dispute: InDispute, day: date) -> bool:
    return dispute.begins <= day and (dispute.ends is None or day <= dispute.ends)
