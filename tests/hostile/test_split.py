"""How octets are cut into segments changes nothing: neither the answers nor what the origin gets."""

from __future__ import annotations

import re

import pytest

#: Longer ones are cut around their line breaks and at both ends.
WHOLE = 1024
HELLO = b"5\r\nhello\r\n"
HEAD = b"POST /x HTTP/1.1\r\nHost: a.example\r\n"
LAST = b"GET /y HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
MORE = [
    ("two lengths in a row", (HEAD + b"Content-Length: 5\r\n\r\nhello") * 2 + LAST),
    ("many chunks", CHUNKED + HELLO * 9 + b"1\r\na\r\n0\r\n\r\n" + LAST),
    ("extensions and a trailer", CHUNKED + b"5;a=b\r\nhello\r\n0;c\r\nX-A: b\r\n\r\n" + LAST),
    (
        "chunks, a length, nothing",
        CHUNKED + HELLO + b"0\r\n\r\n" + HEAD + b"Content-Length: 0\r\n\r\n" + LAST,
    ),
]


def _same(outcome, row) -> tuple:
    """What must not depend on the cuts. An id differs each time, and a body may be framed in other chunks.

    Where a body breaks, its head may have been judged already or not: the
    sentence that says so differs, its status does not.
    """
    assert outcome.broke == ()
    if row is not None and row.outcome in {"broken", "either"}:
        return outcome.statuses[: len(row.saw) or 1], outcome.messages()
    return re.sub(rb"urn:uuid:[0-9a-f-]{36}", b"", outcome.client), outcome.messages()


def _cuts(octets: bytes) -> list[int]:
    if len(octets) <= WHOLE:
        return list(range(1, len(octets)))
    lines = [found.start() for found in re.finditer(rb"\r\n", octets[:4096])][:8]
    last = len(octets)
    near = {at + step for at in (*lines, 8192, 16384, last - 4) for step in range(-1, 4)}
    return sorted(at for at in near if 0 < at < last)


async def _cut_everywhere(driver, octets: bytes, row=None) -> None:
    whole = _same(await driver(octets), row)
    for at in _cuts(octets):
        assert _same(await driver(octets[:at], octets[at:]), row) == whole, f"cut at {at}"
    if len(octets) <= 8 * WHOLE:
        pieces = [octets[at : at + 1] for at in range(len(octets))]
        assert _same(await driver(*pieces), row) == whole, "octet by octet"


async def test_row(driver, rows, row):
    await _cut_everywhere(driver, row.octets, row)


@pytest.mark.parametrize("octets", [each[1] for each in MORE], ids=[each[0] for each in MORE])
async def test_valid_requests_in_a_row(driver, octets):
    await _cut_everywhere(driver, octets)
    assert (await driver(octets)).statuses[-1] == 200
