"""The other machines on one database, as an office sees them; on a data folder of its own there are none.

============ ================================================================
here         each machine says every `HERE_SECONDS` that it is there
lost         what one set aside that was silent for ``store.lost_minutes`` is
             credit again; should it come back, it forgets what it had
parts        keys and policies are the same everywhere (`sharing`)
paid         units that were paid for at another machine are paid for here
alone        what is done once for all, on a timer, is done by whoever keeps
             the public log
history      a server that lacks what was answered has taken over: what is
             remembered here may be of rows that are gone, so the office
             begins anew
============ ================================================================
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import hmac
import os
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from gateway import __version__
from gateway.app.calls import PAID
from gateway.app.log_keeping import LogKeeping
from gateway.app.lost import mark_database
from gateway.app.sharing import Sharing, sharing_of
from gateway.app.twice_round import TWICE_SECONDS, TwiceRound
from gateway.clock import Clock
from gateway.config import Config, read_config
from gateway.desk.fees import Keeping
from gateway.keys.key_ring import KeyRing
from gateway.policy.reload import PolicyShelf
from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.ledger import SqliteLedger

if TYPE_CHECKING:
    from gateway.store.postgres.places import Places

log = structlog.get_logger("licet.machines")

#: Seconds between two words that this machine is there.
HERE_SECONDS: Final = 5.0
#: Without a word for longer, nothing is sold before one was said: well under the least of ``store.lost_minutes``.
_MUST_SAY_SECONDS: Final = 60.0
#: Seconds between two looks whether the database lacks something; and in which workers hear of it.
_LOST_SECONDS: Final = 0.5
_TOLD_SECONDS: Final = 0.2
#: Seconds between two looks whether one is lost.
LOST_SECONDS: Final = 20.0
#: A machine that was silent for longer pays for nothing at the moment, in microseconds.
_QUIET_US: Final = 120_000_000
#: Tables of the settings that each machine has of its own.
_OWN: Final = frozenset({"listen", "tls", "dashboard", "observe", "workers", "store"})
#: What is done on a timer by one machine for all.
ALONE: Final = frozenset(
    {
        "duties", "lives", "bundles", "audits", "shares", "dues", "milestones", "claims", "remind", "totals",
        "billing", "usage", "forget", "payments", "alerts", "lost", "twice",
    }
)  # fmt: skip


class Following(Protocol):
    """What is needed of an office."""

    shelf: PolicyShelf
    log: LogKeeping

    def forget_leases(self) -> None:
        """Have every worker forget what is set aside and not taken."""
        ...

    def learn(self, units: Any) -> None:
        """Have every worker know that *units*, as JSON has them, are paid for."""
        ...


class Machines:
    """The office's way to the others. One object an office."""

    def __init__(
        self,
        config: Config,
        places: Places | None,
        sharing: Sharing | None,
        ledger: SqliteLedger,
        lost: Callable[[], int] = lambda: 0,
    ) -> None:
        """Without *places* there is no other machine, and nothing is done; *lost* are acts that the database lacks."""
        self._lost = lost
        self._config, self._places, self._sharing, self._ledger = config, places, sharing, ledger
        self._said_at = float("-inf")
        self._losses: int | None = None
        self._others = False
        # Up to which place of the journal units were told, and the place at the look before: where the others are
        # there, they were not longer than from one look to the next.
        self._paid_place = self._next_place = -1

    @property
    def single(self) -> bool:
        """Whether there can be no other machine."""
        return self._places is None

    async def settle(self, *rings: KeyRing) -> None:
        """Have *rings*, which may have been made a moment ago, be those of all machines. Raises `ConfigurationError`."""
        if self._sharing is not None:
            await self._sharing.settle()
            for ring in rings:
                ring.refresh()

    async def look(self, office: Following, reload: Callable[[], Awaitable[None]]) -> None:
        """Do what comes before revocations are renewed; *reload* takes up changed policies.

        Raises `StoreUnavailable`, and then they are not renewed.
        """
        if self._places is None:
            return
        if self._silent() > _MUST_SAY_SECONDS:
            await self._say(office)
        if self._sharing is not None:
            try:
                taken = await self._sharing.look(
                    lambda: policies_stand(self._config, office.shelf), leads=office.log.leads
                )
            except ConfigurationError as error:
                raise StoreUnavailable(str(error)) from error
            if "policies" in taken:
                await reload()
        if self._others:
            self._paid_place, units = await self._ledger.paid_after(self._paid_place)
            if units:
                office.learn(PAID.dump_python(units, mode="json"))

    def rounds(
        self, office: Following, journal: Keeping, clock: Clock, wake: Callable[[], None]
    ) -> tuple[tuple[str, float, Callable[[], Awaitable[None]]], ...]:
        """Name, seconds between two, and act of what is done on a timer where there may be others."""
        if self._places is None:
            return ()
        twice = TwiceRound(self._ledger, journal, clock, wake)

        async def here() -> None:
            await self._say(office)

        return (
            ("history", _LOST_SECONDS, self._begin_anew(office)),
            ("here", HERE_SECONDS, here),
            ("lost", LOST_SECONDS, self.close_lost),
            ("twice", TWICE_SECONDS, twice.act),
        )

    def _begin_anew(self, office: Following) -> Callable[[], Awaitable[None]]:
        async def history() -> None:
            acts = self._lost()
            if not acts:
                return
            log.error(
                "the database lacks what it had answered; fetches are folded again out of the journal,"
                " what else was written a moment before is gone",
                acts=acts,
            )
            with contextlib.suppress(OSError):
                mark_database(self._config.folder, acts, int(time.time()))
            # What is set aside is of purses that may not be there; what this process remembers, of rows.
            office.forget_leases()
            await asyncio.sleep(_TOLD_SECONDS)
            os._exit(1)

        return history

    async def close_lost(self) -> None:
        """Return what lost machines had set aside."""
        if self._places is not None:
            for place in await self._places.lose(self._config.store.lost_minutes * 60):
                log.warning("a machine is lost; what it had set aside is credit again", place=place)

    def _silent(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME) - self._said_at

    async def _say(self, office: Following) -> None:
        """Say that this machine is there; where its purses were closed since it last said so, have them forgotten.

        They are closed only where nothing was said for long, so before anything is sold again this is said.
        """
        assert self._places is not None
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        losses = await self._places.here(
            socket.gethostname()[:200], __version__, settings_digest(self._config)
        )
        before, self._losses, self._said_at = self._losses, losses, now
        if before is not None and losses != before:
            log.error("this machine was away for so long that what it had set aside is credit again")
            office.forget_leases()
        await self._see()

    async def _see(self) -> None:
        """Learn whether there are others that may be paid."""
        assert self._places is not None
        found = [each for each in await self._places.all() if each.silent_us < _QUIET_US]
        self._others = len(found) > 1
        if self._others and self._paid_place >= 0:
            return
        last = await self._ledger.last_place()
        self._paid_place, self._next_place = self._next_place if self._next_place >= 0 else last, last


