"""Paying out: killed between any two steps nothing is sent twice and the books tie; SEPA files are the same again."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import date

import pytest

from gateway.billing.comparisons import checked
from gateway.billing.paying_out import PayingOut, today
from gateway.billing.payouts import Paid, Payee, PayoutError, planned
from gateway.billing.reconcile import reconcile
from gateway.billing.sepa import Debtor
from gateway.money import Money
from tests.conformance import conftest
from tests.conformance.conftest import make, ports
from tests.rails.test_stripe_transfers import connect

__all__ = ["connect", "make", "ports"]
NOW_US = 1_795_000_000_000_000
ADA = Payee("Ada Example", "DE89370400440532013000")
BO = Payee("Bo Example", account="acct_1")
DEBTOR, DAY = Debtor("Tide Press", "NL91ABNA0417164300"), date(2026, 12, 1)


def eur(micros):
    return Money(micros, "EUR")


class KilledError(Exception):
    """Stands for a process that dies."""


class Steps:
    """Counts the steps of whoever works here, and kills it at its *at*-th."""

    def __init__(self, at=0):
        self.at, self.done = at, 0

    def step(self):
        self.done += 1
        if self.done == self.at:
            raise KilledError


def paying(ports, steps=None):
    steps = steps or Steps()

    async def write(entries):
        for each in entries:
            steps.step()
            await ports.folding.fold(conftest.batch(each))
        return True

    class Book:
        def __getattr__(self, name):
            async def act(*given):
                if name in {"plan", "move"}:
                    steps.step()
                done = await getattr(ports.payouts, name)(*given)
                if name in {"plan", "move"}:
                    steps.step()
                return done

            return act

    return PayingOut(Book(), write, lambda: NOW_US)


class Rail:
    """The real rail, which dies before or after it asked."""

    def __init__(self, rail, steps):
        self._rail, self._steps = rail, steps

    async def make(self, *given):
        self._steps.step()
        done = await self._rail.make(*given)
        self._steps.step()
        return done

    async def find(self, *given):
        return await self._rail.find(*given)


async def earned(ports, make, micros=100_000_000):
    await ports.put(make.book("due", micros, "due", site="journal", currency="EUR"))


def of(payee, micros, nth="1"):
    return planned("journal", payee, eur(micros), NOW_US // 10**6, nth)


async def test_killed_at_every_step_a_payout_is_sent_once_and_the_books_tie(ports, make, connect):
    await earned(ports, make)
    for at in itertools.count(1):
        steps, one = Steps(at), of(BO, 1_000_000, str(at))
        try:
            mine = paying(ports, steps)
            await mine.plan([one])
            await mine.send(Rail(connect.rail, steps))
            break
        except KilledError:
            pass
        connect.forget()
        again = paying(ports)
        await again.plan([one])
        await again.send(connect.rail)
        await again.send(connect.rail)
        kept = await ports.payouts.get(one.id)
        assert kept.state is Paid.SENT, at
        assert sum(each["transfer_group"] == one.id for each in connect.transfers) == 1, at
    assert at > 6
    count = len(await ports.payouts.all(99))
    assert len(connect.transfers) == count == at
    assert await ports.ledger.balance("creator:journal:earned", "EUR") == eur(100_000_000 - count * 1_000_000)
    assert await ports.ledger.balance("bank:paid-out", "EUR") == eur(count * 1_000_000)
    assert reconcile(await ports.ledger.books()).ok


async def test_a_transfer_that_is_refused_gives_the_amount_back_and_an_unknown_one_waits(
    ports, make, connect
):
    await earned(ports, make)
    mine = paying(ports)
    await mine.plan([of(BO, 1_000_000)])
    connect.moods = ["lost"]
    assert await mine.send(connect.rail) == ()
    (one,) = await ports.payouts.all(9)
    assert one.state is Paid.SENDING
    with pytest.raises(PayoutError, match="on its way"):
        await mine.settle(one.id, Paid.FAILED)
    connect.moods = ["down"]
    assert await mine.send(connect.rail) == ()
    (done,) = await mine.send(connect.rail)
    assert (done.state, len(connect.transfers)) == (Paid.SENT, 1)
    await mine.plan([of(BO, 2_000_000, "2")])
    connect.moods = [402]
    (failed,) = await mine.send(connect.rail)
    assert (failed.state, "402" in failed.why) == (Paid.FAILED, True)
    assert await ports.ledger.balance("creator:journal:earned", "EUR") == eur(99_000_000)
    assert reconcile(await ports.ledger.books()).ok


async def test_what_came_of_a_transfer_its_fee_and_its_reversal(ports, make, connect):
    await earned(ports, make)
    mine = paying(ports)
    await mine.plan([of(BO, 5_000_000)])
    await mine.send(connect.rail)
    (paid,) = await mine.look(connect.rail)
    assert paid.state is Paid.PAID
    assert await mine.look(connect.rail) == ()
    connect.transfers[0]["amount_reversed"] = 500
    (back,) = await mine.look(connect.rail)
    assert (back.state, back.reference) == (Paid.REVERSED, "tr_0")
    assert await ports.ledger.balance("creator:journal:earned", "EUR") == eur(100_000_000)
    await mine.plan([of(ADA, 7_000_000)])
    made, _ = await mine.sepa_file(DEBTOR, DAY)
    await mine.sepa_written(made.id)
    (one,) = [each for each in await ports.payouts.all(9) if each.payee == ADA]
    done = await mine.settle(one.id, Paid.PAID, fee=eur(350_000))
    assert await mine.settle(one.id, Paid.PAID) == done
    assert await ports.ledger.balance("creator:journal:earned", "EUR") == eur(92_650_000)
    assert await ports.ledger.balance("fees:payouts", "EUR") == eur(350_000)
    await mine.settle(one.id, Paid.REVERSED)
    assert await ports.ledger.balance("creator:journal:earned", "EUR") == eur(99_650_000)
    assert reconcile(await ports.ledger.books()).ok


async def test_a_payout_stands_in_one_file_which_is_the_same_again(ports, make):
    await earned(ports, make)
    mine = paying(ports)
    with pytest.raises(PayoutError, match="nothing is planned"):
        await mine.sepa_file(DEBTOR, DAY)
    await mine.plan([of(ADA, 1_000_000), of(ADA, 2_000_000, "2")])
    made, count = await mine.sepa_file(DEBTOR, DAY)
    assert count == 2
    with pytest.raises(PayoutError, match="begun and not finished"):
        await mine.sepa_file(DEBTOR, DAY)
    assert await mine.sepa_file(DEBTOR, date(2027, 1, 1), again=made.id) == (made, 2)
    assert await mine.sepa_written(made.id) == 2
    assert await mine.sepa_written(made.id) == 0
    assert await mine.sepa_file(DEBTOR, DAY, again=made.id) == (made, 2)
    with pytest.raises(PayoutError, match="nothing is planned"):
        await mine.sepa_file(DEBTOR, DAY)
    with pytest.raises(PayoutError, match="no file"):
        await mine.sepa_file(DEBTOR, DAY, again="licet-x")


async def test_no_more_than_was_earned_and_nothing_of_nobody(ports, make):
    await earned(ports, make, 1_000_000)
    mine = paying(ports)
    for wrong in ([], [of(ADA, 1_010_000)], [of(ADA, 600_000), of(BO, 500_000)]):
        with pytest.raises(PayoutError):
            await mine.plan(wrong)
    assert await ports.payouts.all(9) == ()
    with pytest.raises(PayoutError, match="no payout"):
        await mine.settle("po_9", Paid.PAID)
    one = of(ADA, 1_000_000)
    await mine.plan([one])
    with pytest.raises(PayoutError, match="cannot become"):
        await mine.settle(one.id, Paid.PAID)
    failed = await mine.settle(one.id, Paid.FAILED, why="wrong account")
    assert await mine.settle(one.id, Paid.FAILED) == failed
    assert replace(failed, why="") != one
    assert today(NOW_US) == date(2026, 11, 18)


async def test_authors_are_paid_by_their_rails_once_and_one_without_details_stays_owed(ports, make, connect):
    await earned(ports, make)
    memo = json.dumps({"Ada Example": 6_005_000, "Bo Example": 3_000_000, "Cy Example": 1_000_000})
    await ports.put(
        make.book("share", 10_005_000, "sh_1", site="journal", licensee="", currency="EUR", memo=memo)
    )
    await ports.payouts.name_payee("journal", "Ada Example", ADA)
    await ports.payouts.name_payee("journal", "Bo Example", BO)
    for at in itertools.count(1):
        mine = paying(ports, Steps(at))
        try:
            made, left = await mine.plan_authors()
            break
        except KilledError:
            pass
    assert at > 1
    mine = paying(ports)
    if not made:
        assert len(await ports.payouts.all(9)) == 2, "it died once they were planned"
    assert [(each.owed.author, each.owed.amount) for each in left] == [("Cy Example", eur(1_000_000))]
    assert (await mine.plan_authors())[0] == ()
    assert sorted((each.author, each.amount.micros) for each in await ports.payouts.all(9)) == [
        ("Ada Example", 6_000_000), ("Bo Example", 3_000_000),
    ]  # fmt: skip
    for _ in range(2):
        await mine.send(connect.rail)
    assert [each["destination"] for each in connect.transfers] == ["acct_1"]
    file, count = await mine.sepa_file(DEBTOR, DAY)
    assert count == 1
    assert b"6.00" in file.octets
    await mine.sepa_written(file.id)
    (ada,) = [each for each in await ports.payouts.all(9) if each.payee == ADA]
    await mine.settle(ada.id, Paid.PAID, fee=eur(350_000))
    assert await ports.ledger.balance("author:journal:Ada Example", "EUR") == eur(5_000 - 350_000)
    assert await ports.ledger.balance("author:journal:Bo Example", "EUR") == eur(0)
    found = {each.name: each for each in checked(await ports.ledger.books())}
    assert all(each.ok for each in found.values())
    assert "before its fee was known" in found["accounts"].explained[0]
    await mine.settle(ada.id, Paid.REVERSED)
    assert await ports.ledger.balance("author:journal:Ada Example", "EUR") == eur(6_005_000 - 350_000)
    assert [
        (each.author, each.amount.micros) for each in (await mine.plan_authors("journal", "Ada Example"))[0]
    ] == [("Ada Example", 5_650_000)]
    assert (await mine.plan_authors("other"))[0] == ()
    assert reconcile(await ports.ledger.books()).ok
