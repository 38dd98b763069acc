"""What came of a payment, at ``GET /.licet/payments/ID``: its state, for whoever knows its id.

The id is made of everything that the payer signed, so nobody else knows it; and
what is told here is no more than the payer was told. ``PENDING`` says when to
ask again; nobody who reads it should pay again.
"""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web

from gateway.desk.call import About, Call, Group, read_at
from gateway.desk.metadata import PREFIX
from gateway.desk.replies import json_reply
from gateway.problems import Problem, Refusal
from gateway.rails.settlements import Payment, Settlements, State
from gateway.terms.payment_required import money_body

_ID: Final = re.compile(r"pay_[0-9a-f]{40}", re.ASCII)
_AGAIN: Final = 30
#: What a state means for whoever paid.
MEANINGS: Final = {
    State.PENDING: "It is not known yet whether the money moved. Do not pay again.",
    State.SETTLED: "The money moved.",
    State.FAILED: "The money did not move, and this authorization will not be used.",
    State.SERVICE_ERROR: "The facilitator was not reached. The same authorization may be sent again.",
    State.SKIPPED_ORIGIN_ERROR: "The page could not be delivered, so nothing was taken.",
}

_ABOUT: Final = About(
    "What came of a payment",
    gives={
        "application/json": {
            "type": "object",
            "required": ["payment", "rail", "state", "meaning", "amount", "began_at", "changed_at"],
            "properties": {"state": {"enum": [str(state) for state in MEANINGS]}},
        }
    },
    rest=("payment", {"type": "string", "pattern": f"^{_ID.pattern}$"}),
)


class PaymentStates:
    """Tells what stands in the book of settlements."""

    def __init__(self, book: Settlements) -> None:
        """Read *book*."""
        self._book = book

    def group(self) -> Group:
        """Its address."""
        return {f"{PREFIX}/payments/*": read_at(self._state, _ABOUT)}

    async def _state(self, call: Call) -> web.Response | Refusal:
        found = await self._book.payment(call.rest) if _ID.fullmatch(call.rest) else None
        if found is None:
            return Refusal(Problem.NOT_FOUND, "There is no payment of that id.")
        waits = {"Retry-After": str(_AGAIN)} if found.state is State.PENDING else {}
        return json_reply(state_body(found), headers=waits)


def state_body(payment: Payment) -> dict[str, object]:
    """A payment as its payer may know it."""
    return {
        "payment": payment.id,
        "rail": payment.rail,
        "state": str(payment.state),
        "meaning": MEANINGS[payment.state],
        "reason": payment.reason if payment.state is State.FAILED else "",
        "transaction": payment.transaction,
        "amount": money_body(payment.amount),
        "spent": bool(payment.spent_by),
        "began_at": payment.began_us // 1_000_000,
        "changed_at": payment.changed_us // 1_000_000,
    }
