"""What is done about objections: held, upheld, dismissed; sales and fetches follow, and nobody is named."""

from __future__ import annotations

import pytest

from gateway.licenses.hearing import MOST_WAITING, Hearing
from gateway.licenses.objection import Objection, ObjectionState, Objector, Role
from gateway.licenses.taking_back import TakingBack
from gateway.licenses.withdrawal import USUAL
from gateway.problems import Problem, Refusal
from gateway.store.memory.events import Happened
from gateway.store.memory.objections import MemoryObjections
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.withdrawals import MemoryWithdrawals
from gateway.uses import Use

NOW = 1_795_000_000
ADA = Objector("Ada Example", "ada@mail.example", "I did not agree")


class Court:
    def __init__(self):
        self.happened = Happened()
        self.withdrawals = MemoryWithdrawals(happened=self.happened)
        self.objections = MemoryObjections(self.happened)
        self.hearing = Hearing(self.objections, TakingBack(self.withdrawals, MemoryRegister()))

    async def standing(self, now=NOW):
        return [
            (each.hold, each.paths[0].pattern, each.uses) for each in await self.withdrawals.in_force(now)
        ]


@pytest.fixture
def court():
    return Court()


def objection(id="ob_1", path="/essays/tides"):
    return Objection(id, "journal", path, Role.DEPICTED, NOW)


async def test_it_waits_or_holds_sales_at_once_as_the_policy_has_it(court):
    assert (await court.hearing.take_in(objection(), ADA, NOW, hold=False)).state is ObjectionState.OPEN
    assert await court.standing() == []
    assert (
        await court.hearing.take_in(objection("ob_2", "/b"), ADA, NOW, hold=True)
    ).state is ObjectionState.HELD
    assert await court.standing() == [(True, "/b", frozenset(Use))]


async def test_one_command_holds_and_dismissing_releases(court):
    await court.hearing.take_in(objection(), ADA, NOW, hold=False)
    await court.hearing.hold("ob_1", "owner", NOW)
    assert await court.standing() == [(True, "/essays/tides", frozenset(Use))]
    after = await court.hearing.dismiss("ob_1", "owner", "It is a public speech.", NOW + 1)
    assert (after.state, after.answer) == (ObjectionState.DISMISSED, "It is a public speech.")
    assert await court.standing(NOW + 1) == []
    assert isinstance(await court.hearing.hold("ob_1", "owner", NOW + 2), Refusal)
    assert isinstance(await court.hearing.uphold("ob_1", "owner", "", (), NOW + 2), Refusal)


async def test_upholding_withdraws_the_page_and_ends_the_hold(court):
    await court.hearing.take_in(objection(), ADA, NOW, hold=True)
    after = await court.hearing.uphold("ob_1", "owner", "You are right.", (), NOW + 1)
    assert after.state is ObjectionState.UPHELD
    assert await court.standing(NOW + 1) == [(False, "/essays/tides", USUAL)]
    assert (await court.withdrawals.get(after.withdrawal)).paths[0].pattern == "/essays/tides"


async def test_an_act_that_broke_off_is_completed_by_doing_it_again(court):
    await court.hearing.take_in(objection(), ADA, NOW, hold=False)
    change, court.objections.change = court.objections.change, lambda *given, **more: _never()
    assert isinstance(await court.hearing.uphold("ob_1", "owner", "", (), NOW), Refusal)
    court.objections.change = change
    after = await court.hearing.uphold("ob_1", "owner", "", (), NOW + 5)
    assert after.state is ObjectionState.UPHELD
    assert len(await court.withdrawals.all(9)) == 1


async def _never():
    return False


async def test_what_is_kept_and_told_names_nobody(court):
    await court.hearing.take_in(objection(), ADA, NOW, hold=True)
    await court.hearing.uphold("ob_1", "owner", "You are right.", (), NOW + 1)
    told = repr(
        [
            *(kept.event for kept in court.happened.kept()),
            *await court.withdrawals.all(9),
            *await court.objections.all(9),
        ]
    )
    for secret in ("Ada", "mail.example", "did not agree"):
        assert secret not in told
    for each in (kept.event for kept in court.happened.kept()):
        assert "ob_1" not in repr(each.body) or each.type.startswith("objection.")
    assert await court.objections.erase("ob_1")
    assert (await court.objections.get("ob_1")).state is ObjectionState.UPHELD


async def test_objections_are_bounded(court):
    for number in range(MOST_WAITING):
        await court.objections.add(objection(f"ob_{number}"), ADA, most=MOST_WAITING)
    refused = await court.hearing.take_in(objection("ob_x"), ADA, NOW, hold=True)
    assert isinstance(refused, Refusal)
    assert refused.problem is Problem.TOO_FAST
    assert await court.standing() == []


async def test_an_unknown_one_is_not_found(court):
    for act in (
        court.hearing.hold("ob_9", "o", NOW),
        court.hearing.dismiss("ob_9", "o", "x", NOW),
        court.hearing.uphold("ob_9", "o", "x", (), NOW),
    ):
        assert (await act).problem is Problem.NOT_FOUND
