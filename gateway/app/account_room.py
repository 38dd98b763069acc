"""The accounts of licensees, put together on one office's stores, for the desk."""

from __future__ import annotations

from collections.abc import Callable

from gateway.billing.billing_office import BillingOffice
from gateway.clock import Clock
from gateway.desk.account_desk import AccountDesk, AccountStores
from gateway.desk.call import Group
from gateway.desk.clients import Clients
from gateway.desk.form_tokens import FormTokens
from gateway.desk.held import Holdings
from gateway.desk.license_papers import PaperShelf
from gateway.desk.selling import Balance
from gateway.desk.versions import TermsInForce
from gateway.keys.key_ring import KeyRing
from gateway.store.sqlite.account_book import SqliteAccountBook
from gateway.store.sqlite.charges import SqliteCharges
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.duties import SqliteDuties
from gateway.store.sqlite.negotiations import SqliteNegotiations
from gateway.store.sqlite.register import SqliteRegister
from gateway.store.sqlite.spend_limits import SqliteSpendLimits
from gateway.tokens.verification import Verifier


def accounts_of(
    stores: tuple[Database, Database], office: BillingOffice, balance: Balance, keys: KeyRing, clock: Clock,
    terms: TermsInForce,
) -> Callable[[Clients], Group]:  # fmt: skip
    """What the desk answers about accounts; long reads are made on the second of *stores*, *terms* are those published."""
    database, pages = stores
    register, forms = SqliteRegister(database), FormTokens(clock)
    told = AccountStores(
        SqliteCharges(pages),
        SqliteSpendLimits(database),
        register,
        SqliteDuties(database),
        office,
        SqliteAccountBook(pages),
        PaperShelf(SqliteNegotiations(database), terms),
    )
    held = Holdings(register, Verifier(lambda: keys.public), clock, balance)
    return lambda clients: AccountDesk(clients, held, told, clock, forms).group()
