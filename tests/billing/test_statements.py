"""A bill: exact, reproducible, and none where the books disagree."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.postings import Booked, Undone, postings_of, prepaid
from gateway.billing.statements import (
    BookLine,
    ChargeLine,
    Extract,
    Period,
    PeriodError,
    StatementDisagrees,
    Total,
    statement,
)
from gateway.canonical import canonical_bytes
from gateway.money import Money

NOVEMBER = Period.parse("2026-11")


def usd(micros):
    return Money(micros, "USD")


def extract(*entries, opening=()):
    postings, by_id = [], {}
    for entry in entries:
        before = by_id.get(getattr(entry, "reference", ""))
        for posting in postings_of(entry, Undone(before, before.amount.micros) if before else None):
            by_id[entry.id] = posting
            postings.append(posting)
    return Extract(
        tuple(opening), tuple(Booked(7 + at, entry) for at, entry in enumerate(entries)), tuple(postings)
    )


@pytest.fixture
def story(make):
    return extract(
        make.book(),
        make.fetch(id="r1"),
        make.fetch(id="r2", work="videos"),
        make.fetch(id="r3"),
        make.fetch(id="r4", charged_micros=0, charge_reason="read-before"),
        make.fetch(id="r5", outcome="refused", charged_micros=0, charge_reason=""),
        make.book(id="b1", kind_of="fee", amount_micros=30_000, license="lic_1", memo="upfront"),
        make.book(id="b2", kind_of="reversal", amount_micros=1_000, reference="r1", memo="sorry"),
        make.book(id="b3", currency="EUR", amount_micros=7),
        opening=[usd(-500)],
    )


def test_lines_and_totals(make, story):
    made = statement("le_1", "Example AI", NOVEMBER, story)
    assert made.charges == (
        ChargeLine("lic_1", "essays", "fetch", 2, usd(10_000)),
        ChargeLine("lic_1", "essays", "read-before", 1, usd(0)),
        ChargeLine("lic_1", "videos", "fetch", 1, usd(5_000)),
    )
    assert made.books[1:3] == (
        BookLine("b1", make.AT, "fee", "lic_1", "upfront", usd(-30_000)),
        BookLine("b2", make.AT, "reversal", "", "sorry", usd(1_000)),
    )
    euro = Money(0, "EUR")
    assert made.totals == (
        Total(euro, Money(7, "EUR"), euro, euro, Money(7, "EUR")),
        Total(usd(-500), usd(100_000), usd(45_000), usd(1_000), usd(55_500)),
    )
    assert (made.first_seq, made.last_seq) == (7, 15)


def test_an_empty_month_carries_the_balance(make):
    made = statement("le_1", "Example AI", NOVEMBER, Extract((usd(3),), (), ()))
    assert made.totals == (Total(usd(3), usd(0), usd(0), usd(0), usd(3)),)
    assert "nothing in this period" in made.as_text()
    assert statement("le_1", "", NOVEMBER, Extract((), (), ())).totals == ()


@pytest.mark.parametrize("which", range(4))
def test_where_entries_and_postings_disagree_there_is_no_statement(make, which):
    good = extract(make.book(), make.fetch(id="r1"), make.book(id="b1", kind_of="fee"))
    first, *rest = good.postings
    wrong = [
        tuple(rest),
        (*good.postings, rest[0]),
        (replace(first, amount=usd(first.amount.micros + 1)), *rest),
        (*good.postings, replace(first, amount=Money(1, "GBP"))),
    ][which]
    statement("le_1", "", NOVEMBER, good)
    with pytest.raises(StatementDisagrees):
        statement("le_1", "", NOVEMBER, replace(good, postings=wrong))


def test_json_is_canonical_and_says_the_same(story):
    made = statement("le_1", "Example AI", NOVEMBER, story)
    told = orjson.loads(made.as_json())
    assert canonical_bytes(told).decode() == made.as_json()
    assert told["totals"][1] == {
        "currency": "USD", "opening_micros": -500, "credited_micros": 100_000, "charged_micros": 45_000,
        "corrected_micros": 1_000, "closing_micros": 55_500,
    }  # fmt: skip
    assert sum(line["micros"] for line in told["charges"]) == 15_000
    assert told["journal"] == {"first": 7, "last": 15}


def test_csv_adds_up_and_runs_nothing(make, story):
    made = statement("le_1", "Example AI", NOVEMBER, story)
    rows = list(csv.DictReader(io.StringIO(made.as_csv(), newline="")))
    dollars = [row for row in rows if row["currency"] == "USD"]
    *before, closing = (
        Money.parse(row["amount"].lstrip("-"), "USD").micros * (-1 if row["amount"].startswith("-") else 1)
        for row in dollars
    )
    assert sum(before) == closing == 55_500
    assert [row["row"] for row in dollars] == [
        "opening",
        "credit",
        "fee",
        "reversal",
        *["fetches"] * 3,
        "closing",
    ]
    evil = extract(
        *(make.book(id=f"b{sign}", memo=f"{sign}cmd|' /C calc'!A0") for sign in "=+-@\t\r"),
        make.fetch(work='=1+1,"x"'),
    )
    cells = [
        row["reason"] or row["work"]
        for row in csv.DictReader(io.StringIO(statement("le_1", "", NOVEMBER, evil).as_csv(), newline=""))
        if row["row"] in {"credit"}
    ]
    assert len(cells) == 6
    assert all(cell.startswith("'") for cell in cells)
    assert '"\'=1+1,""x"""' in statement("le_1", "", NOVEMBER, evil).as_csv()


