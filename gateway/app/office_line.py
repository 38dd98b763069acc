"""The worker's line to the office: the office's ports as a worker sees them, and what the office tells.

The line is made again whenever it breaks. Until then every port raises
`StoreUnavailable`, and the revocations grow stale by themselves: licensed
fetches are refused with 503 within a second, people are served.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final

import structlog

from gateway.admission.spending import Charge, Short
from gateway.admission.till import PaidUnit
from gateway.app.calls import ACCOUNTS, AUDIENCE, PAID, REVOKED, SETTLER, SPEND_BOOK, WITHDRAWN
from gateway.app.channel import Channel
from gateway.app.signing_agents import heard
from gateway.billing.paid_units import paid_units
from gateway.egress import SECONDS, Fetched, Unfetched
from gateway.licenses.accounts import Account
from gateway.licenses.revocations import RevocationFeed, Revocations
from gateway.licenses.withdrawal import Withdrawal
from gateway.money import Money
from gateway.problems import StoreUnavailable
from gateway.provenance.audience import AudienceRow
from gateway.provenance.record import FetchRecord
from gateway.provenance.writers import OtherWriters
from gateway.rails.facilitator import SETTLE_SECONDS, VERIFY_SECONDS
from gateway.rails.settling import Checked, Payable, Taken, Unpaid
from gateway.tokens.claims import Budget

log = structlog.get_logger("licet")

_PAUSE: Final = 0.1
#: Seconds that the office may take to bring a worker up to date.
_WELCOME: Final = 60.0
#: Seconds that the office may take to settle, beside what others take.
_SETTLING: Final = 10.0
#: Paid fetches that are told again where who has to know may not have heard: more than are on their way at once.
_LATEST: Final = 1024


class OfficeLine:
    """Speaks with the office at a socket for as long as `run` runs. *known* is set once it has answered."""

    def __init__(
        self,
        path: Path,
        name: str,
        feed: RevocationFeed,
        *,
        writer: str,
        others: OtherWriters,
        learn: Callable[[Iterable[PaidUnit]], None],
        used: Callable[[str, int], None],
        closed: Callable[[], None],
        recall: Callable[[str], Awaitable[None]],
        take_up: Callable[[], Awaitable[list[str]]],
        withdraw: Callable[[Iterable[Withdrawal]], None],
    ) -> None:
        """Speak as worker *name*, whose journal is *writer*'s; *others* are those whom the office does not know to the end.

        Revocations go to *feed*, paid units to *learn*, signatures that paid at another worker to *used*, that this gateway's purses were closed to *closed*; *recall* gives back what is idle here of a licensee; *take_up* reads the
        policies that the office took up and gives their digests; *withdraw* hears what is withdrawn, before the revocations are renewed.
        """
        self.known = asyncio.Event()
        self._writer, self._others = writer, others
        self._path, self._name, self._feed = path, name, feed
        self._learn, self._used, self._take_up, self._withdraw = learn, used, take_up, withdraw
        self._closed, self._recall = closed, recall
        self._latest: deque[FetchRecord] = deque(maxlen=_LATEST)
        self._revoked = Revocations()
        #: Up to which place of the journal every paid unit is known here, 0 where that is not known.
        self._place = 0
        self._channel: Channel | None = None

    async def run(self) -> None:
        """Keep the line up until canceled."""
        away = False
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._path))
            except OSError:
                if not away:
                    log.warning("the office is away; licensed fetches wait for it", worker=self._name)
                away = True
                await asyncio.sleep(_PAUSE)
                continue
            await self._spoken(Channel(reader, writer, answer=self._answer, hear=self._hear), again=away)
            away = False
            await asyncio.sleep(_PAUSE)

    async def call(self, name: str, given: object, *, seconds: float = 2.0) -> Any:
        """Call the office; raises `StoreUnavailable` where it is away or takes more than *seconds*."""
        if self._channel is None:
            raise StoreUnavailable("The office is away.")
        return await self._channel.call(name, given, seconds=seconds)

    def tell(self, name: str, given: object) -> None:
        """Tell the office, if it is there."""
        if self._channel is not None:
            self._channel.tell(name, given)

    def tell_paid(self, record: FetchRecord, *, alone: bool) -> None:
        """Tell the office, and through it whoever else writes, of *record*, which is durable and paid for.

        While nobody else writes here nor, where this gateway is *alone*, anywhere, it is only kept, for who comes next.
        """
        self._latest.append(record)
        if self._others.names or not alone:
            self.tell("paid", PAID.dump_python(paid_units((record,)), mode="json"))

    @property
    def told(self) -> bool:
        """Whether the office is there and so has heard of everything that was paid for here."""
        return self._channel is not None or not self._latest

    def _again(self) -> Any:
        return PAID.dump_python(paid_units(self._latest), mode="json")

    async def _spoken(self, channel: Channel, *, again: bool) -> None:
        """Speak over *channel* until it ends."""
        running = asyncio.create_task(channel.run())
        try:
            # The office before may have ended with the latest payments unsaid, and those of others are not told meanwhile.
            hello = {
                "name": self._name,
                "writer": self._writer,
                "others": sorted(self._others.names),
                "paid": self._again(),
                "place": self._place,
            }
            await channel.call("hello", hello, seconds=_WELCOME)
            # Policies that were taken up while nobody was on the line.
            await self._take_up()
            self._channel = channel
            self._others.hear(heard=True)
            self.known.set()
            if again:
                log.info("the office is back", worker=self._name)
            await running
        except StoreUnavailable as error:
            log.warning("the office did not answer", worker=self._name, reason=str(error))
        finally:
            self._channel = None
            self._others.hear(heard=False)
            channel.close()
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    async def _answer(self, name: str, given: Any) -> Any:
        if name == "policies":
            return await self._take_up()
        if name == "recall":
            return await self._recall(str(given))
        raise StoreUnavailable(f"A worker does not know {name}.")

    def _hear(self, name: str, given: Any) -> None:
        if name == "revoked":
            if "withdrawn" in given:
                self._withdraw(WITHDRAWN.validate_python(given["withdrawn"]))
            if "revoked" in given:
                self._revoked = REVOKED.validate_python(given["revoked"])
            self._feed.renew(self._revoked, given["at"])
        elif name == "paid":
            self._learn(PAID.validate_python(given))
        elif name == "place":
            self._place = int(given)
        elif name == "closed":
            self._closed()
        elif name == "used":
            self._used(str(given[0]), int(given[1]))
        elif name == "writers":
            known = self._others.names
            self._others.watch(writer for writer in given if writer != self._writer)
            if self._others.names - known:
                self.tell("paid", self._again())


class OfficeEgress:
    """The guarded way out, which is at the office: it alone has the keys that sign our requests."""

    def __init__(self, line: OfficeLine) -> None:
        """Ask over *line*."""
        self._line = line

    async def get(self, url: str) -> Fetched | Unfetched:
        """As `egress.Egress.get`."""
        try:
            return heard(await self._line.call("fetch", url, seconds=SECONDS + 1))
        except StoreUnavailable as error:
            return Unfetched("unreachable", str(error))


class OfficeBook:
    """`admission.spending.SpendBook` at the office."""

    def __init__(self, line: OfficeLine) -> None:
        """Ask over *line*."""
        self._line = line

    async def lease(self, writer: str, charge: Charge, fetches: int) -> int | Short:
        """As `SpendBook.lease`."""
        granted: int | Short = await self._ask("lease", writer, charge, fetches)
        return granted

    async def give_back(self, writer: str, license: str, held: Money, fetches: int) -> None:
        """As `SpendBook.give_back`."""
        await self._ask("give_back", writer, license, held, fetches)

    async def exhausted(self, license: str, price: Money, budget: Budget) -> bool:
        """As `SpendBook.exhausted`."""
        return bool(await self._ask("exhausted", license, price, budget))

    async def charged(self, license: str, currency: str) -> int:
        """As `SpendBook.charged`."""
        return int(await self._ask("charged", license, currency))

    async def affords(self, licensee: str, price: Money) -> bool:
        """As `SpendBook.affords`."""
        return bool(await self._ask("affords", licensee, price))

    async def available(self, licensee: str, currency: str) -> Money:
        """As `SpendBook.available`."""
        left: Money = await self._ask("available", licensee, currency)
        return left

    async def balances(self, licensee: str) -> tuple[Money, ...]:
        """As `SpendBook.balances`."""
        left: tuple[Money, ...] = await self._ask("balances", licensee)
        return left

    async def _ask(self, method: str, *given: object) -> Any:
        return await SPEND_BOOK[method].ask(lambda sent: self._line.call(f"book.{method}", sent), *given)


class OfficeAccounts:
    """`licenses.accounts.Accounts` at the office, as far as a front needs it."""

    def __init__(self, line: OfficeLine) -> None:
        """Ask over *line*."""
        self._line = line

    async def by_agent(self, agent: str) -> Account | None:
        """As `Accounts.by_agent`."""
        found: Account | None = await ACCOUNTS["by_agent"].ask(
            lambda sent: self._line.call("accounts.by_agent", sent), agent
        )
        return found


class OfficeSettler:
    """`rails.settling.Settling` at the office, the one place that settles."""

    def __init__(self, line: OfficeLine) -> None:
        """Ask over *line*."""
        self._line = line

    async def check(self, payable: Payable) -> Checked | Unpaid:
        """As `Settling.check`."""
        found: Checked | Unpaid = await self._ask("check", VERIFY_SECONDS, payable)
        return found

    async def settle(self, payable: Payable, record_id: str) -> Taken | Unpaid:
        """As `Settling.settle`."""
        found: Taken | Unpaid = await self._ask("settle", VERIFY_SECONDS + SETTLE_SECONDS, payable, record_id)
        return found

    async def known(self, payment: str) -> Checked | None:
        """As `Settling.known`."""
        found: Checked | None = await self._ask("known", 0, payment)
        return found

    async def skip(self, payable: Payable) -> None:
        """As `Settling.skip`."""
        await self._ask("skip", 0, payable)

    async def _ask(self, method: str, seconds: float, *given: object) -> Any:
        # The facilitator's time, and the office's own.
        allowed = seconds + _SETTLING
        return await SETTLER[method].ask(
            lambda sent: self._line.call(f"settler.{method}", sent, seconds=allowed), *given
        )


class OfficeAudience:
    """`provenance.audience.AudienceBook` at the office."""

    def __init__(self, line: OfficeLine) -> None:
        """Ask over *line*."""
        self._line = line

    async def add(self, rows: Iterable[AudienceRow]) -> None:
        """As `AudienceBook.add`."""
        await AUDIENCE["add"].ask(lambda sent: self._line.call("audience.add", sent), tuple(rows))
