"""Fee and license in one act, as far as a journal and a register allow: neither stays without the other.

A purchase with something due is kept as unfinished, then the fee is durable,
then the license is granted, then the purchase is forgotten. What breaks off in
between is completed by the same request, or by `Grants.finish` when the desk
starts; where somebody's exclusive license shuts it out by then, the fee is
given back by a reversal. New licenses of one site stand in line, so that in one
process nobody pays for what is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from weakref import WeakValueDictionary

import structlog

from gateway.clock import Clock
from gateway.desk.fees import Fees
from gateway.licenses.deciding import shut_out
from gateway.licenses.exclusivity import Conflict
from gateway.licenses.license import License
from gateway.licenses.life_events import followed, issued
from gateway.licenses.lives import Lives
from gateway.licenses.register import LicenseRegister
from gateway.licenses.unfinished import Purchase, Unfinished
from gateway.money import Money
from gateway.problems import Refusal, StoreUnavailable

Keep = Callable[[], Awaitable[License | Conflict | Refusal]]

_log: Final = structlog.get_logger("licet.desk")


class Grants:
    """Takes fees and grants licenses. One object a process: new licenses of one site stand in line at it."""

    def __init__(
        self,
        register: LicenseRegister,
        fees: Fees,
        clock: Clock,
        unfinished: Unfinished | None = None,
        lives: Lives | None = None,
    ) -> None:
        """Work on these; without *unfinished* only the same request completes what broke off."""
        self._register, self._fees, self._clock = register, fees, clock
        self._unfinished, self._lives = unfinished, lives
        self._sites: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def make(self, purchase: Purchase, keep: Keep) -> License | Refusal:
        """Take what is due for *purchase* and *keep* its license, unless somebody's exclusive one shuts it out.

        Raises `StoreUnavailable`; what was taken by then is completed or given back later.
        """
        site = purchase.license.site
        async with self._sites.setdefault(site, asyncio.Lock()):
            taken = await self._register.in_the_way(purchase.license)
            if taken is not None:
                # A purchase that broke off may have been paid for, and cannot be completed now.
                await self._undone(purchase)
                return shut_out(taken)
            pending = self._unfinished if purchase.due else None
            if pending is not None:
                await pending.begin(purchase)
            unpaid = await self._fees.take(purchase)
            if unpaid is not None:
                if pending is not None:
                    await pending.done(purchase.agreement)
                return unpaid
            granted = await keep()
            if not isinstance(granted, License):
                await self._undone(purchase)
                return shut_out(granted) if isinstance(granted, Conflict) else granted
            if pending is not None:
                await pending.done(purchase.agreement)
        self._fees.granted(purchase.agreement)
        return granted

    async def paid_for(self, agreement: str) -> bool:
        """Whether a fee of *agreement* was taken and not given back."""
        return await self._fees.taken(agreement)

    async def charge(self, license: License, due: Money, agreement: str, why: str) -> Refusal | None:
        """Take *due* under a *license* that is held, once for each *agreement*; *why* goes into the books."""
        unpaid = await self._fees.take(Purchase(agreement, license, due), why)
        if unpaid is None:
            self._fees.granted(agreement)
        return unpaid

    async def finish(self) -> int:
        """Complete what broke off before this process began, or give its fee back; how many there were.

        To be called before anything is sold. What cannot be settled now stays, and is logged.
        """
        found = await self._unfinished.all() if self._unfinished else ()
        for purchase in found:
            try:
                await self._settle(purchase)
            except (StoreUnavailable, ValueError) as error:
                _log.warning("a purchase stays unfinished", agreement=purchase.agreement, reason=str(error))
        return len(found)

    async def _settle(self, purchase: Purchase) -> None:
        assert self._unfinished is not None
        if not await self._fees.taken(purchase.agreement):
            # The process ended before the fee: nothing was taken, so nothing is owed.
            await self._unfinished.done(purchase.agreement)
            return
        granted = await self._granted(purchase)
        if isinstance(granted, License):
            await self._unfinished.done(purchase.agreement)
            _log.info("a purchase that broke off was completed", license=granted.id)
            return
        await self._undone(purchase)
        _log.info("the fee of a purchase that broke off was given back", agreement=purchase.agreement)

    async def _granted(self, purchase: Purchase) -> License | Conflict | None:
        new, now = purchase.license, self._clock.now_us() // 1_000_000
        if new.version == 1:
            return await self._register.grant(new, spent=purchase.spent, events=issued(new, now))
        if self._lives is None:
            return None
        before = [each for each in await self._lives.versions(new.id) if each.version == new.version - 1]
        told = [followed(each, new, now) for each in before]
        return await self._lives.put_version(new, purchase.agreement, events=told)

    async def _undone(self, purchase: Purchase) -> None:
        await self._fees.give_back(purchase)
        if self._unfinished is not None and purchase.due:
            await self._unfinished.done(purchase.agreement)
