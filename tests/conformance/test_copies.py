"""`admission.recalling.Copies`: what each place says it has idle, until that lapses."""

from __future__ import annotations

import asyncio


async def test_each_says_for_itself_and_sees_all(shared) -> None:
    one, other = shared.copies, shared.twin.copies
    one.say("le_1", "here", 3, 60)
    await shared.heard()
    assert await other.said("le_1", "there", 2, 60) == {"here": 3, "there": 2}
    assert await other.said("le_2", "there", 1, 60) == {"there": 1}, "each licensee by itself"
    one.say("le_1", "here", 7, 60)
    await shared.heard()
    assert await other.said("le_1", "there", 0, 60) == {"here": 7, "there": 0}


async def test_what_was_said_lapses_by_itself(shared) -> None:
    shared.copies.say("le_1", "here", 3, 1)
    await shared.heard()
    async with asyncio.timeout(20):
        while "here" in await shared.twin.copies.said("le_1", "there", 0, 60):
            await asyncio.sleep(0.05)
    assert await shared.twin.copies.said("le_1", "there", 0, 60) == {"there": 0}
