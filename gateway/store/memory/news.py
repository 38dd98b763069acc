"""News within one process: `app.neighbors.Bulletin`, for tests of those who speak with each other."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

_PAUSE: Final = 0.01


class MemoryBoard:
    """What all of one process hear: hand it to each `MemoryNews`."""

    def __init__(self) -> None:
        """Hold nothing."""
        self.members: list[MemoryNews] = []
        self.held: dict[str, str] = {}


class MemoryNews:
    """One who speaks and hears."""

    def __init__(self, board: MemoryBoard) -> None:
        """Speak to everybody on *board*."""
        self._board = board
        self._hears: dict[str, Callable[[str], Awaitable[None]]] = {}
        self._waiting: deque[tuple[str, str]] = deque()
        board.members.append(self)

    def on(self, kind: str, told: Callable[[str], Awaitable[None]]) -> None:
        """As `Bulletin.on`."""
        self._hears[kind] = told

    def tell(self, kind: str, body: str = "") -> None:
        """As `Bulletin.tell`."""
        for each in self._board.members:
            each._waiting.append((kind, body))  # noqa: SLF001 - of the same class

    async def hold(self, place: str, what: str, seconds: int) -> dict[str, str]:  # noqa: ARG002
        """As `Bulletin.hold`; here everything holds for good."""
        self._board.held[place] = what
        return dict(self._board.held)

    async def run(self) -> None:
        """As `Bulletin.run`."""
        while True:
            while self._waiting:
                kind, body = self._waiting.popleft()
                if kind in self._hears:
                    with contextlib.suppress(Exception):
                        await self._hears[kind](body)
            await asyncio.sleep(_PAUSE)
