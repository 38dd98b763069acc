"""Signatures that have been used for a fetch that costs money, until they lapse.

Whoever copies a signed request may not spend somebody's credit with it. What is
kept is a digest (`signatures.Signatures.mark`) and the request it came with, so
that deciding one request twice is no replay. Bounded: above `MOST` the oldest
are forgotten, and could then be used again until they lapse.

What this covers by itself: the process that saw the first use, at once; the other
workers of the gateway as soon as they have been told, which takes milliseconds and
is not waited for, so that a copy that races the original to another worker may be
served; no other replica, and nothing across a restart. With `SharedMarks` a mark is
asked for before it counts as new, so that of any number of copies at any number of
workers and machines one is served, also after a restart; where those do not answer,
what is covered is what is covered without. Fetches that are free are not looked at:
a copied answer to a copied question costs nobody anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

#: Marks kept; each is about 250 octets.
MOST: Final = 65_536
#: Seconds by which the clocks of gateways that share marks may differ.
CLOCKS_SECONDS: Final = 600


class SharedMarks(Protocol):
    """Marks that all workers and machines know. A storage port.

    Implemented by `store.memory` and `store.redis`; both pass
    `tests/conformance/test_marks.py`. It raises nothing: who cannot say says None.
    """

    async def taken(self, mark: str, request: str, seconds: int) -> bool | None:
        """Whether *mark* is another request's than *request*; None where that cannot be said now.

        Of any number of requests that ask at once one is told False. From now on
        the mark is the first's, for *seconds* or a minute, whichever is longer.
        """
        ...


class Replays:
    """Remembers marks; one object a process."""

    def __init__(
        self,
        most: int = MOST,
        *,
        tell: Callable[[str, int], None] | None = None,
        shared: SharedMarks | None = None,
    ) -> None:
        """Keep at most *most* marks; *tell* hears of each that is new, and until when it is kept.

        *shared* are asked by `used_anywhere` and `used_elsewhere`.
        """
        self._most, self._tell, self._shared = most, tell, shared
        self._used: dict[str, tuple[str, int]] = {}

    def used_before(self, mark: str, request: str, until: int, now: int) -> bool:
        """Whether *mark* came with another request than *request*; from now on it belongs to the first.

        *until* is the second from which the mark may be forgotten, *now* the current one.
        """
        first = self._used.get(mark)
        if first is not None and first[1] >= now:
            return first[0] != request
        self._keep(mark, request, until, now)
        if self._tell is not None:
            self._tell(mark, until)
        return False

    async def used_anywhere(self, mark: str, request: str, until: int, now: int) -> bool:
        """As `used_before`, of all workers and machines."""
        return self.used_before(mark, request, until, now) or await self.used_elsewhere(
            mark, request, until - now
        )

    async def used_elsewhere(self, mark: str, request: str, seconds: int) -> bool:
        """Whether *mark* came with another request at another worker or machine, as far as that can be said."""
        if self._shared is None:
            return False
        # What has lapsed by our clock may be fresh by that of a gateway which is behind.
        return await self._shared.taken(mark, request, max(seconds, 0) + CLOCKS_SECONDS) is True

    def learn(self, mark: str, until: int, now: int) -> None:
        """Hear that another process has seen *mark* used."""
        if mark not in self._used:
            self._keep(mark, "", until, now)

    def _keep(self, mark: str, request: str, until: int, now: int) -> None:
        if len(self._used) >= self._most:
            self._make_room(now)
        self._used[mark] = (request, until)

    def _make_room(self, now: int) -> None:
        self._used = {mark: used for mark, used in self._used.items() if used[1] >= now}
        excess = len(self._used) - self._most * 3 // 4
        for mark in list(self._used)[: max(excess, 0)]:
            del self._used[mark]
