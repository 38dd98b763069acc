"""A worker: one front on the listening socket that all workers share, with a journal file of its own.

It opens neither the database nor a private key, but the one that tells a site's
own server which requests came through here. It begins to listen once it
has heard from the office, or after a moment without: people are served, and
whoever needs a license waits for the office.

How it stops, in the order that was measured to lose no request: it takes no
new connection; those that the kernel has already handed over become
transports; from then on every answer says ``Connection: close``; quiet
connections are closed; the journal is flushed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import structlog

from gateway.admission.till import PaidUnit
from gateway.app.access_file import FLUSH_SECONDS
from gateway.app.boot import Boot
from gateway.app.folder import RunFolder
from gateway.app.front import REST_SECONDS, Front
from gateway.app.identification import COPIES_SECONDS
from gateway.app.listening import LOOK_SECONDS
from gateway.app.memory import proportional_bytes, rarely_collected
from gateway.app.office_line import (
    OfficeAccounts,
    OfficeAudience,
    OfficeBook,
    OfficeEgress,
    OfficeLine,
    OfficeSettler,
)
from gateway.app.signing_agents import own_agent
from gateway.app.spreading import Spreading, begun
from gateway.app.timers import every
from gateway.clock import SystemClock
from gateway.front.listener import boot_checks
from gateway.keys.key_ring import KeyRing
from gateway.keys.public_ring import PublicRing
from gateway.licenses.revocations import RevocationFeed
from gateway.policy.reload import PolicyShelf
from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.provenance.audience import Audience
from gateway.provenance.journal import Journal
from gateway.provenance.record import FetchDetail, FetchRecord, JournalEntry
from gateway.provenance.writers import OtherWriters
from gateway.visitors.own_identity import OwnIdentity

log = structlog.get_logger("licet")

#: Seconds that a new worker waits for the office before it serves people without it.
_OFFICE: Final = 3.0
#: Seconds in which what the kernel has accepted becomes a transport.
_HANDED_OVER: Final = 0.1
#: Seconds that a licensed answer waits for what a worker that was killed wrote down.
_SETTLED: Final = 5.0


class Worker:
    """One front process."""

    def __init__(self, boot: Boot) -> None:
        """Prepare what *boot* says; nothing is opened yet."""
        self._boot = boot
        self._run = RunFolder(Path(boot.run))
        self._tasks: list[asyncio.Task[None]] = []
        self._front: Front | None = None
        self._journal: _TellingJournal | None = None
        self._line: OfficeLine | None = None
        self._people = Audience(enabled=boot.config.people.counted)
        self._bytes_at_start = 0
        self._spreading: Spreading | None = None

    async def start(self) -> dict[str, Any]:
        """Open everything and listen. Raises `ConfigurationError`."""
        boot_checks()
        boot, config, clock = self._boot, self._boot.config, SystemClock()
        self._shelf = PolicyShelf(boot.policies() or self._run.policies / "current")
        self._keys = PublicRing(config.keys, clock)
        self._origin_keys = KeyRing.open(config.origin_keys, clock)
        journal = self._journal = self._opened_journal(clock)
        feed = RevocationFeed()
        others = self._others = OtherWriters(config.journal)
        self._line = line = OfficeLine(
            self._run.office,
            boot.name,
            feed,
            writer=journal.writer,
            others=others,
            learn=self._learn,
            used=self._used,
            closed=self._closed,
            recall=self._recall,
            take_up=self._take_up,
            withdraw=self._shelf.withdraw,
        )
        self._spreading = await begun(config, clock)
        # Whoever is paid tells the others: workers here, and gateways elsewhere.
        journal.line, journal.alone = line, self._spreading is None
        front = self._front = Front(
            config,
            self._shelf,
            clock=clock,
            keys=lambda: self._keys.public,
            feed=feed,
            book=OfficeBook(line),
            journal=journal,
            people=self._people,
            settled=partial(others.settled, _SETTLED),
            accounts=OfficeAccounts(line).by_agent,
            settler=OfficeSettler(line),
            get=OfficeEgress(line).get,
            origin_identity=OwnIdentity(self._origin_keys, own_agent(config, self._shelf.policies)),
            tell_used=(lambda mark, until: line.tell("used", [mark, until]))
            if config.workers.count > 1
            else None,
            desk=self._run.desk,
            spreading=self._spreading,
            idle=lambda licensee, units: line.tell("idle", [licensee, units]),
        )
        self._begin("line", line.run())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_OFFICE):
                await line.known.wait()
        self._sock = socket.socket(fileno=boot.listening)
        url = await front.open(self._sock, socket.socket(fileno=boot.auth) if boot.auth >= 0 else None)
        self._begin("keys", every(0.25, self._look_at_keys))
        self._begin("people", every(5.0, self._count_people))
        self._begin("rest", every(REST_SECONDS, front.rest))
        if config.observe.access_log:
            self._begin("access log", every(FLUSH_SECONDS, front.flush))
        self._begin("certificates", every(LOOK_SECONDS, front.renew))
        self._begin("copies", every(COPIES_SECONDS, front.identification.renew))
        self._begin("state", every(1.0, self._tell_state))
        rarely_collected()
        self._bytes_at_start = proportional_bytes(os.getpid())
        await self._tell_state()
        return {"front": url}

    async def stop(self, seconds: float) -> None:
        """Drain for at most *seconds*, then close everything."""
        front, self._front = self._front, None
        if front is not None:
            await self._taken_no_more()
            await front.close(seconds)
        for task in self._tasks:
            if task.get_name() != "line":
                task.cancel()
        if self._line is not None:
            with contextlib.suppress(StoreUnavailable):
                await self._count_people()
        told = self._line is None or self._line.told
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._journal is not None:
            self._others.close()
            await self._journal.close(told=told)
        if self._spreading is not None:
            await self._spreading.close()

    async def act(self, name: str, given: Any) -> Any:  # noqa: ARG002
        """Do what the supervisor asks: say how many ``connections`` there are, ``renew`` the certificates."""
        if name == "connections":
            return self._front.listener.connections if self._front else 0
        if name == "renew":
            return await self._front.renew(asked=True) if self._front else None
        raise StoreUnavailable(f"A worker does not know {name}.")

    async def _taken_no_more(self) -> None:
        """Leave new connections to the other workers, and let those under way arrive.

        asyncio drops a connection that it has accepted and not yet handed on
        when its server closes; so first nothing more is accepted. uvloop hands
        on at once, and its server closes without that loss.
        """
        loop = asyncio.get_running_loop()
        if isinstance(loop, asyncio.SelectorEventLoop):
            loop.remove_reader(self._sock)
            await asyncio.sleep(_HANDED_OVER)

    def _opened_journal(self, clock: SystemClock) -> _TellingJournal:
        config = self._boot.config
        opened = _TellingJournal.open(
            config.journal,
            self._boot.name,
            clock=clock,
            reserve_bytes=config.store.reserve_mb << 20,
            refusals_per_second=config.pacing.refusals_per_second,
        )
        return cast("_TellingJournal", opened)

    def _learn(self, units: Iterable[PaidUnit]) -> None:
        if self._front is not None:
            self._front.till.learn(units)

    def _closed(self) -> None:
        if self._front is not None:
            self._front.till.forget()

    async def _recall(self, licensee: str) -> None:
        if self._front is not None:
            await self._front.till.recall(licensee)

    def _used(self, mark: str, until: int) -> None:
        if self._front is not None:
            self._front.learn_used(mark, until)

    async def _take_up(self) -> list[str]:
        """Take up the policies that the office took up; gives their digests."""
        for mistake in self._shelf.reload():
            log.error("policy not taken up", worker=self._boot.name, mistake=str(mistake))
        return [policy.digest for policy in self._shelf.policies]

    async def _look_at_keys(self) -> None:
        try:
            self._keys.refresh()
            self._origin_keys.refresh()
        except ConfigurationError as error:
            log.warning("the keys cannot be read again; going on with the last good ones", reason=str(error))

    async def _count_people(self) -> None:
        assert self._line is not None
        await self._people.flush(OfficeAudience(self._line))

    async def _tell_state(self) -> None:
        if self._front is None or self._line is None or self._journal is None:
            return
        listener = self._front.listener
        self._line.tell(
            "state",
            {
                "role": self._boot.name,
                "pid": os.getpid(),
                "connections": listener.connections,
                "faults": listener.faults,
                "refusals": dict(listener.refusals),
                "journal": self._journal.state.reason,
                "bytes_at_start": self._bytes_at_start,
                "tallies": self._front.observing.told(),
            },
        )

    def _begin(self, name: str, run: Any) -> None:
        self._tasks.append(asyncio.create_task(run, name=name))


class _TellingJournal(Journal):
    """A journal that tells the office what was paid for, as soon as that is durable."""

    line: OfficeLine | None = None
    alone = True

    async def keep(
        self, entry: JournalEntry, detail: FetchDetail | None = None, detail_salt: bytes = b""
    ) -> None:
        await super().keep(entry, detail, detail_salt)
        if (
            self.line is not None
            and isinstance(entry, FetchRecord)
            and entry.is_paid
            and entry.charge_reason == "fetch"
        ):
            self.line.tell_paid(entry, alone=self.alone)
