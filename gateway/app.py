"""The assembly: plugs stores into ports, rooms into the gate, and keeps the order of starting and stopping.

Start: lock the data folder, keys, database, journal, fold what a crash left,
policies, doors. Stop: close the front to newcomers and drain, then the journal,
the keeper, the database. One process holds one data folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import web

from gateway.admission.credentials import Credentials
from gateway.admission.owed import WINDOW_SECONDS
from gateway.admission.pace import Pace
from gateway.admission.till import Till
from gateway.ask import Ask
from gateway.clock import Clock, SystemClock
from gateway.config import Config
from gateway.dashboard.routes import dashboard_app
from gateway.dashboard.sessions import Sessions
from gateway.desk.routes import Desk
from gateway.front.exchange import Gate
from gateway.front.listener import Listener, boot_checks
from gateway.front.notices import SiteNotices
from gateway.keys.key_ring import KeyRing
from gateway.licenses.revocations import RevocationFeed
from gateway.money import Money
from gateway.origin.forwarding import HttpOrigin, OriginLimits
from gateway.origin.small import fetch_small
from gateway.policy.published import publish
from gateway.policy.reload import PolicyShelf
from gateway.policy.rules import Policy
from gateway.problems import ConfigurationError, Mistake, StoreUnavailable
from gateway.provenance.audience import Audience, referring_service
from gateway.provenance.erasure import forget_details
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper, KeeperLock
from gateway.store.sqlite.access_log import SqliteAccessLog
from gateway.store.sqlite.audience import SqliteAudience
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.details import SqliteDetails
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.register import SqliteRegister
from gateway.store.sqlite.spend_book import SqliteSpendBook
from gateway.terms.license_terms import PublishedTerms
from gateway.tokens.verification import Verifier
from gateway.visitors.catalog import Catalog
from gateway.visitors.client_address import TrustedProxies
from gateway.visitors.identify import Identifier
from gateway.visitors.networks import Networks

log = structlog.get_logger("licet")

#: What RFC 9309, section 2.2.1, allows as a product token in robots.txt.
_ROBOTS_TOKEN = re.compile(r"[A-Za-z_-]+")
#: Seconds between two looks at what other processes changed: well under `revocations.OLDEST`.
_LOOK = 0.25
#: Twentieths of a second that a command may keep the journal while a gateway starts.
_PATIENCE = 200


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the doors are, once open. *sign_in* is the one-time link, or ""."""

    front: str
    dashboard: str
    sign_in: str


