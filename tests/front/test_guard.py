"""Requests that must not be looked at any further, and hosts that are none; without a socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.front.guard import FIELDS, RANGES, guard, origin_form, parse_host
from gateway.problems import Problem, Refusal

HOST = ("host", "a.example")


def ask(*fields, method="GET", target="/x", version=(1, 1), host=HOST):
    return guard(method, target, version, (host, *fields) if host else fields)


def test_a_plain_request_passes():
    assert ask(("accept", "*/*"), ("user-agent", "a")) is None
    assert ask(version=(1, 0)) is None
    assert ask(("content-length", "5"), method="POST") is None
    assert ask(("transfer-encoding", "Chunked"), method="POST") is None
    assert ask(("expect", "100-Continue"), ("content-length", "5"), method="POST") is None
    assert ask(target="*", method="OPTIONS") is None
    assert ask(target="http://A.example/x") is None
    assert ask(("cookie", "a=1"), ("cookie", "b=2")) is None
    assert ask(("range", ",".join(["0-"] * RANGES))) is None
    assert ask(("upgrade", "websocket"), ("connection", "upgrade"), ("content-length", "0")) is None


@pytest.mark.parametrize(
    ("refused", "problem"),
    [
        (ask(version=(0, 9)), Problem.VERSION_NOT_SUPPORTED),
        (ask(version=(2, 0)), Problem.VERSION_NOT_SUPPORTED),
        (ask(method="CONNECT", target="a:1"), Problem.METHOD_NOT_ALLOWED),
        (ask(method="TRACE"), Problem.METHOD_NOT_ALLOWED),
        (ask(method="get"), Problem.BAD_REQUEST),
        (ask(target="/" + "a" * 8192), Problem.URI_TOO_LONG),
        (ask(("x", "a" * 16384)), Problem.HEADERS_TOO_LARGE),
        (ask(*[("x", "a")] * FIELDS), Problem.HEADERS_TOO_LARGE),
        (ask(*[("x", "a" * 16000)] * 5), Problem.HEADERS_TOO_LARGE),
        (ask(host=None), Problem.BAD_REQUEST),
        (ask(HOST), Problem.BAD_REQUEST),
        (ask(("authorization", "a"), ("authorization", "b")), Problem.BAD_REQUEST),
        (ask(("user-agent", "a"), ("user-agent", "a")), Problem.BAD_REQUEST),
        (ask(("content-length", "5"), ("content-length", "5")), Problem.BAD_REQUEST),
        (ask(("content-length", "+5")), Problem.BAD_REQUEST),
        (ask(("content-length", "\u0665")), Problem.BAD_REQUEST),
        (ask(("content-length", "9" * 19)), Problem.BAD_REQUEST),
        (ask(("content-length", "5"), ("transfer-encoding", "chunked")), Problem.BAD_REQUEST),
        (ask(("transfer-encoding", "chunked"), version=(1, 0)), Problem.BAD_REQUEST),
        (ask(("transfer-encoding", "")), Problem.UNSUPPORTED_CODING),
        (ask(("transfer-encoding", "gzip, chunked")), Problem.UNSUPPORTED_CODING),
        (ask(("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")), Problem.BAD_REQUEST),
        (ask(("upgrade", "websocket"), ("content-length", "5")), Problem.BAD_REQUEST),
        (ask(("upgrade", "x"), ("transfer-encoding", "chunked")), Problem.BAD_REQUEST),
        (ask(("expect", "tea")), Problem.EXPECTATION_FAILED),
        (ask(("expect", "100-continue\xe9")), Problem.EXPECTATION_FAILED),
        (ask(("range", ",".join(["0-"] * (RANGES + 1)))), Problem.RANGE_NOT_SATISFIABLE),
        (ask(target="/a#b"), Problem.BAD_REQUEST),
        (ask(target="/a b"), Problem.BAD_REQUEST),
        (ask(target="/a\x00b"), Problem.BAD_REQUEST),
        (ask(target="/a\x7f"), Problem.BAD_REQUEST),
        (ask(target="/\xe9"), Problem.BAD_REQUEST),
        (ask(target=""), Problem.BAD_REQUEST),
        (ask(target="*"), Problem.BAD_REQUEST),
        (ask(target="x"), Problem.BAD_REQUEST),
        (ask(target="ftp://a.example/x"), Problem.BAD_REQUEST),
        (ask(target="http://b.example/x"), Problem.UNKNOWN_SITE),
        (ask(target="http://a.example:81/x"), Problem.UNKNOWN_SITE),
        (ask(target="http://a@a.example/x"), Problem.BAD_REQUEST),
        (ask(("x", "a\nb")), Problem.BAD_REQUEST),
        (ask(("x", "a\x01b")), Problem.BAD_REQUEST),
        (ask(("x y", "a")), Problem.BAD_REQUEST),
    ],
)
def test_a_request_with_two_readings_is_refused(refused, problem):
    assert isinstance(refused, Refusal)
    assert refused.problem is problem


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("a.example", ("a.example", None)),
        ("A.Example.", ("a.example", None)),
        ("a.example:80", ("a.example", 80)),
        ("localhost:8402", ("localhost", 8402)),
        ("127.0.0.1:1", ("127.0.0.1", 1)),
        ("[::1]", ("[::1]", None)),
        ("[2001:DB8::0:1]:443", ("[2001:db8::1]", 443)),
        ("my_host.example", ("my_host.example", None)),
    ],
)
def test_hosts(value, read):
    assert parse_host(value) == read


@pytest.mark.parametrize(
    "value",
    ["", ".", ":80", "a:", "a:0", "a:65536", "a:8x", "a:\u0661", "a b", "a,b", "u@a", "a/b", "a?b", "a#b", "-a", "a..b",
     "[::1", "::1", "[::1]x", "[::g]", "[]", "[fe80::1%25eth0]", "a" * 64, "a." * 130 + "a", "b\xe9", "a:80:80", "%61"],
)  # fmt: skip
def test_what_is_no_host(value):
    assert isinstance(parse_host(value), Refusal)


@given(st.text(max_size=60))
def test_a_host_that_was_read_reads_the_same_again(text):
    read = parse_host(text)
    if not isinstance(read, Refusal):
        host, port = read
        assert parse_host(host if port is None else f"{host}:{port}") == read
        assert host == host.lower()
        assert not set(host) & set("@/?#, ")


_TEXT = st.text(max_size=40)
_NAMES = st.sampled_from(
    ["host", "content-length", "transfer-encoding", "expect", "range", "upgrade", "x", "x y"]
)


@given(
    _TEXT,
    _TEXT,
    st.tuples(st.integers(0, 3), st.integers(0, 9)),
    st.lists(st.tuples(_NAMES, _TEXT), max_size=8),
)
def test_nothing_makes_it_raise_and_what_passes_has_one_framing(method, target, version, headers):
    verdict = guard(method, target, version, headers)
    assert verdict is None or isinstance(verdict, Refusal)
    names = [name for name, _ in headers]
    if verdict is None:
        assert names.count("host") == 1
        assert names.count("content-length") + names.count("transfer-encoding") <= 1


def test_the_form_that_is_forwarded():
    assert origin_form("/a?b") == "/a?b"
    assert origin_form("*") == "*"
    assert origin_form("http://a.example") == "/"
    assert origin_form("HTTPS://a.example:1?b=http://c/") == "/?b=http://c/"
    assert origin_form("/http://b/") == "/http://b/"
