"""The page that says who a request is from."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest

from gateway.dashboard.asking import LONGEST, Question

GPTBOT = "GPTBot/1.2"


def test_a_question_is_its_own_query() -> None:
    asked = Question("a&b", "192.0.2.7", "Accept: text/html\nX: y", path="/a?b=c")
    assert Question.read(dict(parse_qsl(asked.query()))) == asked
    assert Question.read({}) == Question()
    assert Question.read({}).empty
    assert len(Question.read({"ua": "x" * 9999}).ua) == LONGEST


@pytest.mark.parametrize(
    ("headers", "mistake"), [("Accept: a", ""), ("Accept: a\n\nnot", "not"), (": a", ": a")]
)
def test_a_line_that_is_no_header_is_named(headers: str, mistake: str) -> None:
    assert Question(headers=headers).mistake() == mistake


async def test_the_page_explains(board) -> None:
    page = (await board.get("/who")).text
    assert "Explain" in page
    assert "What would have changed it" not in page
    answer = await board.get("/who?" + urlencode({"ua": GPTBOT, "ip": "203.0.113.9"}))
    assert answer.status == 200
    assert "Claimed to be GPTBot; not proven (address not in the published list of 20" in answer.text
    assert "ip_not_in:openai-gptbot" in answer.text
    assert "What would have changed it" in answer.text
    nothing = await board.get(
        "/who?" + urlencode({"ua": "Mozilla/5.0 (X11; rv:140.0) Gecko/20100101 Firefox/140.0"})
    )
    assert "No evidence of automation" in nothing.text
    assert "human" not in nothing.text


async def test_headers_count_where_they_are_given(board) -> None:
    chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
    for headers, found in (("", False), ("Accept: */*", True)):
        page = await board.get("/who?" + urlencode({"ua": chrome, "headers": headers}))
        assert ("header_contradictions" in page.text) is found
    wrong = await board.get("/who?" + urlencode({"ua": chrome, "headers": "nonsense"}))
    assert (wrong.status, 'role="alert"' in wrong.text) == (400, True)


async def test_whatever_is_typed_is_shown_and_does_nothing(board) -> None:
    hostile = "<script>alert(1)</script>\u202e{{7*7}}"
    page = await board.get(
        "/who?" + urlencode({"ua": hostile, "ip": hostile, "headers": f"A: {hostile}", "method": hostile})
    )
    assert page.status == 200
    assert "<script>alert" not in page.text
    assert "{{7*7}}" in page.text


async def test_only_who_signed_in_may_ask(board) -> None:
    board.forget_cookies()
    answer = await board.get("/who?ua=GPTBot")
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")


async def test_a_record_leads_to_its_question(board) -> None:
    page = await board.get("/records/019ab003-0000-7000-8000-000000000003")
    assert 'href="/who?ua=' in page.text
