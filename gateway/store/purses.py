"""How much may be leased, from what the books say, and what an entry uses up: one rule for all adapters. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from gateway.admission.spending import Charge, Short, fee_of
from gateway.billing.postings import Spend, spend_of
from gateway.licenses.spend_limits import month_of
from gateway.money import Money
from gateway.problems import StoreUnavailable
from gateway.provenance.record import BookEntry, FetchRecord, JournalEntry

#: One lease takes at most this part of what is left, so that others find something too.
_SHARE: Final = 4
#: What is short where the licensee's own limit of the month is reached.
OWN_LIMIT: Final = "limit"


class EntryConflict(StoreUnavailable):
    """An entry arrived under the id of another with other content: nothing of its batch was taken."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a charge's licensee and license, in micro-units of its currency.

    *credit* is the prepaid balance by postings, *held* what purses take of it,
    *limit* how far below zero it may go;
    *spent*, *spent_fetches* what the license's fetches owed so far, *open*,
    *open_fetches* what its purses may still owe. *month* is what the licensee
    spent in this month, *most* what it lets itself spend in one; None where it
    set no limit.
    """

    credit: int = 0
    held: int = 0
    spent: int = 0
    spent_fetches: int = 0
    open: int = 0
    open_fetches: int = 0
    limit: int = 0
    month: int = 0
    most: int | None = None


def decide(charge: Charge, standing: Standing, fetches: int = 1) -> int | Short:
    """How many of *fetches* are granted, at least 1, or what is short; the budget is looked at first.

    Raises `ValueError` for a price below zero or fewer than 1 of *fetches*.
    """
    price, budget, currency = charge.price.micros, charge.budget, charge.price.currency
    if price < 0:
        raise ValueError(f"a price is not negative: {charge.price}")
    if fetches < 1:
        raise ValueError(f"a lease is of one fetch or more: {fetches}")
    room: list[int] = []
    if budget.fetches is not None:
        count = budget.fetches - standing.spent_fetches - standing.open_fetches
        if count < 1:
            return Short("budget", Money(0, currency))
        room.append(count)
    limits = [("credit", standing.credit + standing.limit - standing.held)] if price else []
    if standing.most is not None and price:
        limits.insert(0, (OWN_LIMIT, standing.most - standing.month - standing.held))
    if budget.micros is not None:
        limits.insert(0, ("budget", budget.micros - standing.spent - standing.open))
    for what, left in limits:
        if price > left:
            return Short(what, Money(max(left, 0), currency))
        if price:
            room.append(left // price)
    return min([fetches, *(max(1, count // _SHARE) for count in room)])


def used_by(entry: JournalEntry) -> Spend | None:
    """What *entry* takes out of its writer's purse, or None: a fetch that owes, or a fee that was due.

    A fetch takes out what was set aside for it, which may be more than it owes.
    """
    if isinstance(entry, BookEntry) and entry.kind_of == "fee" and entry.license:
        return Spend(fee_of(entry.license), entry.currency, entry.amount_micros, 1)
    spend = spend_of(entry)
    if spend is not None and isinstance(entry, FetchRecord) and entry.price_micros > spend.micros:
        return replace(spend, micros=entry.price_micros)
    return spend


def month_spend_of(entry: JournalEntry) -> tuple[tuple[str, str, str], int] | None:
    """What *entry* adds to a month of its licensee: licensee, currency and month, and micro-units; None for nothing.

    What is undone later stays counted in its month: a limit never gives more room than it said.
    """
    if isinstance(entry, FetchRecord):
        micros = entry.charged_micros if entry.is_paid else 0
    elif isinstance(entry, BookEntry) and entry.kind_of == "fee":
        micros = entry.amount_micros
    else:
        return None
    if micros <= 0 or not entry.licensee:
        return None
    return (entry.licensee, entry.currency, month_of(entry.time_us)), micros
