"""Header lines that are read once."""

from __future__ import annotations

import pytest

from gateway.front import header_block as blocks
from gateway.front.guard import guard
from gateway.front.header_block import HeaderBlock, header_block


def lines(*fields: str) -> bytes:
    return "".join(f"{field}\r\n" for field in fields).encode("utf-8", "surrogateescape")


def test_fields_are_read_as_they_stood():
    block = header_block(lines("Host: A.Example:80", "X-Odd:caf\udce9 \u00e9\t", "x-odd:  2: 3 ", "Empty:"))
    assert block.fields == (
        ("host", "A.Example:80"),
        ("x-odd", "caf\udce9 \u00e9"),
        ("x-odd", "2: 3"),
        ("empty", ""),
    )
    assert (block.first["x-odd"], block.host, block.refusal) == ("caf\udce9 \u00e9", ("a.example", 80), None)
    assert block.without("x-odd").fields == (("host", "A.Example:80"), ("empty", ""))


def test_the_same_octets_are_read_once_and_other_octets_anew():
    raw = lines("Host: once.example", "A: b")
    assert header_block(bytes(bytearray(raw))) is header_block(raw)
    assert header_block(lines("Host: once.example", "A: c")) is not header_block(raw)
    long = lines("Host: once.example", "Cookie: " + "a" * 5000)
    assert header_block(long) is not header_block(long)


def test_a_flood_of_others_forgets_no_more_than_it_must():
    raw = lines("Host: kept.example")
    kept = header_block(raw)
    for number in range(3 * blocks._REMEMBERED):
        header_block(lines("Host: flood.example", f"X: {number}"))
        assert header_block(raw) is kept
    assert len(blocks._young) + len(blocks._old) <= 2 * blocks._REMEMBERED


def test_a_flood_of_long_blocks_is_bounded_in_octets():
    for number in range(3000):
        header_block(lines("Host: flood.example", f"X: {number}", "Cookie: " + "a" * 3900))
    held = sum(map(len, [*blocks._young, *blocks._old]))
    assert held <= 2 * (blocks._REMEMBERED_BYTES + 4096)


@pytest.mark.parametrize(
    ("fields", "framed", "length"),
    [
        ((), False, 0),
        (("Content-Length: 0",), False, 0),
        (("Content-Length: 17",), True, 17),
        (("Content-Length: 017",), True, 17),
        (("Transfer-Encoding: chunked",), True, 0),
    ],
)
def test_whether_a_body_follows(fields, framed, length):
    block = header_block(lines("Host: a.example", *fields))
    assert (block.framed, block.length) == (framed, length)


@pytest.mark.parametrize(
    "fields",
    [
        (),
        ("Host: a b",),
        ("Host: a", "Host: a"),
        ("Host: a", "Content-Length: x"),
        ("Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Host: a", "Transfer-Encoding: gzip"),
        ("Host: a", "Expect: tea"),
        ("Host: a", *[f"X-{n}: y" for n in range(101)]),
        ("Host: a", "X: " + "a" * 17_000),
    ],
)
def test_the_guard_says_the_same_of_a_block_and_of_a_request(fields):
    block = HeaderBlock(lines(*fields))
    assert block.refusal is not None
    assert block.refusal == guard("GET", "/", (1, 1), block.fields)
