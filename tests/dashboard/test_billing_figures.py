"""The figures of Billing: sums of the books over any period, beside another, and in each form."""

from __future__ import annotations

import json

from gateway.dashboard.billing_figures import FIGURES, changes_of, figures_of, rows_of
from gateway.dashboard.filters import LogFilter
from gateway.money import Money
from gateway.store.sqlite.account_book import SqliteAccountBook
from tests.dashboard.test_billing_pages import AT, bills

__all__ = ["bills"]
DAY = 86_400_000_000


async def test_sums_are_those_of_the_books_in_that_time_alone(database, bills):
    book = SqliteAccountBook(database.database)
    now = await figures_of(book, ("le_1",), LogFilter(from_us=AT - DAY, to_us=AT + DAY), AT + DAY)
    assert now["due"] == (Money(2_000_100, "USD"),)
    assert now["paid"] == (Money(500_000, "USD"),)
    assert now["credited"] == ()
    before = await figures_of(book, ("le_1",), LogFilter(from_us=AT - 50 * DAY, to_us=AT - DAY), AT)
    assert before["credited"] == (Money(10_000_000, "USD"),)
    found = {each.name: each for each in changes_of(now, before)}
    assert found["Credit paid in, USD"].difference == "10 USD less"
    assert found["Fell due, USD"].difference == "2.0001 USD more"
    assert "Credited back, USD" not in found
    assert await figures_of(book, (), LogFilter(), AT) == dict.fromkeys(FIGURES, ())
    assert tuple(rows_of(now, None)[0]) == ("figure", "amount")


async def test_the_page_adds_up_when_it_is_asked_and_says_the_difference(start, database, bills):
    board = await start(database, bills=bills)
    await board.set_password()
    plain = (await board.get("/billing")).text
    assert "Fell due" not in plain
    assert "Figures of a period" in plain
    query = "from=2026-01-01&to=2026-12-31&compare=2020-01-01..2020-12-31"
    page = (await board.get(f"/billing?{query}")).text
    assert "Fell due, USD" in page
    assert "2.0001 USD more" in page
    rows = json.loads((await board.get(f"/billing/figures.json?{query}")).text)["rows"]
    assert {row["figure"]: row["difference"] for row in rows}["Fell due, USD"] == "2.0001 USD more"
    assert "difference" not in json.loads((await board.get("/billing/figures.json?last=all")).text)["rows"][0]
    for path in ("/billing", "/billing/figures.csv"):
        wrong = await board.get(f"{path}?last=all&compare=year")
        assert wrong.status == 400
        assert "needs a period that begins" in wrong.text
