"""Money given back: which entries still stand, and which of them a refund undoes. Pure.

A refund is one reversal or several (`postings`). Of a credit it pays money back
that was not spent; of a fee or a fetch it makes a charge undone, and the money
is the licensee's credit again: a credit note. Nothing is ever undone twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.billing.postings import Posting, prepaid
from gateway.money import Money


@dataclass(frozen=True, slots=True)
class Standing:
    """An entry of a licensee that moved money, and how much of it reversals left."""

    entry: str
    code: str
    time_us: int
    left: Money


def standings(licensee: str, postings: Iterable[Posting]) -> tuple[Standing, ...]:
    """What stands of every credit, fee and fetch of *licensee*, in the journal's order."""
    account = prepaid(licensee)
    found: dict[str, Standing] = {}
    for posting in postings:
        if account not in {posting.debit, posting.credit}:
            continue
        if posting.undoes:
            before = found[posting.undoes]
            left = before.left - posting.amount
            found[posting.undoes] = Standing(before.entry, before.code, before.time_us, left)
        else:
            found[posting.entry_id] = Standing(
                posting.entry_id, posting.code, posting.time_us, posting.amount
            )
    return tuple(found.values())


def paid_back(all: Iterable[Standing], amount: Money) -> tuple[tuple[str, Money], ...]:
    """Which credits to undo, and how much of each, to pay *amount* back: the newest first.

    Adds up to less than *amount* where the credits do.
    """
    wanted, parts = amount, []
    credits = (each for each in all if each.code == "credit" and each.left.currency == amount.currency)
    for each in sorted(credits, key=lambda credit: credit.time_us, reverse=True):
        part = min(wanted, each.left)
        if part:
            parts.append((each.entry, part))
            wanted -= part
    return tuple(parts)
