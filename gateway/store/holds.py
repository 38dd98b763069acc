"""Whether a charge may be taken, from what the books say: the one rule both adapters share. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.admission.spending import Charge, Lease, Short
from gateway.money import Money
from gateway.problems import StoreUnavailable


class EntryConflict(StoreUnavailable):
    """An entry arrived under the id of another with other content: nothing of its batch was taken."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a charge's licensee and license, in micro-units of its currency.

    *credit* is the prepaid balance by postings, *held* what open holds take of
    it; *spent*, *spent_fetches* what the license's fetches owed so far, *open*,
    *open_fetches* what its open holds may still owe.
    """

    credit: int = 0
    held: int = 0
    spent: int = 0
    spent_fetches: int = 0
    open: int = 0
    open_fetches: int = 0


def decide(charge: Charge, standing: Standing) -> Lease | Short:
    """Lease the charge's price, or say what is short; the license's budget is looked at first.

    Raises `ValueError` for a price below zero.
    """
    price, budget, currency = charge.price.micros, charge.budget, charge.price.currency
    if price < 0:
        raise ValueError(f"a price is not negative: {charge.price}")
    if budget.fetches is not None and standing.spent_fetches + standing.open_fetches >= budget.fetches:
        return Short("budget", Money(0, currency))
    if budget.micros is not None:
        left = budget.micros - standing.spent - standing.open
        if price > left:
            return Short("budget", Money(max(left, 0), currency))
    left = standing.credit - standing.held
    if price > 0 and price > left:
        return Short("credit", Money(max(left, 0), currency))
    return Lease(charge.record_id, charge.price)


def same_charge(charge: Charge, licensee: str, license: str, price: Money) -> None:
    """Raise `ValueError` if *charge* is not what was asked first under its record id."""
    if (charge.licensee, charge.license, charge.price) != (licensee, license, price):
        raise ValueError(f"record {charge.record_id} was leased for another charge")


def settled(owed: Money, held: Money) -> Money:
    """*owed*, if it is an amount that a hold of *held* can be settled with; else `ValueError`."""
    if owed.micros < 0 or owed > held:
        raise ValueError(f"{owed} cannot be settled from a hold of {held}")
    return owed
