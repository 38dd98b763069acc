"""Claims and proofs: every row of the table in `gateway.visitors.identify`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ask import Ask
from gateway.evidence import NOTHING
from gateway.visitors.catalog import Catalog
from gateway.visitors.identify import Identifier
from gateway.visitors.networks import Networks
from gateway.visitors.visitor import PERSON, Identity, Method, Visitor, VisitorClass

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.4; +https://openai.com/gptbot)"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
YEARS = 3 * 365 * 86_400


@pytest.fixture(scope="module")
def identifier(catalog: Catalog, networks: Networks) -> Identifier:
    return Identifier(catalog, networks)


def who(identifier: Identifier, ask: Ask) -> Visitor:
    visitor = identifier.identify(ask, NOTHING)
    assert isinstance(visitor, Visitor)
    return visitor


@pytest.mark.parametrize(
    ("user_agent", "address", "identity", "method", "reasons"),
    [
        (GPTBOT, "132.196.86.7", "verified", "network", ("ip_in:openai-gptbot",)),
        (GPTBOT, "::ffff:132.196.86.7", "verified", "network", ("ip_in:openai-gptbot",)),
        (GPTBOT, "203.0.113.9", "spoofed", "network", ("ip_not_in:openai-gptbot",)),
        (GPTBOT, "127.0.0.9", "spoofed", "network", ("ip_not_in:openai-gptbot",)),
        (GPTBOT, "132.196.1.7", "unverifiable", "none", ("ip_not_in:openai-gptbot", "ip_near:openai-gptbot")),
        (GPTBOT, "", "unverifiable", "none", ("ip_unknown",)),
        (GPTBOT, "not an address", "unverifiable", "none", ("ip_unknown",)),
        (GOOGLEBOT, "66.249.66.1", "verified", "network", ("ip_in:googlebot",)),
        (GOOGLEBOT, "127.0.0.2", "spoofed", "network", ("ip_not_in:googlebot",)),
        (GOOGLEBOT, "5.255.104.83", "spoofed", "network", ("ip_not_in:googlebot",)),
        (
            "ChatGPT-User/1.0",
            "9.129.45.186",
            "verified",
            "network",
            ("ip_in:openai-chatgpt-user", "ip_list_stale:openai-chatgpt-user"),
        ),
        (
            "ChatGPT-User/1.0",
            "203.0.113.9",
            "unverifiable",
            "none",
            ("ip_not_in:openai-chatgpt-user", "ip_list_stale:openai-chatgpt-user"),
        ),
        ("Bytespider", "203.0.113.9", "claimed", "none", ()),
        ("YandexBot/3.0", "203.0.113.9", "unverifiable", "none", ("recipe_unchecked",)),
        ("claude-code/2.1", "203.0.113.9", "claimed", "none", ()),
        ("Slackbot 1.0", "203.0.113.9", "claimed", "none", ()),
    ],
)
def test_claims(
    identifier: Identifier,
    ask_as: Callable[..., Ask],
    user_agent: str,
    address: str,
    identity: str,
    method: str,
    reasons: tuple[str, ...],
) -> None:
    visitor = who(identifier, ask_as(user_agent, address))
    assert (visitor.identity.value, visitor.method.value) == (identity, method)
    assert visitor.reasons == (f"ua_claim:{visitor.name}", *reasons)


def test_a_spoof_keeps_what_was_claimed(identifier: Identifier, ask_as: Callable[..., Ask]) -> None:
    visitor = who(identifier, ask_as(GOOGLEBOT, "127.0.0.2"))
    assert (visitor.visitor_class, visitor.name) == (VisitorClass.SEARCH_ENGINE, "Googlebot")


def test_a_stale_list_never_calls_anybody_forged(identifier: Identifier, ask_as: Callable[..., Ask]) -> None:
    for user_agent in (GPTBOT, GOOGLEBOT):
        ask = ask_as(user_agent, "203.0.113.9")
        later = ask_as(user_agent, "203.0.113.9", at=ask.asked_at + YEARS)
        assert who(identifier, ask).identity is Identity.SPOOFED
        assert who(identifier, later).identity is Identity.UNVERIFIABLE


def test_an_incomplete_list_never_calls_anybody_forged(
    identifier: Identifier, ask_as: Callable[..., Ask]
) -> None:
    applebot = identifier.networks.lists["applebot"]
    visitor = who(identifier, ask_as("Applebot/0.1", "203.0.113.9", at=applebot.checked_at))
    assert visitor.identity is Identity.UNVERIFIABLE
    assert "ip_list_partial:applebot" in visitor.reasons


def test_a_missing_list_never_calls_anybody_forged(catalog: Catalog, ask_as: Callable[..., Ask]) -> None:
    visitor = who(Identifier(catalog, Networks(())), ask_as(GPTBOT))
    assert visitor.identity is Identity.UNVERIFIABLE
    assert "ip_list_missing:openai-gptbot" in visitor.reasons


def test_own_prefixes_verify(catalog: Catalog, networks: Networks, ask_as: Callable[..., Ask]) -> None:
    demo = Identifier(catalog, networks.with_prefixes("openai-gptbot", ["127.0.0.7"]))
    assert who(demo, ask_as(GPTBOT, "127.0.0.7")).identity is Identity.VERIFIED
    assert who(demo, ask_as(GPTBOT, "127.0.0.8")).identity is Identity.SPOOFED


def test_a_person_is_the_one_constant(identifier: Identifier, ask_as: Callable[..., Ask]) -> None:
    assert who(identifier, ask_as(CHROME)) is PERSON
    assert who(identifier, ask_as(CHROME, "132.196.86.7")) is PERSON


@pytest.mark.parametrize(
    ("user_agent", "reason"),
    [
        (None, "no_user_agent"),
        ("", "no_user_agent"),
        ("Mozilla/5.0 (X11) AppleWebKit/537.36 HeadlessChrome/120.0.0.0 Safari/537.36", "headless_declared"),
    ],
)
def test_an_automaton_that_hides(
    identifier: Identifier, ask_as: Callable[..., Ask], user_agent: str | None, reason: str
) -> None:
    visitor = who(identifier, ask_as(user_agent))
    assert (visitor.visitor_class, visitor.crawler, visitor.identity) == (
        VisitorClass.AUTOMATION,
        None,
        Identity.NONE,
    )
    assert visitor.reasons[0] == reason


@pytest.mark.parametrize("user_agent", ["curl/8.5.0", "NewBot/1.0"])
def test_an_automaton_nobody_knows_claims_something(
    identifier: Identifier, ask_as: Callable[..., Ask], user_agent: str
) -> None:
    visitor = who(identifier, ask_as(user_agent))
    assert (visitor.visitor_class, visitor.crawler, visitor.identity) == (
        VisitorClass.AUTOMATION,
        None,
        Identity.CLAIMED,
    )


def test_a_kind_is_claimed_and_uses_nothing(identifier: Identifier, ask_as: Callable[..., Ask]) -> None:
    visitor = who(identifier, ask_as("SomeNewFeedReader/2.0 (+https://reader.example)"))
    assert (visitor.visitor_class, visitor.identity, visitor.uses) == (
        VisitorClass.SERVICE,
        Identity.CLAIMED,
        frozenset(),
    )


SHIPPED = Identifier(Catalog.shipped(), Networks.shipped())


@given(st.text(max_size=400), st.text(max_size=60), st.integers(0, 2**33))
def test_no_ask_raises_and_answers_repeat(user_agent: str, address: str, at: int) -> None:
    ask = Ask("i", at * 1_000_000, "s", "https://s.example", "GET", "/", "/", address=address,
              headers=(("user-agent", user_agent),))  # fmt: skip
    visitor = SHIPPED.identify(ask, NOTHING)
    assert visitor == SHIPPED.identify(ask, NOTHING)
    assert isinstance(visitor, Visitor)
    if visitor.method is Method.NONE:
        assert visitor.identity not in {Identity.VERIFIED, Identity.SPOOFED}
