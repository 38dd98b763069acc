"""Looks again and again for what the operator should hear of, and makes events of it (`outbox.alerts`)."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from gateway.clock import Clock
from gateway.config import Config
from gateway.event import Event
from gateway.outbox.alerts import of_budgets, of_crawlers, of_disk, of_lists, of_newcomers
from gateway.store.sqlite.alerts import SqliteAlerts
from gateway.store.sqlite.database import Database
from gateway.visitors.fetched_lists import FeedFolder, LiveNetworks
from gateway.visitors.networks import Networks

#: Seconds between two looks at the log, and between two at everything else.
ROUND_SECONDS: Final = 10.0
_SLOW_SECONDS: Final = 600
_DAY: Final = 86_400
#: Seconds in which lists that came with this program are fetched anew before they count as stale.
_FETCHING: Final = 3600


def alert_round(
    config: Config, database: Database, pages: Database, clock: Clock
) -> tuple[str, float, Callable[[], Awaitable[None]]]:
    """The round as the office begins it: its name, its seconds, its act."""
    return "alerts", ROUND_SECONDS, AlertRound(config, SqliteAlerts(database, pages), clock).act


class AlertRound:
    """One a data folder. Where a look was interrupted, the day is looked through again; nothing is told twice."""

    def __init__(
        self, config: Config, alerts: SqliteAlerts, clock: Clock, *, ages: Callable[[int], Mapping[str, int]] | None = None
    ) -> None:  # fmt: skip
        """Tell by *alerts*; *ages* gives the stale lists of a second, by default those of the shipped and fetched ones."""
        self._config, self._alerts, self._clock = config, alerts, clock
        self._ages = ages or Stale(config)
        self._place: int | None = None
        self._slow_at = self._lists_at = 0

    async def act(self) -> None:
        """Look through what happened since the last look, and once in a while at the rest."""
        now = self._clock.now_us() // 1_000_000
        if self._place is None:
            self._place = await self._alerts.first_of((now - now % _DAY) * 1_000_000)
            self._lists_at = now + (_FETCHING if self._config.feeds.update else 0)
        came, unknown, place = await self._alerts.came(self._place)
        found: list[Event] = [*of_crawlers(came, now), *of_newcomers(unknown, now)]
        if now >= self._slow_at:
            found += of_budgets(await self._alerts.spent(now), now)
            if now >= self._lists_at:
                found += of_lists(await asyncio.to_thread(self._ages, now), now)
            found += of_disk(*await asyncio.to_thread(self._room), now)
        await self._alerts.keep(found)
        self._place = place
        if now >= self._slow_at:
            self._slow_at = now + _SLOW_SECONDS

    def _room(self) -> tuple[int, int]:
        """Free octets, and how many should be: the reserve four times over, and half a gigabyte at least."""
        least = max(self._config.store.reserve_mb * 4, 512) << 20
        return shutil.disk_usage(self._config.folder).free, least


class Stale:
    """The lists that are too old to go by, where they are meant to be fetched anew."""

    def __init__(self, config: Config) -> None:
        """Read the copies of the folder of *config*; nothing is read before the first question."""
        self._config = config
        self._live: LiveNetworks | None = None

    def __call__(self, now: int) -> Mapping[str, int]:
        """The age in days of each list that is stale at *now*."""
        if self._live is None:
            self._live = LiveNetworks(Networks.shipped(), FeedFolder(self._config.copies))
        else:
            self._live.refresh()
        return {
            each.name: each.age_days(now)
            for each in self._live.networks.lists.values()
            if each.complete and each.feed and not each.is_fresh(now)
        }
