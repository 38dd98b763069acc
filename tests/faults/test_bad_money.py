"""Money that cannot be: each refused by a sentence, or recorded and worth nothing; and none of it in anybody's way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.admission.spending import Charge
from gateway.billing.reconcile import reconcile
from gateway.money import Money, MoneyError
from gateway.problems import StoreUnavailable
from gateway.provenance.record import BookEntry
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.tokens.claims import Budget
from loadtests.faults.shop import CREDIT, LICENSEE, NOW_US, Shop, record
from loadtests.faults.table import told
from loadtests.faults.verdict import judge

LARGEST = 9_007_199_254_740_991
ROW = "money that cannot be"


@pytest.mark.parametrize(
    "text",
    [
        "99999999999999999999 USD", "9007199255 USD", "9007199254.740993 USD", "0.0000001 USD", "-5 USD", "1e3 USD",
        "NaN USD", "Infinity USD", "0x10 USD", "1_000 USD", "1,000 USD", "１ USD", "5 US", "5 USDT", "5 usd", "5 $", "5",
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused_by_a_sentence(text):
    with pytest.raises(MoneyError) as said:
        Money.read(text)
    assert len(str(said.value)) > 10
    told(ROW, 1, refused=1)


@pytest.mark.parametrize(
    ("text", "micros"), [("1 JPY", 1_000_000), ("0.001 KWD", 1_000), ("0.0001 CLF", 100), ("0.000001 UYW", 1)]
)
def test_currencies_of_no_and_of_four_decimals_are_exact(text, micros):
    """The journal counts in millionths of every currency; only a rail or a bill rounds to what can be paid."""
    assert Money.read(text).micros == micros
    assert Money.read(str(Money.read(text))) == Money.read(text)
    told(ROW, 1)


BAD = {
    "negative": {"amount_micros": -1},
    "nothing": {"amount_micros": 0},
    "for nobody": {"licensee": ""},
    "of no kind": {"kind_of": "gift"},
    "a refund of nothing": {"kind_of": "refund", "reference": "no such entry"},
    "a reversal of itself": {"kind_of": "reversal", "reference": "bad"},
    "a reversal of too much": {"kind_of": "reversal", "reference": "credit-1", "amount_micros": LARGEST},
    "another currency's reversal": {"kind_of": "reversal", "reference": "credit-1", "currency": "JPY"},
    "a release of nothing": {"kind_of": "release", "reference": "credit-1"},
}


@pytest.mark.parametrize("name", BAD)
async def test_an_entry_that_moves_nothing_stops_no_other(data, said, name):
    shop = await Shop.open(data, said)
    await shop.pay_in()
    before = await shop.book.available(LICENSEE, "USD")
    bad = BookEntry("bad", NOW_US, "credit", "", LICENSEE, 5_000, "USD", by="operator")
    await shop.journal.keep(replace(bad, **BAD[name]))
    said.entry("bad")
    await shop.fold()
    assert await shop.book.available(LICENSEE, "USD") == before
    await shop.sell(2)
    await shop.fold()
    assert await shop.publish() == ""
    report = reconcile(await SqliteLedger(shop.database).books())
    assert {fault.code for fault in report.faults} <= {"moves-nothing"}, report.faults
    await shop.close()
    found = await judge(data, said)
    assert not (found.lost or found.doubled or found.forked or found.refused), found
    # A statement that would count it is not made either.
    assert all("moves-nothing" in each or "no-statement" in each for each in found.wrong), found.wrong
    told(ROW, 1, wrong=0, control="reconcile names each that moves nothing")


async def test_credit_beyond_what_a_number_holds_is_said_and_never_rounded(data, said):
    """1,100 credits of the largest amount there is: more than 64 bits of micro-units (9.2 million million JPY)."""
    shop = await Shop.open(data, said)
    await shop.pay_in()
    for number in range(1_100):
        shop.journal.note(
            BookEntry(f"big-{number}", NOW_US, "credit", "", "le_2", LARGEST, "JPY", by="operator")
        )
    await shop.journal.flush()
    with pytest.raises(StoreUnavailable, match="cannot store"):
        await shop.fold()
    left = (await shop.book.available("le_2", "JPY")).micros
    assert left == 1_024 * LARGEST, "what fits, to the micro-unit"
    assert await shop.book.available(LICENSEE, "USD") == CREDIT
    await shop.close()
    told(ROW, 1, refused=1)


@pytest.mark.parametrize("micros", [-1, -(2**62)])
async def test_a_negative_price_is_no_lease(data, said, micros):
    shop = await Shop.open(data, said)
    await shop.pay_in()
    before = await shop.book.available(LICENSEE, "USD")
    with pytest.raises(ValueError, match="not negative"):
        await shop.book.lease(
            shop.journal.writer, Charge("a", LICENSEE, "lic_1", Money(micros, "USD"), Budget()), 3
        )
    assert await shop.book.available(LICENSEE, "USD") == before
    await shop.close()
    told(ROW, 1, refused=1)


async def test_a_fetch_that_owes_less_than_nothing_gives_no_credit(data, said):
    shop = await Shop.open(data, said)
    await shop.pay_in()
    before = await shop.book.available(LICENSEE, "USD")
    await shop.journal.keep(record(1, micros=-5_000))
    await shop.fold()
    assert await shop.book.available(LICENSEE, "USD") == before
    await shop.close()
    told(ROW, 1)
