"""Which pages a token for a whole bundle opens, by the bundle's manifest.

Such a token names its bundle by the hash of a manifest and lists no places. What
is in the manifest is in the terms of the published offer too, and where those
are at hand nothing is asked for. Else the manifest is fetched from where the
answer with the token says it is. It is believed only at the origin of the
seller, and only if what came has the hash that the token names (RFC 8785 over
the manifest without its member ``hash``), so that nobody can widen a token in the
eyes of its holder. What is not known is not guessed: then a token is good for the page it
was asked for alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from gateway.canonical import canonical_digest
from gateway.client.caller import Answer, origin_of
from gateway.client.refused import Refused
from gateway.client.seller import Seller
from gateway.paths import PathScope

#: Places of one manifest that are read; a longer one is not believed.
MOST_ITEMS: Final = 100_000
_Read = Callable[[str], Awaitable[Answer | Refused]]


class Manifests:
    """Remembers each manifest for the run: what has a hash does not change."""

    def __init__(self, read: _Read) -> None:
        """GET by *read*."""
        self._read = read
        self._known: dict[str, tuple[PathScope, ...]] = {}

    async def places(self, seller: Seller, bundle: str, terms: str, address: str) -> tuple[PathScope, ...]:
        """The places of the manifest with the hash *bundle*; () where they cannot be known.

        *terms* is the hash of the license's terms, *address* where the manifest is said to be.
        """
        if bundle not in self._known:
            found = _offered(seller, bundle, terms) or await self._fetched(seller, bundle, address)
            if not found:
                return ()
            self._known[bundle] = found
        return self._known[bundle]

    async def _fetched(self, seller: Seller, bundle: str, address: str) -> tuple[PathScope, ...]:
        if not address or origin_of(address) != seller.origin:
            return ()
        answer = await self._read(address)
        if isinstance(answer, Refused) or answer.status != 200 or origin_of(answer.url) != seller.origin:
            return ()
        return read_places(answer.json, bundle)


def read_places(document: dict[str, Any], bundle: str) -> tuple[PathScope, ...]:
    """The paths of the manifest *document*, () where its hash is not *bundle* or it is none."""
    try:
        if canonical_digest({name: value for name, value in document.items() if name != "hash"}) != bundle:
            return ()
        items = document["items"]
        if not isinstance(items, list) or len(items) > MOST_ITEMS:
            return ()
        return tuple(PathScope(each["path"]) for each in items)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return ()


def _offered(seller: Seller, bundle: str, terms: str) -> tuple[PathScope, ...]:
    """The places as the published offer of these very *terms* has them, whose hash was checked when it was read."""
    for offer in seller.offers:
        sold = offer.terms.scope.bundle
        if offer.terms.hash == terms and sold is not None and sold.manifest == bundle:
            return offer.terms.scope.paths
    return ()