def test_text_is_for_people_and_obeys_no_one(make, story):
    text = statement("le_1", "Example AI", NOVEMBER, story).as_text()
    assert "Statement 2026-11 (UTC)" in text
    assert "entries 7 to 15" in text
    assert any(line.split() == ["=", "closing", "0.0555"] for line in text.splitlines())
    assert (
        "\x1b"
        not in statement("le_1", "Evil \x1b[31m", NOVEMBER, extract(make.book(memo="\x1b]0;\a\nx"))).as_text()
    )


@pytest.mark.parametrize(
    ("text", "since", "days"),
    [("2026-11", 1_793_491_200, 30), ("2024-02", 1_706_745_600, 29), ("2026-12", 1_796_083_200, 31)],
)
def test_a_month_begins_and_ends_at_midnight_utc(text, since, days):
    period = Period.parse(text)
    assert (period.name, period.since_us) == (text, since * 10**6)
    assert period.until_us - period.since_us == days * 86_400 * 10**6


@given(st.integers(1970, 9998), st.integers(1, 12))
def test_months_follow_each_other_without_a_gap(year, month):
    following = (
        Period.parse(f"{year + month // 12}-{month % 12 + 1:02}") if year < 9998 or month < 12 else None
    )
    if following:
        assert Period.parse(f"{year}-{month:02}").until_us == following.since_us


@given(
    st.text()
    | st.sampled_from(
        ["2026-13", "2026-00", "2026-1", "0000-01", "9999-12", "2026-11\n", "٢٠٢٦-11", " 2026-11"]
    )
)
def test_anything_else_is_a_period_error(text):
    with pytest.raises(PeriodError):
        Period.parse(text)


amounts = st.lists(st.tuples(st.sampled_from(["fetch", "credit", "fee"]), st.integers(0, 10**9)), max_size=12)


@given(amounts, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_no_total(amounts, dice):
    from gateway.provenance.record import BookEntry, FetchRecord

    entries = []
    for at, (kind, micros) in enumerate(amounts):
        if kind == "fetch":
            entries.append(
                FetchRecord(
                    f"e{at}",
                    at,
                    1,
                    "s",
                    "h",
                    "GET",
                    "/",
                    "ai",
                    "none",
                    "none",
                    "license",
                    "r",
                    "p",
                    "enforce",
                    "licensed",
                    200,
                    1,
                    "complete",
                    "d",
                    licensee="le_1",
                    license=f"lic_{at % 2}",
                    currency="USD",
                    charged_micros=micros,
                    charge_reason="fetch",
                )
            )
        else:
            entries.append(BookEntry(f"e{at}", at, kind, "s", "le_1", micros, "USD"))
    made = statement("le_1", "", NOVEMBER, extract(*entries))
    dice.shuffle(entries)
    again = statement("le_1", "", NOVEMBER, extract(*entries))
    assert (again.totals, again.charges) == (made.totals, made.charges)
    balance = sum(posting.effect_on(prepaid("le_1")) for posting in extract(*entries).postings)
    assert sum(total.closing.micros for total in made.totals) == balance