class FolderLock:
    """Keeps a second gateway off a data folder; it goes with the process.

    The file says to commands beside it where the gateway listens; only while
    it is locked is that true (`running`).
    """

    def __init__(self, folder: Path) -> None:
        """Make *folder* private and lock it, or raise `ConfigurationError`."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(folder / "licet.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            why = error.strerror or str(error)
            raise ConfigurationError(
                [Mistake(str(folder), "", f"must be a folder licet can write: {why}")]
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise ConfigurationError(
                [Mistake(str(folder), "", "another gateway runs on this data folder; stop it first")]
            ) from None

    def tell(self, addresses: Addresses) -> None:
        """Write down where the gateway listens, without the sign-in link."""
        told = {"pid": os.getpid(), "front": addresses.front, "dashboard": addresses.dashboard}
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps(told).encode(), 0)

    def release(self) -> None:
        """Let the next gateway have the folder."""
        os.close(self._file)


def running(folder: Path) -> dict[str, object] | None:
    """What the gateway that runs on *folder* told of itself, empty if nothing yet; None if none runs."""
    try:
        with (folder / "licet.lock").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                told = json.loads(file.read() or b"{}")
                return told if isinstance(told, dict) else {}
    except (OSError, ValueError):
        return None
    return None


class Licet:
    """One gateway: everything between its listening sockets and its data folder."""

    def __init__(
        self,
        config: Config,
        *,
        policies: Callable[[], tuple[Policy, ...]] | None = None,
        networks: Networks | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Prepare; nothing is opened before `start`.

        *policies* gives the policies when there are no files of them (``serve
        --upstream``); otherwise those of the data folder's ``sites``.
        """
        self.config = config
        self.clock = clock or SystemClock()
        self._policies = policies
        self._networks = networks
        self._tasks: list[asyncio.Task[None]] = []
        self._published: dict[tuple[str, str], PublishedTerms] = {}
        self._stopping = asyncio.Event()
        self._closing: list[Callable[[], Awaitable[None]]] = []

    async def start(self) -> Addresses:
        """Open everything in order; raise `ConfigurationError` with what is wrong, leaving nothing open."""
        try:
            return await self._start()
        except BaseException:
            await self.stop(0)
            raise

    async def _start(self) -> Addresses:
        boot_checks()
        lock = FolderLock(self.config.folder)
        self._closing.append(_sync(lock.release))
        self.shelf = PolicyShelf(self._policies or self.config.sites)
        await self._open_stores()
        front = await self._open_front()
        dashboard, sign_in = await self._open_dashboard() if self.config.dashboard.enabled else ("", "")
        self._tasks = [
            asyncio.create_task(self._every(_LOOK, self._look), name="look"),
            asyncio.create_task(self._every(1.0, self._reload_if_changed), name="reload"),
            asyncio.create_task(self._every(5.0, self._count_people), name="people"),
            asyncio.create_task(self._every(3600.0, self._forget), name="forget"),
            asyncio.create_task(self.keeper.run(self._stopping), name="keeper"),
        ]
        addresses = Addresses(front, dashboard, sign_in)
        lock.tell(addresses)
        return addresses

    async def _open_stores(self) -> None:
        config = self.config
        ring = KeyRing.open if KeyRing.exists(config.keys) else _made
        self.keys = ring(config.keys, self.clock)
        self.database = await Database.open(config.database)
        self._closing.append(self.database.close)
        self.register = SqliteRegister(self.database)
        self.book = SqliteSpendBook(self.database)
        self.ledger = SqliteLedger(self.database)
        # Long reads of the pages get connections of their own: revocations must not wait for a report.
        pages = await Database.open(config.database, readers=2)
        self._closing.append(pages.close)
        self.access_log = SqliteAccessLog(pages)
        self.people = Audience(enabled=config.people.counted)
        keeper_lock = await self._keeper_lock()
        if keeper_lock is None:
            raise ConfigurationError(
                [Mistake(str(config.folder), "", "another process keeps this journal; stop it first")]
            )
        self._closing.append(_sync(keeper_lock.release))
        self.journal = Journal.open(
            config.journal,
            "front",
            clock=self.clock,
            reserve_bytes=config.store.reserve_mb << 20,
            refusals_per_second=config.pacing.refusals_per_second,
        )
        self.keeper = Keeper(config.journal, SqliteFolding(self.database))
        await self.keeper.catch_up()
        self._closing.append(self._fold_the_rest)
        self._closing.append(self.journal.close)
        self.feed = RevocationFeed()
        await self._look()

    async def _keeper_lock(self) -> KeeperLock | None:
        """Become the folder's keeper; a command that folds at this moment is waited for."""
        for _ in range(_PATIENCE):
            taken = KeeperLock.try_take(self.config.folder)
            if taken is not None:
                return taken
            await asyncio.sleep(0.05)
        return None

    async def _fold_the_rest(self) -> None:
        await self.keeper.catch_up()

    async def _open_front(self) -> str:
        config = self.config
        origin = HttpOrigin(
            OriginLimits(
                connect=config.origin.connect, first_byte=config.origin.first_byte, idle=config.origin.idle
            )
        )
        self._closing.append(origin.close)
        notices = SiteNotices(self.published, fetch_small, self.clock)
        catalog = Catalog.shipped()
        self._tokens = {
            entry.name: (entry.crawler, tuple(filter(_ROBOTS_TOKEN.fullmatch, entry.tokens)))
            for entry in catalog.crawlers
        }
        self._robots_only = frozenset(entry.name for entry in catalog.crawlers if entry.robots_only)
        since = self.clock.now_us() // 1_000_000 - WINDOW_SECONDS
        till = Till(
            self.book,
            Pace(config.pacing.license_per_second, config.pacing.license_burst),
            remembered=await self.ledger.paid_units(since),
        )
        gate = Gate(
            policy_of=self.shelf.of_site,
            identify=Identifier(catalog, self._networks or Networks.shipped()).identify,
            notices=notices,
            credentials=Credentials(Verifier(lambda: self.keys.public), self.feed, self.clock),
            till=till,
            origin=origin,
            journal=self.journal,
            people=_PeopleCount(self.people),
            published=self.published,
            sources={"lease": till.lease, "robots": notices.robots},
            clock=self.clock,
        )
        desk = Desk(
            register=self.register,
            spend_book=self.book,
            journal=self.journal,
            keys=self.keys,
            clock=self.clock,
            balance=self._balance,
            entered=self.ledger.has_entry,
        )
        self.listener = Listener(
            gate,
            hosts=self.shelf.of_host,
            desk=desk,
            desk_owns=desk.owns,
            trusted=TrustedProxies.read(config.trust.proxies),
            country_header=config.trust.country_header,
            clock=self.clock,
        )
        await self._look()  # opening took a while: the first licensed fetch must not meet an old list
        host, port = await _bound(self.listener.start, config.listen.host, config.listen.port, "listen.port")
        return f"http://{_shown(host)}:{port}"

    async def _open_dashboard(self) -> tuple[str, str]:
        config = self.config
        sessions = Sessions.open(config.folder / "operator.json", self.clock)
        app = dashboard_app(
            self.access_log,
            sessions,
            hosts=(config.dashboard.host, *config.dashboard.hosts),
            status=self.status,
            clock=self.clock,
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self._closing.append(runner.cleanup)

        async def start(host: str, port: int) -> tuple[str, int]:
            site = web.TCPSite(runner, host, port)
            await site.start()
            bound = runner.addresses[0]
            return bound[0], bound[1]

        host, port = await _bound(start, config.dashboard.host, config.dashboard.port, "dashboard.port")
        base = f"http://{_shown(host)}:{port}"
        link = sessions.sign_in_link()
        return base, f"{base}/sign-in?token={link}" if link else ""

    def published(self, policy: Policy, origin: str) -> PublishedTerms:
        """What all formats say for *policy* at *origin*; made once for each, and bounded: hosts may be forged."""
        key = (policy.digest, origin)
        terms = self._published.get(key)
        if terms is None:
            if len(self._published) >= 256:
                self._published.clear()
            terms = self._published[key] = publish(
                policy, origin, self._tokens, robots_only=self._robots_only
            )
        return terms

    def status(self) -> dict[str, str]:
        """What the pages' banner shows: the mode of each site, and what is not well."""
        found = {policy.site.id: str(policy.site.mode) for policy in self.shelf.policies}
        if not self.journal.state.healthy:
            found["journal"] = self.journal.state.reason
        return found

    def reload(self) -> tuple[Mistake, ...]:
        """Take up changed policies, whole or not at all; returns what is wrong, and keeps the last good."""
        mistakes = self.shelf.reload()
        for mistake in mistakes:
            log.error("policy not taken up", mistake=str(mistake))
        if not mistakes:
            log.info("policies taken up", digests=[policy.digest for policy in self.shelf.policies])
        return mistakes

    async def stop(self, seconds: float = 30.0) -> None:
        """Drain for at most *seconds*, then close everything in the reverse order of opening."""
        listener = getattr(self, "listener", None)
        if listener is not None:
            await listener.drain(seconds)
            await listener.stop()
        self._stopping.set()
        for task in self._tasks:
            if task.get_name() != "keeper":
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if hasattr(self, "people") and hasattr(self, "database"):
            with contextlib.suppress(StoreUnavailable):
                await self._count_people()
        while self._closing:
            close = self._closing.pop()
            try:
                await close()
            except Exception:
                # What is still open must be closed all the same.
                log.exception("something could not be closed well")

    async def _every(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await act()
            except StoreUnavailable as error:
                log.warning("the store cannot be reached", act=act.__name__, reason=str(error))
            except Exception:
                # One odd moment must not end what revocations, retention and counting rest on.
                log.exception("a timer's act failed and will be tried again", act=act.__name__)

    async def _look(self) -> None:
        """Learn what other processes changed: revocations and keys."""
        asked_at = self.clock.monotonic()
        self.feed.renew(await self.register.revocations(), asked_at)
        try:
            self.keys.refresh()
        except ConfigurationError as error:
            log.warning("the keys cannot be read again; going on with the last good ones", reason=str(error))

    async def _reload_if_changed(self) -> None:
        if self.shelf.changed_on_disk():
            self.reload()

    async def _count_people(self) -> None:
        await self.people.flush(SqliteAudience(self.database))

    async def _forget(self) -> None:
        days = self.config.store.detail_days
        before = self.clock.now_us() - days * 86_400_000_000
        await forget_details(self.config.journal, SqliteDetails(self.database), before)

    async def _balance(self, licensee: str, currency: str) -> Money:
        return await self.book.available(licensee, currency, self.clock.now_us() // 1_000_000)


class _PeopleCount:
    """Turns an ask into the totals that may be kept of a person's visit."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience

    def count(self, ask: Ask, status: int) -> None:
        referring = referring_service(ask.header("referer"))
        self._audience.count(ask.site, ask.path, status, referring, ask.asked_at_us)


def _made(folder: Path, clock: Clock) -> KeyRing:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return KeyRing.create(folder, clock=clock)


def _sync(act: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        act()

    return run


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


async def _bound(
    start: Callable[[str, int], Awaitable[tuple[str, int]]], host: str, port: int, key: str
) -> tuple[str, int]:
    try:
        return await start(host, port)
    except OSError as error:
        # What the loop raises names the address once more; the number alone says why.
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
        raise ConfigurationError(
            [Mistake(f"{_shown(host)}:{port}", key, f"cannot be listened on: {why}")]
        ) from None
