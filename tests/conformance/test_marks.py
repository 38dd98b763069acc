"""`visitors.replays.SharedMarks`: of any number that show a mark, the first has it."""

from __future__ import annotations

import asyncio


async def test_a_mark_is_the_first_requests(shared) -> None:
    one, other = shared.marks, shared.twin.marks
    assert await one.taken("m", "r1", 60) is False
    assert await one.taken("m", "r1", 60) is False, "asking again for one request is no replay"
    assert await other.taken("m", "r2", 60) is True
    assert await other.taken("m", "r1", 60) is False
    assert await other.taken("n", "r2", 60) is False


async def test_of_many_at_once_one_is_first(shared) -> None:
    asked = [
        each.taken("m", f"r{number}", 1) for number in range(50) for each in (shared.marks, shared.twin.marks)
    ]
    # Both processes decide the same fifty requests.
    found = await asyncio.gather(*asked)
    assert found.count(False) == 2
    assert found.count(True) == 98


async def test_odd_marks_are_marks(shared) -> None:
    for mark in ("{", "}", "{}", "a}{b", "", " ", "\n", "é" * 300):
        assert await shared.marks.taken(mark, "r1", -5) is False
        assert await shared.twin.marks.taken(mark, "r2", 0) is True
