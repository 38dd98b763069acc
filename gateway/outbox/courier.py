"""Tells what happened: each endpoint its events in their order, none held up by another.

What was told and what failed is kept before anything further is done, so a
process that dies tells again what it was telling, with the same id: at least
once, once in effect. A success is a transport's answer `Said.TOLD`; whatever
else fails is tried again as `schedule` has it, and after the last time the
endpoint is switched off and an event says so.

Bounds: one attempt at a time an endpoint, `_AT_ONCE` in all for licensees and
`_AT_ONCE_EACH` for one of them; the operator's own go beside these. Nothing is
queued: what waits are the rows of events.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol

import structlog

from gateway.clock import Clock
from gateway.event import Event, event
from gateway.outbox.endpoints import Delivery, Endpoint, Endpoints
from gateway.outbox.events import Events, Happening
from gateway.outbox.schedule import next_try
from gateway.problems import StoreUnavailable

log = structlog.get_logger("licet.outbox")
#: Seconds between two looks at whether anything changed.
_LOOK: Final = 0.25
#: Seconds after which everything is looked through although nothing seems to have changed.
_LONGEST_REST: Final = 60
_AT_ONCE: Final = 16
_AT_ONCE_EACH: Final = 2
#: Events read at once, and told to one endpoint before others have their turn.
_IN_A_ROW: Final = 32
#: Endpoints considered in one round.
_A_ROUND: Final = 512

#: Something happened to an endpoint that its owner and the operator should know.
DISABLED: Final = "endpoint.disabled"


class Said(Enum):
    """How telling ended: told; to be tried again; never to be tried again; nobody is there any more."""

    TOLD = auto()
    LATER = auto()
    NEVER = auto()
    GONE = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt: *status* is HTTP's (0 for none); *why* and the *answer*'s beginning are for the operator alone."""

    said: Said
    status: int = 0
    why: str = ""
    answer: str = ""


class Transport(Protocol):
    """How endpoints of one kind are told. It raises nothing and ends in bounded time."""

    async def tell(self, endpoint: Endpoint, happening: Happening) -> Outcome:
        """Tell *endpoint* of it once."""
        ...


