"""People, counted as totals and as nothing else.

A total is hour x site x part of the site x status x the AI service that sent
them. No address, User-Agent, cookie, query or identifier enters; nothing is
written while a page is served, and a crash may lose what was not flushed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol
from urllib.parse import urlsplit

from gateway.problems import StoreUnavailable

#: Where a total goes that has no key of its own.
OTHER: Final = "other"
_HOUR_US: Final = 3_600_000_000
_GROUP_LENGTH: Final = 40

#: Hosts of answer engines and assistants that link to what they quote; ours, as of 2026-11.
#: A service's subdomains are its own.
_SERVICES: Final = {
    "chatgpt.com": "ChatGPT",
    "chat.openai.com": "ChatGPT",
    "claude.ai": "Claude",
    "perplexity.ai": "Perplexity",
    "gemini.google.com": "Gemini",
    "bard.google.com": "Gemini",
    "notebooklm.google.com": "NotebookLM",
    "aistudio.google.com": "Google AI Studio",
    "copilot.microsoft.com": "Copilot",
    "copilot.cloud.microsoft": "Copilot",
    "meta.ai": "Meta AI",
    "grok.com": "Grok",
    "x.ai": "Grok",
    "chat.mistral.ai": "Mistral",
    "chat.deepseek.com": "DeepSeek",
    "you.com": "You.com",
    "phind.com": "Phind",
    "poe.com": "Poe",
    "duck.ai": "Duck.ai",
    "genspark.ai": "Genspark",
    "felo.ai": "Felo",
    "andisearch.com": "Andi",
    "kimi.com": "Kimi",
    "chat.qwen.ai": "Qwen",
    "doubao.com": "Doubao",
}


@dataclass(frozen=True, slots=True)
class AudienceRow:
    """How many answers people were given in one hour, of one kind.

    *hour_at* is the hour's start in whole seconds since the epoch; *group* is
    `path_group`; *referring* is `referring_service`. *count* is at least 1, and
    is added to what the book has for the same key.
    """

    hour_at: int
    site: str
    group: str
    status: int
    referring: str
    count: int


class AudienceBook(Protocol):
    """Where totals rest. A storage port."""

    async def add(self, rows: Iterable[AudienceRow]) -> None:
        """Add every count to its total, all or none. Raises `StoreUnavailable`: then none."""
        ...


class Audience:
    """Totals of one process since the last `drain`; for one event loop."""

    def __init__(self, *, enabled: bool = True, key_limit: int = 10_000) -> None:
        """Count, unless not *enabled*. Beyond *key_limit* keys, parts of a site become `OTHER`."""
        self._enabled, self._limit = enabled, key_limit
        self._totals: dict[tuple[int, str, str, int, str], int] = {}

    def count(self, site: str, path: str, status: int, referring: str, at_us: int) -> None:
        """Count one answer to a person; takes the time of a few dict accesses.

        *path* is canonical, or "" where there is none; *referring* is what
        `referring_service` said; *at_us* is in microseconds since the epoch.
        """
        if not self._enabled:
            return
        hour_at = at_us // _HOUR_US * 3600
        key = (hour_at, site, path_group(path), status, referring)
        if key not in self._totals and len(self._totals) >= self._limit:
            key = (hour_at, site, OTHER, status, "")
        self._totals[key] = self._totals.get(key, 0) + 1

    def drain(self) -> tuple[AudienceRow, ...]:
        """Hand out everything counted, in order, and start from nothing."""
        totals, self._totals = self._totals, {}
        return tuple(AudienceRow(*key, count) for key, count in sorted(totals.items()))

    async def flush(self, book: AudienceBook) -> int:
        """Add everything counted to *book* and return the number of rows.

        Where the book is unavailable the totals stay here for the next time.
        """
        rows = self.drain()
        if not rows:
            return 0
        try:
            await book.add(rows)
        except StoreUnavailable:
            for row in rows:
                key = (row.hour_at, row.site, row.group, row.status, row.referring)
                self._totals[key] = self._totals.get(key, 0) + row.count
            return 0
        return len(rows)


@lru_cache(maxsize=8192)
def path_group(path: str) -> str:
    """The part of a site that *path* lies in: its first segment, with slashes, or "/".

    What may name a person or be a secret (long segments, e-mail addresses) and
    what has no canonical form is `OTHER`.

    >>> path_group("/essays/tides"), path_group("/about.html"), path_group("/")
    ('/essays/', '/about.html', '/')
    """
    if not path.startswith("/"):
        return OTHER
    first, slash, _ = path[1:].partition("/")
    if len(first) > _GROUP_LENGTH or "@" in first[1:] or "%40" in first:
        return OTHER
    return f"/{first}{slash}"


def referring_service(referer: str) -> str:
    """The AI service whose page *referer* is, or "". Any text is allowed.

    >>> referring_service("https://www.perplexity.ai/search/tides?q=1"), referring_service("https://a.example/")
    ('Perplexity', '')
    """
    if not referer:
        return ""
    try:
        host = (urlsplit(referer).hostname or "")[-253:]
    except ValueError:
        return ""
    while host:
        service = _SERVICES.get(host)
        if service:
            return service
        host = host.partition(".")[2]
    return ""
