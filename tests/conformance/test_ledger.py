"""`Ledger`: balances, statements, paid units, and deriving everything again."""

from __future__ import annotations

from gateway.admission.owed import units_of
from gateway.billing.reconcile import reconcile
from gateway.billing.statements import Period
from gateway.money import Money
from gateway.origin.delivery import Delivery
from gateway.provenance.record import Ended

ALL = (0, 2**62)
PREPAID = "licensee:le_1:prepaid"


def usd(micros):
    return Money(micros, "USD")


async def test_every_account_of_a_small_story(ports, make):
    await ports.put(
        make.book("credit", 100_000, "paid"),
        make.fetch("r0"),
        make.fetch("r1", micros=0, reason="read-before"),
        make.book("fee", 30_000, "fee"),
        make.book("reversal", 2_000, "sorry", reference="r0"),
    )
    ledger = ports.ledger
    assert await ledger.balance(PREPAID, "USD") == usd(100_000 - 5_000 - 30_000 + 2_000)
    assert await ledger.balance("creator:journal:earned", "USD") == usd(33_000)
    assert await ledger.balance("bank:clearing", "USD") == usd(-100_000)
    assert await ledger.balance("nobody", "USD") == usd(0)
    assert await ledger.balances(PREPAID) == (usd(67_000),)
    assert await ledger.balances("nobody") == ()
    assert [posting.code for posting in await ledger.postings(PREPAID, *ALL)] == [
        "credit",
        "fetch",
        "fee",
        "reversal",
    ]
    assert reconcile(await ledger.books()).ok


async def test_a_reversal_undoes_no_more_than_stands(ports, make):
    await ports.put(
        make.book("credit", 100_000, "paid"),
        make.book("reversal", 4_000, "early", reference="r0"),
        make.fetch("r0"),
        make.book("reversal", 4_000, "one", reference="r0"),
        make.book("reversal", 4_000, "two", reference="r0"),
        make.book("reversal", 1_000, "three", reference="r0"),
        make.book("reversal", 1_000, "of-reversal", reference="one"),
        make.book("reversal", 1_000, "of-nothing", reference="?"),
        make.book("reversal", 1_000, "of-other", reference="paid", licensee="le_2"),
        make.book("reversal", 10_000, "of-credit", reference="paid"),
    )
    posted = [posting.entry_id for posting in await ports.ledger.postings(None, *ALL)]
    assert posted == ["paid", "r0", "one", "three", "of-credit"]
    assert await ports.ledger.balance(PREPAID, "USD") == usd(90_000)
    idle = [(fault.code, fault.subject) for fault in reconcile(await ports.ledger.books()).faults]
    assert idle == [
        ("moves-nothing", name) for name in ("early", "two", "of-reversal", "of-nothing", "of-other")
    ]


async def test_what_is_owed_held_and_promised(ports, make):
    await ports.put(
        make.book("credit", 100_000, "paid"),
        make.book("due", 30_000, "share", license="lic_1", site="journal"),
        make.book("payment", 20_000, "pays", license="lic_1", reference="share"),
        make.book("deposit", 9_000, "held", license="lic_1", reference="agent:Notary Example"),
        make.book("promise", 5_000, "promised", license="lic_1"),
        make.book("milestone", 9_000, "met", license="lic_1", reference="held"),
        make.book("release", 6_000, "part", license="lic_1", site="journal", reference="held"),
        make.book("refund", 3_000, "rest", license="lic_1", reference="held"),
        make.book("refund", 1, "more", license="lic_1", reference="held"),
        make.book("release", 5_000, "kept", license="lic_1", site="journal", reference="promised"),
    )
    ledger = ports.ledger
    assert {account: money.micros for account, money in (await ledger.books()).balances if money} == {
        PREPAID: 80_000,
        "licensee:le_1:owed": -15_000,
        "creator:journal:earned": 41_000,
        "bank:clearing": -106_000,
    }
    assert await ledger.undone("held") == 9_000
    books = await ledger.books()
    assert [(fault.code, fault.subject) for fault in reconcile(books).faults] == [("moves-nothing", "more")]
    await ledger.rederive()
    assert await ledger.books() == books
    bill = await ledger.statement("le_1", "Example AI", Period.parse("2026-11"))
    (total,) = bill.totals
    assert (total.credited, total.charged, total.corrected, total.closing) == (
        usd(100_000), usd(20_000), usd(0), usd(80_000),
    )  # fmt: skip


