"""The site's own small files, kept at hand: how old they may be, and what an answer of the creator's server means.

=================== ==========================================================
younger than 1 h    used as it is
2xx                 the site's own file; a page of HTML is none
4xx but 429         the site has none
429, 5xx, timeout   the last good answer goes on for 30 days; where there is
                    none, a refusal says so; asked again after a minute
=================== ==========================================================

As RFC 9309 (September 2022, section 2.3.1) has it for robots.txt. Nothing here
knows what the files mean.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from gateway.clock import Clock
from gateway.origin.small import SMALL_BYTES, SmallAnswer
from gateway.policy.rules import Site
from gateway.problems import Problem, Refusal

#: Seconds after which the creator's server is asked again.
FRESH_SECONDS: Final = 3600
#: Seconds for which the last good answer stands in while the server fails.
GOOD_SECONDS: Final = 30 * 24 * 3600
#: Seconds between two attempts at a server that fails.
RETRY_SECONDS: Final = 60


class Fetch(Protocol):
    """Fetches one small file from the creator's server (`origin.small.fetch_small`)."""

    def __call__(self, upstream: str, target: str, *, public: str = "") -> Awaitable[SmallAnswer | Refusal]:
        """GET *target* at *upstream*, as the site *public* is asked for; "" is the server's own name."""
        ...


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file of the site's own, or that it has none (*body* is None). *tag* names the bytes."""

    body: bytes | None
    tag: str

    @property
    def cut(self) -> bool:
        """Whether there is more of it than is read."""
        return self.body is not None and len(self.body) >= SMALL_BYTES


@dataclass(frozen=True, slots=True)
class _Held:
    """What is known of one file: the last good answer and when, the last failure and when."""

    file: OwnFile | None = None
    good_at: float = 0.0
    refusal: Refusal | None = None
    failed_at: float = 0.0


@dataclass(slots=True)
class _Line:
    """One file's answers, and the lock that lets one request at a time ask for it."""

    held: _Held = field(default_factory=_Held)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class OwnFiles:
    """What creators' servers said of a few small files. One object a process; *path* is one of those it is asked for."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        """Read files by *fetch*."""
        self._fetch = fetch
        self._clock = clock
        self._lines: dict[tuple[str, str, str], _Line] = {}

    def at_hand(self, site: Site, path: str) -> OwnFile | Refusal | None:
        """What can be told without asking the server, or None where it is time to ask."""
        held, now = self._line(site, path).held, self._clock.monotonic()
        if held.file is not None and now - held.good_at < FRESH_SECONDS:
            return held.file
        if held.refusal is None or now - held.failed_at >= RETRY_SECONDS:
            return None
        if held.file is not None and now - held.good_at < GOOD_SECONDS:
            return held.file
        return held.refusal

    async def read(self, site: Site, path: str) -> OwnFile | Refusal:
        """The file, read again unless that was just done; requests at the same moment share one fetch."""
        line = self._line(site, path)
        async with line.lock:
            known = self.at_hand(site, path)
            if known is not None:
                return known
            answer = await self._fetch(site.origin, path, public=_public(site))
            line.held = self._weighed(line.held, answer, path)
        known = self.at_hand(site, path)
        assert known is not None, "what was just weighed is at hand"
        return known

    def _line(self, site: Site, path: str) -> _Line:
        return self._lines.setdefault((site.id, site.origin, path), _Line())

    def _weighed(self, held: _Held, answer: SmallAnswer | Refusal, path: str) -> _Held:
        now = self._clock.monotonic()
        if isinstance(answer, Refusal):
            why = answer.private or answer.code
        elif 200 <= answer.status < 300:
            body = None if _is_page(answer) else answer.body
            tag = "none" if body is None else hashlib.sha256(body).hexdigest()
            return _Held(OwnFile(body, tag), now)
        elif 400 <= answer.status < 500 and answer.status != 429:
            return _Held(OwnFile(None, "none"), now)
        else:
            why = f"status {answer.status}"
        refusal = Refusal(
            Problem.ROBOTS_UNAVAILABLE,
            f"The site's own server did not give its {path.rpartition('/')[2]}.",
            retry_after=RETRY_SECONDS,
            private=why,
        )
        return replace(held, refusal=refusal, failed_at=now)


def _is_page(answer: SmallAnswer) -> bool:
    """Whether this is a page of HTML: many servers send one for whatever they do not have."""
    begins = answer.body[:64].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return answer.content_type.lower().partition(";")[0].strip() == "text/html" or begins.startswith(
        (b"<!doctype html", b"<html")
    )


def _public(site: Site) -> str:
    """The name to ask the server by: the site's own, never one that a request brought along."""
    if site.public:
        return site.public
    return f"https://{site.hosts[0]}" if site.hosts and "*" not in site.hosts[0] else ""
