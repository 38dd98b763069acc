"""What arrives at the creator's server of a request line and its header lines, octet for octet."""

from __future__ import annotations

import pytest

from gateway.ask import Ask, HeaderFields


def ask(*headers, method="GET", target="/"):
    return Ask("", 0, "a", "http://a.example", method, target, "", headers=(("host", "a.example"), *headers))


TARGETS = [
    "//a",
    "/%2F",
    "/a;b",
    "/%7e%7E",
    "/a?",
    "/?",
    "/a?b?c",
    "/a%",
    "/a%zz",
    "/.",
    "/../x",
    "/a//",
    "*",
    "/\u00e9",
]


@pytest.mark.parametrize("target", TARGETS)
async def test_a_target_arrives_as_it_was(forward, origin, target):
    assert await forward(ask(target=target, method="OPTIONS")) == (200, b"ok")
    assert origin.raw.startswith(f"OPTIONS {target} HTTP/1.1\r\n".encode())


async def test_a_base_path_is_put_before_it(forward, origin):
    assert await forward(ask(target="//a?"), url=origin.url + "/base/") == (200, b"ok")
    assert origin.requests[0].target == "/base//a?"


async def test_the_whole_head(forward, origin):
    mine = ("authorization", "License x")
    await forward(ask(("x-odd", "caf\udce9 \u00e9"), mine, ("accept", "*/*")), ours=2)
    assert bytes(origin.raw) == (
        b"GET / HTTP/1.1\r\nhost: a.example\r\nx-odd: caf\xe9 \xc3\xa9\r\naccept: */*\r\ncdn-loop: licet\r\n"
        b'forwarded: host="a.example";proto=http\r\nx-forwarded-host: a.example\r\nx-forwarded-proto: http\r\n\r\n'
    )


@pytest.mark.parametrize("bad", ["a\r\nb: c", "a\nb", "a\rb", "a\0b"])
async def test_a_line_break_never_leaves(forward, origin, bad):
    with pytest.raises(ValueError, match="line break"):
        await forward(ask(("x", bad)))
    with pytest.raises(ValueError, match="line break"):
        await forward(ask(target="/" + bad))
    assert origin.connections == 0


async def test_what_is_remembered_of_many_visitors_with_the_same_lines_is_bounded(forward, origin):
    fields = HeaderFields([("host", "a.example"), ("x-long", "a" * 2000)])
    for number in range(40):
        visitor = Ask(
            "", 0, "a", "http://a.example", "GET", "/", "", headers=fields, address=f"192.0.2.{number}"
        )
        assert await forward(visitor) == (200, b"ok")
    assert f"x-real-ip: 192.0.2.{39}\r\n".encode() in bytes(origin.raw)
    assert sum(len(kept) for kept in fields.kept.values()) < 20 * 1024
