"""Steps of a price and milestones as lines that a person types, and back into the JSON of a proposal. Pure.

================ =============================================================
steps            ``1000: 0.01``, from so many fetches, or days, on, the amount
milestones       ``launch: 50 %, shown by operator, 3 items, within 6 months``;
                 what is left out is usual: the operator's word, all items, the
                 whole term
================ =============================================================

One line each; empty lines are nothing. What is written is read back exactly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from gateway.money import Money, MoneyError
from gateway.terms.compensation import SHOWN_BY, Milestone

_T = TypeVar("_T")
_WHOLE: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_PERCENT: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?) ?%", re.ASCII)
_ITEMS: Final = re.compile(r"([0-9]{1,10}) items?", re.ASCII)
_WITHIN: Final = re.compile(r"within ([0-9]{1,4}) months?", re.ASCII)
_SHOWN: Final = re.compile(rf"shown by ({'|'.join(SHOWN_BY)})", re.ASCII)
_MOST_LINES: Final = 64


@dataclass(frozen=True, slots=True)
class Odd:
    """Why a line cannot be read, as a clause that says which."""

    why: str


def step_lines(steps: Iterable[tuple[int, Money]]) -> str:
    """Each step as a line.

    >>> step_lines([(1000, Money(10_000, "USD"))])
    '1000: 0.01'
    """
    return "\n".join(f"{begins}: {amount.amount}" for begins, amount in steps)


def milestone_lines(milestones: Iterable[Milestone]) -> str:
    """Each milestone as a line."""
    return "\n".join(_milestone_line(each) for each in milestones)


def _milestone_line(each: Milestone) -> str:
    parts = [f"{share(each.share_bp)} %", f"shown by {each.shown_by}"]
    parts += [f"{each.items} item{'' if each.items == 1 else 's'}"] if each.items else []
    parts += [f"within {each.months} month{'' if each.months == 1 else 's'}"] if each.months else []
    return f"{each.name}: {', '.join(parts)}"


def share(basis_points: int) -> str:
    """Hundredths of a percent as they are typed.

    >>> share(5000), share(125)
    ('50', '1.25')
    """
    return Money(basis_points * 10_000, "XXX").amount


def read_share(text: str) -> int | None:
    """What was typed as hundredths of a percent, or None."""
    found = _PERCENT.fullmatch(text)
    if found is None:
        return None
    whole, _, rest = found[1].partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0") if rest else 0)


def read_steps(text: str, begins: str, currency: str) -> list[dict[str, Any]] | Odd:
    """The steps of *text* as a proposal has them; *begins* is their member, such as ``from_fetches``."""

    def step(line: str) -> dict[str, Any] | str:
        start, colon, amount = (part.strip() for part in line.partition(":"))
        if not colon or not _WHOLE.fullmatch(start):
            return "is not a number, a colon and an amount, such as 1000: 0.01"
        try:
            money = Money.parse(amount, currency)
        except MoneyError:
            return f"has no amount in {currency} such as 0.01 behind the colon"
        return {begins: int(start), "per_fetch": {"micros": money.micros, "currency": currency}}

    return _lines(text, step)


def read_milestones(text: str) -> list[dict[str, Any]] | Odd:
    """The milestones of *text* as a proposal has them."""
    return _lines(text, _milestone)


def _milestone(line: str) -> dict[str, Any] | str:
    name, colon, rest = (part.strip() for part in line.partition(":"))
    if not colon or not name:
        return "is not a name, a colon and a share, such as launch: 50 %"
    found: dict[str, Any] = {"name": name}
    for part in (each.strip() for each in rest.split(",")):
        read = _part(part)
        if read is None or read[0] in found:
            return f"has a part that cannot be read, or stands twice: {part[:40] or 'nothing between two commas'}"
        found[read[0]] = read[1]
    return found if "share_bp" in found else "has no share such as 50 %"


def _part(text: str) -> tuple[str, Any] | None:
    bp = read_share(text)
    if bp is not None:
        return "share_bp", bp
    for name, pattern in (("items", _ITEMS), ("months", _WITHIN)):
        number = pattern.fullmatch(text)
        if number is not None:
            return name, int(number[1])
    shown = _SHOWN.fullmatch(text)
    return ("shown_by", shown[1]) if shown else None


def _lines(text: str, read: Callable[[str], _T | str]) -> list[_T] | Odd:
    found: list[_T] = []
    lines = [line.strip() for line in text.split("\n")]
    if sum(map(bool, lines)) > _MOST_LINES:
        return Odd(f"has more than {_MOST_LINES} lines")
    for line in filter(None, lines):
        made = read(line)
        if isinstance(made, str):
            return Odd(f"in line {len(found) + 1} {made}")
        found.append(made)
    return found


def at_line(member: str) -> str:
    """Which line a *member* such as ``…tiers[1].per_fetch`` is about, as the beginning of a clause; "" for none.

    >>> at_line("proposal.compensation.tiers[1].per_fetch"), at_line("proposal.term")
    ('in line 2 ', '')
    """
    found = re.search(r"\[([0-9]{1,3})\]", member)
    return f"in line {int(found[1]) + 1} " if found else ""


def pairs(steps: Sequence[Any], begins: str) -> list[tuple[int, Money]]:
    """*steps* as `step_lines` takes them; *begins* is their member."""
    return [(getattr(each, begins), each.per_fetch) for each in steps]
