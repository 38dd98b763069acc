"""Idle units come back before anybody is told that something is short.

A till leases ahead, so the last units of a small balance may lie idle at one
worker or machine while another is asked. Without this they are credit again
after some seconds of rest (`Till.rest`), and whoever asks meanwhile is refused.

Who has units idle says so, and takes it back: here to this object (`told`), and
to other machines as a copy that lapses by itself (`Copies`). Where the book
answers `Short`, those that said they have some of the same payer are asked to
give them back, by the ordinary `SpendBook.give_back`; then the book is asked once
more. Whoever said nothing is not asked, so that what is really spent is refused
as fast as ever.

The book alone says what there is. A copy that is lost, old or false costs one
needless question or one early refusal, and never a unit.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from gateway.admission.spending import Charge, Short, SpendBook
from gateway.clock import Clock
from gateway.money import Money
from gateway.problems import StoreUnavailable
from gateway.tokens.claims import Budget

#: Seconds for which a machine's word of what it has idle holds: more than twice the time between two words.
HOLDS_SECONDS: Final = 8
#: Seconds that the processes here, and then other machines, may take to give back.
_HERE: Final = 0.4
_ELSEWHERE: Final = 0.8
#: How often holders are asked for one lease.
_ROUNDS: Final = 3
#: Questions of others that are answered at one moment.
_ANSWERED: Final = 64


class Idle:
    """How many units each holder said last that it has idle, of each payer."""

    def __init__(self) -> None:
        """Know of none."""
        self._units: dict[str, dict[Hashable, int]] = {}

    def hear(self, holder: Hashable, licensee: str, units: int) -> bool:
        """Take up that *holder* has *units* of *licensee*; whether there is anything to say of it to others."""
        there = self._units.setdefault(licensee, {})
        had = there.pop(holder, 0)
        if units > 0:
            there[holder] = units
        if not there:
            del self._units[licensee]
        return units > 0 or had > 0

    def forget(self, holder: Hashable) -> tuple[str, ...]:
        """Forget what *holder* said, and return of whom it had something."""
        found = tuple(licensee for licensee, there in self._units.items() if holder in there)
        for licensee in found:
            self.hear(holder, licensee, 0)
        return found

    def units(self, licensee: str) -> int:
        """How many of *licensee* all holders have together."""
        return sum(self._units.get(licensee, {}).values())

    def holders(self, licensee: str) -> tuple[Hashable, ...]:
        """Who has some of *licensee*."""
        return tuple(self._units.get(licensee, ()))


class Copies(Protocol):
    """What each machine says it has idle. A port.

    Implemented by `store.memory` and `store.redis`; both pass `tests/conformance/test_copies.py`.
    """

    def say(self, licensee: str, place: str, units: int, seconds: int) -> None:
        """Say that *place* has *units* of *licensee* idle, which holds for *seconds*; without effect where nobody hears."""
        ...

    async def said(self, licensee: str, place: str, units: int, seconds: int) -> Mapping[str, int]:
        """As `say`, and what every place says, this one included; {} where that cannot be known."""
        ...


class Recalling:
    """An `admission.spending.SpendBook` that has idle units given back before it says that something is short."""

    def __init__(self, book: SpendBook, ask: Callable[[Hashable, str], Awaitable[object]]) -> None:
        """Sell from *book*; *ask* has a holder here give back what it has idle of a licensee."""
        self._book, self._ask = book, ask
        self.idle = Idle()
        self.elsewhere: Elsewhere | None = None
        self._under_way: dict[tuple[bool, str], asyncio.Task[bool]] = {}

    def told(self, holder: Hashable, licensee: str, units: int) -> None:
        """Hear that *holder* has *units* of *licensee* idle from now on."""
        if self.idle.hear(holder, licensee, units) and self.elsewhere is not None:
            self.elsewhere.say(licensee, self.idle.units(licensee))

    def gone(self, holder: Hashable) -> None:
        """Hear that *holder* is no more."""
        for licensee in self.idle.forget(holder):
            if self.elsewhere is not None:
                self.elsewhere.say(licensee, self.idle.units(licensee))

    async def recall(self, licensee: str) -> bool:
        """Have everybody here give back what is idle of *licensee*; whether anybody said that it has some."""
        return await self._once(licensee, here=True)

    async def lease(self, writer: str, charge: Charge, fetches: int) -> int | Short:
        """As `SpendBook.lease`; nobody gives anything back for what no ask waits for."""
        answer = await self._book.lease(writer, charge, fetches)
        for _ in range(_ROUNDS if charge.record_id else 0):
            asked = False
            for here in (True, False):
                if isinstance(answer, Short) and await self._once(charge.licensee, here=here):
                    asked, answer = True, await self._book.lease(writer, charge, fetches)
            # Who was asked may have leased again before this one did.
            if not asked:
                break
        return answer

    async def give_back(self, writer: str, license: str, held: Money, fetches: int) -> None:
        """As `SpendBook.give_back`."""
        await self._book.give_back(writer, license, held, fetches)

    async def exhausted(self, license: str, price: Money, budget: Budget) -> bool:
        """As `SpendBook.exhausted`."""
        return await self._book.exhausted(license, price, budget)

    async def charged(self, license: str, currency: str) -> int:
        """As `SpendBook.charged`."""
        return await self._book.charged(license, currency)

    async def affords(self, licensee: str, price: Money) -> bool:
        """As `SpendBook.affords`."""
        return await self._book.affords(licensee, price)

    async def available(self, licensee: str, currency: str) -> Money:
        """As `SpendBook.available`."""
        return await self._book.available(licensee, currency)

    async def balances(self, licensee: str) -> tuple[Money, ...]:
        """As `SpendBook.balances`."""
        return await self._book.balances(licensee)

    async def _once(self, licensee: str, *, here: bool) -> bool:
        """Ask for *licensee*'s once at a time: who is short meanwhile waits for the same answer."""
        key = (here, licensee)
        task = self._under_way.get(key)
        if task is None:
            if here and not self.idle.holders(licensee):
                return False
            if not here and self.elsewhere is None:
                return False
            task = asyncio.ensure_future(self._asked_here(licensee) if here else self._asked_there(licensee))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return await asyncio.shield(task)

    async def _asked_here(self, licensee: str) -> bool:
        holders = self.idle.holders(licensee)
        for holder in holders:
            # Whoever keeps some, or leases again, says so.
            self.told(holder, licensee, 0)
        asked = [self._ask(holder, licensee) for holder in holders]
        # Who takes longer, or cannot, gives back when it rests.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_HERE):
                await asyncio.gather(*asked, return_exceptions=True)
        return True

    async def _asked_there(self, licensee: str) -> bool:
        return self.elsewhere is not None and await self.elsewhere.recalled(
            licensee, self.idle.units(licensee)
        )


