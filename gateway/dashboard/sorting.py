"""In which order a table of sums stands: ``sort=`` of its address, for the page and for every form of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

_T = TypeVar("_T")
#: What is read from A to Z; everything else begins with the most.
_WORDS: Final = frozenset({"crawler", "operator", "class", "site", "work", "path", "state", "offer"})


@dataclass(frozen=True, slots=True)
class Order:
    """By the column *name*; *turned* is the other way round than one would first ask for.

    Numbers and times begin with the greatest, words with A. *name* is "" for
    the order that a table has by itself.
    """

    name: str = ""
    turned: bool = False

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
        return (self.name in _WORDS) == self.turned

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
