"""`billing.payout_book.PayoutBook` in memory."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.billing.payouts import Payout
from gateway.billing.postings import earned
from gateway.store.memory.tables import Tables


class MemoryPayoutBook:
    """Payouts by id."""

    def __init__(self, tables: Tables) -> None:
        """Know by *tables* what is covered."""
        self._tables = tables
        self._found: dict[str, Payout] = {}

    async def plan(self, payouts: Sequence[Payout]) -> bool:
        """Keep new ones; see the port."""
        fresh = {each.id: each for each in payouts if each.id not in self._found}
        every = {**self._found, **fresh}
        for site, currency in {(each.site, each.amount.currency) for each in fresh.values()}:
            unseen = sum(
                each.amount.micros
                for each in every.values()
                if (each.site, each.amount.currency) == (site, currency)
                and each.id not in self._tables.canonical
            )
            if unseen > self._tables.balances.get((earned(site), currency), 0):
                return False
        self._found = every
        return True

    async def move(self, payouts: Sequence[Payout]) -> bool:
        """Keep other versions; see the port."""
        if any(
            each.id not in self._found or self._found[each.id].version != each.version - 1 for each in payouts
        ):
            return False
        self._found |= {each.id: each for each in payouts}
        return True

    async def get(self, id: str) -> Payout | None:
        """The payout of that id."""
        return self._found.get(id)

    async def all(self, most: int) -> tuple[Payout, ...]:
        """The newest first."""
        return tuple(sorted(self._found.values(), key=lambda each: (each.at, each.id), reverse=True)[:most])
