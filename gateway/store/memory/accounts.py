"""`licenses.accounts.Accounts` in memory."""

from __future__ import annotations

from gateway.licenses.accounts import Account
from gateway.licenses.register import LicenseRegister
from gateway.money import Money
from gateway.store.memory.tables import Tables


class MemoryAccounts:
    """Agents; the credit limits are in the books' tables, where leases see them."""

    def __init__(self, register: LicenseRegister, tables: Tables) -> None:
        """Know the licensees of *register*, and keep limits in *tables*."""
        self._register, self._tables = register, tables
        self._agents: dict[str, str] = {}

    async def by_agent(self, agent: str) -> Account | None:
        """The account that *agent* is tied to."""
        self._tables.check()
        found = await self._register.licensee(self._agents.get(agent, ""))
        return Account(found.id, found.standing, await self.limits_of(found.id)) if found else None

    async def tie(self, agent: str, licensee: str) -> bool:
        """Tie *agent* to *licensee*; False if there is no such licensee."""
        self._tables.check()
        if await self._register.licensee(licensee) is None:
            return False
        self._agents[agent] = licensee
        return True

    async def untie(self, agent: str) -> bool:
        """Let *agent* pay for nobody; False if it did not."""
        self._tables.check()
        return self._agents.pop(agent, None) is not None

    async def agents_of(self, licensee: str) -> tuple[str, ...]:
        """The agents that pay from the account of *licensee*, sorted."""
        self._tables.check()
        return tuple(sorted(agent for agent, found in self._agents.items() if found == licensee))

    async def set_limit(self, licensee: str, limit: Money) -> bool:
        """Let *licensee* owe up to *limit*; False if there is no such licensee."""
        self._tables.check()
        if limit.micros < 0:
            raise ValueError(f"a credit limit is not negative: {limit}")
        if await self._register.licensee(licensee) is None:
            return False
        self._tables.limits[licensee, limit.currency] = limit.micros
        return True

    async def limits_of(self, licensee: str) -> tuple[Money, ...]:
        """The limits above zero of *licensee*, by currency."""
        self._tables.check()
        found = sorted(
            (currency, micros)
            for (owner, currency), micros in self._tables.limits.items()
            if owner == licensee
        )
        return tuple(Money(micros, currency) for currency, micros in found if micros)
