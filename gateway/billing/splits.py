"""Who of several authors gets what of an amount: shares in millionths, of people or of groups in turn. Pure.

Each group divides what it gets among its own, so that a group never takes more
than its share because of how it is made up. The parts add up to the amount to
the micro-unit (`Money.divided`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.money import Money

#: The shares of one group in all.
WHOLE: Final = 1_000_000
#: How many groups may stand inside each other.
DEEPEST: Final = 8


class SplitError(ValueError):
    """What was written divides nothing; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Share:
    """*micros* millionths of what its group gets, for *to*: a payee by name, or a group."""

    to: str | Split
    micros: int


@dataclass(frozen=True, slots=True)
class Split:
    """A group: its shares, each more than nothing, `WHOLE` in all."""

    shares: tuple[Share, ...]

    def __post_init__(self) -> None:
        """Refuse shares that are not the whole, a payee without a name, groups too deep."""
        if any(type(each.micros) is not int or each.micros <= 0 for each in self.shares):
            raise SplitError("a share is a whole number of millionths, more than nothing")
        if sum(each.micros for each in self.shares) != WHOLE:
            raise SplitError(f"the shares of a group are {WHOLE} millionths in all")
        if any(each.to == "" for each in self.shares):
            raise SplitError("a share is for somebody")
        if self.depth > DEEPEST:
            raise SplitError(f"at most {DEEPEST} groups stand inside each other")

    @property
    def depth(self) -> int:
        """How many groups stand inside each other, this one included."""
        return 1 + max((each.to.depth for each in self.shares if isinstance(each.to, Split)), default=0)


def divided(amount: Money, split: Split) -> tuple[tuple[str, Money], ...]:
    """What each payee gets of *amount*, by name; who has several shares gets their sum."""
    sums: dict[str, Money] = {}
    _divide(amount, split, sums)
    return tuple(sorted(sums.items()))


def _divide(amount: Money, split: Split, sums: dict[str, Money]) -> None:
    for share, part in zip(split.shares, amount.divided([each.micros for each in split.shares]), strict=True):
        if isinstance(share.to, Split):
            _divide(part, share.to, sums)
        else:
            sums[share.to] = sums.get(share.to, Money(0, amount.currency)) + part
