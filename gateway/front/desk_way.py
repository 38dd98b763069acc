"""The way from the public's door to the license desk, which listens on a local socket of its own.

The desk is a server like a creator's, reached by the same forwarder; it is told
in header fields of ours which site is asked for, under which public origin, and
by whom. A client's fields of these names never pass (`origin.header_hygiene`).

While the desk is replaced nobody listens there for a moment. Who asks then
waits: nothing was sent, so the same is asked once it is back. A desk that
somebody waited for in vain is waited for again once it has answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from gateway.ask import Ask, Headers
from gateway.front.answer import Answer
from gateway.front.responses import refused
from gateway.languages import Phrase
from gateway.origin.forwarding import HttpAnswer, HttpOrigin
from gateway.problems import Problem, Refusal

_NOT_THERE = frozenset({Problem.ORIGIN_UNREACHABLE, Problem.ORIGIN_FAILED, Problem.ORIGIN_TIMEOUT})
#: Seconds that one waits for a desk that is away, and between two looks whether it is back.
_PATIENCE: Final = 10.0
_PAUSE: Final = 0.05


class DeskWay:
    """Answers asks for the desk's paths with what the desk at *upstream* says."""

    def __init__(self, origin: HttpOrigin, upstream: str, *, patience: float = _PATIENCE) -> None:
        """Reach the desk at *upstream* (`origin.routing.read_upstream`) through *origin*; wait *patience* seconds for one that is away."""
        self._origin = origin
        self._upstream = upstream
        self._patience = patience
        self._given_up = False

    async def __call__(self, ask: Ask, body: AsyncIterator[bytes] | None) -> Answer:
        """Ask the desk; 503 where it is not there, the refusal of *body* where that breaks off."""
        told = (
            ("licet-site", ask.site), ("licet-origin", ask.origin), ("licet-address", ask.address),
            *((("licet-country", ask.country),) if ask.country else ()),
        )  # fmt: skip
        opened = await self._opened(ask, body, told)
        if isinstance(opened, Refusal):
            if opened.problem in _NOT_THERE:
                detail = Phrase("The license desk cannot be reached at the moment.")
                opened = Refusal(
                    Problem.SPEND_BOOK_UNAVAILABLE, detail, retry_after=5, private=opened.private
                )
            return refused(opened, ask, None, None)
        answer = Answer(opened.status, opened.reason, opened.headers)
        whole = opened.whole()
        if whole is None:
            answer.chunks = _read(opened)
        else:
            answer.whole, answer.unmeasured = whole, True
        return answer

    async def _opened(
        self, ask: Ask, body: AsyncIterator[bytes] | None, told: Headers
    ) -> HttpAnswer | Refusal:
        """Ask the desk; where nobody listens, which leaves *body* unread, as long as the patience lasts."""
        time = asyncio.get_running_loop().time
        until = time() + self._patience
        while True:
            opened = await self._origin.open(ask, self._upstream, body, ours=-1, upgrade=False, told=told)
            if not isinstance(opened, Refusal) or opened.problem is not Problem.ORIGIN_UNREACHABLE:
                self._given_up = False
                return opened
            if self._given_up or time() >= until:
                self._given_up = True
                return opened
            await asyncio.sleep(_PAUSE)


async def _read(opened: HttpAnswer) -> AsyncIterator[bytes]:
    try:
        async for piece in opened.body():
            yield piece
    finally:
        opened.close()
