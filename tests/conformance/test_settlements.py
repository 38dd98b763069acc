"""`rails.settlements.Settlements`, over every adapter."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.money import Money
from gateway.rails.settlements import UNTRIED_KEPT_US, Payment, State
from gateway.store.memory.settlements import MemorySettlements
from gateway.store.sqlite.settlements import SqliteSettlements

NOW = 1_795_000_000_000_000
PAYMENT = Payment(
    id="pay_1",
    rail="x402",
    nonce="eip155:84532/0xa/0xb/0x01",
    identifier="",
    fingerprint="f" * 64,
    site="journal",
    url="https://journal.example/essays/tides",
    payer="0xb",
    amount=Money(5_000, "USD"),
    asked='{"amount":"5000"}',
    presented='{"signature":"0x"}',
    state=State.PENDING,
    began_us=NOW,
    changed_us=NOW,
)


@pytest.fixture
def book(engine, database):
    return MemorySettlements() if engine == "memory" else SqliteSettlements(database)


async def test_of_200_that_begin_one_payment_at_once_one_may_ask_for_the_money(book) -> None:
    begun = await asyncio.gather(*(book.begin(PAYMENT) for _ in range(200)))
    assert sum(each.is_ours for each in begun) == 1
    assert {each.payment for each in begun} == {PAYMENT}
    assert await book.payments() == (PAYMENT,)


async def test_what_came_of_it_is_said_once(book) -> None:
    await book.begin(PAYMENT)
    settled = await book.finish("pay_1", State.SETTLED, reason="", transaction="0xt", at_us=NOW + 1)
    assert (settled.state, settled.transaction, settled.presented, settled.changed_us) == (
        State.SETTLED, "0xt", "", NOW + 1,
    )  # fmt: skip
    later = await book.finish("pay_1", State.FAILED, reason="no", transaction="", at_us=NOW + 2)
    assert later == settled == await book.payment("pay_1")
    with pytest.raises(KeyError):
        await book.finish("pay_9", State.FAILED, reason="", transaction="", at_us=NOW)


@pytest.mark.parametrize("state", [State.PENDING, State.SETTLED, State.FAILED])
async def test_one_that_was_begun_is_never_begun_again(book, state) -> None:
    await book.begin(PAYMENT)
    stands = await book.finish("pay_1", state, reason="r", transaction="", at_us=NOW + 1)
    begun = await book.begin(replace(PAYMENT, began_us=NOW + 9))
    assert not begun.is_ours
    assert begun.payment == await book.payment("pay_1")
    assert begun.payment.state is state
    assert begun.payment.state is stands.state


async def test_one_that_nobody_was_asked_for_is_begun_again_for_the_same_request_alone(book) -> None:
    await book.skip(PAYMENT)
    assert (await book.payment("pay_1")).state is State.SKIPPED_ORIGIN_ERROR
    other = await book.begin(replace(PAYMENT, fingerprint="0" * 64))
    assert not other.is_ours
    assert (await book.begin(replace(PAYMENT, changed_us=NOW + 5))).is_ours
    failed = await book.finish("pay_1", State.SERVICE_ERROR, reason="down", transaction="", at_us=NOW + 6)
    assert (failed.presented, failed.reason) == (PAYMENT.presented, "down")
    again = await book.begin(replace(PAYMENT, began_us=NOW + 7, changed_us=NOW + 7))
    assert again.is_ours
    assert (again.payment.state, again.payment.began_us) == (State.PENDING, NOW)


async def test_a_skip_changes_nothing_that_stands(book) -> None:
    await book.begin(PAYMENT)
    await book.skip(PAYMENT)
    assert (await book.payment("pay_1")).state is State.PENDING


async def test_a_nonce_stands_once_whoever_signed_it(book) -> None:
    await book.begin(PAYMENT)
    forged = await book.begin(replace(PAYMENT, id="pay_2", payer="0xc"))
    assert not forged.is_ours
    assert forged.payment.id == "pay_1"
    assert await book.payment("pay_2") is None
    assert await book.of_nonce(PAYMENT.nonce) == PAYMENT
    assert await book.of_nonce("another") is None


async def test_an_identifier_is_one_payers_alone(book) -> None:
    named = replace(PAYMENT, identifier="order_0123456789")
    assert (await book.begin(named)).is_ours
    second = await book.begin(replace(named, id="pay_2", nonce="n2"))
    assert (second.is_ours, second.payment.id) == (False, "pay_1")
    assert (await book.begin(replace(named, id="pay_3", nonce="n3", payer="0xc"))).is_ours
    assert (await book.begin(replace(named, id="pay_4", nonce="n4", identifier=""))).is_ours
    assert (await book.begin(replace(named, id="pay_5", nonce="n5", identifier=""))).is_ours


async def test_after_a_failure_its_payer_may_use_the_name_again(book) -> None:
    await book.begin(replace(PAYMENT, identifier="order_0123456789"))
    await book.finish("pay_1", State.FAILED, reason="insufficient_funds", transaction="", at_us=NOW)
    assert (await book.begin(replace(PAYMENT, identifier="order_0123456789", id="pay_2", nonce="n2"))).is_ours


async def test_the_money_is_one_fetchs(book) -> None:
    await book.begin(PAYMENT)
    taken = await asyncio.gather(*(book.spend("pay_1", f"r{number}", at_us=NOW) for number in range(20)))
    (owner,) = {each.spent_by for each in taken}
    assert owner in {f"r{number}" for number in range(20)}
    assert (await book.spend("pay_1", "rz", instead_of="nobody", at_us=NOW)).spent_by == owner
    assert (await book.spend("pay_1", "rz", instead_of=owner, at_us=NOW)).spent_by == "rz"
    with pytest.raises(KeyError):
        await book.spend("pay_9", "r", at_us=NOW)


async def test_whoever_gets_the_money_makes_it_younger_unless_it_was_lent(book) -> None:
    await book.begin(PAYMENT)
    assert (await book.spend("pay_1", "r1", at_us=NOW + 1)).changed_us == NOW + 1
    assert (await book.spend("pay_1", "r2", at_us=NOW + 2)).changed_us == NOW + 1
    await book.lend("pay_1")
    again = await book.spend("pay_1", "r2", at_us=NOW + 3, instead_of="r1")
    assert (again.spent_by, again.changed_us) == ("r2", NOW + 1)


async def test_that_it_was_lent_is_kept(book) -> None:
    await book.begin(PAYMENT)
    await book.lend("pay_9")
    await book.lend("pay_1")
    assert (await book.payment("pay_1")).lent
    settled = await book.finish("pay_1", State.SETTLED, reason="", transaction="t", at_us=NOW)
    assert settled.lent


async def test_what_nobody_was_asked_to_move_is_forgotten_after_a_day_and_nothing_else_is(book) -> None:
    ends = {"pay_1": State.SERVICE_ERROR, "pay_2": State.SETTLED, "pay_3": State.FAILED}
    for number, (id, state) in enumerate(ends.items()):
        await book.begin(replace(PAYMENT, id=id, nonce=f"n{number}"))
        await book.finish(id, state, reason="", transaction="", at_us=NOW)
    await book.skip(replace(PAYMENT, id="pay_4", nonce="n4"))
    later = replace(PAYMENT, id="pay_5", nonce="n5", began_us=NOW + UNTRIED_KEPT_US - 1)
    await book.begin(later)
    assert len(await book.payments()) == 5
    await book.skip(replace(later, id="pay_6", nonce="n6", began_us=NOW + UNTRIED_KEPT_US))
    assert {each.id for each in await book.payments()} == {"pay_2", "pay_3", "pay_5", "pay_6"}


def test_what_was_signed_stands_in_no_repr() -> None:
    assert PAYMENT.presented not in repr(PAYMENT)


async def test_what_is_open_is_told_oldest_first(book) -> None:
    for number in range(4):
        await book.begin(replace(PAYMENT, id=f"pay_{number}", nonce=f"n{number}", began_us=NOW - number))
    await book.finish("pay_0", State.SETTLED, reason="", transaction="t", at_us=NOW)
    await book.finish("pay_1", State.SETTLED, reason="", transaction="t", at_us=NOW)
    await book.finish("pay_2", State.FAILED, reason="r", transaction="", at_us=NOW)
    await book.book("pay_1")
    assert [each.id for each in await book.open()] == ["pay_3", "pay_0"]
    assert [each.id for each in await book.payments(2)] == ["pay_0", "pay_1"]
    assert (await book.payment("pay_1")).booked
