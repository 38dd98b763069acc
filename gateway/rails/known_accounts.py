"""The accounts of agents that paid a moment ago: as evidence, and at hand for less than a second."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from gateway.clock import Clock
from gateway.evidence import Need
from gateway.languages import Phrase
from gateway.licenses.accounts import Account
from gateway.problems import Problem, Refusal, StoreUnavailable

#: The kind of evidence; its key is the agent.
KIND: Final = "account"
#: Seconds for which an account is taken to stand as it was read: a suspension is felt within one.
FRESH_SECONDS: Final = 0.9
_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class Found:
    """What the books say of one agent; *account* is None where it is tied to nobody."""

    account: Account | None


class KnownAccounts:
    """Reads accounts by agent, and keeps each for `FRESH_SECONDS`. One a worker."""

    def __init__(self, by_agent: Callable[[str], Awaitable[Account | None]], clock: Clock) -> None:
        """Read by *by_agent* (`Accounts.by_agent`)."""
        self._by_agent, self._clock = by_agent, clock
        self._known: dict[str, tuple[float, Found]] = {}

    def at_hand(self, agent: str) -> Found | None:
        """What is known of *agent* and fresh; None: it must be fetched."""
        known = self._known.get(agent)
        if known is None or not 0 <= self._clock.monotonic() - known[0] < FRESH_SECONDS:
            return None
        return known[1]

    async def source(self, need: Need) -> Found | Refusal:
        """Fetch evidence of `KIND`."""
        asked_at = self._clock.monotonic()
        try:
            found = Found(await self._by_agent(need.key))
        except StoreUnavailable as error:
            return Refusal(
                Problem.SPEND_BOOK_UNAVAILABLE,
                Phrase("Accounts cannot be read."),
                retry_after=5,
                private=str(error),
            )
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[need.key] = (asked_at, found)
        return found
