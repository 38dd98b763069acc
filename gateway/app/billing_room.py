"""Billing of one data folder, put together on its database: statements, invoices and disputes, at desk and dashboard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from gateway.app.billing_lock import billing_lock
from gateway.billing.billing_office import BillingOffice
from gateway.billing.issuing import Issuer
from gateway.billing.ledger import Ledger
from gateway.billing.paying_out import PayingOut
from gateway.clock import Clock
from gateway.config import Config
from gateway.dashboard.billing_tables import Bills
from gateway.desk.billing import BillingDesk
from gateway.desk.call import Group
from gateway.desk.clients import Clients
from gateway.desk.form_tokens import FormTokens
from gateway.desk.invoices import InvoiceDesk
from gateway.licenses.register import LicenseRegister
from gateway.problems import ConfigurationError, Mistake
from gateway.provenance.journal import Journal
from gateway.provenance.record import BookEntry
from gateway.store.sqlite.account_book import SqliteAccountBook
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.dispute_book import SqliteDisputeBook
from gateway.store.sqlite.document_book import SqliteDocumentBook
from gateway.store.sqlite.payout_book import SqlitePayoutBook

#: Seconds between two looks at what time has done to invoices.
ROUND_SECONDS: Final = 60.0


class BillingRoom:
    """What the office does about bills. *office* is its acts."""

    def __init__(
        self,
        config: Config,
        stores: tuple[Database, Database],
        register: LicenseRegister,
        ledger: Ledger,
        journal: Journal,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        """Work on the first of *stores*, with long reads on the second; *wake* has the keeper fold *journal*."""
        database, pages = stores
        self._config, self._register = config, register
        self._ledger, self._journal, self._clock, self._wake = ledger, journal, clock, wake
        self._books = SqliteAccountBook(database)
        self._accounts = SqliteAccountBook(pages)
        self._test, self._payouts = config.billing.test, SqlitePayoutBook(database)
        documents = SqliteDocumentBook(database)
        issuer = Issuer((documents, self._books, ledger), config.billing, self.write, clock.now_us)
        # One day less than events are kept.
        told = config.outbox.keep_days - 1
        self.office = BillingOffice(
            issuer, self._books, SqliteDisputeBook(database), register, clock.now_us, told
        )

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
        forms = FormTokens(self._clock)
        return (
            lambda clients: BillingDesk(clients, self._accounts, test=self._test).group(),
            lambda clients: InvoiceDesk(clients, self.office, forms).group(),
        )

    def pages(self) -> Bills:
        """What the owner's pages work on."""
        paying = PayingOut(self._payouts, self.write, self._clock.now_us)
        return Bills(self._accounts, self._names, self._test, self.office, paying)

    async def _names(self) -> dict[str, str]:
        return {each.id: each.name for each in await self._register.licensees()}

    async def write(self, entries: Sequence[BookEntry]) -> bool:
        """Make *entries* durable that are not in the books, and wait for the books to show them, for two seconds."""
        async with billing_lock(self._config.folder):
            fresh = [each for each in entries if not await self._ledger.has_entry(each.id)]
            for each in fresh:
                await self._journal.keep(each)
        for _ in range(100):
            self._wake()
            if await self._ledger.has_entry(entries[-1].id):
                return True
            await asyncio.sleep(0.02)
        return False
