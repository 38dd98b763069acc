"""A body between its connection and its reader, without a socket."""

from __future__ import annotations

import asyncio

import pytest

from gateway.front.limits import Limits
from gateway.front.request_body import RequestBody
from gateway.origin.forwarding import BodyBroken
from gateway.problems import Problem, Refusal


class Source:
    def __init__(self, **limits):
        self.deadline = float("inf")
        self.limits = Limits(**limits)
        self.time = 1.0
        self.written, self.reading, self.body = b"", True, None

    def now(self):
        return self.time

    def write(self, data):
        self.written += data

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def set_clock(self):
        awaited = self.body is not None and self.body.awaited
        self.deadline = self.time + self.limits.body_idle if awaited else float("inf")


async def test_pieces_come_in_order_and_then_the_end():
    body = RequestBody(Source())
    body.feed(b"a")
    body.feed(b"b")
    body.end()
    assert [piece async for piece in body] == [b"a", b"b"]
    assert body.is_eof


async def test_the_reader_waits_under_the_clients_clock():
    source = Source(body_idle=7)
    source.reading = False
    body = source.body = RequestBody(source)
    body.expected = True
    reading = asyncio.create_task(anext(body))
    await asyncio.sleep(0)
    assert (body.awaited, source.deadline, source.reading) == (True, 8.0, True)
    assert source.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    body.feed(b"x")
    body.passed(1)
    assert await reading == b"x"
    assert (body.awaited, source.deadline) == (False, float("inf"))


async def test_reading_pauses_while_enough_is_held():
    source = Source(window=10)
    body = RequestBody(source)
    body.feed(b"a" * 6)
    assert source.reading
    body.feed(b"a" * 5)
    assert not source.reading
    await anext(body)
    assert source.reading


async def test_what_came_before_a_failure_is_read_first():
    body = RequestBody(Source())
    body.feed(b"a")
    body.fail(Refusal(Problem.BAD_REQUEST, "x"))
    body.fail(Refusal(Problem.REQUEST_TIMEOUT, "later"))
    assert await anext(body) == b"a"
    with pytest.raises(BodyBroken) as broken:
        await anext(body)
    assert broken.value.refusal.problem is Problem.BAD_REQUEST


async def test_mostly_framing_is_no_body():
    body = RequestBody(Source(overhead=100))
    body.feed(b"a" * 10)
    body.passed(270)
    assert await anext(body) == b"a" * 10
    body.passed(1)
    with pytest.raises(BodyBroken):
        await anext(body)


async def test_a_crawling_body_is_given_up():
    source = Source(body_rate=1000, body_grace=1.0)
    body = RequestBody(source)
    body.feed(b"a" * 5000)
    await anext(body)
    source.time += 4.9
    body.feed(b"a")
    assert await anext(body) == b"a"
    source.time += 1
    body.feed(b"a")
    with pytest.raises(BodyBroken) as broken:
        await anext(body)
    assert broken.value.refusal.problem is Problem.REQUEST_TIMEOUT
