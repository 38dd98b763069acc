"""What a crawler may spend: a ceiling for each fetch, a budget for the run, counted before anything is sent.

Money is held before a request that may cost it leaves, and what is held counts
as spent, so that any number of fetches at once never exceed the budget. A hold
ends in one of two ways: `settle`, with what it came to; `release`, where the
answer says that nothing is owed. What broke off without an answer is settled in
full, because it may have been paid.

Nothing here waits, so on one event loop each act is whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.client.refused import Refused, Why
from gateway.money import Money


@dataclass(frozen=True, slots=True)
class Spending:
    """The most that may be spent, in one currency: on each fetch, and in the whole run.

    None is nothing: only what is free is taken.
    """

    per_fetch: Money | None = None
    per_run: Money | None = None

    def __post_init__(self) -> None:
        """Refuse two currencies, and less than nothing."""
        given = [each for each in (self.per_fetch, self.per_run) if each is not None]
        if len({each.currency for each in given}) > 1:
            raise ValueError("ceiling and budget are in one currency")
        if any(each.micros < 0 for each in given):
            raise ValueError("ceiling and budget are not below zero")

    @property
    def currency(self) -> str:
        """The currency of both, "" where nothing may be spent."""
        given = self.per_run if self.per_fetch is None else self.per_fetch
        return given.currency if given is not None else ""


#: Only what is free.
FREE = Spending()


@dataclass(slots=True)
class Hold:
    """*amount* that is set aside; `open` until it was settled or released."""

    amount: Money
    open: bool = True


class Purse:
    """Counts one run. The amounts are micro-units of the one currency of *spending*."""

    def __init__(self, spending: Spending) -> None:
        """Begin with nothing spent."""
        self.spending = spending
        self._most = spending.per_run.micros if spending.per_run else 0
        self._spent = self._held = 0

    @property
    def spent(self) -> Money | None:
        """What was spent so far; None where nothing may be spent."""
        return Money(self._spent, self.spending.currency) if self.spending.currency else None

    @property
    def left(self) -> int:
        """Micro-units that can still be held."""
        return self._most - self._spent - self._held

    def hold_fetch(self, price: Money) -> Hold | Refused:
        """Set the price of one fetch aside, if neither ceiling nor budget is in the way."""
        ceiling = self.spending.per_fetch
        if price and (ceiling is None or price.currency != ceiling.currency or price > ceiling):
            return Refused.own(
                Why.OVER_CEILING, f"A fetch costs {price}, the ceiling is {ceiling or 'nothing'}"
            )
        return self.hold(price)

    def hold(self, amount: Money) -> Hold | Refused:
        """Set *amount* aside, if the budget is not in the way."""
        if amount.micros < 0:
            return Refused.own(Why.UNREADABLE, f"A price is {amount}")
        if amount and (amount.currency != self.spending.currency or amount.micros > self.left):
            left = Money(self.left, self.spending.currency) if self.spending.currency else "nothing"
            return Refused.own(Why.OVER_BUDGET, f"{amount} is asked for, {left} of the budget is left")
        self._held += amount.micros
        return Hold(amount)

    def settle(self, hold: Hold, charged: Money | None = None) -> None:
        """Count *hold* as spent: *charged* of it, all of it where that is not known."""
        if not hold.open:
            return
        hold.open = False
        self._held -= hold.amount.micros
        known = charged is not None and charged.currency == hold.amount.currency
        # A server that names less than nothing, or more than it was let, changes no count but for the worse.
        self._spent += max(0, charged.micros) if known and charged is not None else hold.amount.micros

    def release(self, hold: Hold) -> None:
        """Give *hold* back."""
        if hold.open:
            hold.open = False
            self._held -= hold.amount.micros
