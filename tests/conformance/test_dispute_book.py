"""`DisputeBook`: one open dispute a line, decided once, with its events or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.billing.line_disputes import Dispute, Disputed, told
from gateway.money import Money

ONE = Dispute("ld_1", "in_1", 2, "le_1", Money(5_000, "USD"), "empty", "r0\nr1", 100, 200)


def decided(state=Disputed.ACCEPTED):
    return replace(ONE, state=state, decided_at=150, answer="yes", credit_note="cn_1", version=2)


async def test_a_line_is_in_dispute_once_at_a_time(ports):
    book = ports.disputes
    same = replace(ONE, id="ld_2")
    kept = await asyncio.gather(*(book.open(each, events=[told(each, 100)]) for each in (ONE, same)))
    assert sorted(kept) == [False, True]
    assert await ports.happened() == ["dispute.opened"]
    assert await book.open(replace(ONE, id="ld_3", line=3))
    assert len(await book.of("le_1", 9)) == 2
    assert await book.of("le_2", 9) == ()


async def test_it_is_decided_once(ports):
    book = ports.disputes
    assert await book.open(ONE)
    assert not await book.open(ONE)
    after = decided()
    done = await asyncio.gather(
        *(book.decide(each, events=[told(each, 150)]) for each in (after, decided(Disputed.REJECTED)))
    )
    assert sorted(done) == [False, True]
    assert (await book.get("ld_1")).version == 2
    assert len(await ports.happened()) == 1
    assert await book.get("ld_9") is None
    assert await book.open(replace(ONE, id="ld_2", opened_at=90))
    assert [each.id for each in await book.of("", 9)] == ["ld_2", "ld_1"]
    assert await book.of("", 1) == (replace(ONE, id="ld_2", opened_at=90),)
    assert [each.id for each in await book.of("", 9, "ld_2")] == ["ld_1"]
    assert (
        await book.of("", 9, "ld_1") == await book.of("", 9, "ld_9") == await book.of("le_9", 9, "ld_2") == ()
    )
