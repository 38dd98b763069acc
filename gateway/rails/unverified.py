"""Payments that somebody else has to verify, paced by network: junk costs its sender, and not the facilitator.

Each payment that is not known takes one of its network's; one that turns out to
hold, or that could not be looked at, gives it back. So whoever pays is slowed
only by as many at once as a network may have under way, and whoever makes
payments up is told to wait (429), and nobody is asked about them.
"""

from __future__ import annotations

from typing import Final, Protocol

from gateway.ask import Ask
from gateway.languages import Phrase
from gateway.problems import Problem, Refusal
from gateway.provenance.floods import network_of

#: Payments of one network that may be under way, or made up, at once; and how many more a second.
AT_ONCE: Final = 240
PER_SECOND: Final = 1.0
_TAKEN: Final = "unverified"


class Limit(Protocol):
    """What is needed of `admission.pace.Pace`."""

    def wait(self, key: str, now_us: int) -> int:
        """Take one for *key*: 0 if it may pass, else whole seconds to wait."""
        ...

    def give_back(self, key: str) -> None:
        """Undo one that was taken."""
        ...


class Unverified:
    """Which networks may have one more payment looked at. One object a process."""

    def __init__(self, pace: Limit) -> None:
        """Keep to *pace*."""
        self._pace = pace

    def too_many(self, ask: Ask) -> Refusal | None:
        """Take one for the network of *ask*, once, or refuse it."""
        taken = _taken(ask)
        if ask.id in taken:
            return None
        wait = self._pace.wait(network_of(ask.address), ask.asked_at_us)
        if wait:
            said = Phrase("Payments that nobody could verify come too fast from this network.")
            return Refusal(Problem.TOO_FAST, said, retry_after=wait)
        taken.add(ask.id)
        return None

    def held(self, ask: Ask) -> None:
        """The payment of *ask* was no junk: what was taken for it goes back, once."""
        taken = _taken(ask)
        if ask.id in taken:
            taken.discard(ask.id)
            self._pace.give_back(network_of(ask.address))

    def junk(self, ask: Ask) -> None:
        """The payment of *ask* does not hold: what was taken for it stays taken."""
        _taken(ask).discard(ask.id)


def _taken(ask: Ask) -> set[str]:
    """The requests with these very fields for which one was taken; several connections may share them."""
    found: set[str] = ask.headers.kept.setdefault(_TAKEN, set())  # type: ignore[attr-defined]
    return found
