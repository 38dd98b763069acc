"""`Withdrawals`: what is taken back and what licensees do about it, with its events or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.licenses.removal import Content, acknowledged, begun, planned, told
from gateway.licenses.withdrawal import USUAL, Withdrawal, readmitted
from gateway.paths import PathScope
from gateway.uses import Use


def taken(make, id="wd_1", since=0, **more):
    paths = (PathScope("/essays/"), PathScope("/videos/*.vtt"))
    return Withdrawal(
        id, "journal", USUAL, make.NOW + since, make.NOW, by="owner", works=("essays",), paths=paths, reason="r",
        private="p", digests=("d" * 64,), bundle="summer", **more,
    )  # fmt: skip


async def test_a_withdrawal_comes_back_as_it_was_and_once(ports, make):
    one = taken(make)
    assert await ports.withdrawals.issue(one)
    assert not await ports.withdrawals.issue(replace(one, reason="other"))
    assert await ports.withdrawals.get("wd_1") == one
    assert await ports.withdrawals.get("wd_2") is None


async def test_in_force_are_those_that_began_and_are_not_lifted(ports, make):
    one, two, three = taken(make), taken(make, "wd_2", since=10), taken(make, "wd_3", hold=True)
    for each in (one, two, three):
        await ports.withdrawals.issue(each)
    assert await ports.withdrawals.in_force(make.NOW - 1) == ()
    assert await ports.withdrawals.in_force(make.NOW) == (one, three)
    assert await ports.withdrawals.in_force(make.NOW + 10) == (one, two, three)
    after = readmitted(one, make.NOW + 20)
    assert await ports.withdrawals.lift(after)
    assert not await ports.withdrawals.lift(after), "it is lifted already"
    assert not await ports.withdrawals.lift(readmitted(taken(make, "wd_9"), make.NOW))
    assert await ports.withdrawals.in_force(make.NOW + 19) == (after, two, three)
    assert await ports.withdrawals.in_force(make.NOW + 20) == (two, three)
    assert await ports.withdrawals.all(2) == (three, two)
    assert await ports.withdrawals.all(9) == (three, two, after)
    assert await ports.withdrawals.all(1, "wd_3") == (two,)
    assert await ports.withdrawals.all(9, "wd_1") == await ports.withdrawals.all(9, "wd_9") == ()


async def test_of_one_second_the_one_issued_later_comes_first_whatever_its_id(ports, make):
    first, second = taken(make, "wd_b", hold=True), taken(make, "wd_a")
    for each in (first, second):
        await ports.withdrawals.issue(each)
    await ports.withdrawals.lift(lifted := readmitted(first, make.NOW))
    assert await ports.withdrawals.all(9) == (second, lifted)


async def test_removals_are_kept_with_it_and_each_change_is_on_what_stands_there(ports, make):
    one = taken(make)
    removal = replace(begun(one, "le_1", [], [], make.NOW), contents=(Content("ct_1", "d" * 64),), fetched=1)
    other = begun(one, "le_2", [], [], make.NOW + 1)
    assert await ports.withdrawals.issue(one, [other, removal])
    assert await ports.withdrawals.removals("wd_1") == (removal, other)
    assert await ports.withdrawals.removals_of("le_1") == (removal,)
    assert await ports.withdrawals.waiting(9) == (removal, other)
    assert await ports.withdrawals.waiting(1) == (removal,)
    known = acknowledged(removal, "cl_1", make.NOW + 2)
    assert not await ports.withdrawals.change(planned(known, "x", "cl_1", make.NOW)), "a version was left out"
    assert await ports.withdrawals.change(known)
    ended = [planned(known, f"plan {n}", "cl_1", make.NOW + n) for n in range(12)]
    kept = await asyncio.gather(*(ports.withdrawals.change(each) for each in ended))
    assert kept.count(True) == 1
    assert await ports.withdrawals.removals_of("le_1") == (ended[kept.index(True)],)
    assert await ports.withdrawals.waiting(9) == (other,)


async def test_events_are_kept_with_the_change_and_not_without(ports, make):
    one = taken(make)
    removal = begun(one, "le_1", [], [], make.NOW)
    assert await ports.withdrawals.issue(one, [removal], events=[told(removal, one)])
    assert not await ports.withdrawals.issue(
        one, [removal], events=[told(acknowledged(removal, "x", 1), one)]
    )
    known = acknowledged(removal, "cl_1", make.NOW)
    assert await ports.withdrawals.change(known, events=[told(known, one)])
    assert not await ports.withdrawals.change(known, events=[told(planned(known, "p", "c", 1), one)])
    assert await ports.happened() == ["withdrawal.issued", "withdrawal.acknowledged"]


async def test_what_was_delivered_is_read_from_the_journal(ports, make):
    await ports.put(
        make.fetch("r1", path="/essays/a", uses=("ai-train",), digest="a" * 64),
        make.fetch(
            "r2", path="/essays/a", uses=("ai-train",), digest="a" * 64, time_us=(make.NOW + 9) * 1_000_000
        ),
        make.fetch("r3", path="/essays/b", licensee="", license="", digest="b" * 64, status=206),
        make.fetch("r4", path="/essays/c", status=403, digest=""),
        make.fetch("r5", path="/essays/a", site="other"),
    )
    found = await ports.withdrawals.copies("journal")
    assert [(each.licensee, each.path, each.work, each.digest, each.uses) for each in found] == [
        ("", "/essays/b", "essays", "b" * 64, frozenset()),
        ("le_1", "/essays/a", "essays", "a" * 64, frozenset({Use.AI_TRAIN})),
    ]
    assert found[1].last_at == make.NOW + 9
    assert [each.path for each in await ports.withdrawals.copies("journal", ["b" * 64])] == ["/essays/b"]
    assert await ports.withdrawals.copies("journal", ["c" * 64]) == ()
