"""`PayoutBook`: never more than was earned, each version once, all or none."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from gateway.billing.comparisons import checked
from gateway.billing.payouts import Paid, Payee, Standing, entries_of, moved, planned
from gateway.money import Money

PAYEE = Payee("Ada Example", "DE89370400440532013000")
NOW = 1_795_000_000


def of(micros, nth, site="journal", at=NOW):
    return planned(site, PAYEE, Money(micros, "EUR"), at, str(nth))


async def earned(ports, make, micros=10_000_000):
    await ports.put(make.book("due", micros, f"due-{micros}", site="journal", currency="EUR"))


async def test_no_more_is_planned_than_was_earned(ports, make):
    await earned(ports, make)
    done = await asyncio.gather(*(ports.payouts.plan([of(4_000_000, nth)]) for nth in range(4)))
    assert sorted(done) == [False, False, True, True]
    kept = await ports.payouts.all(9)
    assert len(kept) == 2
    await ports.put(*(entry for each in kept for entry in entries_of(each)))
    assert await ports.ledger.balance("creator:journal:earned", "EUR") == Money(2_000_000, "EUR")
    assert not await ports.payouts.plan([of(2_010_000, 7)])
    assert not await ports.payouts.plan([of(1_000_000, 8), of(1_010_000, 9)])
    assert await ports.payouts.plan([of(1_000_000, 8), of(1_000_000, 9)])
    assert await ports.payouts.plan([of(1_000_000, 8)])
    assert len(await ports.payouts.all(9)) == 4
    assert not await ports.payouts.plan([of(10_000, 1, "other")])


async def test_what_failed_may_be_planned_again(ports, make):
    await earned(ports, make)
    one = of(10_000_000, 1)
    assert await ports.payouts.plan([one])
    failed = moved(one, Paid.FAILED, NOW + 1)
    assert await ports.payouts.move([failed])
    await ports.put(*entries_of(failed))
    assert await ports.payouts.plan([of(10_000_000, 2)])


async def test_each_version_is_kept_once_and_all_or_none(ports, make):
    await earned(ports, make)
    one, two = of(1_000_000, 1), of(1_000_000, 2, at=NOW + 5)
    assert await ports.payouts.plan([one, two])
    done = await asyncio.gather(*(ports.payouts.move([moved(one, Paid.SENDING, NOW)]) for _ in range(3)))
    assert sorted(done) == [False, False, True]
    stale = moved(one, Paid.FAILED, NOW)
    assert not await ports.payouts.move([moved(two, Paid.SENDING, NOW), stale])
    assert await ports.payouts.get(two.id) == two
    assert (await ports.payouts.get(one.id)).state is Paid.SENDING
    assert await ports.payouts.get("po_9") is None
    assert not await ports.payouts.move([replace(one, id="po_9", version=2)])
    assert [each.id for each in await ports.payouts.all(9)] == [two.id, one.id]
    assert len(await ports.payouts.all(1)) == 1
    assert [each.id for each in await ports.payouts.all(1, two.id)] == [one.id]
    assert await ports.payouts.all(9, one.id) == await ports.payouts.all(9, "po_9") == ()


async def shared_out(ports, make, **parts):
    await earned(ports, make)
    memo = json.dumps({f"{name} Example": micros for name, micros in parts.items()})
    await ports.put(
        make.book(
            "share", sum(parts.values()), "sh_1", site="journal", licensee="", currency="EUR", memo=memo
        )
    )


async def test_an_author_is_paid_from_its_own_account_and_no_more_than_stands_there(ports, make):
    await shared_out(ports, make, Ada=6_000_000, Bo=1_000_000)
    assert [(each.author, each.amount.micros) for each in await ports.payouts.owed()] == [
        ("", 3_000_000), ("Ada Example", 6_000_000), ("Bo Example", 1_000_000),
    ]  # fmt: skip

    def to(author, micros, nth):
        return planned("journal", PAYEE, Money(micros, "EUR"), NOW, str(nth), author)

    done = await asyncio.gather(
        *(ports.payouts.plan([to("Ada Example", 4_000_000, nth)]) for nth in range(3))
    )
    assert sorted(done) == [False, False, True]
    assert not await ports.payouts.plan([to("Bo Example", 1_010_000, 1)])
    assert not await ports.payouts.plan([to("", 3_010_000, 1)])
    assert not await ports.payouts.plan([to("Bo Example", 1_000_000, 1), to("Cy Example", 10_000, 1)])
    assert await ports.payouts.plan([to("Bo Example", 1_000_000, 1), to("", 3_000_000, 1)])
    left = [Standing("journal", "Ada Example", Money(2_000_000, "EUR"))]
    assert list(await ports.payouts.owed()) == left, "what is planned is taken off before the books show it"
    for each in await ports.payouts.all(9):
        await ports.put(*entries_of(each))
    assert list(await ports.payouts.owed()) == left
    assert await ports.ledger.balance("author:journal:Ada Example", "EUR") == Money(2_000_000, "EUR")
    assert await ports.ledger.balance("creator:journal:earned", "EUR") == Money(0, "EUR")
    assert all(each.ok for each in checked(await ports.ledger.books()))


async def test_where_an_author_is_paid_to_is_kept_changed_and_forgotten(ports):
    assert await ports.payouts.payees() == {}
    await ports.payouts.name_payee("journal", "Ada Example", PAYEE)
    other = Payee("A. Example", account="acct_1")
    await ports.payouts.name_payee("magazine", "Ada Example", PAYEE)
    await ports.payouts.name_payee("journal", "Ada Example", other)
    assert await ports.payouts.payees() == {
        ("journal", "Ada Example"): other, ("magazine", "Ada Example"): PAYEE,
    }  # fmt: skip
    await ports.payouts.name_payee("journal", "Ada Example", None)
    await ports.payouts.name_payee("journal", "Ada Example", None)
    assert list(await ports.payouts.payees()) == [("magazine", "Ada Example")]
