"""Credit that a licensee asked to pay in with a payment provider: the book of top-ups.

A top-up stands here before the provider is asked, and its id is the id of its
credit in the journal: however often a provider says that it was paid, it is
entered once. A provider's event is heard once.

A provider tells things in any order: what it paid back of a payment that nobody
here knows yet is kept until that payment is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.event import Event
from gateway.money import Money

#: How ids of disputes begin, and how the one that tells of a won one ends.
DISPUTE: Final = "dp_"
WON: Final = ":won"
#: Seconds for which what was paid back is kept at least, for a payment that is not told yet.
BACK_KEPT_SECONDS: Final = 90 * 86_400
#: Seconds for which a page that nobody paid on, and an event, are remembered at least: no provider takes so long.
KEPT_SECONDS: Final = 90 * 86_400


@dataclass(frozen=True, slots=True)
class PaidBack:
    """The provider says that *amount* of its payment *paid_by* went back, as *refund*: a refund, or a dispute.

    A dispute that was won is told as one more, whose id ends in `WON`: what went back came again.
    """

    refund: str
    amount: Money
    paid_by: str

    @property
    def is_dispute(self) -> bool:
        """Whether the payer's bank took it, and not the creator gave it."""
        return self.refund.startswith(DISPUTE)

    @property
    def restores(self) -> bool:
        """Whether it is what came again."""
        return self.refund.endswith(WON)

    @property
    def entry(self) -> str:
        """The id of its book entry."""
        return f"stripe:{self.refund}"


@dataclass(frozen=True, slots=True)
class TopUp:
    """*session* is the provider's page for it, *paid_by* the provider's payment; "" before there is one."""

    id: str
    licensee: str
    amount: Money
    at: int
    session: str = ""
    paid_by: str = ""


class TopUps(Protocol):
    """Where top-ups rest. A storage port.

    Implemented by `store.memory` and `store.sqlite`; both pass
    `tests/conformance/test_topups.py`. Raises `StoreUnavailable`.
    """

    async def add(self, topup: TopUp) -> TopUp:
        """Keep *topup*, unless one of its id is there; the one that is there.

        Whatever was not paid, and is `KEPT_SECONDS` older than it, is forgotten on the way.
        """
        ...

    async def opened(self, id: str, session: str) -> None:
        """Note the provider's page."""
        ...

    async def paid(self, id: str, paid_by: str) -> None:
        """Note the provider's payment, if none is noted."""
        ...

    async def topup(self, id: str) -> TopUp | None:
        """The top-up of that id."""
        ...

    async def paid_with(self, paid_by: str) -> TopUp | None:
        """The top-up that the provider's payment *paid_by* paid."""
        ...

    async def everything(self) -> tuple[TopUp, ...]:
        """Every top-up that is kept, paid or not, in the order of their ids."""
        ...

    async def went_back(self, back: PaidBack, at: int) -> None:
        """Keep *back*, told at whole second *at*, once; what is older than `BACK_KEPT_SECONDS` is forgotten."""
        ...

    async def back_of(self, paid_by: str) -> tuple[PaidBack, ...]:
        """What was kept of the payment *paid_by*, in the order of the refunds' ids."""
        ...

    async def take_back(self, id: str, entry: str, amount: Money) -> Money:
        """Take *amount* of the top-up of that id back for book entry *entry*, as far as others left of it; how much.

        Asked again for the same entry it is the same. All that is taken back of one top-up is never more than it.
        Raises `LookupError` where there is no such top-up in that currency.
        """
        ...

    async def heard(self, event: str) -> bool:
        """Whether the provider's event was noted."""
        ...

    async def note(self, event: str, at: int, *, events: Sequence[Event] = ()) -> None:
        """Note that the provider's event was acted upon, at whole second *at*; forgets those `KEPT_SECONDS` older.

        *events* are told with it, where it was not noted before.
        """
        ...
