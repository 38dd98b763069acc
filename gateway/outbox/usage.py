"""Counting usage for billing systems: each paid fetch in exactly one event, whenever it came in.

What was counted is told by the place in the journal up to which it was, in the
act that keeps the events. An event is of one license, one currency and one day.
"""

from __future__ import annotations

from typing import Final, Protocol

from gateway.event import Event, event

USAGE: Final = "usage.counted"
#: Entries that are counted in one act.
MOST: Final = 50_000
_DAY: Final = 86_400


class UsageCounts(Protocol):
    """A storage port: one atomic act. Raises `StoreUnavailable`.

    Implemented by `store.memory` and `store.sqlite`; both pass `tests/conformance/test_usage.py`.
    """

    async def count(self, most: int, now: int) -> int:
        """Count the next *most* entries at most, and keep what is told of them; how many events that made."""
        ...


def counted(
    licensee: str, license: str, currency: str, day: int, sums: tuple[int, int], places: tuple[int, int], now: int
) -> Event:  # fmt: skip
    """Usage of *license* on the day that began at second *day*: *sums* are fetches and micro-units.

    *places* are those of the journal that were counted together. It happened at the end of its day, or now.
    """
    fetches, micros = sums
    return event(
        USAGE,
        at=min(day + _DAY - 1, now),
        site="",
        subject=license,
        licensee=licensee,
        nth=f"{currency}.{day}.{places[0]}.{places[1]}",
        body={
            "license": license, "fetches": fetches, "micros": micros, "currency": currency, "day": day,
            "path": "/.licet/statements",
        },
    )  # fmt: skip
