"""What can be bought on a site and at what price, part by part: pages of it, and what changed. Pure.

An entry is one part of the site (`PublishedScope`) with what is free there, what
is reserved, and its offers with their prices; its key is its path. Pages are
cut by key, so an entry is never told twice or skipped, and a cursor names the
version that it cuts: whoever began reads that version to its end.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from gateway.canonical import canonical_bytes
from gateway.money import Money

_LONGEST_CURSOR: Final = 1024

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: after the entry *key* of what is called *source*."""

    source: str
    key: str

    def written(self) -> str:
        """The cursor as it stands in a URL."""
        return urlsafe_b64encode(orjson.dumps([self.source, self.key])).decode().rstrip("=")


def read_cursor(text: str) -> Cursor | None:
    """Read what `Cursor.written` gave, or None for anything else."""
    if len(text) > _LONGEST_CURSOR or not text.isascii():
        return None
    try:
        found = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return None
    if not (isinstance(found, list) and len(found) == 2 and all(isinstance(part, str) for part in found)):
        return None
    return Cursor(*found)


def entries_of(document: Mapping[str, Any]) -> tuple[Entry, ...]:
    """The entries of a `TermsVersion`'s document, by key."""
    offers = {offer["id"]: _priced(offer) for offer in document["offers"]}
    found = (
        {
            "path": " ".join(scope["paths"]),
            "work": scope["work"],
            "free": scope["free"],
            "reserved": scope["reserved"],
            "offers": [offers[name] for name in scope["offers"]],
        }
        for scope in document["scopes"]
    )
    return tuple(sorted(found, key=lambda entry: str(entry["path"])))


def page_of(
    entries: Sequence[Entry], source: str, after: str | None, limit: int
) -> tuple[Sequence[Entry], Cursor | None]:
    """At most *limit* of *entries* after the key *after*, and where the next page begins if there is one."""
    left = [entry for entry in entries if after is None or entry["path"] > after]
    shown = left[:limit]
    return shown, Cursor(source, shown[-1]["path"]) if len(left) > len(shown) else None


def gone(before: Iterable[Entry], entries: Iterable[Entry]) -> list[str]:
    """The keys that were there *before* and are not among *entries*."""
    return sorted({entry["path"] for entry in before} - {entry["path"] for entry in entries})


def same(one: Entry, other: Entry | None) -> bool:
    """Whether two entries say the same."""
    return other is not None and canonical_bytes(one) == canonical_bytes(other)


def _priced(offer: Mapping[str, Any]) -> Entry:
    terms = offer["terms"]
    price, scope = terms["compensation"], terms["scope"]
    parts = {
        name: _money(part) for name, part in price.items() if isinstance(part, dict) and "micros" in part
    }
    free = {"micros": 0, "currency": price["currency"]}
    return {
        "id": offer["id"],
        "tier": offer["tier"],
        "uses": terms["purpose"]["uses"],
        "price": {**_money(price["per_fetch"] or free), "per": "fetch"},
        "price_parts": parts,
        "tiers": [{**tier, "per_fetch": _money(tier["per_fetch"])} for tier in price.get("tiers", ())],
        "by_age": [{**step, "per_fetch": _money(step["per_fetch"])} for step in price.get("by_age", ())],
        "revenue_share_bp": price["revenue_share_bp"],
        "window_hours": offer["window_hours"],
        "renditions": scope["renditions"],
        "territory": terms["territory"],
        "territory_basis": offer["territory_basis"],
        "term_months": terms["term"]["months"],
        "max_fetches": offer["max_fetches"] or None,
        "terms": offer["terms_hash"],
    }


def _money(money: Mapping[str, Any]) -> dict[str, object]:
    return {**money, "amount": Money(money["micros"], money["currency"]).amount}
