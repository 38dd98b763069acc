"""Two ends of a real socket pair: calls, news, and what becomes of a call whose other end goes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

import pytest

from gateway.app.channel import Channel
from gateway.problems import StoreUnavailable


@contextlib.asynccontextmanager
async def ends(**there):
    """Our end, and the other's with what it answers and hears."""
    one, other = socket.socketpair()
    ours = Channel(*await asyncio.open_connection(sock=one))
    theirs = Channel(*await asyncio.open_connection(sock=other), **there)
    running = [asyncio.create_task(end.run()) for end in (ours, theirs)]
    yield ours, theirs
    ours.close()
    theirs.close()
    await asyncio.gather(*running)


async def test_calls_are_answered_each_with_its_own_whatever_the_order():
    first = asyncio.Event()

    async def answer(name, given):
        if given == 1:
            await first.wait()
        else:
            first.set()
        return [name, given]

    async with ends(answer=answer) as (ours, _):
        assert await asyncio.gather(ours.call("a", 1), ours.call("b", 2)) == [["a", 1], ["b", 2]]


async def test_news_arrive_in_order_and_before_a_later_answer():
    heard = []

    async def answer(name, given):
        return len(heard)

    async with ends(answer=answer, hear=lambda name, given: heard.append((name, given))) as (ours, _):
        for number in range(1000):
            ours.tell("n", number)
        assert await ours.call("how many") == 1000
    assert heard == [("n", number) for number in range(1000)]


async def test_what_could_not_be_done_is_unavailable_and_the_next_call_goes_on(capsys):
    async def answer(name, given):
        if name == "full":
            raise StoreUnavailable("the disk is full")
        if name == "bug":
            raise ZeroDivisionError
        return "well"

    async with ends(answer=answer) as (ours, theirs):
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            await ours.call("full")
        with pytest.raises(StoreUnavailable, match="bug failed: ZeroDivisionError"):
            await ours.call("bug")
        assert await ours.call("fine") == "well"
        with pytest.raises(StoreUnavailable, match="Nothing answers"):
            await theirs.call("fine")
    assert "ZeroDivisionError" in capsys.readouterr().out


async def test_a_call_fails_when_the_other_end_goes_or_takes_too_long():
    asked, never = asyncio.Event(), asyncio.Event()

    async def answer(name, given):
        asked.set()
        await never.wait()

    async with ends(answer=answer) as (ours, theirs):
        with pytest.raises(StoreUnavailable, match="has not answered slow"):
            await ours.call("slow", seconds=0.01)
        asked.clear()
        call = asyncio.create_task(ours.call("slow", seconds=60))
        await asked.wait()
        theirs.close()
        with pytest.raises(StoreUnavailable, match="gone"):
            await call
        with pytest.raises(StoreUnavailable, match="gone"):
            await ours.call("later")
        ours.tell("news")  # nobody hears, and nothing breaks


@pytest.mark.parametrize(
    "octets", [struct.pack(">I", 2**31), struct.pack(">I", 2) + b"[]", struct.pack(">I", 1) + b"{"]
)
async def test_what_is_no_frame_ends_the_channel(octets):
    one, other = socket.socketpair()
    channel = Channel(*await asyncio.open_connection(sock=one))
    with other:
        other.sendall(octets)
        await channel.run()
    assert channel.closed


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_an_end_that_was_cut_off_is_gone_on_either_loop(loop):
    async def main():
        one, other = socket.socketpair()
        channel = Channel(*await asyncio.open_connection(sock=one))
        other.close()
        # Nobody has read the end yet: the transport learns of it by writing.
        for _ in range(200):
            channel.tell("news", "x" * 1000)
            await asyncio.sleep(0)
        with pytest.raises(StoreUnavailable, match="gone"):
            await channel.call("anything")
        channel.close()

    factory = pytest.importorskip("uvloop").new_event_loop if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


async def test_one_that_ends_waits_for_what_was_called_before_and_not_for_ever():
    begun, going_on = asyncio.Event(), asyncio.Event()

    async def answer(name, given):
        begun.set()
        await going_on.wait()
        return name

    async with ends(answer=answer) as (ours, theirs):
        await theirs.answered(30)  # nothing was called
        call = asyncio.create_task(ours.call("settle", seconds=30))
        await begun.wait()
        await theirs.answered(0.01)
        ending = asyncio.create_task(theirs.answered(30))
        await asyncio.sleep(0)
        assert not ending.done()
        going_on.set()
        await ending
        theirs.close()
        assert await call == "settle"
