"""A page in TollBit's document: which page is asked for, and that the document holds it to the letter."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ask import Ask
from gateway.front.answer import Answer
from gateway.front.enveloped import in_envelope, page_inside
from gateway.paths import canonical
from gateway.problems import Problem, Refusal

AT = "/.licet/tollbit/dev/v2/content/"


def ask(rest, *headers, method="GET", origin="https://journal.example"):
    target = AT + rest
    return Ask(
        "id", 0, "journal", origin, method, target, canonical(target.partition("?")[0]), headers=headers
    )


@pytest.mark.parametrize(
    ("rest", "path"),
    [
        ("journal.example/essays/tides", "/essays/tides"),
        ("JOURNAL.example/", "/"),
        ("journal.example", "/"),
        ("journal.example/a%20b", "/a%20b"),
        ("journal.example/essays/tides?page=2", "/essays/tides"),
    ],
)
def test_the_page_is_asked_for_as_at_its_own_address(rest, path):
    page = page_inside(
        ask(
            rest, ("host", "journal.example"), ("user-agent", "ExampleBot/1.0"), ("tollbit-token", "abc.def.ghi"),
            ("tollbit-accept-content", "text/markdown"), ("accept", "*/*"), ("accept-encoding", "gzip"),
            ("authorization", "Basic eDp5"), ("tollbitkey", "id:secret"), ("range", "bytes=0-1"),
        )
    )  # fmt: skip
    assert isinstance(page, Ask)
    assert (page.path, page.target.partition("?")[0], page.query) == (path, page.target, "")
    assert dict(page.headers) == {
        "host": "journal.example",
        "user-agent": "ExampleBot/1.0",
        "accept": "text/markdown, application/problem+json, */*;q=0.1",
        "accept-encoding": "identity",
        "authorization": "License abc.def.ghi",
    }


def test_without_a_token_nothing_is_shown():
    page = page_inside(ask("journal.example/x", ("authorization", "License other")))
    assert isinstance(page, Ask)
    assert not page.has("authorization")


@pytest.mark.parametrize(
    "rest",
    [
        "elsewhere.example/x",
        "journal.example:81/x",
        "journal.example/.licet/account",
    ],
)
def test_other_places_are_no_page(rest):
    refused = page_inside(ask(rest))
    assert isinstance(refused, Refusal)
    assert refused.problem is Problem.TARGET_INVALID


def test_what_is_the_desks_stays_the_desks():
    assert page_inside(ask("journal.example/catalog/list?pageSize=100")) is None
    assert page_inside(ask("journal.example/x", method="POST")) is None
    assert page_inside(replace(ask("journal.example/x"), path="/.licet/token")) is None


def head(content_type):
    return f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nLicet-Record: r1\r\nETag: x".encode()


def body_of(answer):
    async def read():
        return b"".join([piece async for piece in answer.chunks])

    octets = answer.whole if answer.chunks is None else asyncio.run(read())
    return json.loads(octets)


async def pieces(octets, size):
    for at in range(0, len(octets), size):
        yield octets[at : at + size]


@given(text=st.text(), size=st.integers(1, 9))
def test_the_document_holds_the_page_to_the_letter(text, size):
    octets = text.encode("utf-8", "replace")
    whole = in_envelope(Answer(200, "", (), head=head("text/html"), whole=octets, unmeasured=True))
    streamed = in_envelope(Answer(200, "", (), head=head("text/html"), chunks=pieces(octets, size)))
    for each in (whole, streamed):
        found = body_of(each)
        assert found["content"] == {"header": "", "footer": "", "body": octets.decode()}
        assert found["metadata"] == {}
        assert ("Licet-Record", "r1") in each.headers
        assert not each.head


@pytest.mark.parametrize(
    ("content_type", "octets", "text"),
    [
        ("text/html; charset=iso-8859-1", b"\xe9", "é"),
        ('text/html; charset="windows-1252"', b"\x80", "€"),
        ("text/html; charset=utf-16", "é".encode("utf-16"), "é"),
        ("text/html; charset=unicode_escape", rb"\ud800", r"\ud800"),
        ("text/html; charset=rot13", b"abc", "abc"),
        ("text/html; charset=nobody", b"\xff", "\ufffd"),
        ("", b"plain", "plain"),
    ],
)
def test_charsets(content_type, octets, text):
    answer = in_envelope(Answer(200, "", (), head=head(content_type), whole=octets))
    assert body_of(answer)["content"]["body"] == text


def test_a_refusal_stays_what_it_is():
    refused = Answer(402, "Payment Required", (("Content-Type", "application/problem+json"),), whole=b"{}")
    assert in_envelope(refused) is refused


def test_who_stops_reading_lets_the_page_go():
    async def stopped():
        gone = []

        async def page():
            try:
                yield b"one"
                yield b"two"
            finally:
                gone.append(True)

        answer = in_envelope(Answer(200, "", (), head=head("text/html"), chunks=page()))
        assert await anext(answer.chunks)
        assert await anext(answer.chunks)
        await answer.chunks.aclose()
        return gone

    assert asyncio.run(stopped()) == [True]