async def test_postings_and_entries_by_time_from_the_first_to_before_the_last(ports, make):
    await ports.put(*(make.fetch(f"r{n}", time_us=100 + n) for n in range(4)))
    assert [posting.entry_id for posting in await ports.ledger.postings(None, 101, 103)] == ["r1", "r2"]
    assert [booked.seq for booked in await ports.ledger.entries_of("le_1", 101, 103)] == [2, 3]
    assert await ports.ledger.entries_of("le_2", *ALL) == ()


async def test_deriving_again_gives_the_same(ports, make):
    await ports.put(
        make.book("credit", 1_000_000, "paid"),
        make.book("credit", 1_000, "euros", currency="EUR"),
        *(make.fetch(f"r{n}", license=f"lic_{n % 3}", micros=1_000 * n) for n in range(30)),
        make.book("reversal", 500, "sorry", reference="r7"),
        make.fetch("rx", micros=0, reason="client-left-early"),
    )
    await ports.spend_book.lease(make.WRITER, make.charge("open"), 1)
    period = Period.parse("2026-11")
    before = await ports.ledger.books()
    bill = await ports.ledger.statement("le_1", "Example AI", period)
    for _ in range(2):
        assert await ports.ledger.rederive() == len(before.postings)
        assert await ports.ledger.books() == before
        again = await ports.ledger.statement("le_1", "Example AI", period)
        assert (again.as_text(), again.as_json(), again.as_csv()) == (
            bill.as_text(),
            bill.as_json(),
            bill.as_csv(),
        )


async def test_a_statement_opens_with_what_stood_before(ports, make):
    period = Period.parse("2026-11")
    await ports.put(
        make.book("credit", 50_000, "october", time_us=period.since_us - 1),
        make.fetch("first", time_us=period.since_us),
        make.fetch("last", time_us=period.until_us - 1),
        make.fetch("december", time_us=period.until_us),
    )
    bill = await ports.ledger.statement("le_1", "Example AI", period)
    (total,) = bill.totals
    assert (total.opening, total.charged, total.closing) == (usd(50_000), usd(10_000), usd(40_000))
    assert (bill.first_seq, bill.last_seq) == (2, 3)
    after = await ports.ledger.statement("le_1", "Example AI", Period.parse("2026-12"))
    assert after.totals[0].opening == total.closing


async def test_paid_units_are_named_as_the_till_names_them(ports, make):
    paid = make.fetch("r0", etag='"v1"')
    part = make.fetch("r1", status=206, etag="", path="/essays/part")
    await ports.put(
        make.fetch("old", time_us=(make.NOW - 90_000) * 10**6, path="/old"),
        make.fetch("free", micros=0, reason="read-before", path="/free"),
        paid,
        part,
    )
    units = {unit.key: unit.paid_at for unit in await ports.ledger.paid_units(make.NOW - 86_400)}
    wanted = set()
    for record in (paid, part):
        delivery = Delivery(record.status, 10, record.digest, Ended.COMPLETE, etag=record.etag)
        wanted |= set(units_of(record.licensee, record.site, record.path, record.unit, delivery))
    assert units == dict.fromkeys(wanted, make.NOW)
    assert len(wanted) == 3


async def test_what_was_undone_of_an_entry_is_told_by_its_id(ports, make):
    await ports.put(
        make.book("credit", 9_000, "b"),
        make.fetch("f", micros=4_000),
        make.book("reversal", 1_000, "r", reference="b"),
        make.book("reversal", 2_000, "s", reference="b"),
        make.book("reversal", 7_000, "t", reference="b"),
    )
    assert [await ports.ledger.undone(id) for id in ("b", "f", "r", "")] == [3_000, 0, 0, 0]


async def test_what_a_fetch_was_charged_is_told_by_its_id(ports, make):
    await ports.put(
        make.book("credit", 9_000, "b"),
        make.fetch("f", micros=4_000),
        make.fetch("g", reason="read-before", charged_micros=0),
    )
    assert [await ports.ledger.charged(id) for id in ("f", "g", "b", "h")] == [4_000, 0, None, None]
