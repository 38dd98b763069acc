"""Rates at which one currency is counted in another: recorded with their source, and nothing is converted without. Pure.

A rate is an entry of the journal (``rate``). It holds from its day on until a
later one: what was reported for a period is counted at the newest rate of the
period's last day or before. Of two for one moment the one entered last holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.money import Money
from gateway.provenance.record import BookEntry, JournalEntry

#: A rate is kept as micro-units of the one currency for so many units of the other, so that small ones are exact too.
PER: Final = 1_000


@dataclass(frozen=True, slots=True)
class Rate:
    """*micros* micro-units of *quote* for `PER` units of *base*, from second *at* on, by *source*."""

    base: str
    quote: str
    micros: int
    at: int
    source: str

    @property
    def told(self) -> str:
        """The rate for people, such as ``1 EUR = 1.085 USD (ECB)``."""
        return f"{PER:,} {self.base} = {Money(self.micros, self.quote)} ({self.source})"

    def converted(self, amount: Money) -> Money:
        """*amount*, of the base, in the other currency, rounded once."""
        return Money(self.micros, self.quote).times(amount.micros, PER * 1_000_000)


@dataclass(frozen=True, slots=True)
class Rates:
    """Every rate in the order in which they were entered."""

    entered: tuple[Rate, ...] = ()

    def find(self, base: str, quote: str, at: int) -> Rate | None:
        """The rate that holds at second *at*, or None. None is made of its reverse or of a third currency."""
        held = [each for each in self.entered if (each.base, each.quote) == (base, quote) and each.at <= at]
        return max(enumerate(held), key=lambda item: (item[1].at, item[0]), default=(0, None))[1]


#: None was recorded.
NONE: Final = Rates()


class KnownRates(Protocol):
    """A storage port: the rates in the folded journal."""

    async def rates(self) -> Rates:
        """Every rate, in the journal's order. Raises `StoreUnavailable`."""
        ...


def rates_of(entries: Iterable[JournalEntry]) -> Rates:
    """The rates among *entries*, in their order."""
    return Rates(
        tuple(
            Rate(each.reference, each.currency, each.amount_micros, each.time_us // 1_000_000, each.memo)
            for each in entries
            if isinstance(each, BookEntry) and each.kind_of == "rate"
        )
    )
