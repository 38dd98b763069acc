"""What a worker may ask of the office, and in which shapes it crosses a `channel`.

Every call is one method of a port; its arguments cross as one JSON array. To
give a port another method, or a method another shape, change its line here and
the adapter in `office_line`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from gateway.admission.spending import Charge, Short
from gateway.admission.till import PaidUnit
from gateway.licenses.accounts import Account
from gateway.licenses.revocations import Revocations
from gateway.licenses.withdrawal import Withdrawal
from gateway.money import Money
from gateway.provenance.audience import AudienceRow
from gateway.rails.settling import Checked, Payable, Taken, Unpaid
from gateway.tokens.claims import Budget


class Crossing:
    """How the arguments and the result of one call cross. *given* is a tuple type."""

    def __init__(self, given: Any, gives: Any) -> None:
        """Cross values of these types."""
        self._given: TypeAdapter[Any] = TypeAdapter(given)
        self._gives: TypeAdapter[Any] = TypeAdapter(gives)

    async def ask(self, call: Callable[[Any], Awaitable[Any]], *given: object) -> Any:
        """Send *given* by *call* and return what came back."""
        return self._gives.validate_python(await call(self._given.dump_python(given, mode="json")))

    async def answer(self, act: Callable[..., Awaitable[Any]], given: Any) -> Any:
        """Do *act* with what came and return its result as it crosses."""
        return self._gives.dump_python(await act(*self._given.validate_python(given)), mode="json")


#: `admission.spending.SpendBook`.
SPEND_BOOK: Final[Mapping[str, Crossing]] = {
    "lease": Crossing(tuple[str, Charge, int], int | Short),
    "give_back": Crossing(tuple[str, str, Money, int], None),
    "exhausted": Crossing(tuple[str, Money, Budget], bool),
    "charged": Crossing(tuple[str, str], int),
    "affords": Crossing(tuple[str, Money], bool),
    "available": Crossing(tuple[str, str], Money),
    "balances": Crossing(tuple[str], tuple[Money, ...]),
}
#: `licenses.accounts.Accounts`, as far as a front needs it.
ACCOUNTS: Final[Mapping[str, Crossing]] = {"by_agent": Crossing(tuple[str], Account | None)}
#: `rails.x402_rail.Settler`.
SETTLER: Final[Mapping[str, Crossing]] = {
    "check": Crossing(tuple[Payable], Checked | Unpaid),
    "settle": Crossing(tuple[Payable, str], Taken | Unpaid),
    "known": Crossing(tuple[str], Checked | None),
    "skip": Crossing(tuple[Payable], None),
}
#: `provenance.audience.AudienceBook`.
AUDIENCE: Final[Mapping[str, Crossing]] = {"add": Crossing(tuple[tuple[AudienceRow, ...]], None)}

#: What the office tells, and in part a worker.
PAID: Final[TypeAdapter[tuple[PaidUnit, ...]]] = TypeAdapter(tuple[PaidUnit, ...])
REVOKED: Final[TypeAdapter[Revocations]] = TypeAdapter(Revocations)
WITHDRAWN: Final[TypeAdapter[tuple[Withdrawal, ...]]] = TypeAdapter(tuple[Withdrawal, ...])
