"""Paying out: the books first, then the rail, then what came of it; each step again without harm.

The order is: the payout is kept, its entry made durable, ``sending`` kept, the
rail asked, the answer kept. Whatever dies in between, the next who looks asks
the rail what it knows of that payout before anything else is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Protocol

from gateway.billing import sepa
from gateway.billing.issuing import Write
from gateway.billing.payout_book import PayoutBook
from gateway.billing.payouts import Paid, Payout, PayoutError, Rail, Unpaid, entries_of, moved, to_authors
from gateway.money import Money
from gateway.rails.stripe_transfers import NoTransfer, Transfer

_MOST = 10_000


class Transfers(Protocol):
    """A rail that moves money at once, as `rails.stripe_transfers.StripeTransfers` is one."""

    async def make(self, id: str, amount: Money, account: str, what: str) -> Transfer | NoTransfer:
        """Move it, once under that id."""
        ...

    async def find(self, id: str, amount: Money, account: str) -> Transfer | NoTransfer:
        """What was moved under that id."""
        ...


class PayingOut:
    """Acts on payouts. Raises `PayoutError` for what cannot be."""

    def __init__(self, book: PayoutBook, write: Write, now_us: Callable[[], int]) -> None:
        """Keep in *book*, enter by *write*."""
        self.book, self._write, self._now_us = book, write, now_us

    async def plan(self, payouts: Sequence[Payout]) -> tuple[Payout, ...]:
        """Plan *payouts*, all or none: their amounts leave the account of the creator or author."""
        if not payouts:
            raise PayoutError("nothing is to be paid out")
        if not await self.book.plan(payouts):
            raise PayoutError("the account does not cover this, with what is planned already")
        await self._write([entry for each in payouts for entry in entries_of(each)[:1]])
        return tuple(payouts)

    async def plan_authors(
        self, site: str = "", author: str = ""
    ) -> tuple[tuple[Payout, ...], tuple[Unpaid, ...]]:
        """Plan what stands on the accounts of all authors, or of those of *site* or the *author* of that name; and who stays owed.

        Nothing is there to be planned again once it is: it left the account.
        """
        owed = [
            each
            for each in await self.book.owed()
            if each.author and site in {"", each.site} and author in {"", each.author}
        ]
        made, left = to_authors(owed, await self.book.payees(), self._now, str(self._now_us()))
        return (await self.plan(made) if made else ()), left

    async def send(self, rail: Transfers) -> tuple[Payout, ...]:
        """Send what is planned for *rail*, and finish what was begun; those that changed."""
        changed = list[Payout]()
        for each in reversed(await self.book.all(_MOST)):
            if each.payee.rail is not Rail.STRIPE or each.state not in {Paid.PLANNED, Paid.SENDING}:
                continue
            known: Transfer | NoTransfer | None = None
            if each.state is Paid.SENDING:
                known = await rail.find(each.id, each.amount, each.payee.account)
                if isinstance(known, NoTransfer) and not known.sure:
                    continue
            else:
                # Its entry may not have reached the journal before whoever planned it died.
                await self._write(entries_of(each)[:1])
                each = moved(each, Paid.SENDING, self._now)  # noqa: PLW2901 - from here on it is this one
                if not await self.book.move([each]):
                    continue
            if not isinstance(known, Transfer):
                what = f"Licensing income of {each.site}"
                known = await rail.make(each.id, each.amount, each.payee.account, what)
            if isinstance(known, Transfer):
                changed.append(await self._kept(moved(each, Paid.SENT, self._now, reference=known.id)))
            elif known.sure:
                changed.append(await self._kept(moved(each, Paid.FAILED, self._now, why=known.why)))
        return tuple(changed)

    async def look(self, rail: Transfers) -> tuple[Payout, ...]:
        """Learn what came back of transfers that arrived; those that changed."""
        changed = list[Payout]()
        for each in await self.book.all(_MOST):
            if each.payee.rail is not Rail.STRIPE or each.state not in {Paid.SENT, Paid.PAID}:
                continue
            found = await rail.find(each.id, each.amount, each.payee.account)
            if isinstance(found, NoTransfer):
                continue
            if each.state is Paid.SENT and found.back != each.amount:
                each = await self._kept(moved(each, Paid.PAID, self._now))  # noqa: PLW2901 - it goes on from there
                changed.append(each)
            elif found.back == each.amount:
                state = Paid.FAILED if each.state is Paid.SENT else Paid.REVERSED
                changed.append(
                    await self._kept(moved(each, state, self._now, why="the transfer was reversed"))
                )
        return tuple(changed)

    async def sepa_file(self, debtor: sepa.Debtor, on: date, again: str = "") -> tuple[sepa.Order, int]:
        """The file that pays what is planned for SEPA, which is sent by it; and how many payouts are in it.

        With *again* the file of that id once more, to the octet.
        """
        every = [each for each in await self.book.all(_MOST) if each.payee.rail is Rail.SEPA]
        if again:
            mine = [each for each in every if each.reference.partition("@")[0] == again]
            if not mine:
                raise PayoutError(f"there is no file {again}")
            _, day, made_then = mine[0].reference.split("@")
            return sepa.order(mine, debtor, int(made_then), date.fromisoformat(day)), len(mine)
        for each in every:
            if each.state is Paid.SENDING:
                name = each.reference.partition("@")[0]
                raise PayoutError(
                    f"the file {name} was begun and not finished: write it again first (--again {name})"
                )
        mine = [each for each in every if each.state is Paid.PLANNED]
        await self._write([entry for each in mine for entry in entries_of(each)[:1]] if mine else [])
        made_at = self._now
        made = sepa.order(mine, debtor, made_at, on)
        reference = f"{made.id}@{on.isoformat()}@{made_at}"
        if not await self.book.move(
            [moved(each, Paid.SENDING, made_at, reference=reference) for each in mine]
        ):
            raise PayoutError("somebody else wrote a file meanwhile; look again")
        return made, len(mine)

    async def sepa_written(self, id: str) -> int:
        """The file *id* lies on the disk: its payouts count as sent from now on; how many changed."""
        mine = [
            each
            for each in await self.book.all(_MOST)
            if each.state is Paid.SENDING and each.reference.partition("@")[0] == id
        ]
        if mine:
            await self.book.move([moved(each, Paid.SENT, self._now) for each in mine])
        return len(mine)

    async def settle(self, id: str, state: Paid, *, fee: Money | None = None, why: str = "") -> Payout:
        """What the operator says came of the payout *id*: ``paid`` with its *fee*, ``failed``, ``reversed``."""
        found = await self.book.get(id)
        if found is None:
            raise PayoutError(f"there is no payout {id}")
        if found.state is Paid.SENDING:
            raise PayoutError(f"the payout {id} is on its way, and nobody knows yet what came of it")
        if found.state is state and not fee:
            # It may have died before its entry was durable.
            await self._write(entries_of(found))
            return found
        return await self._kept(moved(found, state, self._now, fee=fee, why=why))

    async def _kept(self, payout: Payout) -> Payout:
        if not await self.book.move([payout]):
            raise PayoutError(f"the payout {payout.id} was changed meanwhile; look again")
        await self._write(entries_of(payout))
        return payout

    @property
    def _now(self) -> int:
        return self._now_us() // 1_000_000


def today(now_us: int) -> date:
    """The day in UTC."""
    return datetime.fromtimestamp(now_us // 1_000_000, UTC).date()
