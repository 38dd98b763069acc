"""What `licet doctor` says of payments: facilitators, the payment provider, and payments that hang."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.problems import ConfigurationError
from gateway.spoken import counted, with_data

if TYPE_CHECKING:
    from gateway.config import Config
    from gateway.policy.rules import Policy

#: What was looked at, a state (``ok``, ``warn``, ``bad``), the fact, and what to do about it.
Told = tuple[str, str, str, str]
_HOLDING = "holding money for others may need a license where you are: have licensees pay into each creator's own account"


async def payments(config: Config, policies: tuple[Policy, ...], data: Path) -> list[Told]:
    """Everything about payments, for the sites of *policies*."""
    return [
        *[await _facilitator(config, policy) for policy in policies if policy.payments.x402 is not None],
        *_provider(config, policies),
        *await _open(data),
    ]


async def _facilitator(config: Config, policy: Policy) -> Told:
    from gateway.app.cashier import payment_egress
    from gateway.rails.facilitator import supports

    terms = policy.payments.x402
    assert terms is not None
    what = f"{policy.site.id}: {terms.facilitator}"
    found = await supports(payment_egress(config).get, terms.facilitator, terms.network)
    if found is None:
        step = "name its host and port in payments.exempt if it is your own"
        return "facilitator", "bad", f"{what} does not say what it supports", step
    if not found:
        return (
            "facilitator",
            "bad",
            f"{what} does not settle exact payments on {terms.network}",
            "choose another",
        )
    return "facilitator", "ok", f"{what} settles exact payments on {terms.network}", ""


def _provider(config: Config, policies: tuple[Policy, ...]) -> list[Told]:
    from gateway.app.provider import provider_of

    try:
        provider = provider_of(config)
    except ConfigurationError as error:
        return [("stripe", "bad", str(mistake), "") for mistake in error.mistakes]
    if provider is None:
        return []
    found: list[Told] = [("stripe", "ok", f"credit is paid in at {provider.api}", "")]
    creators = {policy.site.name or policy.site.id for policy in policies}
    if config.stripe.account == "operator":
        found.append(
            ("stripe", "warn", "credit is paid in to the operator's account, not the creator's", _HOLDING)
        )
    elif len(creators) > 1:
        fact = f"the sites of {counted(len(creators), 'creator')} share one account"
        found.append(("stripe", "warn", fact, _HOLDING))
    return found


async def _open(data: Path) -> list[Told]:
    from gateway.app.stores import has_store, open_store
    from gateway.store.sqlite.settlements import SqliteSettlements

    if not has_store(data):
        return []
    try:
        database = await open_store(data)
    except ConfigurationError:
        return []  # told elsewhere
    try:
        left = await SqliteSettlements(database).open()
    finally:
        await database.close()
    if not left:
        return []
    fact = f"{counted(len(left), 'payment')} whose outcome is not known or not booked yet"
    return [("payments", "warn", fact, with_data("licet payments", data))]
