"""`app.spreading.Paces`: one limit for all that say its name, decided by each at once."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from gateway.admission.pace import Pace
from gateway.app.spreading import desk_limit
from gateway.desk.pacing import DeskPace


async def test_several_share_one_limit(shared) -> None:
    one, other = (each.paces.pace("license", 0.01, 10) for each in (shared, shared.twin))
    passed = 0
    for _ in range(20):
        for pace in (one, other):
            passed += pace.wait("lic_1", shared.now_us()) == 0
            await shared.heard()
    # Who has not asked since the other's last one may let one more through, and knows then.
    assert passed - 10 in ({0} if one is other else {0, 1})
    assert one.wait("lic_1", shared.now_us()) >= 1
    assert one.wait("lic_2", shared.now_us()) == 0, "keys do not share a limit"
    assert shared.paces.pace("desk", 0.01, 10).wait("lic_1", shared.now_us()) == 0, "nor do names"


async def test_what_passes_before_the_others_have_heard_is_paid_back(shared) -> None:
    one, other = (each.paces.pace("license", 10, 5) for each in (shared, shared.twin))
    together = 1 if one is other else 2
    passed = [sum(pace.wait("lic_1", shared.now_us()) == 0 for _ in range(50)) for pace in (one, other)]
    assert sum(passed) == 5 * together
    await shared.heard()
    # Both know now of what both let through, and each of the two waits for all of it.
    waits = [pace.wait("lic_1", shared.now_us() + 50_000) for pace in (one, other)]
    assert waits == [1, 1]


async def test_what_is_given_back_may_be_taken_again_by_anybody(shared) -> None:
    one, other = (each.paces.pace("license", 0.01, 3) for each in (shared, shared.twin))
    for _ in range(3):
        assert one.wait("lic_1", shared.now_us()) == 0
    await shared.heard()
    one.give_back("lic_1")
    await shared.heard()
    assert other.wait("lic_1", shared.now_us()) == 0
    await shared.heard()
    last = one.wait("lic_1", shared.now_us())
    await shared.heard()
    assert last >= 1 or one is not other
    assert one.wait("lic_1", shared.now_us()) >= 1


async def test_no_limit_never_waits_and_says_nothing(shared) -> None:
    pace = shared.paces.pace("license", 0, 0)
    assert {pace.wait("lic_1", shared.now_us()) for _ in range(100)} == {0}
    assert isinstance(pace, Pace)


async def test_many_keys_at_once(shared) -> None:
    one, other = (each.paces.pace("license", 0.01, 1) for each in (shared, shared.twin))
    for number in range(300):
        assert one.wait(f"lic {{{number}", shared.now_us()) == 0
    await shared.heard()
    await asyncio.sleep(0)
    for number in range(300):
        # The twin lets one through before it has heard anything of a key, and none after.
        other.wait(f"lic {{{number}", shared.now_us())
    await shared.heard()
    assert all(other.wait(f"lic {{{number}", shared.now_us()) for number in range(300))


@pytest.mark.parametrize(("name", "at_once"), [("objections", 5), ("links", 20)])
async def test_limits_of_the_desk_are_one_for_all_machines(shared, name: str, at_once: int) -> None:
    one, other = (
        DeskPace(partial(desk_limit, each.paces)).limits(name, 1 / 600, at_once)
        for each in (shared, shared.twin)
    )
    passed = 0
    for _ in range(at_once):
        for pace in (one, other):
            passed += pace.wait("203.0.113.0/24", shared.now_us()) == 0
            await shared.heard()
    assert passed - at_once in ({0} if one is other else {0, 1})
    assert one.wait("198.51.100.0/24", shared.now_us()) == 0, "another network waits for nobody"
