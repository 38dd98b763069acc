"""One small file of the creator's own server."""

from __future__ import annotations

import gzip

import pytest

from gateway.origin.small import SMALL_BYTES, SmallAnswer, fetch_small
from gateway.problems import Problem


def reply(body, *fields, status="200 OK"):
    lines = [f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


async def test_it_asks_as_the_site_is_asked(origin):
    origin.reply = reply(b"User-agent: *\n", "Content-Type: text/plain")
    got = await fetch_small(origin.url, "/robots.txt", public="https://journal.example")
    assert got == SmallAnswer(200, "text/plain", b"User-agent: *\n")
    request = origin.requests[0]
    assert request.target == "/robots.txt"
    assert request.values("host") == ["journal.example"]
    assert request.values("x-forwarded-proto") == ["https"]
    assert request.values("accept-encoding") == ["identity"]
    assert request.values("x-forwarded-for") == []


async def test_any_status_is_an_answer(origin):
    origin.reply = reply(b"", status="404 Not Found")
    assert await fetch_small(origin.url, "/robots.txt") == SmallAnswer(404, "", b"")


async def test_it_is_cut_off_where_crawlers_stop_reading(origin):
    origin.reply = reply(b"a" * (SMALL_BYTES + 1))
    assert len((await fetch_small(origin.url, "/robots.txt")).body) == SMALL_BYTES
    origin.reply = reply(b"a" * SMALL_BYTES)
    assert len((await fetch_small(origin.url, "/robots.txt")).body) == SMALL_BYTES


@pytest.mark.parametrize(
    "location",
    ["/b?c", "b?c", "https://journal.example/b?c", "http://journal.example/b?c", "//journal.example/b?c"],
)
async def test_it_follows_within_the_site(origin, location):
    async def moved(request, reader, writer):
        there = request.target == "/b?c"
        writer.write(reply(b"here") if there else reply(b"", f"Location: {location}", status="301 Moved"))

    origin.reply = moved
    assert (await fetch_small(origin.url, "/a", public="https://journal.example")).body == b"here"


@pytest.mark.parametrize("location", ["https://evil.example/", "http://169.254.169.254/", "//evil.example"])
async def test_it_does_not_follow_away(origin, location):
    origin.reply = reply(b"", f"Location: {location}", status="302 Found")
    got = await fetch_small(origin.url, "/a", public="https://journal.example")
    assert got.problem is Problem.ORIGIN_FAILED
    assert len(origin.requests) == 1


async def test_it_follows_five_times(origin):
    async def step(request, reader, writer):
        count = int(request.target[1:])
        writer.write(reply(b"end") if count == 5 else reply(b"", f"Location: /{count + 1}", status="307 On"))

    origin.reply = step
    assert (await fetch_small(origin.url, "/0")).body == b"end"
    assert (await fetch_small(origin.url, "/-1")).problem is Problem.ORIGIN_FAILED


async def test_what_is_compressed_unasked_is_not_read(origin):
    origin.reply = reply(gzip.compress(b"a" * 10_000_000), "Content-Encoding: gzip")
    assert (await fetch_small(origin.url, "/a")).problem is Problem.ORIGIN_FAILED


async def test_it_does_not_wait_long(origin):
    async def stall(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf!")
        await reader.read()

    origin.reply = stall
    assert (await fetch_small(origin.url, "/a", seconds=0.1)).problem in {
        Problem.ORIGIN_TIMEOUT,
        Problem.ORIGIN_FAILED,
    }
    await origin.all_gone()


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1:1"])
async def test_no_server_is_a_refusal(url):
    assert (await fetch_small(url, "/a")).problem is Problem.ORIGIN_UNREACHABLE


async def test_half_a_file_is_none(origin):
    origin.reply, origin.hang_up = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf!", True
    assert (await fetch_small(origin.url, "/a")).problem is Problem.ORIGIN_FAILED
