"""Kinds of automata: the first that fits, by words, by names' forms, by structure."""

from __future__ import annotations

import pytest

from gateway.visitors.kinds import Kind, Kinds
from gateway.visitors.product_token import readable, signs
from gateway.visitors.visitor import Crawler, VisitorClass


def kind(name: str, **how: object) -> Kind:
    return Kind(Crawler(name, "", (), frozenset(), VisitorClass.SERVICE), **how)  # type: ignore[arg-type]


KINDS = Kinds(
    (
        kind("feed", words=("feed", "rss")),
        kind("model", tokens=("llm", "*-ai"), signs=frozenset({"ua_ai_word"})),
        kind("library", signs=frozenset({"ua_library"})),
        kind("other", signs=frozenset({"ua_bot_word", "headless_declared", "ua_no_engine"})),
    )
)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("FeedBot/1.0 (llm)", "feed"),
        ("Bot/1.0 (+https://feeds.example)", "feed"),
        ("Bot/1.0 (+https://llm.example/llm)", "other"),
        ("some-ai/1.0", "model"),
        ("curl/8 llm", "model"),
        ("NewAIBot/1.0", "model"),
        ("NewAI Robot/1.0", "model"),
        ("Newaibot/1.0", "other"),
        ("NewAirBot/1.0", "other"),
        ("Bot/1.0 (+https://NewAI.example/bot)", "other"),
        ("Bot/1.0 (bot@NewAI.example)", "other"),
        (
            "Mozilla/5.0 (Linux; Android 15; XxAI 5) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
            None,
        ),
        ("curl/8", "library"),
        ("Crawly/1.0 (python)", "other"),
        ("Shooter (PhantomJS/1.9)", "other"),
        ("Mozilla/5.0 (X11) AppleWebKit/537.36 HeadlessChrome/120.0 Safari/537.36", None),
        ("", None),
    ],
)
def test_the_first_kind_that_fits(user_agent: str, name: str | None) -> None:
    found = KINDS.of(user_agent.lower(), readable(user_agent), signs(user_agent), user_agent)
    assert (found.name if found else None) == name
