from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.visitors.message_signature import Component, Signed
from gateway.visitors.signature_agent import WELL_KNOWN, Named, SignatureAgent, named_by, read_agent

BOT = SignatureAgent("https://bot.example", f"https://bot.example{WELL_KNOWN}", bound=True)
KEYS = SignatureAgent("https://bot.example/keys.json", "https://bot.example/keys.json", bound=False)
WHOLE = (Component("signature-agent"),)
KEYED = (Component("signature-agent", (("key", "sig1"),)),)


def named(header: str, components: tuple[Component, ...] = WHOLE, label: str = "sig1") -> Named:
    return named_by(Signed(label, components, b"s"), header)


@pytest.mark.parametrize(
    "text",
    [
        "https://bot.example",
        "https://bot.example/",
        "HTTPS://BOT.example:443",
        f"https://bot.example{WELL_KNOWN}",
        f"https://bot.example{WELL_KNOWN}/",
        "https://bot.example/?a=b",
    ],
)
def test_every_spelling_of_a_domain_is_the_domain(text) -> None:
    assert read_agent(text) == BOT


def test_a_query_is_dropped_before_anything_is_fetched() -> None:
    assert read_agent("https://bot.example/keys.json?say={}") == KEYS


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://bot.example", "agent_not_https"),
        ("data:application/json,{}", "agent_unparsable"),
        ("ftp://bot.example", "agent_not_https"),
        ("https://user@bot.example", "agent_unparsable"),
        ("https://bot.example/#a", "agent_unparsable"),
        ("https://bot.example/a/../b", "agent_unparsable"),
        ("https://bot.example/a/./b", "agent_unparsable"),
        ("https://bot.example//b", "agent_unparsable"),
        ("https://bot.example/%2e%2e", "agent_unparsable"),
        ("https://bot.example\\@evil.example", "agent_unparsable"),
        ("https://bot..example", "agent_unparsable"),
        ("https://-bot.example", "agent_unparsable"),
        ("//bot.example", "agent_unparsable"),
        ("bot.example", "agent_unparsable"),
        ("", "agent_unparsable"),
        (f"https://bot.example/{'a' * 400}", "agent_unparsable"),
        ("https://bot.example/\n", "agent_unparsable"),
    ],
)
def test_what_is_no_agent(text, why) -> None:
    assert read_agent(text) == why


@pytest.mark.parametrize(
    ("header", "components", "form", "agent"),
    [
        ('sig1="https://bot.example/keys.json"', KEYED, "dictionary", KEYS),
        ('sig1="https://bot.example"', KEYED, "dictionary", BOT),
        ('a="https://other.example", sig1="https://bot.example"', KEYED, "dictionary", BOT),
        ('sig1="https://bot.example"', WHOLE, "whole", BOT),
        ('g="https://bot.example"', WHOLE, "whole", BOT),
        ('"https://bot.example"', WHOLE, "string", BOT),
        (' "https://bot.example" ', WHOLE, "string", BOT),
        ("https://bot.example", WHOLE, "bare", BOT),
    ],
)
def test_every_form(header, components, form, agent) -> None:
    assert named(header, components) == Named(form, agent)


@pytest.mark.parametrize(
    ("header", "components", "outcome", "why"),
    [
        ("", (), "unverified", "agent_absent"),
        ("", WHOLE, "invalid", "component_missing"),
        ('"https://bot.example"', (), "invalid", "agent_not_covered"),
        ("https://bot.example", (), "invalid", "agent_not_covered"),
        ('sig1="https://bot.example"', (), "invalid", "agent_not_covered"),
        ('"https://bot.example"', KEYED, "invalid", "agent_member_missing"),
        ('b="https://bot.example"', KEYED, "invalid", "agent_member_missing"),
        ('a="https://a.example", b="https://b.example"', WHOLE, "invalid", "agent_ambiguous"),
        ('sig1="https://bot.example"', (*KEYED, *WHOLE), "invalid", "agent_ambiguous"),
        ('sig1="https://a.example", sig1="https://b.example"', KEYED, "invalid", "agent_unparsable"),
        ("sig1=token", KEYED, "invalid", "agent_unparsable"),
        ("sig1", KEYED, "invalid", "agent_unparsable"),
        ('sig1=("https://bot.example")', KEYED, "invalid", "agent_unparsable"),
        ('"https://bot.example', WHOLE, "invalid", "agent_unparsable"),
        ('"https://bot.example", "https://b.example"', WHOLE, "invalid", "agent_unparsable"),
        ("?", WHOLE, "invalid", "agent_unparsable"),
        ("é", WHOLE, "invalid", "agent_unparsable"),
        ('sig1="https://bot.example";type=directory', KEYED, "unverified", "agent_has_parameters"),
        ('"https://bot.example";a', WHOLE, "unverified", "agent_has_parameters"),
        ('"http://bot.example"', WHOLE, "unverified", "agent_not_https"),
        ('sig1="http://bot.example/k"', KEYED, "unverified", "agent_not_https"),
        ('"https://bot.example/keys.json"', WHOLE, "unverified", "agent_not_origin"),
        ("https://bot.example/keys.json", WHOLE, "unverified", "agent_not_origin"),
        ('"https://bot.example/#x"', WHOLE, "invalid", "agent_unparsable"),
        (
            '"https://bot.example"',
            (Component("signature-agent", (("sf", True),)),),
            "invalid",
            "component_parameter",
        ),
    ],
)
def test_what_names_nobody(header, components, outcome, why) -> None:
    found = named(header, components)
    assert (found.agent, found.outcome, found.why) == (None, outcome, why)


@given(st.text(max_size=200))
def test_no_text_makes_it_raise(text) -> None:
    for components in ((), WHOLE, KEYED):
        found = named(text, components)
        assert (found.agent is None) == bool(found.why), "an agent, or why there is none"
    assert isinstance(read_agent(text), SignatureAgent | str)
