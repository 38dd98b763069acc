"""What a delivery finally owes: the unit rule, in one pure function.

The unit is a rendition's content per licensee and window. A complete 200 owes
the price; 206 parts together never owe more than the whole; HEAD, OPTIONS, 304,
4xx and 5xx owe nothing; a re-read of unchanged bytes in the window owes nothing
(and so does a retry after a lost answer). A client that breaks off after more
than 64 KiB or a tenth of the body owes the whole, and so it does after the first
octet of a body whose length nobody announced; what the origin breaks off owes
nothing. What is streamed in pieces (`policy.rules.Work.streams`) is one such
unit with all its pieces, whatever each of them is: the first that is taken in
the window owes the price, and the others nothing. Where the price was settled between the origin's head and the first
octet (`Charge.due`), that is the price; what it says is free owes nothing, and
pays for no later fetch.

Where the site's own proxy delivers (forward-auth), nobody here sees what: the
grant owes the price, once for each resource, query and all, in the window.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from gateway.admission.spending import Charge
from gateway.ask import Ask
from gateway.money import Money
from gateway.origin.delivery import Delivery
from gateway.provenance.record import Ended
from gateway.terms.license_terms import WINDOW_HOURS

#: Seconds in which unchanged bytes are not paid for again, where the terms say nothing else.
WINDOW_SECONDS: Final = WINDOW_HOURS * 3600
#: By fewer digits than that of a resource, the hash of something streamed says what it is.
_STREAM_DIGITS: Final = 48
#: A client that took more than this, or more than a tenth, took the work.
ABORT_BYTES: Final = 64 * 1024


#: What the reason in a record says, for people.
REASONS: Final[Mapping[str, str]] = {
    "fetch": "delivered",
    "free": "free under the license",
    "read-before": "read before, unchanged",
    "not-delivered": "not delivered",
    "no-content": "asked for without its content",
    "broken-off": "broken off by the site",
    "client-left-early": "left early by the crawler",
}


class Owed(NamedTuple):
    """*money* is at most the price; *reason* is the word that stands in the record."""

    money: Money
    reason: str


def unit_of(licensee: str, ask: Ask, stream: str = "") -> str:
    """Which resource a fetch was of, query and all, as a hash that shows no query; of a *stream*, which stream."""
    if stream:
        return _unit(f"{licensee}\0{ask.site}\0{stream}\0stream")[:_STREAM_DIGITS]
    return _unit(f"{licensee}\0{ask.site}\0{ask.path}\0{ask.query}")


@lru_cache(maxsize=1024)
def _unit(named: str) -> str:
    return hashlib.sha256(named.encode("utf-8", "surrogateescape")).hexdigest()


def units_of(licensee: str, site: str, path: str, unit: str, delivery: Delivery) -> tuple[str, ...]:
    """The keys under which a delivery may already have been paid for in the window.

    By digest where the body is whole, by entity tag where the origin names one;
    a part without a tag counts with every other part of the same resource.
    *unit* is `unit_of` the fetch.
    """
    if len(unit) == _STREAM_DIGITS:
        return (f"{unit} stream",)
    if delivery.ended is Ended.PASSED:
        return (f"{unit} passed-on",)
    keys = []
    if delivery.status == 200 and delivery.ended is Ended.COMPLETE:
        keys.append(f"{licensee} {site} {path} sha-256:{delivery.digest}")
    if delivery.etag and not delivery.etag.startswith("W/"):
        keys.append(f"{unit} etag:{delivery.etag}")
    elif delivery.status == 206:
        keys.append(f"{unit} parts")
    return tuple(keys)


def owed(charge: Charge, ask: Ask, delivery: Delivery, *, paid_before: bool) -> Owed:
    """Say what *delivery* owes. *paid_before*: one of its units was paid in the window."""
    nothing = _nothing(charge.price.currency)
    if ask.method in {"HEAD", "OPTIONS"}:
        return Owed(nothing, "no-content")
    if delivery.status not in {200, 206}:
        return Owed(nothing, "not-delivered")
    if delivery.ended in {Ended.ORIGIN, Ended.GATEWAY}:
        return Owed(nothing, "broken-off")
    if delivery.ended is Ended.CLIENT:
        # Of a body without a length even the first octet may be a tenth.
        tenth = delivery.bytes_sent * 10 > max(delivery.length, 0)
        if not (delivery.bytes_sent > ABORT_BYTES or tenth):
            return Owed(nothing, "client-left-early")
    if paid_before:
        return Owed(nothing, "read-before")
    if charge.due is None:
        return Owed(charge.price, "fetch")
    return Owed(charge.due, "fetch") if charge.due else Owed(nothing, "free")


@lru_cache(maxsize=64)
def _nothing(currency: str) -> Money:
    return Money(0, currency)
