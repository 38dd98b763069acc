"""Units that lie idle at one worker or machine are another's when it is short; and whatever is said, none is sold twice."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.admission.admit import Grant
from gateway.admission.pace import Pace
from gateway.admission.recalling import Elsewhere, Idle, Recalling
from gateway.admission.spending import Charge, Short
from gateway.admission.till import Till
from gateway.ask import Ask
from gateway.billing.postings import prepaid
from gateway.clock import SystemClock
from gateway.evidence import NOTHING, Needs
from gateway.money import Money
from gateway.problems import Problem, Refusal, StoreUnavailable
from gateway.store.memory.copies import MemoryCopies
from gateway.store.memory.spend_book import MemorySpendBook
from gateway.store.memory.tables import Tables
from gateway.tokens.claims import Budget

NOW = 1_795_000_000
PRICE = Money(5_000, "USD")


def charge_of(number: int, license: str = "lic_1") -> Charge:
    return Charge(f"r{number}", "le_1", license, PRICE, Budget())


async def bought(till: Till, charge: Charge) -> bool:
    """What the path does: ask, fetch what is named, ask again."""
    id = charge.record_id
    ask, grant = (
        Ask(id, NOW * 1_000_000, "journal", "https://journal.example", "GET", "/a", "/a"),
        Grant(charge=charge),
    )
    answer = till.take(grant, ask, NOTHING)
    if isinstance(answer, Needs):
        (need,) = answer.wants
        answer = till.take(grant, ask, NOTHING.with_facts([(need, await till.lease(need))]))
    if isinstance(answer, Refusal):
        assert answer.problem is Problem.CREDIT_SPENT
    return isinstance(answer, Grant)


class Hall:
    """Machines on one book, each with tills, which hear each other as *heard* says of each piece of news: 0, 1 or 2 times."""

    def __init__(self, units: int, tills: tuple[int, ...], heard: list[int] | None = None) -> None:
        self.tables, self.copies, self.machines = Tables(), MemoryCopies(), []
        self.tables.balances[prepaid("le_1"), "USD"] = units * PRICE.micros
        self.book, self.heard, self.told = MemorySpendBook(self.tables), heard or [], []
        for place, count in enumerate(tills):
            self.machines.append(Machine(self, f"m{place}", count))
        self.tills = [till for machine in self.machines for till in machine.tills]

    def tell(self, place: str, kind: str, what: list[str]) -> None:
        times = self.heard.pop() if self.heard else 1
        self.told.append(kind)
        for _ in range(times):
            for each in self.machines:
                if each.place != place:
                    asyncio.get_running_loop().call_soon(each.hear, place, kind, what)

    @property
    def set_aside(self) -> int:
        return sum(purse.fetches for purse in self.tables.purses.values())

    async def close(self) -> None:
        for machine in self.machines:
            await machine.elsewhere.close()
        for till in self.tills:
            await till.close()


class Machine:
    """One place with as many tills as it has workers."""

    def __init__(self, hall: Hall, place: str, tills: int) -> None:
        self.place, self.tills = place, []
        self.selling = Recalling(hall.book, self.ask)
        self.elsewhere = self.selling.elsewhere = Elsewhere(
            place,
            hall.copies,
            lambda kind, what: hall.tell(place, kind, what),
            self.selling.recall,
            SystemClock(),
        )
        for number in range(tills):
            idle = lambda licensee, units, number=number: self.selling.told(number, licensee, units)  # noqa: E731
            self.tills.append(Till(self.selling, f"front-{place}-{number}", Pace(0, 1), idle=idle))

    async def ask(self, holder: int, licensee: str) -> None:
        await self.tills[holder].recall(licensee)

    def hear(self, place: str, kind: str, what: list[str]) -> None:
        if kind == "recall":
            self.elsewhere.hear_question(what)
        else:
            self.elsewhere.hear_answer(place, what)


@pytest.mark.parametrize("tills", [(2,), (1, 1), (2, 3), (1, 1, 1, 1)])
@settings(max_examples=60, deadline=None)
@given(units=st.integers(0, 30), data=st.data())
async def test_every_unit_is_sold_whoever_is_asked_and_none_twice(tills, units: int, data) -> None:
    hall = Hall(units, tills)
    asked = data.draw(st.lists(st.integers(0, len(hall.tills) - 1), min_size=units + 3, max_size=units + 3))
    licenses = data.draw(
        st.lists(st.sampled_from(["lic_1", "lic_2"]), min_size=units + 3, max_size=units + 3)
    )
    sold = [
        await bought(hall.tills[which], charge_of(number, license))
        for number, (which, license) in enumerate(zip(asked, licenses, strict=True))
    ]
    assert sold == [True] * units + [False] * 3
    await hall.close()
    assert hall.set_aside == units


@settings(max_examples=60, deadline=None)
@given(
    units=st.integers(0, 25),
    asked=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=50),
    heard=st.lists(st.sampled_from([1, 1, 2]), max_size=30),
)
async def test_at_once_no_more_is_sold_than_there_is_and_what_is_left_is_sold_afterwards(
    units, asked, heard
) -> None:
    hall = Hall(units, (2, 2), heard)

    async def later(number: int, which: int, turns: int) -> bool:
        for _ in range(turns):
            await asyncio.sleep(0)
        return await bought(hall.tills[which], charge_of(number))

    sold = sum(await asyncio.gather(*(later(number, *each) for number, each in enumerate(asked))))
    assert sold <= units
    assert hall.set_aside <= units
    for till in hall.tills:
        await till.rest()
    more = 0
    while await bought(hall.tills[more % 4], charge_of(1000 + more)):
        more += 1
    assert sold + more == units
    await hall.close()
    assert hall.set_aside == units


async def test_a_till_says_what_lies_idle_once_and_again_when_it_rests() -> None:
    tables, said = Tables(), []
    tables.balances[prepaid("le_1"), "USD"] = 100 * PRICE.micros
    till = Till(MemorySpendBook(tables), "front-1", Pace(0, 1), idle=lambda *what: said.append(what))
    assert await bought(till, charge_of(0))
    assert said == [("le_1", 3)]
    for number in (1, 2, 3):
        assert await bought(till, charge_of(number))
    till.give_back(charge_of(3))
    while filling := [units.filling for units in till._units.values() if units.filling]:
        await asyncio.wait(filling)
    before = len(said)
    for _ in range(20):  # what is free of charge takes the last unit and gives it back
        assert await bought(till, charge_of(4))
        till.give_back(charge_of(4))
    assert len(said) == before
    await till.rest()
    assert said[-1] == ("le_1", sum(units.free for units in till._units.values()))
    await till.recall("le_1")
    assert said[-1] == ("le_1", 0)
    await till.rest()
    await till.rest()
    assert not till._payers
    assert not till._said


async def test_what_is_really_spent_is_refused_without_asking_anybody() -> None:
    hall = Hall(2, (1, 1))
    assert [await bought(hall.tills[0], charge_of(number)) for number in range(3)] == [True, True, False]
    assert not await bought(hall.tills[1], charge_of(9))
    assert not hall.told
    await hall.close()


async def test_a_question_or_an_answer_that_is_lost_costs_one_wait_and_that_place_is_not_asked_again(
    monkeypatch,
) -> None:
    monkeypatch.setattr("gateway.admission.recalling._ELSEWHERE", 0.01)
    for heard in ([0], [0, 1]):  # taken from the end: the question, or the answer
        hall = Hall(16, (1, 1), list(heard))
        one, other = hall.tills
        assert await bought(one, charge_of(0))
        sold = 1
        while await bought(other, charge_of(sold)):
            sold += 1
        assert hall.told.count("recall") == 1
        assert sold == (13 if heard == [0] else 16)
        for till in hall.tills:
            await till.rest()
            await till.rest()
        while await bought(other, charge_of(sold)):
            sold += 1
        assert sold == 16
        await hall.close()


async def test_a_holder_that_is_away_or_slow_leaves_the_answer_as_it_was(monkeypatch) -> None:
    monkeypatch.setattr("gateway.admission.recalling._HERE", 0.01)
    never = asyncio.Event()

    async def broken(_holder: object, _licensee: str) -> None:
        raise StoreUnavailable("gone")

    async def slow(_holder: object, _licensee: str) -> None:
        await never.wait()

    for ask in (broken, slow):
        tables = Tables()
        selling = Recalling(MemorySpendBook(tables), ask)
        selling.told("w1", "le_1", 3)
        assert await selling.lease("front-1", charge_of(1), 1) == Short("credit", Money(0, "USD"))
        assert not await selling.recall("le_1"), "it is not asked again before it says something"
        selling.told("w1", "le_1", 3)
        selling.gone("w1")
        assert not await selling.recall("le_1")


async def test_who_is_short_at_the_same_time_asks_once_and_who_leaves_takes_nothing_along() -> None:
    asked, go = Counter[str](), asyncio.Event()

    async def ask(_holder: object, licensee: str) -> None:
        asked[licensee] += 1
        await go.wait()

    selling = Recalling(MemorySpendBook(Tables()), ask)
    selling.told("w1", "le_1", 3)
    tasks = [asyncio.create_task(selling.lease("front-1", charge_of(number), 1)) for number in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks[0].cancel()
    go.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert all(isinstance(answer, Short) for answer in answers[1:])
    assert asked == {"le_1": 1}


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["le_1", "le_2"]), st.integers(0, 3) | st.none()),
        max_size=40,
    )
)
def test_what_is_idle_is_what_each_said_last(said) -> None:
    idle, model = Idle(), {}
    for holder, licensee, units in said:
        if units is None:
            assert set(idle.forget(holder)) == {of for who, of in model if who == holder}
            model = {key: has for key, has in model.items() if key[0] != holder}
            continue
        had = model.pop((holder, licensee), 0)
        assert idle.hear(holder, licensee, units) is bool(had or units)
        if units:
            model[holder, licensee] = units
        for of in ("le_1", "le_2"):
            assert idle.units(of) == sum(has for (_, each), has in model.items() if each == of)
            assert set(idle.holders(of)) == {who for who, each in model if each == of}
    assert not idle._units or model
