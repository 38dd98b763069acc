"""What moves money beside the fetches: payments that others settle, credit paid in; for one data folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from gateway import __version__
from gateway.app.provider import provider_of
from gateway.clock import Clock
from gateway.config import Config
from gateway.desk.call import Group
from gateway.desk.clients import Clients
from gateway.desk.once import Once
from gateway.desk.payment_states import PaymentStates
from gateway.desk.topping_up import TopUpDesk
from gateway.egress import Egress
from gateway.problems import StoreUnavailable
from gateway.rails.facilitator import Facilitator
from gateway.rails.settling import Folded, Keeping, Settling
from gateway.rails.stripe_checkout import Checkout
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.repeats import SqliteRepeats
from gateway.store.sqlite.settlements import SqliteSettlements
from gateway.store.sqlite.topups import SqliteTopUps

#: Payments that may be verified at once, and settled.
_AT_ONCE: Final = 64

log = structlog.get_logger("licet.payments")


class Cashier:
    """Settles payments for the office. *settling* is what fronts ask, *groups* what the desk answers, *once* what it does once."""

    def __init__(
        self,
        config: Config,
        database: Database,
        journal: Keeping,
        ledger: SqliteLedger,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        """Work on *database*, *journal* and *ledger*; *wake* has the journal folded at once.

        Raises `ConfigurationError`.
        """
        # Two, so that payments that strangers make up keep none waiting that hold.
        verifying, self.egress = payment_egress(config), payment_egress(config)
        book = SqliteSettlements(database)
        folded = Folded(ledger.has_entry, ledger.charged, ledger.undone, wake)
        self.settling = Settling(book, Facilitator(self.egress.post, verifying.post), journal, folded, clock)
        self.once = Once(SqliteRepeats(database), clock)
        self.groups: tuple[Group | Callable[[Clients], Group], ...] = (PaymentStates(book).group(),)
        provider = provider_of(config)
        if provider is not None:
            desk = TopUpDesk(
                SqliteTopUps(database),
                Checkout(self.egress.post, provider.api, provider.key),
                provider.verify,
                journal,
                ledger.has_entry,
                self.once,
                clock,
            )
            self.groups += (desk.group,)

    async def resume(self) -> None:
        """Repair what a crash left; what the facilitator has not said is asked for again."""
        try:
            left = await self.settling.resume()
        except StoreUnavailable as error:
            log.warning("payments cannot be looked through", reason=str(error))
            return
        if left:
            log.warning("payments whose outcome is not known; `licet payments` shows them", count=left)


def payment_egress(config: Config) -> Egress:
    """The way out to whoever moves money; raises `ConfigurationError`."""
    authorities = config.signatures.authorities
    return Egress(
        exempt=config.payments.exempt,
        authorities=config.folder / authorities if authorities else None,
        agent=f"licet/{__version__}",
        at_once=_AT_ONCE,
        plain=True,
    )
