"""People who were taken for machines: where they say so, where the owner reads it, and when it is forgotten."""

from __future__ import annotations

from gateway.app.retention import recorded_by
from gateway.clock import Clock
from gateway.config import Config
from gateway.dashboard.person_pages import People
from gateway.desk.call import Group
from gateway.desk.pacing import Limits, own_limit
from gateway.desk.person_desk import PersonDesk
from gateway.desk.privacy_page import PrivacyDesk
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.person_reports import SqlitePersonReports
from gateway.visitors.exemptions import FILE

_DAY = 86_400


class Persons:
    """The parts of one office that are about people who were refused."""

    def __init__(self, config: Config, database: Database, clock: Clock) -> None:
        """Keep reports in *database*."""
        self._config, self._clock = config, clock
        self.reports = SqlitePersonReports(database)

    def groups(self, limits: Limits = own_limit) -> tuple[Group, ...]:
        """What the desk answers, at the pace of *limits*."""
        privacy = PrivacyDesk(recorded_by(self._config))
        return PersonDesk(self.reports, self._clock, limits).group(), privacy.group()

    def pages(self) -> People:
        """What the owner's pages work on."""
        return People(self.reports, self._config.folder / FILE)

    async def forget(self) -> None:
        """Erase what is older than the settings keep it."""
        now = self._clock.now_us() // 1_000_000
        await self.reports.forget(now - self._config.people.report_days * _DAY)
