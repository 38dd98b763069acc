"""`rails.topups.TopUps`, over every adapter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.money import Money
from gateway.rails.topup_events import went_back
from gateway.rails.topups import BACK_KEPT_SECONDS, KEPT_SECONDS, PaidBack, TopUp
from gateway.store.memory.events import Happened
from gateway.store.memory.topups import MemoryTopUps
from gateway.store.sqlite.events import SqliteEvents
from gateway.store.sqlite.topups import SqliteTopUps

TOPUP = TopUp("top_1", "le_1", Money(25_000_000, "USD"), 1_795_000_000)


@pytest.fixture
def topups(engine, database):
    happened = Happened() if engine == "memory" else SqliteEvents(database)
    made = MemoryTopUps(happened) if engine == "memory" else SqliteTopUps(database)
    made.told = happened
    return made


async def test_the_first_of_an_id_stands(topups) -> None:
    assert await topups.add(TOPUP) == TOPUP
    assert await topups.add(replace(TOPUP, licensee="le_2")) == TOPUP
    assert await topups.topup("top_1") == TOPUP
    assert await topups.topup("top_2") is None


async def test_it_is_paid_once_and_found_by_what_paid_it(topups) -> None:
    await topups.add(TOPUP)
    await topups.add(replace(TOPUP, id="top_2"))
    assert await topups.paid_with("") is None
    await topups.opened("top_1", "cs_1")
    await topups.paid("top_1", "pi_1")
    await topups.paid("top_1", "pi_2")
    assert await topups.topup("top_1") == replace(TOPUP, session="cs_1", paid_by="pi_1")
    assert (await topups.paid_with("pi_1")).id == "top_1"
    assert await topups.paid_with("pi_2") is None


async def test_all_of_them_are_told_paid_or_not(topups) -> None:
    assert await topups.everything() == ()
    await topups.add(replace(TOPUP, id="top_2"))
    await topups.add(TOPUP)
    await topups.paid("top_2", "pi_1")
    assert await topups.everything() == (TOPUP, replace(TOPUP, id="top_2", paid_by="pi_1"))


async def test_what_went_back_is_kept_for_a_payment_that_is_told_later(topups) -> None:
    backs = [PaidBack(f"re_{number}", Money(1_000_000, "USD"), "pi_1") for number in range(3)]
    await topups.went_back(backs[2], 1)
    await topups.went_back(backs[1], 2)
    await topups.went_back(replace(backs[1], amount=Money(9, "USD")), 3)
    await topups.went_back(PaidBack("re_9", Money(1, "USD"), "pi_2"), 4)
    assert await topups.back_of("pi_1") == (backs[1], backs[2])
    await topups.went_back(backs[0], BACK_KEPT_SECONDS + 1)
    assert await topups.back_of("pi_1") == (backs[0], backs[1])


async def test_an_event_is_heard_once(topups) -> None:
    assert not await topups.heard("evt_1")
    await topups.note("evt_1", 1)
    await topups.note("evt_1", 2)
    assert await topups.heard("evt_1")
    assert not await topups.heard("evt_2")
    await topups.note("evt_3", KEPT_SECONDS)
    assert await topups.heard("evt_1")
    await topups.note("evt_4", KEPT_SECONDS + 1)
    assert [await topups.heard(f"evt_{number}") for number in (1, 3, 4)] == [False, True, True]


async def test_a_page_that_nobody_paid_on_is_forgotten_and_what_was_paid_is_not(topups) -> None:
    await topups.add(TOPUP)
    await topups.add(replace(TOPUP, id="top_2"))
    await topups.paid("top_2", "pi_2")
    await topups.add(replace(TOPUP, id="top_3", at=TOPUP.at + KEPT_SECONDS - 1))
    assert await topups.topup("top_1") == TOPUP
    await topups.add(replace(TOPUP, id="top_4", at=TOPUP.at + KEPT_SECONDS))
    assert await topups.topup("top_1") is None
    assert [(await topups.topup(f"top_{number}")).id for number in (2, 3, 4)] == ["top_2", "top_3", "top_4"]


async def test_never_more_is_taken_back_than_was_paid_in_and_each_entry_once(topups) -> None:
    await topups.add(TOPUP)
    usd = [Money(micros * 1_000_000, "USD") for micros in range(26)]
    assert await topups.take_back("top_1", "stripe:re_1", usd[10]) == usd[10]
    assert await topups.take_back("top_1", "stripe:re_1", usd[25]) == usd[10]
    assert await topups.take_back("top_1", "stripe:dp_1", usd[25]) == usd[15]
    assert await topups.take_back("top_1", "stripe:re_2", usd[1]) == usd[0]
    assert await topups.take_back("top_1", "stripe:re_2", usd[1]) == usd[0]
    for id, amount in (("top_9", usd[1]), ("top_1", Money(1, "EUR"))):
        with pytest.raises(LookupError):
            await topups.take_back(id, "stripe:re_3", amount)


async def test_what_is_told_is_told_with_the_note_once(topups) -> None:
    told = went_back(TOPUP, PaidBack("re_1", TOPUP.amount, "pi_1"), TOPUP.amount, site="journal", at=7)
    for _ in range(2):
        await topups.note("evt_1", 7, events=(told,))
    await topups.note("evt_1", 7, events=(replace(told, id="ev_2"),))
    assert [each.event for each in await topups.told.after(0, 9)] == [told]
