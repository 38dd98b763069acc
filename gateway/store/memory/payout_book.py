"""`billing.payout_book.PayoutBook` in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gateway.billing.payouts import Payee, Payout, Standing, account_of, read_account
from gateway.money import Money
from gateway.store.memory.tables import Tables, behind


class MemoryPayoutBook:
    """Payouts by id."""

    def __init__(self, tables: Tables) -> None:
        """Know by *tables* what is covered."""
        self._tables = tables
        self._found: dict[str, Payout] = {}
        self._payees: dict[tuple[str, str], Payee] = {}

    async def plan(self, payouts: Sequence[Payout]) -> bool:
        """Keep new ones; see the port."""
        fresh = {each.id: each for each in payouts if each.id not in self._found}
        every = {**self._found, **fresh}
        for account, currency in {(account_of(each), each.amount.currency) for each in fresh.values()}:
            if self._unseen(every.values(), account, currency) > self._tables.balances.get(
                (account, currency), 0
            ):
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

    async def all(self, most: int, after: str = "") -> tuple[Payout, ...]:
        """The newest first; see the port."""
        found = sorted(self._found.values(), key=lambda each: (each.at, each.id), reverse=True)
        return behind(found, after)[:most]

    async def owed(self) -> tuple[Standing, ...]:
        """What creators and authors have."""
        found = []
        for (account, currency), micros in self._tables.balances.items():
            whose = read_account(account)
            left = micros - self._unseen(self._found.values(), account, currency)
            if whose is not None and left:
                found.append(Standing(*whose, Money(left, currency)))
        return tuple(sorted(found, key=lambda each: (each.site, each.author, each.amount.currency)))

    async def name_payee(self, site: str, author: str, payee: Payee | None) -> None:
        """Keep or forget a payee."""
        self._payees.pop((site, author), None)
        if payee is not None:
            self._payees[site, author] = payee

    async def payees(self) -> Mapping[tuple[str, str], Payee]:
        """Where authors are paid to."""
        return dict(self._payees)

    def _unseen(self, payouts: Iterable[Payout], account: str, currency: str) -> int:
        """The payouts from *account* that the books do not show yet, in micro-units."""
        return sum(
            each.amount.micros
            for each in payouts
            if (account_of(each), each.amount.currency) == (account, currency)
            and each.id not in self._tables.canonical
        )
