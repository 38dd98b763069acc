"""The most that a licensee lets itself spend in a month: a storage port.

A licensee's own brake, beside what it paid in and what its licenses allow. All
its fetches and fees of a calendar month (UTC) count, by their own time. The
`SpendBook` knows a limit at once and sets nothing aside above it. What was set
aside before a limit was lowered may still be spent.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_spend_limits.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Protocol

from gateway.money import Money

_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class SpendLimit:
    """At most *limit* a month; *spent* is what the books show of the month that was asked for."""

    limit: Money
    spent: Money


class SpendLimits(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def limit(self, licensee: str, limit: Money) -> bool:
        """Let *licensee* spend at most *limit* in its currency a month; False if there is no such licensee.

        Zero lets it spend nothing. Raises `ValueError` for a limit below zero.
        """
        ...

    async def lift(self, licensee: str, currency: str) -> bool:
        """Take the limit in that currency away; False where there was none."""
        ...

    async def limits_of(self, licensee: str, month: str) -> tuple[SpendLimit, ...]:
        """The limits of *licensee* by currency, with what was spent in *month* (``2026-11``)."""
        ...


def month_of(time_us: int) -> str:
    """The calendar month (UTC) of a time in microseconds, as ``2026-11``."""
    return _month_of_day(time_us // _DAY_US)


@lru_cache(maxsize=64)
def _month_of_day(day: int) -> str:
    # Every entry that is folded asks.
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m")
