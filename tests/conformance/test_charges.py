"""`Charges`: an account entry by entry, newest first, page by page, and nobody else's."""

from __future__ import annotations

from gateway.billing.charges import NAMES, ChargeFilter, Used, amount_of, costs, row_of
from gateway.money import Money
from gateway.provenance.record import Outcome

SITE = ChargeFilter("journal")


async def all_of(ports, filter=SITE, most=3, licensee="le_1"):
    found, after = [], None
    while True:
        page = await ports.charges.page(licensee, filter, after, most)
        assert len(page.rows) <= most
        found += page.rows
        after = page.next
        if after is None:
            return [entry.id for _, entry in found]


async def test_pages_hold_every_entry_once_newest_first(ports, make):
    now = make.NOW * 1_000_000
    # Several of one moment: the place tells them apart.
    entries = [make.fetch(f"f{n:02}", time_us=now + n // 4) for n in range(14)]
    await ports.put(make.book("credit", 100_000, "c0", time_us=now - 5), *entries)
    wanted = [each.id for each in reversed(entries)] + ["c0"]
    for most in (1, 3, 5, 50):
        assert await all_of(ports, most=most) == wanted


async def test_only_the_licensees_own_of_this_site_under_a_license(ports, make):
    await ports.put(
        make.fetch("mine"),
        make.fetch("theirs", licensee="le_2"),
        make.fetch("elsewhere", site="other"),
        make.fetch("refused", outcome=str(Outcome.REFUSED), micros=0, reason=""),
        make.book("credit", 5, "paid-in"),
    )
    assert set(await all_of(ports)) == {"mine", "paid-in"}
    assert await all_of(ports, licensee="le_9") == []
    assert (await ports.charges.one("le_1", "mine")).id == "mine"
    for name in ("theirs", "refused", "nothing"):
        assert await ports.charges.one("le_1", name) is None, name


async def test_filters_by_license_time_and_cost(ports, make):
    now = make.NOW * 1_000_000
    await ports.put(
        make.fetch("a", license="lic_2"),
        make.fetch("free", micros=0, reason="window"),
        make.fetch("old", time_us=now - 10),
        make.book("fee", 9, "fee", license="lic_2"),
        make.book("credit", 9, "credit"),
    )
    assert set(await all_of(ports, ChargeFilter("journal", license="lic_2"))) == {"a", "fee"}
    assert await all_of(ports, ChargeFilter("journal", until_us=now)) == ["old"]
    assert set(await all_of(ports, ChargeFilter("journal", since_us=now, charged=True))) == {"a", "fee"}


async def test_what_was_taken_and_is_set_aside_by_license(ports, make):
    await ports.register.add_licensee(*make.enrolled())
    await ports.register.grant(make.license_of("lic_1"))
    await ports.put(make.book("credit", 1_000_000), make.fetch(micros=3_000), make.fetch(micros=2_000))
    await ports.spend_book.lease(make.WRITER, make.charge("r", 4_000), 2)
    assert await ports.charges.used("le_1") == {("lic_1", "USD"): Used(5_000, 2, 8_000, 2)}
    assert await ports.charges.used("le_2") == {}


def test_a_row_has_every_member_and_says_what_it_cost(make):
    fetch, credit = make.fetch("f", micros=1_500), make.book("credit", 2_000_000, "c")
    for entry in (fetch, credit):
        assert tuple(row_of(entry, "t")) == NAMES
    assert row_of(fetch, "t")["amount"] == "0.0015"
    assert (row_of(credit, "t")["amount"], row_of(credit, "t")["kind"]) == ("2", "credit")
    assert costs(fetch)
    assert not costs(credit)
    assert amount_of(make.book("close", 0, currency="XXX")) is None
    assert amount_of(credit) == Money(2_000_000, "USD")
