"""`app.neighbors.Bulletin`: what one gateway tells, all hear, in order."""

from __future__ import annotations

import asyncio


async def test_what_one_tells_all_hear_in_order(shared) -> None:
    heard = shared.listen("paid", shared.news, shared.twin.news)
    for number in range(1, 301):
        shared.news.tell("paid", f"{number}")
        if number % 100 == 0:
            await asyncio.sleep(0)
    async with asyncio.timeout(20):
        while any(len(each) < 300 for each in heard):
            await asyncio.sleep(0.01)
    for each in heard:
        assert list(dict.fromkeys(each)) == [str(number) for number in range(1, 301)]


async def test_kinds_do_not_mix_and_odd_bodies_arrive_whole(shared) -> None:
    (paid,) = shared.listen("paid", shared.twin.news)
    (revoked,) = shared.listen("revoked", shared.twin.news)
    bodies = ["", "{}", "a b\r\nc", "é" * 5000, "kind", "\x00\x01"]
    for body in bodies:
        shared.news.tell("paid", body)
        shared.news.tell("nobody hears this", body)
    shared.news.tell("revoked", "now")
    async with asyncio.timeout(20):
        while len(paid) < len(bodies) or not revoked:
            await asyncio.sleep(0.01)
    assert (paid, revoked) == (bodies, ["now"])


async def test_who_fails_to_understand_goes_on_hearing(shared) -> None:
    heard: list[str] = []

    async def told(body: str) -> None:
        heard.append(body)
        if body == "odd":
            raise ValueError(body)

    shared.twin.news.on("paid", told)
    for body in ("odd", "even"):
        shared.news.tell("paid", body)
    async with asyncio.timeout(20):
        while len(heard) < 2:
            await asyncio.sleep(0.01)
    assert heard == ["odd", "even"]


async def test_all_see_what_each_has_in_force(shared) -> None:
    assert await shared.news.hold("here", "policies one", 60) == {"here": "policies one"}
    both = {"here": "policies one", "there": "policies two"}
    assert await shared.twin.news.hold("there", "policies two", 60) == both
    assert await shared.news.hold("here", "policies two", 60) == {**both, "here": "policies two"}
