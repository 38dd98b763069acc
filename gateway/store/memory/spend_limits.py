"""`licenses.spend_limits.SpendLimits` in memory."""

from __future__ import annotations

from gateway.licenses.spend_limits import SpendLimit
from gateway.money import Money
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.tables import Tables


class MemorySpendLimits:
    """Limits, beside the purses that heed them."""

    def __init__(self, register: MemoryRegister, tables: Tables) -> None:
        """Keep them in *tables*, for the licensees of *register*."""
        self._register, self._tables = register, tables

    async def limit(self, licensee: str, limit: Money) -> bool:
        """Let *licensee* spend at most *limit* a month; see the port."""
        if limit.micros < 0:
            raise ValueError(f"a spend limit is not negative: {limit}")
        if await self._register.licensee(licensee) is None:
            return False
        self._tables.spend_limits[licensee, limit.currency] = limit.micros
        return True

    async def lift(self, licensee: str, currency: str) -> bool:
        """Take the limit in that currency away."""
        return self._tables.spend_limits.pop((licensee, currency), None) is not None

    async def limits_of(self, licensee: str, month: str) -> tuple[SpendLimit, ...]:
        """The limits of *licensee*, with what was spent in *month*."""
        return tuple(
            SpendLimit(
                Money(micros, currency), Money(self._tables.months[licensee, currency, month], currency)
            )
            for (whose, currency), micros in sorted(self._tables.spend_limits.items())
            if whose == licensee
        )
