"""The round that credits a second payment: once, also by the next machine, and the balance is as if it had been one."""

from __future__ import annotations

from dataclasses import replace

from gateway.app.twice_round import TwiceRound
from gateway.store.sqlite.ledger import SqliteLedger
from loadtests.faults.shop import CREDIT, LICENSEE, PRICE, Said, Shop, record


async def test_a_second_payment_is_credited_once(tmp_path):
    shop = await Shop.open(tmp_path / "data", Said())
    await shop.pay_in()
    await shop.lease(4)
    # As two machines write it: the same page, moments apart.
    for number in range(2):
        await shop.journal.keep(replace(record(number), time_us=shop.clock.now_us(), path="/essays/one"))
    await shop.fold()
    ledger = SqliteLedger(shop.database)
    for _ in range(2):
        one = TwiceRound(ledger, shop.journal, shop.clock, lambda: None)
        await one.act()
        await one.act()
        await shop.fold()
    assert (await shop.book.balances(LICENSEE))[
        0
    ].micros == CREDIT.micros - 2 * PRICE.micros - 2 * PRICE.micros + (PRICE.micros)
    await shop.close()
