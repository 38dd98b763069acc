"""The other gateways on the same Redis: what an office tells them, and what it does when they tell something.

======== ==================================== ==========================================
news     is told                              who hears it
======== ==================================== ==========================================
revoked  as soon as an office has seen that   looks into the database at once, which it
         something was revoked or withdrawn   does four times a second anyway (`machines`)
policies as soon as policies were taken up    looks into the database and at its own files at
                                              once, which it does every second anyway
paid     units that were paid for, once that  does not charge them again in their window,
         is durable                           which the database says a little later
recall   that a licensee is short, where      has its workers give back what they have idle
         others say that they have units of   of that licensee (`admission.recalling`), and
         it idle                              says so (``recalled``)
======== ==================================== ==========================================

Besides, every office says every few seconds which policies it has in force; who has
others is named on the dashboard. Nothing here decides: policies come from files, and
revocations from the database. What it says of paid units is believed, as what the
other workers say: who may write to Redis can make fetches free of charge, and no more.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

from gateway.admission.recalling import Elsewhere, Recalling
from gateway.app.spreading import Spreading, say_what_stands_out
from gateway.app.stores import place_of
from gateway.app.timers import every
from gateway.clock import Clock
from gateway.config import Config
from gateway.policy.reload import PolicyShelf

#: Seconds between two words about the policies in force, and for how many one holds.
HOLD_SECONDS = 5.0
_HOLDS: Final = 16


@dataclass(frozen=True, slots=True)
class Ears:
    """What an office does when it hears: *look* into the database soon, look at its policy *files*, *learn* units as JSON has them.

    *shelf* gives the policies in force.
    """

    look: Callable[[], None]
    files: Callable[[], Awaitable[None]]
    learn: Callable[[Any], None]
    shelf: Callable[[], PolicyShelf]


class Bulletin(Protocol):
    """News for all gateways. A port.

    Implemented by `store.memory` and `store.redis`; both pass `tests/conformance/test_news.py`.
    """

    def on(self, kind: str, told: Callable[[str], Awaitable[None]]) -> None:
        """Have *told* called with the body of news of *kind*, one after the other, in the order told.

        News may come twice, and that of the time before `run` as well. What *told* raises ends nothing.
        """
        ...

    def tell(self, kind: str, body: str = "") -> None:
        """Tell everybody, oneself included; without effect where nobody can be told now."""
        ...

    async def hold(self, place: str, what: str, seconds: int) -> dict[str, str]:
        """Say that *place* has *what* in force for *seconds*; what every place has, {} where that cannot be said now."""
        ...

    async def run(self) -> None:
        """Hear until canceled."""
        ...


class Neighbors:
    """Speaks for one office with the others, or with nobody. *others* are the places that have other policies in force."""

    def __init__(self, config: Config, spreading: Spreading | None, ears: Ears) -> None:
        """Speak over the line of *spreading*, if there is one; nothing is heard before `run`."""
        self.others: tuple[str, ...] = ()
        self._spreading, self._ears = spreading, ears
        self._news: Bulletin | None = None
        self._elsewhere: Elsewhere | None = None
        self._place = ""
        if spreading is not None:
            from gateway.store.redis.news import RedisNews

            self._place = place_of(config)
            self._news = RedisNews(spreading.line)
            self._news.on("revoked", self._hear_revoked)
            self._news.on("policies", self._hear_policies)
            self._news.on("paid", self._hear_paid)

    def recall_for(self, book: Recalling, clock: Clock) -> None:
        """Have *book* know of what others have idle, and give back what they ask for."""
        if self._news is None or self._spreading is None:
            return
        from gateway.store.redis.copies import RedisCopies

        copies = RedisCopies(self._spreading.line)
        elsewhere = book.elsewhere = Elsewhere(self._place, copies, self.tell, book.recall, clock)

        async def asked(body: str) -> None:
            if told := self._of_another(body):
                elsewhere.hear_question(told[1])

        async def answered(body: str) -> None:
            if told := self._of_another(body):
                elsewhere.hear_answer(str(told[0]), told[1])

        self._news.on("recall", asked)
        self._news.on("recalled", answered)
        self._elsewhere = elsewhere

    async def run(self) -> None:
        """Hear until canceled, and say what is in force; at first say what is not well about the server."""
        if self._news is None or self._spreading is None:
            return
        from gateway.store.redis.line import FAILURES
        from gateway.store.redis.looking import looked_at

        # Where it cannot be asked, the line says so.
        with contextlib.suppress(*FAILURES):
            say_what_stands_out(list(looked_at(*await self._spreading.line.told())))
        try:
            await asyncio.gather(self._news.run(), every(HOLD_SECONDS, self._hold))
        finally:
            if self._elsewhere is not None:
                await self._elsewhere.close()

    def tell(self, kind: str, what: object = None) -> None:
        """Tell the others *what*, as JSON has it."""
        if self._news is not None:
            self._news.tell(kind, orjson.dumps([self._place, what]).decode())

    def status(self) -> dict[str, str]:
        """What the pages' banner says of the others, and of Redis where it is away."""
        found = {f"gateway {place}": "has other policies in force than this one" for place in self.others}
        if self._spreading is not None and not self._spreading.line.up:
            found["redis"] = self._spreading.line.reason
        return found

    async def _hold(self) -> None:
        assert self._news is not None
        ours = self._in_force()
        held = await self._news.hold(self._place, ours, _HOLDS)
        self.others = tuple(sorted(place for place, theirs in held.items() if theirs != ours))

    def _in_force(self) -> str:
        digests = sorted(each.digest for each in self._ears.shelf().policies)
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()

    async def _hear_revoked(self, body: str) -> None:
        if self._of_another(body) is not None:
            self._ears.look()

    async def _hear_policies(self, body: str) -> None:
        if self._of_another(body) is not None:
            self._ears.look()
            await self._ears.files()
            await self._hold()

    async def _hear_paid(self, body: str) -> None:
        told = self._of_another(body)
        if told is not None:
            self._ears.learn(told[1])

    def _of_another(self, body: str) -> list[Any] | None:
        told = orjson.loads(body)
        return None if told[0] == self._place else list(told)
