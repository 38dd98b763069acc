"""`admission.spending.SpendBook` in memory."""

from __future__ import annotations

from gateway.admission.spending import Charge, Short
from gateway.billing.postings import prepaid
from gateway.clock import Clock, SystemClock
from gateway.licenses.spend_limits import month_of
from gateway.money import Money
from gateway.store.memory.tables import Tables
from gateway.store.purses import Standing, decide
from gateway.tokens.claims import Budget


class MemorySpendBook:
    """Purses; nothing waits, so each method is one step."""

    def __init__(self, tables: Tables, clock: Clock | None = None) -> None:
        """Keep purses in *tables*, beside the postings; *clock* says which month it is."""
        self._tables, self._clock = tables, clock or SystemClock()

    async def lease(self, writer: str, charge: Charge, fetches: int) -> int | Short:
        """Add up to *fetches* to the purse of *writer*; see `SpendBook.lease`."""
        self._tables.check()
        answer = decide(charge, self._standing(charge), fetches)
        if isinstance(answer, int):
            self._tables.fill(writer, charge, answer)
        return answer

    async def give_back(self, writer: str, license: str, held: Money, fetches: int) -> None:
        """Take what will not be used out of a purse."""
        self._tables.check()
        self._tables.lower(writer, license, held.currency, held.micros, fetches)

    async def exhausted(self, license: str, price: Money, budget: Budget) -> bool:
        """Whether *budget* allows the license no further fetch at *price*; see `SpendBook.exhausted`."""
        self._tables.check()
        further = Charge("", "", license, price, budget)
        answer = decide(further, self._standing(further))
        return isinstance(answer, Short) and answer.what == "budget"

    async def charged(self, license: str, currency: str) -> int:
        """How many fetches the books show as charged under the license."""
        self._tables.check()
        return self._tables.spent.get((license, currency), (0, 0))[1]

    async def affords(self, licensee: str, price: Money) -> bool:
        """Whether *licensee* could lease one fetch at *price*; see `SpendBook.affords`."""
        self._tables.check()
        charge = Charge("", licensee, "", price, Budget())
        return isinstance(decide(charge, self._standing(charge)), int)

    async def available(self, licensee: str, currency: str) -> Money:
        """The balance of *licensee*: postings minus purses; below zero where it owes."""
        self._tables.check()
        return Money(self._credit(licensee, currency) - self._held(licensee, currency), currency)

    async def balances(self, licensee: str) -> tuple[Money, ...]:
        """`available` in every currency the licensee ever had, by currency."""
        account = prepaid(licensee)
        currencies = sorted(currency for found, currency in self._tables.balances if found == account)
        return tuple([await self.available(licensee, currency) for currency in currencies])

    def _credit(self, licensee: str, currency: str) -> int:
        return self._tables.balances.get((prepaid(licensee), currency), 0)

    def _held(self, licensee: str, currency: str) -> int:
        return sum(
            purse.held.micros
            for purse in self._tables.purses.values()
            if (purse.licensee, purse.held.currency) == (licensee, currency)
        )

    def _standing(self, charge: Charge) -> Standing:
        currency = charge.price.currency
        spent, fetches = self._tables.spent.get((charge.license, currency), (0, 0))
        purses = [
            purse
            for purse in self._tables.purses.values()
            if (purse.license, purse.held.currency) == (charge.license, currency)
        ]
        return Standing(
            credit=self._credit(charge.licensee, currency),
            held=self._held(charge.licensee, currency),
            limit=self._tables.limits.get((charge.licensee, currency), 0),
            spent=spent,
            spent_fetches=fetches,
            open=sum(purse.held.micros for purse in purses),
            open_fetches=sum(purse.fetches for purse in purses),
            month=self._tables.months[charge.licensee, currency, month_of(self._clock.now_us())],
            most=self._tables.spend_limits.get((charge.licensee, currency)),
        )
