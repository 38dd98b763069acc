from __future__ import annotations

import asyncio

import pytest

from gateway.egress import Fetched, Unfetched
from gateway.evidence import Need
from gateway.visitors.agent_keys import (
    MOST,
    RETRY,
    RETRY_MOST,
    SHORTEST,
    STALE,
    UNKNOWN_OF_ALL,
    UNKNOWN_OF_HOST,
    AgentKeys,
)
from gateway.visitors.key_directory import KeyDirectory, NoDirectory, WantedKey
from gateway.visitors.signature_agent import read_agent

BOT = read_agent("https://bot.example")


class Web:
    """Directories of the world: what each URL answers, and what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Fetched | Unfetched] = {}
        self.gate: asyncio.Event | None = None

    def has(self, agent, body: bytes, *headers: tuple[str, str]) -> None:
        self.answers[agent.directory] = Fetched(agent.directory, headers, body)

    async def get(self, url: str) -> Fetched | Unfetched:
        self.asked.append(url)
        if self.gate is not None:
            await self.gate.wait()
        return self.answers.get(url, Unfetched("status", "status 404"))


@pytest.fixture
def web():
    return Web()


@pytest.fixture
def keys_of(web, clock, signing):
    clock.wall_us = signing.NOW * 1_000_000

    def make(**kept):
        return AgentKeys(web.get, clock, known=kept.pop("known", lambda _: False), **kept)

    return make


async def fetch(keys, agent, keyid):
    return await keys.fetch(Need("agent-keys", agent.directory, WantedKey(agent, keyid)))


async def test_a_directory_is_fetched_once_and_then_at_hand(web, keys_of, signing) -> None:
    signer = signing.Signer()
    web.has(BOT, signing.jwks(signer))
    keys = keys_of()
    assert keys.at_hand(BOT, signer.keyid) is None
    found = await fetch(keys, BOT, signer.keyid)
    assert found.get(signer.keyid)
    assert keys.at_hand(BOT, signer.keyid) is found
    assert await fetch(keys, BOT, signer.keyid) is found
    assert web.asked == [BOT.directory]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((), 3600),
        ((("cache-control", "max-age=600"),), 600),
        ((("cache-control", "public, max-age=600"), ("age", "200")), 400),
        ((("cache-control", "max-age=1"),), 60),
        ((("cache-control", "max-age=99999999"),), 86_400),
        ((("cache-control", "no-store, max-age=600"),), 60),
        ((("cache-control", "max-age=x"),), 3600),
    ],
)
async def test_it_is_fresh_as_long_as_the_answer_says(web, keys_of, signing, clock, headers, seconds) -> None:
    signer = signing.Signer()
    web.has(BOT, signing.jwks(signer), *headers)
    keys = keys_of()
    await fetch(keys, BOT, signer.keyid)
    clock.advance(seconds - 1)
    assert isinstance(keys.at_hand(BOT, signer.keyid), KeyDirectory)
    clock.advance(1)
    assert keys.at_hand(BOT, signer.keyid) is None


async def test_parallel_requests_share_one_fetch(web, keys_of, signing) -> None:
    signer = signing.Signer()
    web.has(BOT, signing.jwks(signer))
    web.gate = asyncio.Event()
    keys = keys_of()
    waiting = [asyncio.create_task(fetch(keys, BOT, signer.keyid)) for _ in range(20)]
    while not web.asked:
        await asyncio.sleep(0)
    web.gate.set()
    found = await asyncio.gather(*waiting)
    assert len({id(each) for each in found}) == 1
    assert web.asked == [BOT.directory]


async def test_whoever_leaves_does_not_take_the_fetch_along(web, keys_of, signing) -> None:
    signer = signing.Signer()
    web.has(BOT, signing.jwks(signer))
    web.gate = asyncio.Event()
    keys = keys_of()
    first, second = (asyncio.create_task(fetch(keys, BOT, signer.keyid)) for _ in range(2))
    while not web.asked:
        await asyncio.sleep(0)
    first.cancel()
    web.gate.set()
    assert (await second).get(signer.keyid)
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_failure_is_remembered_for_a_while_and_longer_each_time(web, keys_of, clock) -> None:
    keys = keys_of(known=lambda _: True)
    expected = [RETRY, RETRY * 2, RETRY * 4, RETRY_MOST, RETRY_MOST]
    for seconds in expected:
        assert await fetch(keys, BOT, "k") == NoDirectory("directory_status")
        clock.advance(min(seconds, RETRY_MOST) - 1)
        assert keys.at_hand(BOT, "k") == NoDirectory("directory_status")
        clock.advance(1)
        assert keys.at_hand(BOT, "k") is None
    assert len(web.asked) == len(expected)
    assert RETRY_MOST <= 300


async def test_a_failure_does_not_evict_good_keys(web, keys_of, signing, clock) -> None:
    signer = signing.Signer()
    web.has(BOT, signing.jwks(signer))
    keys = keys_of(known=lambda _: True)
    await fetch(keys, BOT, signer.keyid)
    for failure in (Unfetched("timeout"), Fetched(BOT.directory, (), b"<html>"), Unfetched("too_large")):
        web.answers[BOT.directory] = failure
        clock.advance(3601)
        found = await fetch(keys, BOT, signer.keyid)
        assert found.get(signer.keyid)
        assert found.stale
        assert keys.at_hand(BOT, signer.keyid).stale
    clock.advance(STALE)
    assert await fetch(keys, BOT, signer.keyid) == NoDirectory("directory_too_large")


async def test_a_fresh_set_without_the_key_revokes_it(web, keys_of, signing, clock) -> None:
    old, new = signing.Signer(), signing.Signer()
    web.has(BOT, signing.jwks(old))
    keys = keys_of()
    await fetch(keys, BOT, old.keyid)
    web.has(BOT, signing.jwks(new))
    clock.advance(3601)
    found = await fetch(keys, BOT, old.keyid)
    assert found.get(old.keyid) is None
    assert found.get(new.keyid)


async def test_an_unknown_key_makes_the_set_be_read_again_but_not_at_once(
    web, keys_of, signing, clock
) -> None:
    old, new = signing.Signer(), signing.Signer()
    web.has(BOT, signing.jwks(old))
    keys = keys_of()
    await fetch(keys, BOT, old.keyid)
    web.has(BOT, signing.jwks(old, new))
    assert keys.at_hand(BOT, new.keyid).get(new.keyid) is None
    clock.advance(SHORTEST)
    assert keys.at_hand(BOT, new.keyid) is None
    assert (await fetch(keys, BOT, new.keyid)).get(new.keyid)
    assert len(web.asked) == 2


async def test_signed_directories(web, keys_of, signing) -> None:
    one, two = signing.Signer(), signing.Signer()
    body = signing.jwks(one, two)
    web.has(BOT, body, *signing.signed_directory("bot.example", body, one))
    assert (await fetch(keys_of(), BOT, one.keyid)).proven == {one.keyid}
    strict = await fetch(keys_of(signed_only=True), BOT, one.keyid)
    assert strict.keys.keys() == {one.keyid}
    web.has(BOT, body)
    assert (await fetch(keys_of(), BOT, one.keyid)).proven == frozenset()
    assert await fetch(keys_of(signed_only=True), BOT, one.keyid) == NoDirectory("directory_unsigned")
    web.has(BOT, body, *signing.signed_directory("mirror.example", body, one))
    assert await fetch(keys_of(), BOT, one.keyid) == NoDirectory("directory_signature")


async def test_pinned_keys_are_never_fetched(web, keys_of, signing, clock) -> None:
    pinned = KeyDirectory(BOT.url, {}, pinned=True)
    keys = keys_of(pinned={BOT.url: pinned})
    clock.advance(10 * STALE)
    assert keys.at_hand(BOT, "k") is pinned
    assert await fetch(keys, BOT, "k") is pinned
    assert web.asked == []


async def test_strangers_can_be_left_out(web, keys_of, signing) -> None:
    keys = keys_of(strangers=False, known=lambda agent: agent == BOT)
    other = read_agent("https://other.example")
    assert keys.at_hand(other, "k") == NoDirectory("directory_unknown")
    assert keys.at_hand(BOT, "k") is None


async def test_a_stranger_cannot_make_us_ask_one_host_again_and_again(web, keys_of, clock) -> None:
    keys = keys_of()
    agents = [read_agent(f"https://victim.example/{number}") for number in range(50)]
    found = [await fetch(keys, agent, "k") for agent in agents]
    assert len(web.asked) == UNKNOWN_OF_HOST
    assert found[-1] == NoDirectory("directory_rate")
    clock.advance(60)
    await fetch(keys, agents[-1], "k")
    assert len(web.asked) == UNKNOWN_OF_HOST + 1


async def test_nor_many_hosts_nor_fill_the_memory(web, keys_of, signing, clock) -> None:
    signer = signing.Signer()
    web.has(BOT, signing.jwks(signer))
    keys = keys_of(known=lambda agent: agent.url == BOT.url)
    await fetch(keys, BOT, signer.keyid)
    for number in range(200):
        await fetch(keys, read_agent(f"https://h{number}.example"), "k")
    assert len(web.asked) == UNKNOWN_OF_ALL + 1
    for number in range(MOST + 100):
        if number % UNKNOWN_OF_ALL == 0:
            clock.advance(60)
        await fetch(keys, read_agent(f"https://g{number}.example"), "k")
    assert len(keys._lines) <= MOST
    assert len(keys._asked) <= MOST
    assert keys.at_hand(BOT, signer.keyid).get(signer.keyid), (
        "a known agent stays, however many strangers come"
    )
