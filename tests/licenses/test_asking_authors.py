"""Asking holds sales, answers release them, one that declines holds them again."""

from __future__ import annotations

import pytest

from gateway.licenses.asking_authors import AskingAuthors
from gateway.licenses.consent import Answer
from gateway.licenses.taking_back import TakingBack
from gateway.store.memory.consents import MemoryConsents
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.withdrawals import MemoryWithdrawals
from gateway.uses import Use

NOW = 1_795_000_000_000_000
ALL = frozenset(Use)


class Studio:
    def __init__(self):
        self.withdrawals = MemoryWithdrawals()
        self.asking = AskingAuthors(MemoryConsents(), TakingBack(self.withdrawals, MemoryRegister()))
        self.second = 0

    async def ask(self, name, *, representative=False):
        return await self.asking.ask(
            "journal", "essays", name, 500_000, self.later(), representative=representative
        )

    async def answer(self, asked, **answers):
        said = {Use(name.replace("_", "-")): Answer(answer) for name, answer in answers.items()}
        return await self.asking.answer(asked.secret, said, self.later())

    def later(self):
        self.second += 1
        return NOW + self.second * 1_000_000

    async def held(self):
        found = await self.withdrawals.in_force(NOW // 1_000_000 + self.second)
        assert len(found) <= 1
        assert all(each.hold and each.works == ("essays",) for each in found)
        return found[0].uses if found else frozenset()


@pytest.fixture
def studio():
    return Studio()


async def test_asking_holds_everything_and_all_answers_release_it(studio):
    ada, bob = await studio.ask("Ada"), await studio.ask("Bob")
    assert await studio.held() == ALL
    await studio.answer(ada, ai_input="consent")
    assert await studio.held() == ALL
    await studio.answer(bob, ai_input="consent")
    assert await studio.held() == ALL - {Use.AI_INPUT}
    await studio.answer(ada, ai_input="decline")
    assert await studio.held() == ALL, "one that withdraws holds new sales"
    await studio.asking.ask_no_more(ada.consent.id, studio.later())
    assert await studio.held() == ALL - {Use.AI_INPUT}
    await studio.asking.ask_no_more(bob.consent.id, studio.later())
    assert await studio.held() == frozenset()


async def test_a_representative_is_enough(studio):
    ada, _ = await studio.ask("Ada", representative=True), await studio.ask("Bob")
    await studio.answer(ada, **{use.replace("-", "_"): "consent" for use in Use})
    assert await studio.held() == frozenset()


async def test_nobody_is_asked_twice_and_a_wrong_link_answers_for_nobody(studio):
    ada = await studio.ask("Ada")
    assert await studio.ask("Ada") is None
    assert await studio.asking.answer("wrong", {Use.AI_INPUT: Answer.CONSENT}, studio.later()) is None
    assert await studio.asking.ask_no_more("co_wrong", studio.later()) is None
    assert ada.secret not in repr(ada)
    assert ada.secret not in repr(await studio.asking.store.all(9))
    again = await studio.asking.answer(ada.secret, {}, studio.later())
    assert again == ada.consent
