"""`Objections`: bounded, changed on what stands there, and who made them is apart and can be erased."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.licenses.objection import Objection, Objector, Role, decided, held, told

ADA = Objector("Ada", "ada@mail.example", "I am\nin it")


def objection(make, id="ob_1", at=0, site="journal"):
    return Objection(id, site, "/essays/tides", Role.DEPICTED, make.NOW + at)


async def test_it_comes_back_as_it_was_and_once(ports, make):
    one = objection(make)
    assert await ports.objections.add(one, ADA, most=9, events=[told(one, make.NOW)])
    assert not await ports.objections.add(replace(one, path="/x"), ADA, most=9)
    assert await ports.objections.get("ob_1") == one
    assert await ports.objections.objector("ob_1") == ADA
    assert await ports.objections.get("ob_2") is None
    assert await ports.objections.objector("ob_2") is None
    assert await ports.happened() == ["objection.received"]


async def test_at_most_so_many_of_a_site_wait(ports, make):
    one, two = objection(make), objection(make, "ob_2")
    assert await ports.objections.add(one, ADA, most=1)
    assert not await ports.objections.add(two, ADA, most=1, events=[told(two, make.NOW)])
    assert await ports.objections.add(objection(make, "ob_3", site="other"), ADA, most=1)
    assert await ports.objections.objector("ob_2") is None
    assert await ports.objections.change(decided(one, "owner", "no", make.NOW))
    assert await ports.objections.add(two, ADA, most=1)
    assert await ports.happened() == []


async def test_of_many_decisions_at_once_one_is_kept(ports, make):
    one = objection(make)
    await ports.objections.add(one, ADA, most=9)
    all_ = [decided(one, f"owner {n}", "no", make.NOW) for n in range(12)]
    kept = await asyncio.gather(
        *(ports.objections.change(each, events=[told(each, make.NOW)]) for each in all_)
    )
    assert kept.count(True) == 1
    assert await ports.objections.get("ob_1") == all_[kept.index(True)]
    assert not await ports.objections.change(held(objection(make, "ob_9"), "owner"))
    assert await ports.happened() == ["objection.dismissed"]


async def test_those_that_wait_come_first_and_then_the_latest(ports, make):
    for at, id in enumerate(("ob_1", "ob_2", "ob_3")):
        await ports.objections.add(objection(make, id, at), ADA, most=9)
    await ports.objections.change(decided(objection(make, "ob_3", 2), "owner", "no", make.NOW))
    await ports.objections.change(held(objection(make, "ob_1"), "owner"))
    assert [each.id for each in await ports.objections.all(9)] == ["ob_2", "ob_1", "ob_3"]
    assert [each.id for each in await ports.objections.all(2)] == ["ob_2", "ob_1"]
    assert [each.id for each in await ports.objections.all(9, "ob_2")] == ["ob_1", "ob_3"]
    assert [each.id for each in await ports.objections.all(1, "ob_1")] == ["ob_3"]
    assert await ports.objections.all(9, "ob_3") == await ports.objections.all(9, "ob_9") == ()


async def test_who_made_it_is_erased_and_the_decision_stays(ports, make):
    one = objection(make)
    await ports.objections.add(one, ADA, most=9)
    assert await ports.objections.erase("ob_1")
    assert not await ports.objections.erase("ob_1")
    assert await ports.objections.objector("ob_1") is None
    assert await ports.objections.get("ob_1") == one
