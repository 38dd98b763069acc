"""The hook of requests: an `AuthBase` that gets a license where one is asked for.

::

    session = requests.Session()
    session.headers["User-Agent"] = "ExampleBot/1.0"
    session.auth = licensed(Spending(Money.read("0.01 USD"), Money.read("5 USD")), register_as="Example Labs")
    session.get("https://journal.example/essays/tides")

What the desk is asked is sent by the same connection as the page's retry would
be, an adapter that follows no redirect and keeps no cookie. A page that was not
licensed is answered by the site's own 402, as is one that moved to another
origin; that one is licensed where it is asked for by its own address.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

from gateway.client.caller import Answer
from gateway.client.carried import DESK_SECONDS, Ask, Hook, Visit, Wait
from gateway.client.purse import FREE, Spending
from gateway.client.refused import Refused


def licensed(spending: Spending = FREE, **limits: Any) -> Any:
    """An `AuthBase`; *limits* are the arguments of `Hook`.

    Requests other than GET, and those with an ``Authorization`` of their own,
    are sent as they are. What came of a visit (`Fetched` or `Refused`) is in
    ``response.licet``, what was spent in the hook's `hook.spent`. Raises
    `Stopped` where the kill switch was thrown. Set ``trust_env`` of the session
    to False where a netrc names a login for a site: requests prefers it.
    """
    import requests.auth

    kind = type("LicensedAuth", (_Auth, requests.auth.AuthBase), {})
    return kind(Hook(spending, **limits))


class _Auth:
    """Prepares a request, and answers its first response with whatever the visit asks for."""

    def __init__(self, hook: Hook) -> None:
        self.hook = hook

    def __call__(self, request: Any) -> Any:
        self.hook.check(request.url)
        if request.method != "GET" or "Authorization" in request.headers:
            return request
        visit = self.hook.visit(request.url, str(request.headers.get("User-Agent", "")))
        ask = visit.step()
        # A line or a desk before the page: a license that is held has no token yet.
        while ask is not None and not (isinstance(ask, Ask) and ask.page):
            ask = visit.step(_done(ask, None, {}))
        if ask is not None:
            request.headers.update(ask.headers)
        request.register_hook("response", _Responding(visit))
        return request


class _Responding:
    """The response hook of one visit. Once it is over it lets every response pass, such as those of redirects."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._begun = False

    def __call__(self, response: Any, **options: Any) -> Any:
        if self._begun:
            return response
        self._begun = True
        first = response
        try:
            ask = self._visit.step(_answer(response))
            while ask is not None:
                if isinstance(ask, Ask) and ask.page:
                    response = _again(response, ask, options)
                    ask = self._visit.step(_answer(response))
                else:
                    ask = self._visit.step(_done(ask, first.connection, options))
        finally:
            self._visit.close()
            # A redirect is sent as a copy of this very request: without what was for this page.
            for name in ("Authorization", "DPoP"):
                first.request.headers.pop(name, None)
        response.licet = self._visit.got
        return response


def _again(response: Any, ask: Ask, options: dict[str, Any]) -> Any:
    """The page asked for once more, on the connection that it was first asked for by."""
    request = response.request.copy()
    for name in ("Authorization", "DPoP"):
        request.headers.pop(name, None)
    request.headers.update(ask.headers)
    response.close()
    got = response.connection.send(request, **options)
    got.history = [*response.history, response]
    got.request = request
    return got


def _done(ask: Ask | Wait, connection: Any, options: dict[str, Any]) -> Answer | Refused | None:
    """What came of a desk's request, sent by *connection* or by one of its own; None of having waited."""
    import requests

    if isinstance(ask, Wait):
        ask.turn.result()
        return None
    request = requests.Request(ask.method, ask.url, headers=dict(ask.headers), data=ask.body).prepare()
    sent = {"timeout": DESK_SECONDS, **{name: options[name] for name in _ROUTE if name in options}}
    try:
        if connection is not None:
            return _answer(connection.send(request, **sent))
        with closing(requests.adapters.HTTPAdapter()) as adapter:
            return _answer(adapter.send(request, **sent))
    except (requests.RequestException, OSError, ValueError) as error:
        return ask.broken(error, sent=not isinstance(error, requests.ConnectTimeout))


#: Of the options of a page, those that a desk's request has too.
_ROUTE = ("verify", "cert", "proxies")


def _answer(response: Any) -> Answer:
    # requests joins fields of one name by commas, urllib3 keeps them apart.
    fields = tuple(getattr(response.raw, "headers", response.headers).items())
    return Answer(response.status_code, response.reason or "", response.url, fields, response.content)
