"""A view's sums beside those of the period it is compared with, for the page and for its exports. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from gateway.dashboard.filters import Decision
from gateway.dashboard.pages import octets
from gateway.dashboard.periods import (
    Change,
    changed,
    counted_change,
    difference_of,
    money_changes,
    percent_of,
)
from gateway.dashboard.queries import Overview

#: The cells that an export has more where a period is compared.
BESIDE: Final = ("fetches_before", "difference", "percent")


class _Summed(Protocol):
    @property
    def key(self) -> object: ...

    @property
    def fetches(self) -> int: ...


_Row = TypeVar("_Row", bound=_Summed)


def changes_of(now: Overview, before: Overview) -> tuple[Change, ...]:
    """Every sum of an overview, and what it was; in the words of the page."""
    counts = (
        ("Fetches by machines", now.fetches, before.fetches),
        ("AI fetches", now.ai_fetches, before.ai_fetches),
        *(
            (f"Fetches {word}", now.decisions[word], before.decisions[word])
            for word in Decision
            if now.decisions[word] or before.decisions[word]
        ),
        ("People", now.people, before.people),
        ("People sent by AI services", now.referred, before.referred),
    )
    return (
        *(counted_change(*each) for each in counts),
        changed("Sent", now.bytes_sent, before.bytes_sent, octets),
        *money_changes("Charged", now.charged, before.charged),
        *money_changes("Quoted, unpaid", now.quoted, before.quoted),
    )


def beside(now: int, before: int | None) -> Mapping[str, Any]:
    """The cells of `BESIDE` for one row; empty ones where nobody knows what was before.

    >>> beside(9, 6), beside(9, None)["difference"]
    ({'fetches_before': 6, 'difference': '3 more', 'percent': '+50 %'}, '')
    """
    if before is None:
        return dict(zip(BESIDE, (None, "", ""), strict=True))
    words = difference_of(now, before, f"{abs(now - before):,}")
    return dict(zip(BESIDE, (before, words, percent_of(now, before)), strict=True))


def matched(
    now: Sequence[_Row], before: Sequence[_Row], most: int, emptied: Callable[[_Row], _Row]
) -> list[tuple[_Row, int | None]]:
    """Each row of *now* with the fetches of its own in *before*, then, *emptied*, what came before alone.

    Lists hold at most *most* rows. What is missing in a full one may have been
    cut off: such a row has None, and is not taken for one that stayed away.
    """
    was = {row.key: row for row in before}
    missing = None if len(before) >= most else 0
    found: list[tuple[_Row, int | None]] = [
        (row, was.pop(row.key).fetches if row.key in was else missing) for row in now
    ]
    gone = () if len(now) >= most else was.values()
    return [*found, *((emptied(row), row.fetches) for row in gone)]
