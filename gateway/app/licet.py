"""Front and office in one process and one loop: the demo's gateway, and the one that tests drive.

Start: lock the data folder, policies, stores, doors. Stop: close the front to
newcomers and drain, then the journal, the keeper, the database.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gateway.app.access_file import FLUSH_SECONDS
from gateway.app.calls import PAID
from gateway.app.folder import Addresses, FolderLock, RunFolder
from gateway.app.front import REST_SECONDS, Front
from gateway.app.identification import COPIES_SECONDS
from gateway.app.listening import LOOK_SECONDS
from gateway.app.observing import metrics_of
from gateway.app.office import Office
from gateway.app.timers import acting, every
from gateway.clock import Clock
from gateway.config import Config
from gateway.desk.door import DeskDoor
from gateway.front.listener import Listener, boot_checks
from gateway.policy.rules import Policy
from gateway.visitors.networks import Networks
from gateway.visitors.own_identity import OwnIdentity


class Licet(Office):
    """One gateway: everything between its listening sockets and its data folder."""

    def __init__(
        self,
        config: Config,
        *,
        policies: Callable[[], tuple[Policy, ...]] | None = None,
        networks: Networks | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Prepare; nothing is opened before `start`. *policies* as for `Office`."""
        super().__init__(config, policies=policies, networks=networks, clock=clock)
        self._front: Front | None = None
        self.metrics_at = ("", 0)

    @property
    def front(self) -> Front:
        """Gate and listener. Only of one that was started."""
        assert self._front is not None
        return self._front

    @property
    def listener(self) -> Listener:
        """Where requests come in. Only of one that was started."""
        return self.front.listener

    async def start(self) -> Addresses:
        """Open everything in order; raise `ConfigurationError` with what is wrong, leaving nothing open."""
        try:
            return await self._opened()
        except BaseException:
            await self.stop(0)
            raise

    async def _opened(self) -> Addresses:
        boot_checks()
        lock = FolderLock(self.config.folder)
        self._closing.append(acting(lock.release))
        self.read_policies()
        await self.open_stores("front")
        run = RunFolder.make()
        self._closing.append(acting(run.remove))
        door = DeskDoor(self.desk, self.shelf.of_site)
        await door.start(run.desk)
        self._closing.append(door.stop)
        self._front = front = Front(
            self.config,
            self.shelf,
            clock=self.clock,
            keys=lambda: self.keys.public,
            feed=self.feed,
            book=self.book,
            journal=self.journal,
            people=self.people,
            paid=await self.paid(),
            networks=self._networks,
            accounts=self.accounts.by_agent,
            settler=self.settling,
            get=self.egress.get,
            origin_identity=OwnIdentity(self.origin_keys, self.identity.agent),
            desk=run.desk,
            spreading=self.spreading,
            idle=partial(self.book.told, "front"),
        )
        await self._look()  # opening took a while: the first licensed fetch must not meet an old list
        url = await front.open()
        dashboard, sign_in = await self.open_dashboard()
        self.metrics_at = await metrics_of(self, front.observing.told, self._state, self._closing.append)
        self.begin()
        self._start("access log", every(FLUSH_SECONDS, front.flush))
        self._start("rest", every(REST_SECONDS, front.rest))
        self._start("certificates", every(LOOK_SECONDS, front.renew))
        self._start("copies", every(COPIES_SECONDS, front.identification.renew))
        addresses = Addresses(url, dashboard, sign_in)
        lock.tell(addresses)
        return addresses

    def forget_leases(self) -> None:
        """Have the front forget what is set aside and not taken."""
        if self._front is not None:
            self._front.till.forget()

    async def recall(self, holder: Any, licensee: str) -> None:  # noqa: ARG002
        """Have the front give back what it has idle."""
        if self._front is not None:
            await self._front.till.recall(licensee)

    def learn(self, units: Any) -> None:
        """Have the front know."""
        if self._front is not None:
            self._front.till.learn(PAID.validate_python(units))

    def _state(self) -> list[dict[str, Any]]:
        """What a worker tells of itself, of the front here."""
        listener = self.front.listener
        told = {
            "connections": listener.connections,
            "faults": listener.faults,
            "journal": self.journal.state.reason,
        }
        return [{**told, "refusals": dict(listener.refusals)}]

    async def stop(self, seconds: float = 30.0) -> None:
        """Drain for at most *seconds*, then close everything in the reverse order of opening."""
        if self._front is not None:
            await self._front.close(seconds)
        await self.close()
