"""Forms that are carried over a sign-in elsewhere: kept here, since a provider gives nothing back.

A sign-in by password or passkey carries what was typed in the page itself. One by
a provider leaves our pages, so that it is kept in memory for as long as a sign-in may
take, under the cookie of the browser that left. There is an end to how much is
kept: what finds no room stays in the page, and nothing that others typed is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

#: Where a form was going to ("" for no form), and its fields.
Held = tuple[str, Sequence[tuple[str, str]]]
NOTHING: Final[Held] = ("", ())
#: Characters of one form, forms at once, and how long one is kept, in microseconds.
LONGEST: Final = 300_000
MOST: Final = 32
KEPT_US: Final = 12 * 60 * 1_000_000


@dataclass
class Carried:
    """What browsers that are away have typed, by the value of their cookie."""

    _kept: dict[str, tuple[int, Held]] = field(default_factory=dict)

    def keep(self, browser: str, held: Held, now_us: int) -> bool:
        """Keep *held* for *browser*, in place of what it had; False, and nothing kept, where there is no room.

        >>> Carried().keep("b", ("/deals/1/offer", [("said", "x" * LONGEST)]), 0)
        False
        """
        self._kept = {key: each for key, each in self._kept.items() if now_us < each[0]}
        size = len(held[0]) + sum(len(name) + len(value) for name, value in held[1])
        if not browser or size > LONGEST or (browser not in self._kept and len(self._kept) >= MOST):
            return False
        self._kept[browser] = (now_us + KEPT_US, held)
        return True

    def take(self, browser: str, now_us: int) -> Held:
        """What *browser* had typed, which is kept here no longer; `NOTHING` where there is none."""
        until, held = self._kept.pop(browser, (0, NOTHING))
        return held if now_us < until else NOTHING
