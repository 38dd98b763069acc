"""The hook of aiohttp (3.12 and later): a client middleware that gets a license where one is asked for.

::

    import aiohttp
    from gateway.client.aiohttp_middleware import Licensed

    licensed = Licensed(Spending(Money.read("0.01 USD"), Money.read("5 USD")), register_as="Example Labs")
    async with aiohttp.ClientSession(middlewares=(licensed,), headers={"User-Agent": "ExampleBot/1.0"}) as session:
        async with session.get("https://journal.example/essays/tides") as response:
            licensed.got(response)

Whoever has no session yet may take `LicensedSession` instead, which follows
redirects and proves receipts too. Each hop of a redirect that the session
follows is a page of its own here, licensed at its own origin. Desks are asked
over the session's connections, under the page's own ``User-Agent``, by requests
that follow no redirect, that no middleware sees, and that have none of the
session's fields and cookies.
"""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    StreamReader,
)
from aiohttp.base_protocol import BaseProtocol

from gateway.client.caller import Answer
from gateway.client.carried import DESK_SECONDS, Ask, Hook, Visit, Wait
from gateway.client.licensing import Fetched
from gateway.client.purse import FREE, Spending
from gateway.client.refused import Refused

_TOKEN_FIELDS = ("Authorization", "DPoP")


class Licensed:
    """The middleware. *limits* are the arguments of `Hook`, whose budget, wallet and kill switch it keeps.

    GET requests without an ``Authorization`` of their own are its matter, others
    pass. A page that was not licensed is answered by the site's own 402. A body is
    read whole before it is handed on, since its digest stands in the receipt.
    *desk* are the arguments of the `ClientSession` that asks desks, such as
    ``proxy``. Raises `carried.Stopped` where the kill switch was thrown. One
    middleware may serve any number of sessions and tasks of one event loop.
    """

    def __init__(
        self, spending: Spending = FREE, *, desk: dict[str, Any] | None = None, **limits: Any
    ) -> None:
        """Prepare; nothing is spent by default."""
        self.hook = Hook(spending, **limits)
        self._desk = desk or {}
        self._found: WeakKeyDictionary[ClientResponse, Fetched | Refused] = WeakKeyDictionary()

    def got(self, response: ClientResponse) -> Fetched | Refused | None:
        """What came of the visit that *response* ended; None where it was none of this middleware's."""
        return self._found.get(response)

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send *request*, and again with a token."""
        url = str(request.url)
        self.hook.check(url)
        if request.method != "GET" or "Authorization" in request.headers:
            return await handler(request)
        visit = self.hook.visit(url, request.headers.get("User-Agent", ""))
        try:
            response = await self._visited(visit, request, handler)
        finally:
            visit.close()
        _rewind(response, await response.read())
        if visit.got is not None:
            self._found[response] = visit.got
        return response

    async def _visited(
        self, visit: Visit, request: ClientRequest, handler: ClientHandlerType
    ) -> ClientResponse:
        response: ClientResponse | None = None
        ask = visit.step()
        while ask is not None:
            if isinstance(ask, Wait):
                # A task that is canceled leaves the line by itself; its turn is not to be canceled under it.
                await asyncio.shield(asyncio.wrap_future(ask.turn))
                ask = visit.step()
            elif ask.page:
                for name in ("Authorization", "DPoP"):
                    request.headers.popall(name, None)
                request.headers.update(ask.headers)
                response = await handler(request)
                ask = visit.step(await _answer(response))
            else:
                ask = visit.step(await self._asked(request.session, ask))
        if response is None:
            raise AssertionError("a visit asks for its page before it is over")
        return response

    async def _asked(self, session: ClientSession, ask: Ask) -> Answer | Refused:
        lent = {"connector": session.connector, "connector_owner": False, "trust_env": session.trust_env}
        try:
            async with (
                ClientSession(
                    **{**lent, **self._desk},
                    cookie_jar=DummyCookieJar(),
                    timeout=ClientTimeout(total=DESK_SECONDS),
                ) as desk,
                desk.request(
                    ask.method, ask.url, headers=dict(ask.headers), data=ask.body, allow_redirects=False
                ) as response,
            ):
                return await _answer(response)
        except (ClientError, OSError, ValueError) as error:
            return ask.broken(error, sent=not isinstance(error, ClientConnectorError | InvalidURL))


async def _answer(response: ClientResponse) -> Answer:
    body = await response.read()
    return Answer(
        response.status, response.reason or "", str(response.url), tuple(response.headers.items()), body
    )


def _rewind(response: ClientResponse, body: bytes) -> None:
    """Let whoever reads *response* piece by piece read *body* from its beginning, too."""
    loop = asyncio.get_running_loop()
    content = StreamReader(BaseProtocol(loop), 1 << 16, loop=loop)
    content.feed_data(body)
    content.feed_eof()
    response.content = content
