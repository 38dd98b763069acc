"""The hook of httpx, and of httpx2: an `Auth` that gets a license where one is asked for.

::

    import httpx
    from gateway.client.httpx_auth import licensed

    auth = licensed(httpx, Spending(Money.read("0.01 USD"), Money.read("5 USD")), register_as="Example Labs")
    with httpx.Client(auth=auth, headers={"User-Agent": "ExampleBot/1.0"}) as client:
        client.get("https://journal.example/essays/tides")

Neither library is imported here; the one that is used is handed in. What the
desk is asked is sent by a client of this module's own that follows no redirect,
under the page's own ``User-Agent``, so that no secret goes elsewhere, and a page
that was not licensed is answered by the site's own 402. Where a client follows
redirects, a page that moved to another origin is licensed there only if it is
asked for by its own address.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from types import ModuleType
from typing import Any

from gateway.client.caller import Answer
from gateway.client.carried import DESK_SECONDS, Ask, Hook, Visit, Wait
from gateway.client.purse import FREE, Spending
from gateway.client.refused import Refused


def licensed(
    http: ModuleType, spending: Spending = FREE, *, desk: dict[str, Any] | None = None, **limits: Any
) -> Any:
    """An `Auth` of *http* (``httpx`` or ``httpx2``), for its `Client` and its `AsyncClient`.

    *limits* are the arguments of `Hook`; *desk* those of the client that asks
    desks, such as ``verify`` or ``proxy``. Requests other than GET, and those
    with an ``Authorization`` of their own, are sent as they are. What came of a
    visit (`Fetched` or `Refused`) is in ``response.extensions["licet"]``, what
    was spent in the hook's `hook.spent`. Raises `Stopped` where the kill
    switch was thrown.
    """
    kind = type("LicensedAuth", (_Flow, http.Auth), {})
    return kind(http, Hook(spending, **limits), desk or {})


class _Flow:
    """The flow of both kinds of clients: only the page is ever yielded."""

    def __init__(self, http: ModuleType, hook: Hook, desk: dict[str, Any]) -> None:
        self.hook = hook
        self._http = http
        self._options = {"timeout": DESK_SECONDS, **desk, "follow_redirects": False}

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Send *request*, and again with a token."""
        self.hook.check(str(request.url))
        if not _ours(request):
            yield request
            return
        visit = self._visit(request)
        try:
            ask, response = visit.step(), None
            while ask is not None:
                if isinstance(ask, Wait):
                    ask.turn.result()
                    ask = visit.step()
                elif ask.page:
                    response = yield _with(request, ask)
                    response.read()
                    ask = visit.step(_answer(response))
                else:
                    ask = visit.step(self._asked(ask))
            if response is not None:
                response.extensions["licet"] = visit.got
        finally:
            visit.close()

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Send *request*, and again with a token."""
        self.hook.check(str(request.url))
        if not _ours(request):
            yield request
            return
        visit = self._visit(request)
        try:
            ask, response = visit.step(), None
            while ask is not None:
                if isinstance(ask, Wait):
                    # A task that is canceled leaves the line by itself; its turn is not to be canceled under it.
                    await asyncio.shield(asyncio.wrap_future(ask.turn))
                    ask = visit.step()
                elif ask.page:
                    response = yield _with(request, ask)
                    await response.aread()
                    ask = visit.step(_answer(response))
                else:
                    ask = visit.step(await self._asked_async(ask))
            if response is not None:
                response.extensions["licet"] = visit.got
        finally:
            visit.close()

    def _visit(self, request: Any) -> Visit:
        return self.hook.visit(str(request.url), request.headers.get("user-agent", ""))

    def _asked(self, ask: Ask) -> Answer | Refused:
        try:
            with self._http.Client(**self._options) as client:
                return _answer(
                    client.request(ask.method, ask.url, headers=dict(ask.headers), content=ask.body)
                )
        except (self._http.HTTPError, self._http.InvalidURL, OSError, ValueError) as error:
            return ask.broken(error, sent=not isinstance(error, self._http.ConnectError))

    async def _asked_async(self, ask: Ask) -> Answer | Refused:
        try:
            async with self._http.AsyncClient(**self._options) as client:
                return _answer(
                    await client.request(ask.method, ask.url, headers=dict(ask.headers), content=ask.body)
                )
        except (self._http.HTTPError, self._http.InvalidURL, OSError, ValueError) as error:
            return ask.broken(error, sent=not isinstance(error, self._http.ConnectError))


def _ours(request: Any) -> bool:
    return request.method == "GET" and "authorization" not in request.headers


def _with(request: Any, ask: Ask) -> Any:
    """*request* with what *ask* adds, and with nothing that an earlier one added."""
    for name in ("Authorization", "DPoP"):
        request.headers.pop(name, None)
    request.headers.update(ask.headers)
    return request


def _answer(response: Any) -> Answer:
    return Answer(
        response.status_code,
        response.reason_phrase,
        str(response.url),
        tuple(response.headers.multi_items()),
        response.content,
    )
