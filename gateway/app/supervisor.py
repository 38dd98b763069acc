"""The process that lives longest: it owns the listening socket and starts the others again when they end.

It serves nothing itself. One listening socket is made once and inherited by
every worker: whoever has room accepts, and connections that wait in the
kernel's queue outlive any worker. (Sockets of their own under one port,
`SO_REUSEPORT`, lose what waits in the queue of a worker that goes.)

============ ================================================================
a worker     is started again at once, and later each time that it ends soon
the office   the same; workers serve people meanwhile
restart      the office first: the new one waits until the old one has closed,
             and so do licensed fetches; then one worker after the other: the
             new one listens before the old one stops
stop         workers drain, then the office closes
============ ================================================================
"""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

import structlog

from gateway.app.addresses import unbound
from gateway.app.boot import Boot, Upstream
from gateway.app.folder import Addresses, FolderLock, RunFolder
from gateway.app.listening import check_listening, url_of, warn_of
from gateway.app.process import CLOSING, STARTING, Process
from gateway.app.spreading import SOCKET
from gateway.app.valkey import Valkey
from gateway.app.zygote import Zygote
from gateway.config import Config
from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.store.redis.address import EMBEDDED

log = structlog.get_logger("licet")

#: A process that ends sooner than this after its start ended at once.
_AT_ONCE: Final = 5.0
_LONGEST_PAUSE: Final = 30.0
#: How long answers of the desk and the dashboard that are under way may take when the office ends.
_OFFICE_DRAIN: Final = 5.0
#: How often a process that ends while a gateway starts is made anew before that start is given up.
_TRIES: Final = 6


@dataclass(frozen=True, slots=True)
class Site:
    """One site that is served, for whoever sits there."""

    id: str
    hosts: tuple[str, ...]
    origin: str
    mode: str
    file: str


