"""The client's logic for programs that send their requests themselves: hooks of HTTP libraries.

A `Hook` is what one crawler run shares: limits, wallet, receipts, kill switch.
Its `Visit` is one GET of a page: each `step` says what to do next (`Ask` a page
or a desk, `Wait` for another buyer) and is told what came of it. So nothing here
knows a library, a thread or an event loop, and every library gets the same logic
(`client.licensing`).

Promises to whoever carries a visit out: only an `Ask` for the page bears a token,
and its URL is always that of the visit; a secret is only in an `Ask` for a desk,
which is to be sent without following redirects.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from gateway.client.bargaining import Strategy
from gateway.client.caller import Answer, Caller, KillSwitch, origin_of
from gateway.client.licensing import Fetched, Licensing
from gateway.client.logins import AgentKey, Login
from gateway.client.purse import FREE, Spending
from gateway.client.refused import Refused, Why
from gateway.money import Money
from gateway.terms.license_terms import Compensation
from gateway.uses import Uses

#: Seconds that one request to a desk may take.
DESK_SECONDS = 60.0


class Stopped(Exception):
    """The kill switch was thrown: the request was not sent. *refused* says so as a value."""

    def __init__(self, refused: Refused) -> None:
        """Carry the refusal."""
        super().__init__(str(refused))
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to send: the *page* itself with *headers* added, or one to a desk, whole. The repr hides secrets."""

    page: bool
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)

    def broken(self, error: Exception, *, sent: bool) -> Refused:
        """What a desk's request that had no answer comes to; *sent* where it may have arrived."""
        return Refused.own(Why.UNREACHABLE, str(error), url=self.url, body={"sent": sent})


@dataclass(frozen=True, slots=True)
class Wait:
    """Another visit buys at the same desk: go on when *turn* is done."""

    turn: Future[None]


@dataclass(frozen=True, slots=True)
class _Yielded:
    """Hands *told* to whoever carries the visit out, and waits for what is told back."""

    told: Ask | Wait

    def __await__(self) -> Generator[Ask | Wait, Any, Any]:
        return (yield self.told)


class _Line(AbstractAsyncContextManager[None]):
    """A line, first come first served, that knows no event loop."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[Future[None]] = deque()

    async def __aenter__(self) -> None:
        if not self._taken:
            self._taken = True
            return
        turn: Future[None] = Future()
        self._waiting.append(turn)
        try:
            await _Yielded(Wait(turn))
        except BaseException:
            # Who leaves the line lets the next one in, if it was its turn already.
            if turn.done():
                self._next()
            else:
                self._waiting.remove(turn)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._next()

    def _next(self) -> None:
        if self._waiting:
            self._waiting.popleft().set_result(None)
        else:
            self._taken = False


class _Carried(Caller):
    """Sends nothing: every request is handed to whoever carries the visit out."""

    async def page(self, url: str, headers: Mapping[str, str] | None = None) -> Answer | Refused:
        return await self._handed(Ask(True, "GET", url, headers or {}))

    async def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer | Refused:
        return await self._handed(Ask(False, method, url, headers or {}, body))

    async def _handed(self, ask: Ask) -> Answer | Refused:
        if self.stopped:
            return Refused.own(Why.STOPPED, url=ask.url)
        if self.agent_key is not None:
            signed = self.agent_key.signed(ask.method, ask.url, ask.headers, ask.body)
            ask = replace(ask, headers=signed)
        told: Answer | Refused = await _Yielded(ask)
        return told


class Hook:
    """What the hooks of one crawler run share. The arguments are those of `LicensedSession`.

    May be used by any number of threads and tasks at once. Spends nothing by default.
    """

    def __init__(
        self,
        spending: Spending = FREE,
        *,
        uses: Uses = frozenset(),
        logins: tuple[Login, ...] = (),
        agent_key: AgentKey | None = None,
        register_as: str = "",
        contacts: tuple[str, ...] = (),
        bind_tokens: bool = False,
        strategy: Strategy | None = None,
        owing: Compensation | None = None,
        facts: Mapping[str, str] | None = None,
        party: Mapping[str, str] | None = None,
        patience: float = 0.0,
        receipts: Path | None = None,
        switch: KillSwitch | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepare; nothing is sent but by the library that the hook is given to."""
        self._licensing = Licensing(
            _Carried("", agent_key=agent_key, switch=switch, largest=0),
            spending,
            line=_Line,
            uses=uses,
            logins=logins,
            register_as=register_as,
            contacts=contacts,
            bind_tokens=bind_tokens,
            strategy=strategy,
            owing=owing,
            facts=facts,
            party=party,
            patience=patience,
            receipts=receipts,
            tell=tell,
        )
        self._turn = threading.RLock()

    @property
    def spent(self) -> Money | None:
        """What this run spent so far; None where it may spend nothing."""
        return self._licensing.purse.spent

    def check(self, url: str) -> None:
        """Raise `Stopped` if the kill switch was thrown: nothing at all is sent then."""
        if self._licensing.caller.stopped:
            raise Stopped(Refused.own(Why.STOPPED, url=url))

    def visit(self, url: str, user_agent: str) -> Visit:
        """Begin to GET *url* as the crawler *user_agent*, by which the desk hears of it too."""
        return Visit(url, user_agent, self._licensing.page(url), self._turn)


class Visit:
    """One GET of a page. Call `step` until it gives None, then read `got`; `close` it whatever happens."""

    def __init__(
        self,
        url: str,
        user_agent: str,
        logic: Coroutine[Any, Any, Fetched | Refused],
        turn: threading.RLock,
    ) -> None:
        """Visit *url*; *turn* lets one visit of a hook think at a time."""
        self.got: Fetched | Refused | None = None
        self.asked = False
        self._url, self._agent, self._logic, self._turn = url, user_agent, logic, turn

    def step(self, told: Answer | Refused | None = None) -> Ask | Wait | None:
        """What to do next, after *told* came of the step before; None where the visit is over.

        A visit in which nothing may be sent raises `Stopped`. One that is over
        before the page was asked for asks for it without a token, so that there
        is always an answer of the site to give to whoever asked.
        """
        if self.got is not None:
            return None
        if isinstance(told, Answer) and origin_of(told.url) != origin_of(self._url):
            # Somebody else's answer says nothing about this site, and settles nothing here.
            told = Answer(303, "", self._url, (("Location", told.url),), b"")
        try:
            with self._turn:
                ask: Ask | Wait = self._logic.send(told)
        except StopIteration as over:
            self.got = over.value
            if self.asked:
                return None
            if isinstance(over.value, Refused) and over.value.code == Why.STOPPED.code:
                raise Stopped(over.value) from None
            ask = Ask(True, "GET", self._url, {})
        if isinstance(ask, Wait):
            return ask
        self.asked = self.asked or ask.page
        if ask.page or "User-Agent" in ask.headers or not self._agent:
            return ask
        return replace(ask, headers={"User-Agent": self._agent, **ask.headers})

    def close(self) -> None:
        """Give up, if it is not over: what was held for a request without an answer counts as spent."""
        with self._turn:
            self._logic.close()