class Courier:
    """Tells every endpoint. One object a data folder."""

    def __init__(
        self,
        events: Events,
        endpoints: Endpoints,
        transports: Mapping[str, Transport],
        clock: Clock,
        version: Callable[[], int],
    ) -> None:
        """Tell by the transport of the URL's scheme. *version* is a number that changes with the stores (`Database.version`)."""
        self._events, self._endpoints = events, endpoints
        self._transports, self._clock, self._version = transports, clock, version
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._served: dict[str, int] = {}
        self._rounds = 0
        self._again = asyncio.Event()

    async def run(self) -> None:
        """Tell until canceled."""
        seen, due = -1, 0
        try:
            while True:
                try:
                    version = self._version()
                    if version != seen or self._again.is_set() or self._now() >= due:
                        self._again.clear()
                        # What changes from here on is seen the next time.
                        seen = version
                        await self.round()
                        due = self._now() + _LONGEST_REST
                        due = min(await self._endpoints.next_at(self._now()) or due, due)
                except StoreUnavailable as error:
                    seen = -1
                    log.warning("nobody can be told at the moment", reason=str(error))
                except Exception:
                    # Whatever it was, events must go on leaving; it is tried again when something changes.
                    log.exception("a round of the outbox failed")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK):
                        await self._again.wait()
        finally:
            await self.stop()

    async def round(self) -> None:
        """Begin to tell each endpoint that is due, as far as there is room."""
        self._rounds += 1
        due = await self._endpoints.due(self._now(), _A_ROUND, tuple(self._tasks))
        running = Counter(
            name.partition("\x1f")[0] for name in (each.get_name() for each in self._tasks.values())
        )
        strangers = sum(number for owner, number in running.items() if owner)
        # Whoever was served the longest ago goes first.
        for endpoint in sorted(due, key=lambda each: self._served.get(each.id, 0)):
            owner = endpoint.licensee
            if owner and (strangers >= _AT_ONCE or running[owner] >= _AT_ONCE_EACH):
                continue
            running[owner] += 1
            strangers += bool(owner)
            task = asyncio.create_task(self._serve(endpoint), name=f"{owner}\x1f{endpoint.id}")
            self._tasks[endpoint.id] = task
            self._served[endpoint.id] = self._rounds
        if len(self._served) > 4 * _A_ROUND:
            self._served = {id: at for id, at in self._served.items() if at > self._rounds - _A_ROUND}

    async def idle(self) -> None:
        """Wait until everything that was begun has ended."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values())

    async def stop(self) -> None:
        """Break off; what was not answered is told again by whoever comes next."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _serve(self, endpoint: Endpoint) -> None:
        try:
            await self._tell_all(endpoint)
            # What happened while it was busy was seen by nobody.
            self._again.set()
        except StoreUnavailable as error:
            log.warning("an endpoint waits for the store", endpoint=endpoint.id, reason=str(error))
        except Exception:
            # One odd endpoint must not end the telling of all others; it has its turn in the next look.
            log.exception("telling an endpoint failed and will be tried again", endpoint=endpoint.id)
        finally:
            self._tasks.pop(endpoint.id, None)

    async def _tell_all(self, endpoint: Endpoint) -> None:
        passed = reached = endpoint.after
        found = await self._events.after(endpoint.after, _IN_A_ROW, endpoint.about)
        for happening in found:
            if not endpoint.wants(happening.event.type):
                passed = happening.nth
                continue
            if passed > reached:
                await self._endpoints.passed(endpoint.id, passed)
            now = await self._endpoints.get(endpoint.id)
            # It may have been removed, filtered or switched off while the one before was told.
            if now is None or now.reach is not endpoint.reach or now.types != endpoint.types:
                return
            if not await self._told(now, happening):
                return
            passed = reached = happening.nth
        if passed > reached:
            await self._endpoints.passed(endpoint.id, passed)

    async def _told(self, endpoint: Endpoint, happening: Happening) -> bool:
        """Tell once; whether the next event may follow."""
        transport = self._transports.get(endpoint.url.partition(":")[0])
        told = happening.event
        outcome = (
            await transport.tell(endpoint, happening)
            if transport
            else Outcome(Said.LATER, why="nothing is set up that reaches it")
        )
        tries = endpoint.tries + 1
        came = Delivery(
            endpoint.id, happening.nth, told.id, told.type, self._now(), tries, outcome.status, outcome.why,
            done=outcome.said is Said.TOLD, answer=outcome.answer,
        )  # fmt: skip
        if outcome.said in {Said.TOLD, Said.NEVER}:
            await self._endpoints.told(came)
            return True
        wait = next_try(tries, f"{endpoint.id}{told.id}") if outcome.said is Said.LATER else None
        if wait is not None:
            log.info("an endpoint was not reached", endpoint=endpoint.id, tries=tries, why=outcome.why)
            await self._endpoints.failed(came, came.at + wait)
            return False
        why = "gone" if outcome.said is Said.GONE else "failing"
        if await self._endpoints.switch_off(
            endpoint.id, outcome.why or why, delivery=came, events=(disabled(endpoint, why, came),)
        ):
            log.warning("an endpoint was switched off", endpoint=endpoint.id, why=outcome.why or why)
        return False

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def disabled(endpoint: Endpoint, why: str, last: Delivery) -> Event:
    """The event that *endpoint* was switched off: *why* is ``gone`` or ``failing``, *last* what was tried last.

    >>> on = Endpoint("we_1", "", "", "", "https://a.example/", (), 0)
    >>> disabled(on, "gone", Delivery("we_1", 3, "ev_1", "a.b", 60, 1)).body["why"]
    'gone'
    """
    path = {"path": f"/.licet/webhooks/{endpoint.id}"} if endpoint.licensee else {}
    return event(
        DISABLED,
        at=last.at,
        site=endpoint.site,
        licensee=endpoint.licensee,
        subject=endpoint.id,
        nth=f"{last.nth}.{last.at}",
        body={
            "endpoint": endpoint.id,
            "why": why,
            "status": last.status or None,
            "untold": last.event,
            **path,
        },
    )
