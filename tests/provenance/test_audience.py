"""People are totals: bounded, without anything about anybody."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.problems import StoreUnavailable
from gateway.provenance.audience import OTHER, Audience, AudienceRow, path_group, referring_service

HOUR_AT = 1_794_999_600
NOW_US = HOUR_AT * 1_000_000 + 1_234_567_890


class Book:
    """An `AudienceBook` in memory."""

    def __init__(self) -> None:
        self.totals: Counter[tuple] = Counter()
        self.down = False

    async def add(self, rows) -> None:
        if self.down:
            raise StoreUnavailable("down")
        for row in rows:
            self.totals[row.hour_at, row.site, row.group, row.status, row.referring] += row.count


def test_answers_of_a_kind_are_one_row() -> None:
    audience = Audience()
    for path in ("/essays/tides", "/essays/moon", "/essays/"):
        audience.count("journal", path, 200, "", NOW_US)
    audience.count("journal", "/essays/tides", 404, "", NOW_US)
    audience.count("journal", "/essays/tides", 200, "ChatGPT", NOW_US)
    audience.count("journal", "/essays/tides", 200, "", NOW_US + 3_600_000_000)
    assert audience.drain() == (
        AudienceRow(HOUR_AT, "journal", "/essays/", 200, "", 3),
        AudienceRow(HOUR_AT, "journal", "/essays/", 200, "ChatGPT", 1),
        AudienceRow(HOUR_AT, "journal", "/essays/", 404, "", 1),
        AudienceRow(HOUR_AT + 3600, "journal", "/essays/", 200, "", 1),
    )
    assert audience.drain() == ()


def test_counting_can_be_switched_off() -> None:
    audience = Audience(enabled=False)
    audience.count("journal", "/", 200, "", NOW_US)
    assert audience.drain() == ()


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from([200, 404])), max_size=60))
def test_beyond_the_limit_nothing_is_lost_but_the_part(answers) -> None:
    audience = Audience(key_limit=5)
    for part, status in answers:
        audience.count("journal", f"/{part}/", status, "Claude", NOW_US)
    rows = audience.drain()
    assert sum(row.count for row in rows) == len(answers)
    assert len([row for row in rows if row.group != OTHER]) <= 5
    assert len(rows) <= 5 + 2
    for status in (200, 404):
        expected = sum(1 for _, told in answers if told == status)
        assert sum(row.count for row in rows if row.status == status) == expected


async def test_what_could_not_be_flushed_is_flushed_later() -> None:
    audience, book = Audience(), Book()
    assert await audience.flush(book) == 0
    audience.count("journal", "/", 200, "", NOW_US)
    book.down = True
    assert await audience.flush(book) == 0
    audience.count("journal", "/", 200, "", NOW_US)
    book.down = False
    assert await audience.flush(book) == 1
    assert book.totals == {(HOUR_AT, "journal", "/", 200, ""): 2}
    assert await audience.flush(book) == 0


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/", "/"),
        ("/essays", "/essays"),
        ("/essays/2026/tides", "/essays/"),
        ("/@alice/posts", "/@alice/"),
        ("/alice@mail.example/unsubscribe", OTHER),
        ("/alice%40mail.example", OTHER),
        ("/" + "a1" * 30 + "/confirm", OTHER),
        ("", OTHER),
        ("*", OTHER),
    ],
)
def test_a_path_is_counted_by_its_first_segment(path, group) -> None:
    assert path_group(path) == group


@pytest.mark.parametrize(
    ("referer", "service"),
    [
        ("https://chatgpt.com/", "ChatGPT"),
        ("https://chat.openai.com/c/1", "ChatGPT"),
        ("https://WWW.Perplexity.AI:443/search?q=tides", "Perplexity"),
        ("https://gemini.google.com/app", "Gemini"),
        ("https://copilot.microsoft.com/", "Copilot"),
        ("https://claude.ai/chat/x", "Claude"),
        ("android-app://chatgpt.com/", "ChatGPT"),
        ("https://www.google.com/", ""),
        ("https://chatgpt.com.evil.example/", ""),
        ("https://notchatgpt.com/", ""),
        ("https://evil.example/chatgpt.com", ""),
        ("https://chatgpt.com@evil.example/", ""),
        ("chatgpt.com", ""),
        ("", ""),
        ("https://[", ""),
    ],
)
def test_the_service_is_told_by_the_host_alone(referer, service) -> None:
    assert referring_service(referer) == service


@given(st.text() | st.text(max_size=30).map(lambda text: f"https://{text}/"))
def test_any_referer_has_an_answer(referer) -> None:
    assert isinstance(referring_service(referer), str)
