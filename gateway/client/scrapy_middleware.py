"""The hook of Scrapy (2.14 and later): a downloader middleware that gets a license where one is asked for.

::

    DOWNLOADER_MIDDLEWARES = {"gateway.client.scrapy_middleware.LicensedPages": 560}
    LICET_MAX_PRICE = "0.01 USD"    # of one fetch; nothing is spent without it
    LICET_BUDGET = "5 USD"          # of the run; without it, as much as one fetch
    LICET_REGISTER_AS = "Example Labs"
    LICET_RECEIPTS = "receipts.jsonl"

======================= ======================================================
`LICET_LOGINS`          client id and secret by origin:
                        ``{"https://a.example": ("id", "secret")}``
`LICET_REGISTER_AS`     the name to register under where there is no login
`LICET_CONTACTS`        addresses that are registered with it
`LICET_USES`            what the pages are for, such as ``["ai-train"]``
`LICET_RECEIPTS`        a file of JSON lines; the wallet stands beside it
`LICET_STOP_FILE`       nothing more is sent once this file exists
======================= ======================================================

A page that is asked for with a token is another request than the spider's, and
is answered as the spider's: so no redirect, retry or item of the spider ever
bears a token. A page that was not licensed is answered by the site's own 402,
which a spider sees by ``handle_httpstatus_list``. Counted in the stats:
``licet/fetched``, ``licet/spent_micros``, ``licet/refused/CODE``.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final, Self

from gateway.client.caller import Answer, origin_of
from gateway.client.carried import DESK_SECONDS, Ask, Hook, Stopped, Visit, Wait
from gateway.client.licensing import Fetched
from gateway.client.logins import Secret
from gateway.client.purse import Spending
from gateway.client.refused import Refused
from gateway.money import Money, MoneyError
from gateway.uses import parse_use

_INNER: Final = "licet_inner"
#: What Scrapy's own middlewares leave alone in the requests that are sent from here.
_PLAIN: Final = {"dont_redirect": True, "dont_retry": True, "handle_httpstatus_all": True, "dont_cache": True}
_DESK: Final = {"dont_obey_robotstxt": True, "dont_merge_cookies": True, "download_timeout": DESK_SECONDS}


class LicensedPages:
    """The middleware. GET requests without an ``Authorization`` of their own are its matter, others pass."""

    def __init__(self, crawler: Any) -> None:
        """Read the settings of *crawler*; a setting that cannot be read raises `ValueError` and says which."""
        self._crawler = crawler
        self.hook = Hook(**_limits(crawler.settings))

    @classmethod
    def from_crawler(cls, crawler: Any) -> Self:
        """As Scrapy makes it."""
        return cls(crawler)

    async def process_request(self, request: Any, spider: Any = None) -> Any:
        """The page's response, licensed or not; None lets a request pass."""
        del spider
        from scrapy.exceptions import IgnoreRequest

        if request.meta.get(_INNER):
            return None
        try:
            self.hook.check(request.url)
            if request.method != "GET" or "Authorization" in request.headers:
                return None
            return await self._visited(request)
        except Stopped as stopped:
            self._count("refused/stopped")
            raise IgnoreRequest(str(stopped)) from stopped

    async def _visited(self, request: Any) -> Any:
        visit = self.hook.visit(request.url, (request.headers.get("User-Agent") or b"").decode("latin-1"))
        response = None
        try:
            ask = visit.step()
            while ask is not None:
                if isinstance(ask, Wait):
                    # A task that is canceled leaves the line by itself; its turn is not to be canceled under it.
                    await asyncio.shield(asyncio.wrap_future(ask.turn))
                    ask = visit.step()
                elif ask.page:
                    response = await self._sent(_page(request, ask))
                    ask = visit.step(_answer(response))
                else:
                    ask = visit.step(await self._asked(ask))
        finally:
            visit.close()
        self._told(visit)
        if response is not None:
            # What a spider copies from here on has neither the token nor the mark of an inner request.
            response.request = request
        return response

    async def _asked(self, ask: Ask) -> Answer | Refused:
        from scrapy import Request

        desk = Request(
            ask.url, method=ask.method, headers=dict(ask.headers), body=ask.body or b"",
            meta={_INNER: True, **_PLAIN, **_DESK}, dont_filter=True,
        )  # fmt: skip
        try:
            return _answer(await self._sent(desk))
        except Exception as error:  # noqa: BLE001 - a download fails by whatever its transport raises
            return ask.broken(error, sent=True)

    async def _sent(self, request: Any) -> Any:
        return await self._crawler.engine.download_async(request)

    def _told(self, visit: Visit) -> None:
        if isinstance(visit.got, Refused):
            self._count(f"refused/{visit.got.code}")
        elif isinstance(visit.got, Fetched) and visit.got.record:
            self._count("fetched")
        spent = self.hook.spent
        self._crawler.stats.set_value("licet/spent_micros", spent.micros if spent else 0)

    def _count(self, name: str) -> None:
        self._crawler.stats.inc_value(f"licet/{name}")


def _page(request: Any, ask: Ask) -> Any:
    page = request.replace(meta={**request.meta, _INNER: True, **_PLAIN}, dont_filter=True)
    for name, value in ask.headers.items():
        page.headers[name] = value
    return page


def _answer(response: Any) -> Answer:
    fields = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
    )
    return Answer(response.status, "", response.url, fields, response.body)


def _limits(settings: Any) -> dict[str, Any]:
    ceiling = _money(settings, "LICET_MAX_PRICE")
    most = _money(settings, "LICET_BUDGET") or ceiling
    logins = settings.getdict("LICET_LOGINS")
    if not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in logins.values()):
        raise ValueError("LICET_LOGINS: a client id and its secret stand beside each origin")
    uses = {name: parse_use(name) for name in settings.getlist("LICET_USES")}
    if unknown := [name for name, use in uses.items() if use is None]:
        raise ValueError(f"LICET_USES: {unknown[0]!r} is no use that is known")
    receipts, switch = settings.get("LICET_RECEIPTS"), settings.get("LICET_STOP_FILE")
    return {
        "spending": Spending(ceiling, most),
        "logins": tuple(Secret(origin_of(origin), *pair) for origin, pair in logins.items()),
        "uses": frozenset(use for use in uses.values() if use is not None),
        "register_as": settings.get("LICET_REGISTER_AS", ""),
        "contacts": tuple(settings.getlist("LICET_CONTACTS")),
        "receipts": Path(receipts) if receipts else None,
        "switch": Path(switch) if switch else None,
    }


def _money(settings: Any, name: str) -> Money | None:
    text = settings.get(name)
    try:
        return Money.read(text) if text else None
    except MoneyError as error:
        raise ValueError(f"{name}: {error}") from error