class Supervisor:
    """One gateway as processes. *sites* are those at the start."""

    def __init__(
        self,
        config: Config,
        *,
        upstream: Upstream | None = None,
        drain: float = 30.0,
        zygote: Zygote | None = None,
    ) -> None:
        """Prepare; nothing is opened yet.

        *drain* is how long requests under way may take, in seconds. *zygote* is
        where processes are forked from, and this gateway's from now on; without
        one it starts its own.
        """
        self.sites: tuple[Site, ...] = ()
        self._config, self._upstream, self._drain = config, upstream, drain
        self._office: Process | None = None
        self._workers: dict[str, Process] = {}
        self._keeping: list[asyncio.Task[None]] = []
        self._replacing = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._lock: FolderLock | None = None
        self._run: RunFolder | None = None
        self._valkey: Valkey | None = None
        self._zygote = zygote
        self._renewing = asyncio.Lock()
        #: The public one, and that for the site's own proxy.
        self._socks: list[socket.socket] = []

    async def start(self) -> Addresses:
        """Start everything; raise `ConfigurationError` with what is wrong, leaving nothing behind."""
        try:
            return await self._started()
        except BaseException:
            await self.stop(0)
            raise

    async def _started(self) -> Addresses:
        warn_of(check_listening(self._config), int(time.time()))
        self._lock = FolderLock(self._config.folder)
        self._run = RunFolder.make()
        self._lock.has(self._run)
        await self._start_valkey(self._run, self._lock)
        listen = self._config.listen
        sock = _bound(listen.host, listen.port, "listen.port")
        self._socks = [sock]
        if listen.auth:
            self._socks.append(_bound(*listen.auth_at, "listen.auth"))
        at = sock.getsockname()
        front = url_of(self._config, at[0], at[1])
        # They import while one waits for the other.
        names = [f"w{number}" for number in range(1, self._config.workers.count + 1)]
        office = self._office = await self._spawned("office", "office")
        for name in names:
            self._workers[name] = await self._spawned("worker", name)
        office = await self._up(office)
        self.sites = tuple(
            Site(each["id"], tuple(each["hosts"]), each["origin"], each["mode"], each["file"])
            for each in office.told["sites"]
        )
        dashboard = str(office.told["dashboard"])
        if dashboard:
            # An office that is started again must be where this one was.
            same = self._config.dashboard.model_copy(update={"port": urlsplit(dashboard).port})
            self._config = replace(self._config, dashboard=same)
        await self._some_started()
        addresses = Addresses(front, dashboard, str(office.told["sign_in"]))
        self._lock.tell(addresses, run=self._run.path)
        self._keeping = [asyncio.create_task(self._keep("office"))]
        self._keeping += [asyncio.create_task(self._keep(name)) for name in names]
        return addresses

    async def _start_valkey(self, run: RunFolder, lock: FolderLock) -> None:
        """Start a server of our own where one is wanted, and have every process use it."""
        if self._config.store.redis != EMBEDDED:
            return
        self._valkey = Valkey(self._config.folder / "valkey", run.path / SOCKET, lock.descriptor)
        await self._valkey.start()
        store = self._config.store.model_copy(update={"redis": self._valkey.url})
        self._config = replace(self._config, store=store)

    async def _up(self, process: Process) -> Process:
        """Tell *process* what it is; one that ends instead, killed or starved, is made anew a few times."""
        for left in reversed(range(_TRIES)):
            try:
                await self._told(process)
                break
            except StoreUnavailable as error:
                if not left:
                    raise
                log.warning(
                    "a process did not start and is started again", process=process.name, reason=str(error)
                )
                await process.end(CLOSING)
                process = await self._spawned(
                    "office" if process.name == "office" else "worker", process.name
                )
                self._stands_for(process)
        return process

    def _standing(self, name: str) -> Process | None:
        return self._office if name == "office" else self._workers[name]

    def _stands_for(self, process: Process) -> None:
        if process.name == "office":
            self._office = process
        else:
            self._workers[process.name] = process

    async def _some_started(self) -> None:
        """Bring every worker up; one that does not come is tried on and on, if another came."""
        coming = (self._up(worker) for worker in list(self._workers.values()))
        answers = await asyncio.gather(*coming, return_exceptions=True)
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        for failure in failures:
            if not isinstance(failure, StoreUnavailable) or len(failures) == len(answers):
                raise failure

    async def connections(self) -> int:
        """How many clients are connected, as far as the workers can say it at once."""
        asked = [worker.channel.call("connections", seconds=0.5) for worker in self._workers.values()]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return sum(answer for answer in answers if isinstance(answer, int))

    async def reload(self) -> None:
        """Have certificates and policies read again; the log says what came of it.

        Each worker reads the certificates, and the last good ones stay where
        one is wrong; the office reads the policies, whole or not at all.
        """
        renewing = (worker.channel.call("renew", seconds=30) for worker in self._workers.values())
        for answer in await asyncio.gather(*renewing, return_exceptions=True):
            if isinstance(answer, StoreUnavailable):
                log.warning("certificates were not read again", reason=str(answer))
        if self._office is None:
            return
        try:
            await self._office.channel.call("reload", seconds=STARTING)
        except StoreUnavailable as error:
            log.warning("policies were not read again", reason=str(error))

    async def restart(self) -> bool:
        """Replace the office and then every worker, one after the other; whether all were.

        A program that cannot be started replaces nobody; a new worker that does
        not come up leaves the old one, and ends the round. A new office that
        does not come up is followed by one of the program that ran before.
        """
        async with self._replacing:
            renewed = await self._renewed()
            try:
                return await self._replaced(renewed)
            finally:
                if renewed is not None and renewed is not self._zygote:
                    await renewed.close()

    async def _renewed(self) -> Zygote | None:
        """A zygote of the code that is installed now, beside ours; None where there is none, or it cannot be made."""
        if not Zygote.usable():
            return None
        try:
            return await Zygote.executed()
        except OSError as error:
            log.warning("a process could not be made", process="zygote", reason=error.strerror)
            return None

    async def _replaced(self, zygote: Zygote | None) -> bool:
        """Replace the processes by such as are forked from *zygote*, which is ours once a worker came up."""
        if self._stopping.is_set() or not await self._office_replaced(zygote):
            return False
        for name in tuple(self._workers):
            if self._stopping.is_set():
                return False
            fresh = await self._fresh(name, zygote)
            if fresh is None:
                return False
            if zygote is not None and zygote is not self._zygote:
                before, self._zygote = self._zygote, zygote
                if before is not None:
                    await before.close()
            if self._stopping.is_set():
                await fresh.end(CLOSING)
                return False
            old, self._workers[name] = self._workers[name], fresh
            await old.stop(self._drain)
            log.info("worker replaced", worker=name, pid=fresh.pid)
        return True

    async def _office_replaced(self, zygote: Zygote | None) -> bool:
        """Have a new office in place of the old one, which has closed all before; whether it came up."""
        try:
            # It has imported everything by the time that it is there, so that a broken program is found out here.
            fresh = await self._spawned("office", "office", zygote)
        except OSError as error:
            log.warning("a new office did not start; the old one goes on", reason=error.strerror)
            return False
        old, self._office = self._office, fresh
        assert old is not None
        await old.stop(_OFFICE_DRAIN)
        try:
            # Also in the middle of a stop: workers that drain need an office.
            await self._told(fresh)
        except (ConfigurationError, StoreUnavailable) as error:
            log.warning("a new office did not start; one as before takes its place", reason=str(error))
            await fresh.end(CLOSING)
            return False
        log.info("office replaced", pid=fresh.pid)
        return True

    async def stop(self, seconds: float) -> None:
        """Let requests under way take *seconds*, then end every process and let the folder go."""
        self._stopping.set()
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        for sock in self._socks:
            sock.close()
        await asyncio.gather(*(worker.stop(seconds) for worker in self._workers.values()))
        async with self._replacing:
            pass  # what was being replaced has ended too
        if self._office is not None:
            await self._office.stop(min(seconds, _OFFICE_DRAIN))
        if self._zygote is not None:
            await self._zygote.close()
        if self._valkey is not None:
            await self._valkey.stop()
        self._left()

    async def stop_now(self) -> None:
        """End every process without waiting for requests; what was acknowledged is on the disk."""
        self._stopping.set()
        every = [*self._workers.values(), *([self._office] if self._office else [])]
        await asyncio.gather(*(process.end(3.0) for process in every))
        if self._zygote is not None:
            await self._zygote.close()
        if self._valkey is not None:
            await self._valkey.stop()
        self._left()

    def _left(self) -> None:
        if self._run is not None:
            self._run.remove()
        if self._lock is not None:
            self._lock.release()
        self._lock = self._run = None

    async def _keep(self, name: str) -> None:
        """Start what *name* stands for again whenever it ends."""
        pause = 0.0
        while True:
            process = self._standing(name)
            assert process is not None
            code = await process.ended()
            if self._stopping.is_set():
                return
            if process is not self._standing(name):
                continue  # it was replaced
            soon = time.monotonic() - process.since < _AT_ONCE
            pause = min(_LONGEST_PAUSE, 2 * pause or 0.2) if soon else 0.0
            log.error("a process ended and is started again", process=name, code=code, seconds=pause)
            await asyncio.sleep(pause)
            try:
                await self._again(name, process)
            except OSError as error:
                log.warning("a process could not be made", process=name, reason=error.strerror)
                await asyncio.sleep(1.0)

    async def _fresh(self, name: str, zygote: Zygote | None) -> Process | None:
        """A worker beside the one of that name, or None where it does not come up."""
        fresh = None
        try:
            fresh = await self._spawned("worker", name, zygote)
            await self._told(fresh)
        except (ConfigurationError, StoreUnavailable, OSError) as error:
            log.warning("a new worker did not start; the old one goes on", worker=name, reason=str(error))
            if fresh is not None:
                await fresh.end(CLOSING)
            return None
        return fresh

    async def _again(self, name: str, ended: Process) -> None:
        """Start what *name* stands for in place of *ended*; raises `OSError` where the machine allows no process."""
        if self._standing(name) is not ended:
            return  # it was replaced meanwhile
        fresh = await self._spawned("office" if name == "office" else "worker", name)
        if self._standing(name) is not ended:
            await fresh.end(CLOSING)
            return
        self._stands_for(fresh)
        try:
            await self._told(fresh)
        except (ConfigurationError, StoreUnavailable) as error:
            log.warning("a process did not start", process=name, reason=str(error))
            await fresh.end(CLOSING)

    async def _spawned(self, role: str, name: str, zygote: Zygote | None = None) -> Process:
        """Start a process, forked from *zygote* or else from ours. Raises `OSError` where the machine allows none."""
        assert self._lock is not None
        listening = [sock.fileno() for sock in self._socks] if role == "worker" else []
        inherited = (self._lock.descriptor, *listening)
        bearing = zygote or await self._bearing()
        try:
            return await Process.spawn(role, name, inherited, bearing)
        except OSError:
            if bearing is None or bearing is not self._zygote or not bearing.lost or self._stopping.is_set():
                raise
        # It was killed, perhaps long ago: nobody has asked it since.
        return await Process.spawn(role, name, inherited, await self._bearing())

    async def _bearing(self) -> Zygote | None:
        """What processes are forked from, a new one where it was lost; None where each is executed."""
        async with self._renewing:
            if self._zygote is None or self._zygote.lost:
                if not Zygote.usable():
                    return None
                lost, self._zygote = self._zygote, None
                if lost is not None:
                    log.error("a process ended and is started again", process="zygote")
                    await lost.close()
                self._zygote = await Zygote.executed()
            return self._zygote

    async def _told(self, process: Process) -> None:
        assert self._run is not None
        # The first is the lock, which it only has to have.
        listening, auth = (*process.inherited[1:], -1, -1)[:2]
        run, upstream = str(self._run.path), self._upstream
        await process.boot(
            Boot(self._config, run, process.name, listening=listening, auth=auth, upstream=upstream)
        )


def _bound(host: str, port: int, key: str) -> socket.socket:
    """A listening socket that workers will share, bound; raises `ConfigurationError`, naming the setting *key*.

    An IPv6 address that stands for all takes IPv4 as well.
    """
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, number)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            sock.bind(address)
            sock.setblocking(False)
        except OSError:
            sock.close()
            raise
    except OSError as error:
        raise unbound(error, host, port, key) from None
    return sock
