"""Names in User-Agents: whole words, outside addresses, at linear cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.visitors.product_token import _TRIED, LONGEST, Tokens, Words, product_token, readable, signs

TOKENS = Tokens(
    ("GPTBot", "Googlebot", "Googlebot-Image", "Claude-User", "Claude-User (claude-code", "YouBot", "Bot X")
)


def said(user_agent: str) -> list[str]:
    return [found.token for found in TOKENS.find(readable(user_agent))]


@pytest.mark.parametrize(
    ("user_agent", "tokens"),
    [
        ("GPTBot", ["gptbot"]),
        ("gPtBoT/1.0", ["gptbot"]),
        (
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.4; +https://x.example)",
            ["gptbot"],
        ),
        ("(compatible;GPTBot;+x)", ["gptbot"]),
        ("Googlebot-Image/1.0", ["googlebot-image"]),
        ("Googlebot-Video/1.0", ["googlebot"]),
        ("Claude-User (claude-code/2.1)", ["claude-user (claude-code"]),
        ("Claude-User/1.0", ["claude-user"]),
        ("Googlebot GPTBot", ["googlebot", "gptbot"]),
        ("bot x/1", ["bot x"]),
        ("", []),
        ("ShowyouBot/1.0", []),
        ("GPTBots/1.0", []),
        ("GPTBot2", []),
        ("my-GPTBot", []),
        ("x_GPTBot", []),
        ("gptbot@mail.example", []),
        ("me@gptbot", []),
        ("host/gptbot", []),
        ("gptbot.example.com", []),
        ("Reader (+https://gptbot.example/gptbot)", []),
        ("Reader (https://x.example/?q=GPTBot)", []),
        ("Reader www.gptbot.example/GPTBot", []),
        ("Reader (+gptbot.example/GPTBot)", []),
        ("TelegramBot (like Googlebot)", []),
    ],
)
def test_a_token_is_a_whole_word_outside_addresses(user_agent: str, tokens: list[str]) -> None:
    assert said(user_agent) == tokens


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_spaced_token_is_found_in_front_of_any_text(before: str, after: str) -> None:
    text = f"GPTBot/1 {before} {after}"
    assert said(text)[0] == "gptbot"


@given(st.text())
def test_matching_agrees_with_a_plain_search_of_each_token(text: str) -> None:
    cleaned = readable(text)
    for found in TOKENS.find(cleaned):
        assert cleaned[found.start : found.start + len(found.token)] == found.token


@given(st.text(max_size=3000))
def test_nothing_raises_and_all_is_capped(text: str) -> None:
    assert len(readable(text)) <= 3 * LONGEST
    shown = signs(text)
    assert shown.oversized is (len(text) > LONGEST)


def test_a_crowd_of_names_is_read_up_to_a_limit() -> None:
    """An automaton reads each character once; what it hits is looked at a fixed number of times."""
    assert len(TOKENS.find("gptbot " * 1000)) == _TRIED
    assert TOKENS.find("gptbotgptbot" * 1000) == []


def test_a_star_stands_for_the_rest_of_a_word() -> None:
    tokens = Tokens(("claude*", "*-ai", "gpt"))
    assert [found.token for found in tokens.find("claudebot/1 new-ai my-gpt gpt-x (x-claude)")] == [
        "claude*",
        "*-ai",
        "gpt",
    ]


def test_words_count_wherever_they_stand() -> None:
    words = Words([("feed", 2), ("Reader", 1), ("", 0)])
    assert words.numbers("https://feeds.example/reader") == {1, 2}
    assert words.numbers("nothing") == set()


@pytest.mark.parametrize(
    "seed", ["a", "compatible; ", "google-", "www.", "http://", "+a.", "@a.", "bot", "(", "é"]
)
def test_eight_kilobytes_are_matched_as_if_they_were_one(seed: str) -> None:
    """What lies behind the cap is never read, so hostile length buys no work."""
    hostile = (seed * 8192)[:8192]
    assert readable(hostile) == readable(hostile[:LONGEST])
    assert list(TOKENS.find(readable(hostile))) == list(TOKENS.find(readable(hostile[:LONGEST])))
    assert signs(hostile).automated == signs(hostile[:LONGEST]).automated


@pytest.mark.parametrize(
    ("user_agent", "reasons"),
    [
        ("", ("no_user_agent",)),
        ("-", ("no_user_agent",)),
        ("curl/8.5.0", ("ua_library",)),
        ("python-requests/2.32.3", ("ua_library",)),
        ("Python/3.11 aiohttp/3.14.4", ("ua_library",)),
        ("Go-http-client/2.0", ("ua_library",)),
        ("okhttp/4.12.0", ("ua_library",)),
        ("Wget/1.21.4", ("ua_library",)),
        ("Scrapy/2.13 (+https://scrapy.org)", ("ua_library", "ua_bot_word", "ua_contact_in_comment")),
        (
            "Mozilla/5.0 (X11) AppleWebKit/537.36 HeadlessChrome/120.0.0.0 Safari/537.36",
            ("headless_declared",),
        ),
        ("NewBot/1.0", ("ua_bot_word",)),
        ("Thing/1.0 (+https://thing.example)", ("ua_contact_in_comment",)),
        ("Thing/1.0 (ops@thing.example)", ("ua_contact_in_comment",)),
        ("Mozilla/5.0 (compatible; Thing/1.0)", ("ua_compatible_token",)),
        ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0)", ()),
        ("Mozilla/5.0 (compatible; Konqueror/4.5; Linux) KHTML/4.5.1 (like Gecko)", ()),
        (
            "Mozilla/5.0 (Linux; Android 14; Cubot X50) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36",
            (),
        ),
        (
            "Mozilla/5.0 (Linux; Android 6.0; CUBOT_X19) AppleWebKit/537.36 Chrome/72.0 Mobile Safari/537.36",
            (),
        ),
        ("Player/11 CFNetwork/1335.0.3 Darwin/21.6.0", ()),
        ("New-User/1.0", ("ua_user_token",)),
        ("newcomer", ("ua_no_engine",)),
        ("Nokia6280/2.0 (03.60) Profile/MIDP-2.0 Configuration/CLDC-1.1", ()),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 11_0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36; Newcomer",
            ("ua_appended_name",),
        ),
        (
            "Mozilla/5.0 (X11) AppleWebKit/534.34 Safari/534.34 https://thing.example",
            ("ua_contact_in_comment",),
        ),
        ("Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) (dbot)", ("ua_bot_word",)),
        (
            "Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 DBot",
            ("ua_bot_word",),
        ),
        ("App/15.25 (Android) OkHttp/4.11.0", ()),
        ("Lynx/2.9.0dev.12 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.7.8", ()),
    ],
)
def test_signs_of_automation(user_agent: str, reasons: tuple[str, ...]) -> None:
    assert signs(user_agent).automated == reasons


@pytest.mark.parametrize(
    ("text", "token"), [("Googlebot/2.1", "Googlebot"), ("a_b-c d", "a_b-c"), ("/x", ""), ("", "")]
)
def test_product_token_of_rfc_9309(text: str, token: str) -> None:
    assert product_token(text) == token


@pytest.mark.parametrize(
    ("user_agent", "named"),
    [
        ("Mozilla/5.0 (X11) AppleWebKit/537.36 HeadlessChrome/120.0.0.0 Safari/537.36", False),
        ("HeadlessChrome/120.0", False),
        ("", False),
        ("Shooter/1.0 (PhantomJS/1.9.8)", True),
        (
            "Mozilla/5.0 (X11) AppleWebKit/537.36 HeadlessChrome/120.0 Safari/537.36 (compatible; Shooter/1.0)",
            True,
        ),
        ("curl/8.5.0", True),
    ],
)
def test_who_says_what_it_is(user_agent: str, named: bool) -> None:
    assert signs(user_agent).named is named
