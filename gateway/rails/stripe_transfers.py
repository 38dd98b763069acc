"""Transfers to connected accounts, by Stripe's own library: asked under an id of ours, and found again by it.

Stripe API of 2026, Connect: ``POST /v1/transfers`` with ``Idempotency-Key`` (kept
for at least 24 hours) and ``transfer_group``, by which ``GET /v1/transfers`` finds
it for ever. So a transfer whose answer was lost is looked for before it is made.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from gateway.money import Money
from gateway.rails.stripe_checkout import amount_of, smallest_units

_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Transfer:
    """Stripe has it: its *id*, and how much of it went back."""

    id: str
    back: Money


@dataclass(frozen=True, slots=True)
class NoTransfer:
    """There is none; *why* is for the operator. *sure*: nothing was moved and nothing will be by this request."""

    why: str
    sure: bool


class StripeTransfers:
    """Makes and finds transfers. Raises nothing of Stripe's."""

    def __init__(self, key: str, api: str) -> None:
        """Ask at *api*, with the secret *key*. Raises `ModuleNotFoundError` without ``licet[stripe]``."""
        import stripe

        self._stripe = stripe
        client = stripe.RequestsClient(timeout=_SECONDS)
        self._client = stripe.StripeClient(
            key, base_addresses={"api": api.rstrip("/")}, max_network_retries=0, http_client=client
        )

    async def make(self, id: str, amount: Money, account: str, what: str) -> Transfer | NoTransfer:
        """Move *amount* to the connected *account* as the payout *id*; asked for again within a day it is the same."""
        units = smallest_units(amount)
        if units is None:
            return NoTransfer(f"{amount} is no amount that Stripe takes", sure=True)
        params: Any = {
            "amount": units, "currency": amount.currency.lower(), "destination": account, "transfer_group": id,
            "description": what, "metadata": {"payout": id},
        }  # fmt: skip
        return await asyncio.to_thread(self._made, id, amount, account, params)

    async def find(self, id: str, amount: Money, account: str) -> Transfer | NoTransfer:
        """The transfer that the payout *id* made. Not *sure* where Stripe could not be asked."""
        return await asyncio.to_thread(self._found, id, amount, account)

    def _made(self, id: str, amount: Money, account: str, params: Any) -> Transfer | NoTransfer:
        try:
            told = self._client.v1.transfers.create(params=params, options={"idempotency_key": id})
        except self._stripe.StripeError as error:
            # A 4xx but for the pace and a conflict is the last word; of anything else nobody knows what came.
            status = error.http_status or 0
            sure = 400 <= status < 500 and status not in {409, 429}
            return NoTransfer(f"{type(error).__name__}, status {status}", sure=sure)
        return _checked(told, id, amount, account)

    def _found(self, id: str, amount: Money, account: str) -> Transfer | NoTransfer:
        try:
            listed = self._client.v1.transfers.list(params={"transfer_group": id, "limit": 2})
        except self._stripe.StripeError as error:
            return NoTransfer(f"{type(error).__name__}, status {error.http_status or 0}", sure=False)
        if len(listed.data) > 1:
            return NoTransfer(f"Stripe has {len(listed.data)} transfers of {id}: look there", sure=False)
        if not listed.data:
            return NoTransfer("Stripe has no such transfer", sure=True)
        return _checked(listed.data[0], id, amount, account)


def _checked(transfer: Any, id: str, amount: Money, account: str) -> Transfer | NoTransfer:
    told: dict[str, Any] = transfer.to_dict()
    found, destination = told.get("id"), told.get("destination")
    same = amount_of(told.get("amount"), told.get("currency")) == amount and destination == account
    if not isinstance(found, str) or not same or told.get("transfer_group") != id:
        return NoTransfer("Stripe tells of another transfer than was asked for: look there", sure=False)
    back = told.get("amount_reversed")
    gone = amount_of(back, told.get("currency")) if back else Money(0, amount.currency)
    if gone is None or gone > amount:
        return NoTransfer("Stripe tells of more that went back than was moved: look there", sure=False)
    return Transfer(found[:255], gone)
