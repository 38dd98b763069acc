"""What is told of a top-up whose money went back: refunded, disputed, restored. Pure.

===================== ========================================================
type                  told when
===================== ========================================================
``topup.refunded``    the creator paid it back, or a part of it
``topup.disputed``    the payer's bank took it back
``topup.restored``    the dispute was won, and the money came again
===================== ========================================================
"""

from __future__ import annotations

from typing import Final

from gateway.event import Event, event
from gateway.money import Money
from gateway.rails.topups import PaidBack, TopUp

#: Every type that there is.
TYPES: Final = ("topup.refunded", "topup.disputed", "topup.restored")


def went_back(topup: TopUp, back: PaidBack, amount: Money, *, site: str, at: int) -> Event:
    """*amount* of *topup* went back, or came again, as *back* says; *site* is where the provider told it."""
    word = "restored" if back.restores else "disputed" if back.is_dispute else "refunded"
    return event(
        f"topup.{word}",
        at=at,
        site=site,
        subject=topup.id,
        licensee=topup.licensee,
        nth=back.refund,
        body={
            "topup": topup.id,
            "entry": back.entry,
            "amount": {"amount": amount.amount, "micros": amount.micros, "currency": amount.currency},
            "path": "/.licet/account",
        },
    )
