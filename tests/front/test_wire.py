"""Framing of an answer, without a socket; what a connection does is in `test_listener`."""

from __future__ import annotations

import pytest


@pytest.fixture
def framed(kit):
    from gateway.front.answer import Answer
    from gateway.front.wire import head_of

    def frame(status=200, headers=(), *, method="GET", chunks=True, close=False, chunkable=True, reason="OK"):
        answer = Answer(status, reason, tuple(headers), object() if chunks else None)
        head, framing = head_of(answer, method, close=close, chunkable=chunkable)
        return head.decode("utf-8", "surrogateescape").split("\r\n")[:-2], framing

    return frame


def test_a_length_is_kept(framed):
    lines, framing = framed(headers=[("content-LENGTH", "5"), ("X", "y")])
    assert lines == ["HTTP/1.1 200 OK", "content-LENGTH: 5", "X: y"]
    assert (framing.length, framing.chunked, framing.close) == (5, False, False)


def test_without_a_length_there_are_chunks_or_an_end(framed):
    assert framed()[0] == ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"]
    lines, framing = framed(chunkable=False)
    assert lines == ["HTTP/1.1 200 OK", "Connection: close"]
    assert framing.close
    assert framed(chunks=False)[0] == ["HTTP/1.1 200 OK", "Content-Length: 0"]


@pytest.mark.parametrize(
    ("status", "method", "kept"),
    [(204, "GET", False), (304, "GET", True), (200, "HEAD", True), (101, "GET", False)],
)
def test_answers_without_a_body(framed, status, method, kept):
    lines, framing = framed(status, [("Content-Length", "5")], method=method)
    assert framing.bodiless
    assert ("Content-Length: 5" in lines) is kept
    assert not any("Transfer-Encoding" in line for line in framed(status, method=method)[0])


def test_hop_by_hop_fields_are_ours(framed):
    told = [
        ("Connection", "keep-alive"),
        ("Transfer-Encoding", "gzip"),
        ("Keep-Alive", "x"),
        ("Upgrade", "h2c"),
    ]
    assert framed(headers=[*told, ("Content-Length", "0")], close=True)[0] == [
        "HTTP/1.1 200 OK",
        "Content-Length: 0",
        "Connection: close",
    ]
    assert framed(101, told)[0] == ["HTTP/1.1 101 OK", "Upgrade: h2c", "Connection: Upgrade"]


@pytest.mark.parametrize("bad", ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\0b"])
def test_no_header_makes_another(framed, bad):
    with pytest.raises(ValueError, match="line break"):
        framed(headers=[("X", bad)])
    with pytest.raises(ValueError, match="line break"):
        framed(headers=[(bad, "x")])
    with pytest.raises(ValueError, match="line break"):
        framed(reason=bad)
