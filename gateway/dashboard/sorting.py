"""In which order a table stands: ``sort=`` of its address, for the page and for every form of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

_T = TypeVar("_T")
#: What is read from A to Z; everything else begins with the most.
_WORDS: Final = frozenset({"crawler", "operator", "class", "site", "work", "path", "state", "offer"})


@dataclass(frozen=True, slots=True)
class Order:
    """By the column *name*; *turned* is the other way round than one would first ask for.

    Numbers and times begin with the greatest, words with A. *name* is "" for
    the order that a table has by itself. *words* says whether the column is
    read from A to Z; None goes by its name.
    """

    name: str = ""
    turned: bool = False
    words: bool | None = None

    @property
    def said(self) -> str:
        """As it stands in an address.

        >>> Order("charged").said, Order("crawler", turned=True).said
        ('charged', '-crawler')
        """
        return f"-{self.name}" if self.turned else self.name

    @property
    def falls(self) -> bool:
        """Whether the last comes first: Z before A, the greatest before the least."""
        words = self.name in _WORDS if self.words is None else self.words
        return words == self.turned

    def next(self, name: str) -> str:
        """What the heading of column *name* leads to: that order, and where it stands so already the other way round."""
        return Order(name, turned=name == self.name and not self.turned).said

    def aria(self, name: str) -> str:
        """The value of ``aria-sort`` for column *name*: "none" where the table is not in its order."""
        if name != self.name:
            return "none"
        return "descending" if self.falls else "ascending"


#: The order that a table has by itself.
BY_ITSELF: Final = Order()


def order_of(text: str, known: Collection[str]) -> Order | str:
    """The order that *text* names, a column or ``-`` and a column; or what is wrong, as a clause."""
    name = text.removeprefix("-")
    if name not in known:
        return (
            f"has no {name[:40]!r} here; there are {', '.join(known)}" if known else "is not for this table"
        )
    return Order(name, turned=text.startswith("-"))


def in_order(rows: Iterable[_T], order: Order, value: Callable[[_T, str], Any]) -> list[_T]:
    """*rows* in *order*; *value* is that of a row's column. Equal ones stay as they stood."""
    if not order.name:
        return list(rows)
    return sorted(rows, key=lambda row: value(row, order.name), reverse=order.falls)


def by_cells(
    rows: Iterable[_T], cells: Mapping[str, Callable[[Any], Any]], order: Order
) -> tuple[list[_T], Order]:
    """*rows* in *order* of what *cells* reads of each, and the order as a heading shows it.

    Whole numbers, times and amounts begin with the greatest, of several
    currencies the greatest counts; anything else is words. Empty cells come
    last, whichever way round.
    """
    if not order.name:
        return list(rows), order
    read = cells[order.name]
    pairs = [(_weight(read(row)), row) for row in rows]
    words = any(isinstance(weight, str) for weight, _ in pairs)
    order = replace(order, words=words)
    filled = [pair for pair in pairs if pair[0] is not None]

    def key(pair: tuple[Decimal | str | None, _T]) -> Any:
        return str(pair[0]).casefold() if words else pair[0]

    filled.sort(key=key, reverse=order.falls)
    return [row for _, row in [*filled, *(pair for pair in pairs if pair[0] is None)]], order


def _weight(cell: object) -> Decimal | str | None:
    """What *cell* weighs against others of its column; None where it is empty."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, int):
        return Decimal(cell)
    text = str(cell)
    if _AMOUNTS.fullmatch(text):
        return max(Decimal(each.split(" ")[0]) for each in text.split("; "))
    if _TIME.fullmatch(text):
        return Decimal(str(datetime.fromisoformat(text).timestamp()))
    return text


_AMOUNT: Final = r"-?[0-9]+(\.[0-9]+)? [A-Z]{3}"
_AMOUNTS: Final = re.compile(rf"{_AMOUNT}(; {_AMOUNT})*", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z", re.ASCII)
