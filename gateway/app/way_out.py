"""How operators' feeds are fetched: through the one guarded way out (`gateway.egress`)."""

from __future__ import annotations

from typing import Final

from gateway import __version__
from gateway.egress import Egress, Unfetched
from gateway.visitors.feed_updates import Fetch, Fetched, NotFetched

#: Seconds that one feed may take.
_SECONDS: Final = 15.0
_WHY: Final = {
    "url": "its address is none that is fetched",
    "private_address": "its host leads to a private address",
    "unreachable": "its host cannot be reached",
    "tls": "its certificate is not trusted",
    "timeout": "it took too long",
    "redirect": "it redirects, which is not followed",
    "status": "it gives no list",
    "coding": "it is compressed, which nobody asked for",
    "too_large": "it is too long",
}


def feed_fetch(egress: Egress | None = None) -> Fetch:
    """A `Fetch` over *egress*, or over a way out of its own that trusts what the machine trusts."""
    way = egress or Egress(agent=f"licet/{__version__}")

    async def fetch(url: str, *, etag: str, limit: int) -> Fetched | NotFetched:  # noqa: ARG001 - see below
        # The way out sends no conditions: a feed is small, and asked for once a day.
        got = await way.get(
            url, accept="application/json, text/plain;q=0.9, */*;q=0.1", limit=limit, seconds=_SECONDS
        )
        if isinstance(got, Unfetched):
            why = _WHY.get(got.why, got.why)
            return NotFetched(f"{why} ({got.detail})" if got.detail else why)
        return Fetched(got.body, got.header("etag"))

    return fetch
