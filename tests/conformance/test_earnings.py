"""`Earnings`: what a site earned since it was divided, by work or license; what is undone counts for what it undoes."""

from __future__ import annotations

from dataclasses import replace

from gateway.billing.author_shares import Earned, entries_of
from gateway.billing.postings import authored, earned


async def test_each_posting_is_told_until_it_is_divided_and_once(ports, make):
    await ports.put(
        make.book("credit", 10_000_000, "c1"), make.fetch("f1", work="essays"), make.fetch("f2", work="podcast"),
        make.fetch("f3", work="essays"), make.book("due", 700, "d1", site="journal", license="lic_1"),
        make.book("reversal", 5_000, "r1", reference="f3"), make.fetch("f4", site="other", work="essays"),
    )  # fmt: skip
    until, found = await ports.earnings.undivided("journal")
    assert until == 7
    assert found == (
        Earned("", "lic_1", "USD", 700), Earned("essays", "lic_1", "USD", 5_000), Earned("podcast", "lic_1", "USD", 5_000),
    )  # fmt: skip
    (share,) = entries_of("journal", until, {"USD": {"Ada": 5_000}}, make.NOW * 1_000_000)
    await ports.put(share)
    assert await ports.earnings.undivided("journal") == (8, ())
    assert (await ports.ledger.balance(authored("journal", "Ada"), "USD")).micros == 5_000
    assert (await ports.ledger.balance(earned("journal"), "USD")).micros == 5_700
    await ports.put(
        make.book("reversal", 5_000, "r2", reference="f1"), make.fetch("f5", work="essays", currency="EUR")
    )
    assert (await ports.earnings.undivided("journal"))[1] == (
        Earned("essays", "lic_1", "EUR", 5_000), Earned("essays", "lic_1", "USD", -5_000),
    )  # fmt: skip
    assert await ports.ledger.rederive() > 0
    assert (await ports.ledger.balance(authored("journal", "Ada"), "USD")).micros == 5_000


async def test_a_division_that_does_not_add_up_moves_nothing(ports, make):
    await ports.put(make.book("credit", 10_000_000, "c1"), make.fetch("f1", work="essays"))
    (share,) = entries_of("journal", 2, {"USD": {"Ada": 3_000, "Bo": -1_000}}, 5)
    wrong = [replace(share, id=f"x{nth}", memo=memo) for nth, memo in enumerate([
        "", "[]", "{", '{"Ada": 3000}', '{"Ada": 4000.0}', '{"Ada": true, "Bo": 3999}', '{"Ada": 4000, "Bo": 0}',
    ])]  # fmt: skip
    await ports.put(*wrong)
    assert [each.code for each in await ports.ledger.postings(None, 0, 1 << 62)] == ["credit", "fetch"]
    await ports.put(share)
    assert (await ports.ledger.balance(authored("journal", "Bo"), "USD")).micros == -1_000