@dataclass(slots=True)
class _Question:
    """Which places have not answered yet."""

    waiting: set[str]
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class Elsewhere:
    """The other machines: what they say they have idle, and how they are asked for it."""

    def __init__(
        self,
        place: str,
        copies: Copies,
        tell: Callable[[str, object], None],
        recall: Callable[[str], Awaitable[object]],
        clock: Clock,
    ) -> None:
        """Speak for *place*: *tell* tells all machines of a kind of news, *recall* has everybody here give back."""
        self._place, self._copies, self._tell, self._recall, self._clock = place, copies, tell, recall, clock
        self._questions: dict[str, _Question] = {}
        self._silent: dict[str, float] = {}
        self._answering: set[asyncio.Task[None]] = set()

    def say(self, licensee: str, units: int) -> None:
        """Say to all that *units* of *licensee* are idle here."""
        self._copies.say(licensee, self._place, units, HOLDS_SECONDS)

    async def recalled(self, licensee: str, units: int) -> bool:
        """Have the others give back what they have idle of *licensee*, of which *units* are idle here.

        Whether any said that it has some. A place that does not answer in time is not asked again
        while what it said may still hold.
        """
        said = await self._copies.said(licensee, self._place, units, HOLDS_SECONDS)
        now = self._clock.monotonic()
        self._silent = {place: until for place, until in self._silent.items() if until > now}
        asked = {place for place, has in said.items() if has > 0} - {self._place, *self._silent}
        if not asked:
            return False
        name = secrets.token_hex(8)
        question = self._questions[name] = _Question(asked)
        try:
            self._tell("recall", [name, licensee])
            async with asyncio.timeout(_ELSEWHERE):
                await question.answered.wait()
        except TimeoutError:
            self._silent |= dict.fromkeys(question.waiting, now + _ELSEWHERE + HOLDS_SECONDS)
        finally:
            del self._questions[name]
        return True

    def hear_question(self, told: list[str]) -> None:
        """Give back what is idle here as another place asks, and say so; at once, and in the background."""
        if len(self._answering) < _ANSWERED:
            name, licensee = map(str, told)
            task = asyncio.ensure_future(self._answered(name, licensee))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    def hear_answer(self, place: str, told: list[str]) -> None:
        """Hear that *place* gave back what it had."""
        question = self._questions.get(str(told[0]))
        if question is not None:
            question.waiting.discard(place)
            if not question.waiting:
                question.answered.set()

    async def close(self) -> None:
        """Answer nobody any more."""
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    async def _answered(self, name: str, licensee: str) -> None:
        # What could not be given back comes when it rests; whoever asked need not wait for that.
        with contextlib.suppress(StoreUnavailable):
            await self._recall(licensee)
        self._tell("recalled", [name])
