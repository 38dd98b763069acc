"""Who holds money that waits for a milestone: a payment provider, a named agent, or nobody. Pure.

This gateway never holds money. Where nobody does, there is a promise to pay and
no escrow, and it is called a *milestone payment*: every page, contract and
export says it in the words of `Holder.sentence`.

A holder is written ``provider:NAME`` or ``agent:NAME`` or ``nobody``, in the
member `reference` of the journal's ``deposit`` entry; a ``promise`` has none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 .&-]{0,58}[A-Za-z0-9.])?", re.ASCII)


class HolderError(ValueError):
    """What was written names nobody who could hold money; the sentence says what does."""


class Keeps(StrEnum):
    """What kind of party holds the money."""

    PROVIDER = "provider"
    AGENT = "agent"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds it; *name* is "" where nobody does."""

    keeps: Keeps
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse a holder without a name, and a name of nobody."""
        if self.keeps is Keeps.NOBODY:
            if self.name:
                raise HolderError("nobody has no name")
        elif not _NAME.fullmatch(self.name):
            raise HolderError(
                f"a holder has a name of at most 60 letters, digits, spaces and .&-, not {self.name!r}"
            )

    @classmethod
    def read(cls, text: str) -> Holder:
        """Read ``provider:NAME``, ``agent:NAME`` or ``nobody``, or raise `HolderError`.

        >>> Holder.read("agent:Notary Example").told
        'escrow'
        """
        keeps, _, name = text.partition(":")
        if keeps not in {"provider", "agent", "nobody"} or (keeps == "nobody") == (":" in text):
            raise HolderError(f"who holds money is provider:NAME, agent:NAME or nobody, not {text!r}")
        return cls(Keeps(keeps), name)

    def __str__(self) -> str:
        """As `read` reads it."""
        return f"{self.keeps}:{self.name}" if self.name else str(self.keeps)

    @property
    def told(self) -> str:
        """What the arrangement is called: ``escrow`` only where somebody holds the money."""
        return "milestone payment" if self.keeps is Keeps.NOBODY else "escrow"

    @property
    def sentence(self) -> str:
        """Who holds the money, as pages and contracts say it."""
        if self.keeps is Keeps.NOBODY:
            return "Nobody holds this money: it is a promise to pay, due once the milestone is met."
        who = "the payment provider" if self.keeps is Keeps.PROVIDER else "the agent"
        return f"This money is held by {who} {self.name}. This gateway never holds money."


NOBODY: Final = Holder(Keeps.NOBODY)
