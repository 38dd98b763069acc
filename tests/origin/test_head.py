"""An answer's head as octets: what is read from it, and which lines a client gets."""

from __future__ import annotations

import pytest

from gateway.origin.head import Head, head_of
from gateway.origin.header_hygiene import response_headers

LINE = b"HTTP/1.1 200 OK"


def head(*fields: bytes, line: bytes = LINE, status: int = 200) -> Head:
    return Head(b"\r\n".join([line, *fields]), status)


def test_fields_are_read_as_they_stood():
    read = head(b"X-Odd:caf\xe9 \t", b"x-TWO:  a: b", b"Empty:", b"Content-Length: 5")
    assert read.headers == (("X-Odd", "caf\udce9"), ("x-TWO", "a: b"), ("Empty", ""), ("Content-Length", "5"))
    assert (read.length, read.codings, read.reason, read.fault) == (5, (), "OK", "")


@pytest.mark.parametrize(
    ("line", "reason", "passed"),
    [
        (b"HTTP/1.0 203 Odd  Reason", "Odd  Reason", b"HTTP/1.1 203 Odd  Reason"),
        (b"HTTP/1.1 203 ", "", b"HTTP/1.1 203 "),
        (b"HTTP/1.1 203", "", b"HTTP/1.1 203 "),
    ],
)
def test_the_status_line(line, reason, passed):
    read = head(line=line, status=203)
    assert (read.reason, read.passed_on()) == (reason, passed)
    assert "version" in head(line=b"HTTP/2.0 203").fault
    assert "control" in head(b"A: b", line=b"HTTP/1.1 203 a\0b").fault


def test_what_frames_the_body_is_found_in_any_case():
    assert head(b"CONTENT-LENGTH:7").length == 7
    assert head(b"X-Content-Length: 7", b"Content-Length: 8 ").length == 8
    assert head(b"X: content-length: 7").length == -1
    assert head(b"transfer-ENCODING: Chunked").codings == (b"chunked",)
    assert head(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked").codings == (b"gzip", b"chunked")


FIELDS = [
    (b"Set-Cookie: a", b"set-cookie:b", b"ETag: \xff"),
    (b"Connection: keep-alive", b"A: b", b"Keep-Alive: timeout=5"),
    (b"A: b", b"Connection: keep-alive", b"C: d"),
    (b"Connection: keep-alive", b"C: d"),
    (b"C: d", b"Connection: keep-alive"),
    (b"Connection: keep-alive, x-a", b"X-A: d"),
    (b"A: b", b"Connection: keep-alive", b"Connection: a"),
    (b"A: b", b"CONNECTION: X-Gone, close", b"x-gone: c", b"X-Kept: d"),
    (b"Transfer-Encoding: chunked", b"Trailer: X", b"Upgrade: h2c", b"Proxy-Authenticate: x"),
    (b"Connection: content-length", b"Content-Length: 3"),
    (b"Te: x", b"Tea: green", b"Proxy: x", b"Proxy-Status: kept"),
]


@pytest.mark.parametrize("fields", FIELDS)
def test_the_passed_lines_are_the_fields_that_may_pass(fields):
    read = head(*fields)
    kept = [tuple(line.split(b":", 1)) for line in read.passed_on().split(b"\r\n")[1:]]
    named = [(name.decode(), value.strip().decode("utf-8", "surrogateescape")) for name, value in kept]
    assert tuple(named) == response_headers(read.headers)


def test_an_answer_without_a_body_says_nothing_of_its_length():
    fields = (b"A: b", b"Content-Length: 0")
    assert head(*fields, line=b"HTTP/1.1 204 No", status=204).passed_on() == b"HTTP/1.1 204 No\r\nA: b"
    assert head(*fields, line=b"HTTP/1.1 304 No", status=304).passed_on().endswith(b"\r\nContent-Length: 0")


def test_a_repeated_head_is_told_by_the_same_object():
    raw = b"\r\n".join([LINE, b"ETag: repeated", b"Connection: keep-alive"])
    first = head_of(raw, 200)
    assert head_of(bytes(bytearray(raw)), 200) is first
    for less in (frozenset[str](), frozenset({"etag"}), frozenset[str]()):
        assert first.passed_on(less) == Head(raw, 200).passed_on(less)
    assert (first.field("etag"), first.field("etag"), first.field("x")) == ("repeated", "repeated", "")
    assert head_of(raw + b"2", 200).field("connection") == "keep-alive2"


def test_what_is_meant_for_one_visitor_or_long_is_read_anew():
    for line in (b"Set-Cookie: id=canary", b"SET-cookie:a", b"X: " + b"y" * 4096):
        raw = LINE + b"\r\n" + line
        assert head_of(raw, 200) is not head_of(raw, 200)


def test_heads_that_are_remembered_are_bounded():
    raw = LINE + b"\r\nX: first"
    first = head_of(raw, 200)
    for number in range(5000):
        head_of(LINE + b"\r\nX: %d" % number, 200)
    assert head_of(raw, 200) is not first
