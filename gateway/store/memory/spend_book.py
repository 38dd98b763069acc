"""`admission.spending.SpendBook` in memory."""

from __future__ import annotations

from gateway.admission.spending import Charge, Lease, Short
from gateway.billing.postings import prepaid
from gateway.money import Money
from gateway.store.holds import Standing, decide, same_charge, settled
from gateway.store.memory.tables import Hold, Tables
from gateway.tokens.claims import Budget


class MemorySpendBook:
    """Holds on prepaid credit; nothing waits, so each method is one step."""

    def __init__(self, tables: Tables) -> None:
        """Keep holds in *tables*, beside the postings."""
        self._tables = tables

    async def lease(self, charge: Charge, now: int) -> Lease | Short:
        """Set the charge's price aside, or say what is short; see `SpendBook.lease`."""
        self._tables.check()
        before = self._tables.holds.get(charge.record_id)
        if before is not None:
            same_charge(charge, before.licensee, before.license, before.price)
            if before.state == "short":
                return Short(before.what, Money(before.left, before.price.currency))
            return Lease(charge.record_id, charge.price)
        answer = decide(charge, self._standing(charge, now))
        hold = Hold(
            charge.licensee, charge.license, charge.price, charge.price.micros, 1,
            now + charge.hold_seconds, "open",
        )  # fmt: skip
        if isinstance(answer, Short):
            hold.held, hold.fetches, hold.state = 0, 0, "short"
            hold.what, hold.left = answer.what, answer.left.micros
        self._tables.holds[charge.record_id] = hold
        return answer

    async def settle(self, record_id: str, owed: Money, now: int) -> bool:
        """Close an open hold with *owed*, which stays set aside until it is folded or lapses."""
        self._tables.check()
        hold = self._tables.holds.get(record_id)
        if hold is None or hold.state != "open" or hold.expires_at < now:
            return False
        hold.held = settled(owed, Money(hold.held, hold.price.currency)).micros
        hold.state, hold.fetches = "settled", int(hold.held > 0 or not hold.price)
        return True

    async def give_back(self, record_id: str) -> bool:
        """Let an open hold go; whether there was one."""
        self._tables.check()
        hold = self._tables.holds.get(record_id)
        if hold is None or hold.state != "open":
            return False
        hold.state = "returned"
        return True

    async def exhausted(self, license: str, price: Money, budget: Budget, now: int) -> bool:
        """Whether *budget* allows the license no further fetch at *price*; see `SpendBook.exhausted`."""
        self._tables.check()
        further = Charge("", "", license, price, budget)
        answer = decide(further, self._standing(further, now))
        return isinstance(answer, Short) and answer.what == "budget"

    async def available(self, licensee: str, currency: str, now: int) -> Money:
        """What *licensee* could still lease: postings minus open holds; below zero where it owes."""
        self._tables.check()
        return Money(self._credit(licensee, currency) - self._held(licensee, currency, now), currency)

    async def balances(self, licensee: str, now: int) -> tuple[Money, ...]:
        """`available` in every currency the licensee ever had, by currency."""
        account = prepaid(licensee)
        currencies = sorted(currency for found, currency in self._tables.balances if found == account)
        return tuple([await self.available(licensee, currency, now) for currency in currencies])

    def _credit(self, licensee: str, currency: str) -> int:
        return self._tables.balances.get((prepaid(licensee), currency), 0)

    def _open(self, currency: str, now: int) -> list[Hold]:
        return [
            hold
            for hold in self._tables.holds.values()
            if hold.counts and hold.price.currency == currency and hold.expires_at >= now
        ]

    def _held(self, licensee: str, currency: str, now: int) -> int:
        return sum(hold.held for hold in self._open(currency, now) if hold.licensee == licensee)

    def _standing(self, charge: Charge, now: int) -> Standing:
        currency = charge.price.currency
        spent, fetches = self._tables.spent.get((charge.license, currency), (0, 0))
        holds = [hold for hold in self._open(currency, now) if hold.license == charge.license]
        return Standing(
            credit=self._credit(charge.licensee, currency),
            held=self._held(charge.licensee, currency, now),
            spent=spent,
            spent_fetches=fetches,
            open=sum(hold.held for hold in holds),
            open_fetches=sum(hold.fetches for hold in holds),
        )
