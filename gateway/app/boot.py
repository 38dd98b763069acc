"""How a process of a gateway comes to life and ends: what it is told, and by whom it hangs.

It is forked from a `zygote`, or where there is none started as ``python -m
gateway.app ROLE DESCRIPTOR``; the descriptor is one end of a socket pair, over
which a `channel` carries:

=========== =========================== ======================================
call        with                        gives
=========== =========================== ======================================
boot        `Boot`                      what the part says once it has started,
                                        or ``{"mistakes": …}``
stop        seconds to drain            nothing, once it has stopped
other       what the part knows         what it says
=========== =========================== ======================================

A process whose supervisor is gone stops at once: what it acknowledged is on
the disk, and the next gateway waits for the folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from pydantic import TypeAdapter

from gateway.app.channel import Channel
from gateway.app.folder import RunFolder
from gateway.app.timers import log_to_stderr
from gateway.config import Config
from gateway.policy.rules import Mode, Policy
from gateway.problems import ConfigurationError, Mistake, StoreUnavailable

#: Seconds that a process without a supervisor may take to close its files.
_ORPHANED: Final = 3.0
#: How often a process looks, 0.02 s apart, whether a supervisor that hung up is gone.
_REPARENTING: Final = 100


@dataclass(frozen=True, slots=True)
class Upstream:
    """The site of ``serve --upstream``, which has no policy file."""

    url: str
    mode: Mode
    stance: str


@dataclass(frozen=True, slots=True)
class Boot:
    """What a process is told at its start.

    *run* is the path of the gateway's `RunFolder`. *name* is a worker's, and of
    its journal's files. *listening* is the descriptor of the listening socket
    that a worker inherits, *auth* that of the socket for the site's own proxy; -1 for none.
    """

    config: Config
    run: str
    name: str = ""
    listening: int = -1
    auth: int = -1
    upstream: Upstream | None = None

    def policies(self) -> Callable[[], tuple[Policy, ...]] | None:
        """Where policies come from, if not from files."""
        site = self.upstream
        if site is None:
            return None
        from gateway.policy.reading import default_policy

        return lambda: (default_policy(site.url, mode=site.mode, stance=site.stance),)


#: How a `Boot` crosses a channel.
BOOT: Final[TypeAdapter[Boot]] = TypeAdapter(Boot)
#: How mistakes cross it.
MISTAKES: Final[TypeAdapter[tuple[Mistake, ...]]] = TypeAdapter(tuple[Mistake, ...])


class Part(Protocol):
    """What runs in a process of its own."""

    async def start(self) -> dict[str, Any]:
        """Open everything, or raise `ConfigurationError`; what it gives is for the supervisor."""
        ...

    async def stop(self, seconds: float) -> None:
        """Close everything; requests under way may take *seconds*. Any number of times."""
        ...

    async def act(self, name: str, given: Any) -> Any:
        """Do what else the supervisor calls."""
        ...


def run_loop(main: Coroutine[object, object, None]) -> None:
    """Run *main* on uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


class _Life:
    """One process, from its first call to its end."""

    def __init__(self, make: Callable[[Boot], Part]) -> None:
        self._make = make
        self._part: Part | None = None
        self._run = ""
        self._supervisor = os.getppid()
        self._told_to_stop = False

    async def run(self, descriptor: int) -> None:
        """Do what the supervisor calls until it hangs up."""
        reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=descriptor))
        await Channel(reader, writer, answer=self._answer).run()
        late = False
        try:
            async with asyncio.timeout(_ORPHANED):
                await self._stopped(0)
        except TimeoutError:
            late = True
        finally:
            if self._run and await self._orphaned():
                # Nobody else is left to do it.
                RunFolder(Path(self._run)).remove()
        if late:
            os._exit(1)

    async def _orphaned(self) -> bool:
        """Whether the supervisor is gone. Its sockets end a moment before it does: who was not told to stop waits for that."""
        for _ in range(0 if self._told_to_stop else _REPARENTING):
            if os.getppid() != self._supervisor:
                return True
            await asyncio.sleep(0.02)
        return os.getppid() != self._supervisor

    async def _answer(self, name: str, given: Any) -> Any:
        if name == "boot":
            try:
                boot = BOOT.validate_python(given)
                self._run = boot.run
                self._part = self._make(boot)
                return await self._part.start()
            except ConfigurationError as error:
                await self._stopped(0)
                return {"mistakes": MISTAKES.dump_python(error.mistakes, mode="json")}
        if name == "stop":
            self._told_to_stop = True
            await self._stopped(float(given))
            return None
        if self._part is None:
            raise StoreUnavailable("This process has not started.")
        return await self._part.act(name, given)

    async def _stopped(self, seconds: float) -> None:
        if self._part is not None:
            await self._part.stop(seconds)


def live(role: str, descriptor: int) -> None:
    """Be one process of a gateway: ``office`` or ``worker``.

    Ctrl-C and a terminal that goes are the supervisor's to act on; a SIGTERM
    that a service manager sends to every process is, too.
    """
    name_process(role)
    log_to_stderr()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    run_loop(_Life(_maker(role)).run(descriptor))


def prepare() -> None:
    """Import what every role needs, and read what is shipped and the same for all; opens nothing that stays open."""
    for role in ("office", "worker"):
        _maker(role)
    from gateway.visitors.catalog import Catalog
    from gateway.visitors.networks import Networks

    Catalog.shipped()
    Networks.shipped()


def name_process(role: str) -> None:
    """Be called ``licet ROLE`` by whatever lists processes (Linux); at most 15 octets of it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(f"licet {role}", encoding="ascii")


def _maker(role: str) -> Callable[[Boot], Part]:
    if role == "office":
        from gateway.app.office_room import OfficeRoom

        return OfficeRoom
    from gateway.app.worker import Worker

    return Worker
