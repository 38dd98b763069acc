"""`Auditors`: known by the hash of a secret, revoked once, and every look is kept in order."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.licenses.auditors import Look, invite
from gateway.licenses.enrollment import secret_hash


def invited(make, name="Ada", at=0):
    return invite(name, licensee="le_1", first="2026-10", last="2026-12", days=30, now=make.NOW + at)


async def test_it_comes_back_by_its_secret_and_once(ports, make):
    made = invited(make)
    assert await ports.auditors.add(made.auditor)
    assert not await ports.auditors.add(replace(made.auditor, secret_sha256="00"))
    assert not await ports.auditors.add(replace(made.auditor, id="au_other"))
    assert await ports.auditors.by_secret(secret_hash(made.secret)) == made.auditor
    assert await ports.auditors.by_secret(made.secret) is None
    assert await ports.auditors.all() == (made.auditor,)


async def test_of_many_revocations_one_counts(ports, make):
    one, two = invited(make), invited(make, "Bob", 5)
    for each in (one, two):
        await ports.auditors.add(each.auditor)
    done = await asyncio.gather(*(ports.auditors.revoke(one.auditor.id, make.NOW + n) for n in range(1, 9)))
    assert done.count(True) == 1
    assert not await ports.auditors.revoke("au_nobody", make.NOW)
    first, second = await ports.auditors.all()
    assert (first, second.revoked_at) == (two.auditor, make.NOW + 1 + done.index(True))


async def test_looks_come_the_latest_first(ports, make):
    one, two = invited(make), invited(make, "Bob", 5)
    for each in (one, two):
        await ports.auditors.add(each.auditor)
    all_ = [
        Look((one if n % 3 else two).auditor.id, make.NOW + n // 2, f"receipt {n}", "given") for n in range(7)
    ]
    for each in all_:
        await ports.auditors.looked(each)
    assert await ports.auditors.looks("", 99) == tuple(reversed(all_))
    mine = tuple(each for each in reversed(all_) if each.auditor == two.auditor.id)
    assert await ports.auditors.looks(two.auditor.id, 99) == mine
    assert await ports.auditors.looks(two.auditor.id, 1) == mine[:1]
    assert await ports.auditors.looks("au_nobody", 9) == ()
    for of in ("", two.auditor.id):
        found, before = [], 0
        while rows := await ports.auditors.looks(of, 2, before):
            found += rows
            before = rows[-1].nth
        assert found == [*await ports.auditors.looks(of, 99)], of
    assert await ports.auditors.forget_looks(make.NOW + 2) == 4
    assert await ports.auditors.looks("", 99) == tuple(reversed(all_[4:]))
    assert await ports.auditors.forget_looks(make.NOW + 2) == 0