def machines_of(config: Config, database: Database, pages: Database) -> Machines:
    """The machines on *database*; what was paid for is read from *pages*."""
    from gateway.app.stores import postgres_of

    postgres = postgres_of(database)
    if postgres is None:
        return Machines(config, None, None, SqliteLedger(pages))
    from gateway.store.postgres.places import Places

    reading = postgres_of(pages)
    assert reading is not None
    return Machines(
        config, Places(postgres), sharing_of(config, database), SqliteLedger(pages),
        lambda: max(postgres.lost, reading.lost),
    )  # fmt: skip


def policies_stand(config: Config, shelf: PolicyShelf) -> bool:
    """Whether the policy files say what is in force, and each policy cites the record of that."""
    try:
        read = PolicyShelf(config.sites).policies
    except ConfigurationError:
        return False
    in_force = shelf.policies
    return [each.digest for each in read] == [each.digest for each in in_force] and all(
        each.consent for each in in_force
    )


def alone(
    name: str, act: Callable[[], Awaitable[None]], kept: Callable[[], LogKeeping]
) -> Callable[[], Coroutine[Any, Any, None]]:
    """*act*; where one machine does it for all (`ALONE`), only while this is the one."""

    @functools.wraps(act)
    async def run() -> None:
        if name not in ALONE or kept().leads:
            await act()

    return run


async def while_leading(kept: Callable[[], LogKeeping], run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """*run*, from its beginning each time that this machine becomes the one that does it for all."""
    running: asyncio.Task[None] | None = None
    try:
        while True:
            if kept().leads and running is None:
                running = asyncio.create_task(run())
            elif running is not None and (running.done() or not kept().leads):
                running.cancel()
                (ended,) = await asyncio.gather(running, return_exceptions=True)
                if isinstance(ended, Exception):
                    log.error("what one machine does for all broke and begins again", reason=str(ended))
                running = None
            await asyncio.sleep(0.5)
    finally:
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def settings_digest(config: Config) -> str:
    """What tells other machines whether the settings that must be the same are; it tells nothing of them."""
    told = {
        name: getattr(config, name)
        for name in config.__dataclass_fields__
        if name != "folder" and name not in _OWN
    }
    key = config.store.shared_key.encode() or b"none"
    return hmac.new(key, repr(sorted(told.items())).encode(), hashlib.sha256).hexdigest()[:16]


async def seen(folder: Path) -> list[dict[str, Any]]:
    """The machines that share the database of a data folder; none where its books are in a file. Raises `ConfigurationError`."""
    from gateway.app.stores import open_store, postgres_of

    config = read_config(folder, environ=os.environ)
    database = await open_store(config, readers=1)
    try:
        postgres = postgres_of(database)
        if postgres is None:
            return []
        from gateway.store.postgres.places import Places

        return [
            {
                "machine": each.machine,
                "place": each.place,
                "version": each.version,
                "settings": each.settings,
                "silent_seconds": each.silent_us // 1_000_000,
                "losses": each.losses,
                "here": each.place == postgres.place,
            }
            for each in await Places(postgres).all()
        ]
    finally:
        await database.close()
