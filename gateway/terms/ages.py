"""What a fetch costs by how old the page is: steps down, counted in whole days since it was published. Pure.

Age is seconds between the moment a page was published and the moment it is asked
for. A page whose date nobody knows, and one from the future, is as new as can be:
no step is reached, and the first price holds. So whoever is told the first price
never pays more, and neither does whoever waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from gateway.money import Money

DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class AgeStep:
    """What a fetch costs once the page was published *from_days* whole days ago."""

    from_days: int
    per_fetch: Money


def check_steps(first: Money, steps: tuple[AgeStep, ...]) -> None:
    """Raise `ValueError` unless each of *steps* begins later than the one before it and costs less, after *first*."""
    listed = [(0, first.micros), *((each.from_days, each.per_fetch.micros) for each in steps)]
    if any(not (a < c and b > d) for (a, b), (c, d) in pairwise(listed)):
        raise ValueError("each step by age begins later than the one before it and costs less")


def days_old(published_at: int | None, now: int) -> int | None:
    """Whole days since *published_at*, both in seconds since the epoch; None for no date, 0 for one to come.

    >>> days_old(0, 86_399), days_old(0, 86_400), days_old(86_400, 0), days_old(None, 0)
    (0, 1, 0, None)
    """
    return None if published_at is None else max(0, (now - published_at) // DAY)


def reached(steps: Iterable[AgeStep], days: int | None) -> AgeStep | None:
    """The last of *steps* that a page of so many *days* has reached; None where it is still in the first price."""
    found = None
    for each in steps:
        if days is not None and each.from_days <= days:
            found = each
    return found


def at_age(price: Money, steps: Iterable[AgeStep], days: int | None) -> Money:
    """What a fetch costs that would cost *price*, of a page of so many *days*: never more."""
    step = reached(steps, days)
    return price if step is None else min(price, step.per_fetch)


def lowered(steps: Iterable[AgeStep], price: Money) -> tuple[AgeStep, ...]:
    """Those of *steps* that cost less than *price* and than the step kept before them."""
    kept: list[AgeStep] = []
    for each in steps:
        if each.per_fetch < (kept[-1].per_fetch if kept else price):
            kept.append(each)
    return tuple(kept)
