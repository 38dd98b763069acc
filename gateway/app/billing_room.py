"""Billing of one data folder, put together on its database: statements, at the desk and on the dashboard."""

from __future__ import annotations

from collections.abc import Callable

from gateway.config import Config
from gateway.dashboard.billing_pages import Bills
from gateway.desk.billing import BillingDesk
from gateway.desk.call import Group
from gateway.desk.clients import Clients
from gateway.licenses.register import LicenseRegister
from gateway.problems import ConfigurationError, Mistake
from gateway.store.sqlite.account_book import SqliteAccountBook
from gateway.store.sqlite.database import Database


class BillingRoom:
    """What the office does about bills. Long reads go to *pages*, a database of their own connections."""

    def __init__(
        self, config: Config, database: Database, pages: Database, register: LicenseRegister
    ) -> None:
        """Work on *database*."""
        self._config, self._register = config, register
        self._books = SqliteAccountBook(database)
        self._accounts = SqliteAccountBook(pages)
        self._test = config.billing.test

    async def open(self) -> None:
        """Take the mode of the books; raises `ConfigurationError` where they are of the other one."""
        wanted = self._config.billing.mode
        found = await self._books.mode(wanted)
        if found != wanted:
            place = str(self._config.folder / "licet.toml")
            must = f"must be {found}: the books of this folder are of {found} mode for good"
            raise ConfigurationError([Mistake(place, "billing.mode", must, wanted)])

    def groups(self) -> tuple[Group | Callable[[Clients], Group], ...]:
        """What the desk answers about bills."""
        return (lambda clients: BillingDesk(clients, self._accounts, test=self._test).group(),)

    def pages(self) -> Bills:
        """What the owner's pages work on."""
        return Bills(self._accounts, self._names, self._test)

    async def _names(self) -> dict[str, str]:
        return {each.id: each.name for each in await self._register.licensees()}
