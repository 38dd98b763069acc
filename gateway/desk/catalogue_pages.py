"""The catalogue over HTTP: ``GET /.licet/catalogue``, for everybody or for one crawler.

================= ==========================================================
``limit``         entries a page, 1 to 500; 100 if left out
``cursor``        where the page before ended, as its ``next`` says
``changed_since`` a moment (RFC 3339): only entries that say something else
                  than in the version in force at that moment, and the paths
                  that are gone since
``crawler``       a name of the catalog: what that crawler can buy, and what
                  is free for it, rules that name it included
================= ==========================================================

``changed_since`` compares versions of what is published to everybody, so it does
not go with ``crawler``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from gateway.desk.call import About, Call, Group, read_at
from gateway.desk.catalogue import Cursor, Entry, entries_of, gone, page_of, read_cursor, same
from gateway.desk.license_page import moment
from gateway.desk.metadata import PREFIX, issuer_of
from gateway.desk.published_terms import MOST_LISTED
from gateway.desk.replies import json_reply
from gateway.desk.versions import TakenUp, TermsInForce
from gateway.policy.published import publish_to
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal
from gateway.terms.terms_version import terms_version
from gateway.visitors.visitor import Crawler

_LARGEST_PAGE: Final = 500
_USUAL_PAGE: Final = 100
_PARAMETERS: Final = frozenset({"limit", "cursor", "changed_since", "crawler"})
_LONGEST: Final = 1024
_SHORT: Final = 60
#: A moment of the last day may be in the year after it in UTC, which has no spelling.
_YEAR_10000: Final = 253_402_300_800
#: Catalogues of one crawler that are kept.
_MOST_MADE: Final = 256
_ABOUT: Final = About(
    "What can be bought here and at what price, part by part, in pages.",
    asks={
        "limit": {"type": "integer", "minimum": 1, "maximum": _LARGEST_PAGE},
        "cursor": {"type": "string"},
        "changed_since": {"type": "string", "format": "date-time"},
        "crawler": {"type": "string"},
    },
    gives={"application/json": {"type": "object", "required": ["entries", "next"]}},
)


@dataclass(frozen=True, slots=True)
class _Wish:
    """One request, read. *since* is in whole seconds; None is everything."""

    limit: int
    cursor: Cursor | None
    since: int | None
    crawler: Crawler | None
    query: dict[str, str]


class CatalogueDesk:
    """Answers the catalogue."""

    def __init__(self, in_force: TermsInForce, crawler: Callable[[str], Crawler | None]) -> None:
        """Tell the terms of *in_force*, to crawlers that *crawler* knows by name."""
        self._in_force = in_force
        self._crawler = crawler
        self._made: dict[tuple[str, str], tuple[Entry, ...]] = {}

    def group(self) -> Group:
        """Its address."""
        return {f"{PREFIX}/catalogue": read_at(self._catalogue, _ABOUT)}

    async def _catalogue(self, call: Call) -> web.StreamResponse | Refusal:
        found = await self._in_force.of(call.policy)
        if found is None:
            return Refusal(Problem.NOT_FOUND, "This site publishes no terms at the moment.")
        wish = self._read(call)
        if isinstance(wish, Refusal):
            return wish
        if wish.crawler is not None:
            return self._for_crawler(call, wish, wish.crawler)
        name = wish.cursor.source if wish.cursor else found[0].name
        version = await self._in_force.store.version(call.policy.site.id, name)
        if version is None:
            return _unread("the cursor is none that was given here")
        entries = entries_of(version.document)
        before = () if wish.since is None else await self._at(call, wish.since)
        old = {entry["path"]: entry for entry in before}
        shown = (
            entries if wish.since is None else tuple(e for e in entries if not same(e, old.get(e["path"])))
        )
        told = self._page(call, wish, name, shown)
        told["version"], told["version_url"] = name, f"{issuer_of(call.origin)}/terms/{name}"
        if wish.since is not None:
            told["changed_since"], told["gone"] = moment(wish.since), gone(before, entries)
        return json_reply(told, max_age=_SHORT)

    def _for_crawler(self, call: Call, wish: _Wish, crawler: Crawler) -> web.StreamResponse | Refusal:
        source = f"policy {call.policy.edition}"
        if wish.cursor and wish.cursor.source != source:
            return _unread("the cursor is of terms that have changed; begin again without it")
        told = self._page(call, wish, source, self._alone(call.policy, crawler))
        told["crawler"], told["uses"] = crawler.name, sorted(crawler.uses)
        return json_reply(told, max_age=_SHORT)

    def _alone(self, policy: Policy, crawler: Crawler) -> tuple[Entry, ...]:
        """The entries for *crawler*, made once for each policy."""
        key = (policy.edition, crawler.name)
        entries = self._made.get(key)
        if entries is None:
            published = self._in_force.published(policy, "")
            alone = replace(published, scopes=publish_to(policy, crawler))
            entries = entries_of(terms_version(alone).document)
            for entry in entries:
                # What is neither free nor on offer to this crawler is closed to it, whatever others may buy.
                entry["reserved"] = [] if entry["free"] or entry["offers"] else sorted(crawler.uses)
            if len(self._made) >= _MOST_MADE:
                self._made.clear()
            self._made[key] = entries
        return entries

    def _page(self, call: Call, wish: _Wish, source: str, entries: tuple[Entry, ...]) -> dict[str, Any]:
        shown, onward = page_of(entries, source, wish.cursor.key if wish.cursor else None, wish.limit)
        following = {**wish.query, "cursor": onward.written()} if onward else None
        base = f"{issuer_of(call.origin)}/catalogue"
        return {
            "site": call.origin,
            "currency": call.policy.site.currency,
            "token_endpoint": f"{issuer_of(call.origin)}/token",
            "entries": list(shown),
            "next": f"{base}?{urlencode(following)}" if following else None,
        }

    async def _at(self, call: Call, since: int) -> tuple[Entry, ...]:
        """The entries of the version that was in force at *since*; none before the first."""
        history = await self._in_force.store.history(call.policy.site.id, MOST_LISTED)
        taken: TakenUp | None = next((each for each in history if each.at <= since), None)
        version = await self._in_force.store.version(call.policy.site.id, taken.name) if taken else None
        return entries_of(version.document) if version else ()

    def _read(self, call: Call) -> _Wish | Refusal:
        query = call.request.query
        odd = [name for name in query if name not in _PARAMETERS or len(query.getall(name)) > 1]
        if odd:
            return _unread(f"the parameter {odd[0][:40]!r} is unknown or stands there twice")
        if any(len(value) > _LONGEST for value in query.values()):
            return _unread(f"a value is longer than {_LONGEST} characters")
        limit = _limit(query.get("limit", ""))
        if limit is None:
            return _unread(f"limit is no number from 1 to {_LARGEST_PAGE}")
        cursor = read_cursor(query["cursor"]) if "cursor" in query else None
        if "cursor" in query and cursor is None:
            return _unread("the cursor is none that was given here")
        since = _seconds(query["changed_since"]) if "changed_since" in query else None
        if "changed_since" in query and since is None:
            return _unread("changed_since is no moment such as 2026-11-26T00:00:00Z")
        crawler = self._crawler(query["crawler"]) if "crawler" in query else None
        if "crawler" in query and crawler is None:
            return _unread("the crawler is none that is known here")
        if crawler is not None and since is not None:
            return _unread("changed_since compares what everybody is told, and does not go with crawler")
        return _Wish(limit, cursor, since, crawler, {name: query[name] for name in query if name != "cursor"})


def _limit(text: str) -> int | None:
    if not text:
        return _USUAL_PAGE
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        return None
    return int(text) if 1 <= int(text) <= _LARGEST_PAGE else None


def _seconds(text: str) -> int | None:
    """Whole seconds of a moment or a day (RFC 3339), which is in UTC unless it says otherwise."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    seconds = max(int(found.timestamp()), 0)
    return seconds if seconds < _YEAR_10000 else None


def _unread(clause: str) -> Refusal:
    return Refusal(Problem.FORM_INVALID, f"Of what was asked, {clause}.")
