"""The acts of taking back, on stores in memory."""

from __future__ import annotations

import pytest

from gateway.licenses.enrollment import enroll
from gateway.licenses.license import License, Standing
from gateway.licenses.removal import planned
from gateway.licenses.taking_back import TakingBack, withdrawal_id
from gateway.licenses.withdrawal import USUAL, Withdrawal
from gateway.paths import PathScope
from gateway.store.memory.events import Happened
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.withdrawals import MemoryWithdrawals
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Retention, Scope
from gateway.uses import Use

NOW, DAY = 1_795_000_000, 86_400
OWNED = (("essays", (PathScope("/essays/"),)),)


@pytest.fixture
async def made():
    happened, register = Happened(), MemoryRegister()
    enrolled = enroll("Example AI", now=NOW, standing=Standing.ACTIVE)
    await register.add_licensee(enrolled.licensee, enrolled.client)
    terms = LicenseTerms(
        Scope(("essays",), (PathScope("/essays/"),)), Purpose(frozenset({Use.AI_TRAIN})), Compensation("USD"),
        retention=Retention(remediation_plan_days=10),
    )  # fmt: skip
    held = License("li_1", enrolled.licensee.id, "journal", "", terms, "sha-256:p", NOW - 9, NOW + 99 * DAY)
    await register.grant(held)
    acts = TakingBack(MemoryWithdrawals(happened=happened), register)
    return acts, enrolled.licensee.id, happened


def withdrawal(id="wd_1", **more):
    return Withdrawal(id, "journal", USUAL, NOW, NOW, works=("essays",), reason="asked", **more)


async def test_a_licensee_is_told_and_the_owner_too_and_each_once(made):
    acts, licensee, happened = made
    told = await acts.issue(withdrawal(), OWNED, NOW)
    assert [(each.licensee, each.plan_due) for each in told] == [(licensee, NOW + 10 * DAY)]
    with pytest.raises(ValueError, match="wd_1"):
        await acts.issue(withdrawal(), OWNED, NOW)
    assert [(each.type, each.licensee) for each in (kept.event for kept in happened.kept())] == [
        ("withdrawal.issued", ""), ("withdrawal.issued", licensee)
    ]  # fmt: skip
    assert licensee not in repr(
        [each for each in (kept.event for kept in happened.kept()) if not each.licensee]
    )


async def test_reminders_come_once_and_end_with_a_plan_or_with_readmission(made):
    acts, _, happened = made
    await acts.issue(withdrawal(), OWNED, NOW)
    await acts.issue(withdrawal("wd_2"), OWNED, NOW)
    assert await acts.remind(NOW + 2 * DAY) == 0
    assert await acts.remind(NOW + 3 * DAY) == 2
    assert await acts.remind(NOW + 3 * DAY + 60) == 0
    (one,) = await acts.store.removals("wd_2")
    assert await acts.store.change(planned(one, "by friday", "cl_1", NOW + 4 * DAY))
    assert await acts.remind(NOW + 10 * DAY) == 1
    assert [
        each.subject for each in (kept.event for kept in happened.kept()) if each.type == "withdrawal.overdue"
    ] == ["wd_1"]
    await acts.issue(withdrawal("wd_3"), OWNED, NOW)
    assert await acts.lift("wd_3", "owner", NOW + 1)
    assert await acts.remind(NOW + 30 * DAY) == 0


async def test_what_is_lifted_is_lifted_once_and_told(made):
    acts, licensee, happened = made
    await acts.issue(withdrawal(), OWNED, NOW)
    assert await acts.lift("wd_9", "owner", NOW) is None
    after = await acts.lift("wd_1", "owner", NOW + 5)
    assert after is not None
    assert after.readmitted_at == NOW + 5
    assert await acts.lift("wd_1", "owner", NOW + 6) is None
    assert await acts.store.in_force(NOW + 5) == ()
    assert [each.licensee for each in (kept.event for kept in happened.kept()) if each.type == "withdrawal.readmitted"] == ["", licensee]  # fmt: skip


async def test_a_hold_of_one_cause_is_in_force_once_and_goes_when_its_cause_does(made):
    acts, _, _ = made
    hold = withdrawal("wd_a", hold=True, cause="objection ob_1")
    await acts.hold("objection ob_1", hold, NOW, by="owner", site="journal")
    await acts.hold(
        "objection ob_1",
        withdrawal("wd_b", hold=True, cause="objection ob_1"),
        NOW,
        by="owner",
        site="journal",
    )
    assert [each.id for each in await acts.store.in_force(NOW)] == ["wd_a"]
    wider = Withdrawal("wd_c", "journal", USUAL, NOW, NOW, paths=(PathScope("/"),), hold=True, cause="objection ob_1")  # fmt: skip
    await acts.hold("objection ob_1", wider, NOW + 1, by="owner", site="journal")
    assert [each.id for each in await acts.store.in_force(NOW + 1)] == ["wd_c"]
    await acts.hold("objection ob_1", None, NOW + 2, by="owner", site="journal")
    assert await acts.store.in_force(NOW + 2) == ()
    assert await acts.concerned(hold, OWNED, NOW) == ()


def test_ids_are_opaque_and_sort_by_time():
    one, two = withdrawal_id(NOW * 1_000_000), withdrawal_id((NOW + 1) * 1_000_000)
    assert one < two
    assert one.startswith("wd_")
