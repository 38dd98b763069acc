"""Other detectors of bots, each asked through its own front door. None is a dependency of the project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Ask = Callable[[str], "Judged"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a detector says of one User-Agent; what it has no word for stays empty."""

    automated: bool
    ai: bool = False
    names: tuple[str, ...] = ()
    operator: str = ""
    purposes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Peer:
    """One detector: how it is loaded, which rows of the table it has words for, and its plainest question.

    *bare* loads the quickest call that it offers. *stride* thins the strings
    that are timed where a peer is so slow that all of them would take minutes.
    """

    name: str
    load: Callable[[], Ask]
    bare: Callable[[], Callable[[str], Any]]
    knows: frozenset[str] = frozenset({"automated"})
    stride: int = 1


def _is_bot() -> Ask:
    ask = _is_bot_bare()
    return lambda text: Judged(ask(text))


def _is_bot_bare() -> Callable[[str], bool]:
    from is_bot import Bots

    return Bots().is_bot


def _is_crawler() -> Ask:
    import is_crawler

    def ask(text: str) -> Judged:
        ai = is_crawler.is_ai_crawler(text) or is_crawler.is_ai_fetcher(text)
        return Judged(ai or is_crawler.is_crawler(text), ai)

    return ask


def _is_crawler_bare() -> Callable[[str], bool]:
    import is_crawler

    return is_crawler.is_crawler


def _crawler_user_agents() -> Ask:
    import crawleruseragents

    rows = crawleruseragents.CRAWLER_USER_AGENTS_DATA

    def ask(text: str) -> Judged:
        found = crawleruseragents.matching_crawlers(text)
        return Judged(bool(found), any("ai-crawler" in rows[at].get("tags", ()) for at in found))

    return ask


def _crawler_user_agents_bare() -> Callable[[str], bool]:
    import crawleruseragents

    return crawleruseragents.is_crawler


_INDEX_WORDS = {
    "ai-training": "training",
    "ai-search": "ai-search",
    "user-fetch": "user-action",
    "dataset": "data-seller",
    "search": "search",
}


def _ai_crawler_index() -> Ask:
    import ai_crawler_index

    def ask(text: str) -> Judged:
        found = ai_crawler_index.identify(text)
        if not found:
            return Judged(automated=False)
        word = _INDEX_WORDS.get(found["category"])
        ai = bool(ai_crawler_index.is_ai_crawler(text))
        return Judged(True, ai, (found["name"],), found["operator"], (word,) if word else ())

    return ask


def _ai_crawler_index_bare() -> Callable[[str], bool]:
    import ai_crawler_index

    return ai_crawler_index.is_ai_crawler


PEERS = (
    Peer("is-bot", _is_bot, _is_bot_bare, stride=20),
    Peer("is-crawler", _is_crawler, _is_crawler_bare, frozenset({"automated", "ai_class"})),
    Peer(
        "crawler-user-agents",
        _crawler_user_agents,
        _crawler_user_agents_bare,
        frozenset({"automated", "ai_class"}),
        stride=20,
    ),
    Peer(
        "ai-crawler-index",
        _ai_crawler_index,
        _ai_crawler_index_bare,
        frozenset({"automated", "ai_class", "named", "purpose"}),
    ),
)
