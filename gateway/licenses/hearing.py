"""The acts on objections: take one in, hold sales, uphold, dismiss, forget who made it.

A hold or a withdrawal is kept before the state that tells of it, and its id
follows from the objection's: whoever does an act again after a crash completes it.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import Final

from gateway.licenses.objection import Objection, Objector, decided, held, told
from gateway.licenses.objections import Objections
from gateway.licenses.taking_back import Owned, TakingBack
from gateway.licenses.withdrawal import USUAL, Withdrawal
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.uses import Use, Uses

#: Undecided objections of one site at most.
MOST_WAITING: Final = 1000


class Hearing:
    """What is done about objections on the sites of one gateway."""

    def __init__(self, store: Objections, taking_back: TakingBack) -> None:
        """Keep in *store*; hold and withdraw by *taking_back*."""
        self.store, self._taking_back = store, taking_back

    async def take_in(
        self, objection: Objection, objector: Objector, now: int, *, hold: bool
    ) -> Objection | Refusal:
        """Keep a new objection, and *hold* sales of its page at once if that is the policy's wish."""
        kept = await self.store.add(objection, objector, most=MOST_WAITING, events=[told(objection, now)])
        if not kept:
            return Refusal(Problem.TOO_FAST, "Too many objections wait for the owner.", retry_after=3600)
        return await self.hold(objection.id, "policy", now) if hold else objection

    async def hold(self, id: str, by: str, now: int) -> Objection | Refusal:
        """Stop selling the page until it is decided."""
        before = await self.store.get(id)
        if before is None:
            return _missing(id)
        after = held(before, by)
        if isinstance(after, Refusal):
            return after
        await self._taking_back.hold(
            before.cause, _stop(before, frozenset(Use), by, now, hold=True), now, by=by, site=before.site
        )
        return await self._kept(after, now)

    async def uphold(
        self, id: str, by: str, answer: str, owned: Owned, now: int, *, uses: Uses = USUAL
    ) -> Objection | Refusal:
        """Agree: the page is withdrawn for *uses*, and sales of it go on being refused."""
        before = await self.store.get(id)
        if before is None:
            return _missing(id)
        withdrawal = _stop(before, uses, by, now)
        after = decided(before, by, answer, now, withdrawal=withdrawal.id)
        if isinstance(after, Refusal):
            return after
        with contextlib.suppress(ValueError):  # it was issued, and the state was not kept
            await self._taking_back.issue(withdrawal, owned, now)
        await self._taking_back.hold(before.cause, None, now, by=by, site=before.site)
        return await self._kept(after, now)

    async def dismiss(self, id: str, by: str, answer: str, now: int) -> Objection | Refusal:
        """Do not agree, and say why; sales go on."""
        before = await self.store.get(id)
        if before is None:
            return _missing(id)
        after = decided(before, by, answer, now)
        if isinstance(after, Refusal):
            return after
        await self._taking_back.hold(before.cause, None, now, by=by, site=before.site)
        return await self._kept(after, now)

    async def _kept(self, after: Objection, now: int) -> Objection | Refusal:
        if await self.store.change(after, events=[told(after, now)]):
            return after
        return Refusal(Problem.REMOVAL_OUT_OF_ORDER, "Somebody else decided at this moment; read it again.")


def _stop(objection: Objection, uses: Uses, by: str, now: int, *, hold: bool = False) -> Withdrawal:
    """What stops the page of *objection*; nothing in it tells who objected, or that somebody did."""
    named = f"{objection.cause} {'hold' if hold else 'upheld'}".encode()
    return Withdrawal(
        f"wd_{hashlib.sha256(named).hexdigest()[:32]}",
        objection.site,
        uses,
        now,
        now,
        by,
        paths=(PathScope(objection.path),),
        hold=hold,
        cause=objection.cause,
    )


def _missing(id: str) -> Refusal:
    return Refusal(Problem.NOT_FOUND, f"There is no objection {id}.")
