"""An account in every form: the same facts, adding up, and nothing runs."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import orjson
import pytest

from gateway.billing.account_forms import as_csv, as_json, as_text, digest, facts, sheets
from gateway.billing.account_statements import (
    AccountExtract,
    AccountLine,
    AccountStatement,
    AccountTotal,
    Charged,
    Held,
    account_statement,
)
from gateway.billing.postings import Booked, owed, postings_of, prepaid
from gateway.billing.sheets import TEST_NOTICE
from gateway.billing.statements import Period, StatementDisagrees
from gateway.canonical import canonical_bytes
from gateway.money import Money

NOVEMBER = Period.parse("2026-11")


def usd(micros):
    return Money(micros, "USD")


def story(make, **changes):
    entries = (
        make.book(id="paid", memo="=cmd|' /C calc'!A0"),
        make.book(id="fee", kind_of="fee", amount_micros=30_000, license="lic_1"),
        make.book(id="share", kind_of="due", amount_micros=20_000, license="lic_1"),
        make.book(id="pays", kind_of="payment", amount_micros=15_000, reference="share"),
        make.book(id="vat", kind_of="tax", amount_micros=700),
    )
    postings = tuple(posting for each in entries for posting in postings_of(each))
    posted = [
        (name, each.code, usd(each.effect_on(account)))
        for name, account in (("prepaid", prepaid("le_1")), ("owed", owed("le_1")))
        for each in postings
    ]
    extract = AccountExtract(
        opening=(("prepaid", usd(1_000)), ("owed", usd(-9))),
        charges=(Charged("lic_1", "essays", "fetch", 3, usd(15_000)), Charged("lic_1", "", "", 1, usd(0), late=True)),
        booked=tuple((Booked(7 + at, each), at == 1) for at, each in enumerate(entries)),
        postings=postings,
        posted=(*posted, ("prepaid", "fetch", usd(-15_000))),
        held=(("escrow:lic_1:agent:Notary Example", usd(4)), ("milestone:lic_1", usd(5))),
        first_seq=3, last_seq=12,
    )  # fmt: skip
    return replace(extract, **changes)


@pytest.fixture
def made(make):
    return account_statement("le_1", "Example AI", NOVEMBER, story(make))


def test_the_totals_tell_both_balances(made):
    amounts = (1_000, 100_000, 60_000, 0, 41_000, 4, 20_700, 15_000, 0, 5_704)
    assert made.totals == (AccountTotal(*map(usd, amounts)),)
    assert made.late == 2
    assert [each.late for each in made.lines] == [False, True, False, False, False]
    assert made.held == (
        Held("lic_1", "agent:Notary Example", "This money is held by the agent Notary Example. This gateway never holds money.", usd(4)),
        Held("lic_1", "nobody", "Nobody holds this money: it is a promise to pay, due once the milestone is met.", usd(5)),
    )  # fmt: skip


def test_json_csv_and_tables_say_the_same(made):
    told = orjson.loads(as_json(made))
    assert canonical_bytes(told).decode() == as_json(made)
    rows = list(csv.DictReader(io.StringIO(as_csv(made), newline="")))
    (total,) = told["totals"]
    for column, first, last in (("prepaid", "opening", "closing"), ("to_pay", "to_pay", "left_to_pay")):
        amounts = [micros(row[column]) for row in rows if row["row"] != "held"]
        assert amounts[0] == total[f"{first}_micros"]
        assert sum(amounts[:-1]) == amounts[-1] == total[f"{last}_micros"]
    lines = [row for row in rows if row["entry"]]
    assert [(each["row"], each["entry"], micros(each["prepaid"])) for each in lines] == [
        (each["kind"], each["entry"], each["effect_micros"]) for each in told["books"]
    ]
    fetches = [
        (row["work"], int(row["count"]), -micros(row["prepaid"])) for row in rows if row["row"] == "fetches"
    ]
    assert fetches == [(each["work"], each["fetches"], each["micros"]) for each in told["charges"]]
    assert [row["reason"] for row in rows if row["row"] == "held"] == [
        each["holder"] for each in told["held"]
    ]
    assert lines[0]["reason"].startswith("'=cmd")
    balance, charges, books, held = sheets(made)
    assert {micros(row[1].split()[0]) for row in balance.rows} == {
        total[name] for name in total if name != "currency"
    }
    assert [row[-1] for row in charges.rows] == ["0.015 USD", "0.00 USD"]
    assert [row[-2:] for row in books.rows][2:4] == [("0.00 USD", "0.02 USD"), ("-0.015 USD", "-0.015 USD")]
    assert "(late)" in books.rows[1][1]
    assert len(held.rows) == 2


def micros(text):
    sign = -1 if text.startswith("-") else 1
    return sign * Money.parse(text.lstrip("-"), "USD").micros


def test_an_open_period_says_so_and_a_closed_one_has_a_digest(made):
    assert dict(facts(made))["State"].startswith("open")
    closed = replace(made, closed_seq=20)
    told = dict(facts(closed))
    assert told["State"] == "closed at entry 20; what comes in later stands in the next period"
    assert told["Digest"] == digest(closed) == digest(replace(closed, name="Renamed AI"))
    assert digest(closed) != digest(replace(closed, last_seq=13))
    assert told["Late"].startswith("2 lines are of earlier periods")


def test_test_mode_is_unmistakable_in_every_form(made):
    assert orjson.loads(as_json(made, test=True))["mode"] == "test"
    assert all(
        row["mode"] == "test" for row in csv.DictReader(io.StringIO(as_csv(made, test=True), newline=""))
    )
    assert TEST_NOTICE in as_text(made, test=True)
    assert TEST_NOTICE not in as_text(made)
    assert digest(made, test=True) != digest(made)


def test_text_obeys_no_terminal(made):
    evil = replace(made, name="Evil \x1b[31m", lines=(replace(made.lines[0], memo="\x1b]0;\a\nx"),))
    assert "\x1b" not in as_text(evil)


@pytest.mark.parametrize("which", range(4))
def test_where_the_books_disagree_there_is_no_statement(make, which):
    good = story(make)
    wrong = (
        replace(good, posted=good.posted[1:]),
        replace(good, posted=(*good.posted, ("owed", "due", Money(1, "GBP")))),
        replace(good, charges=(replace(good.charges[0], amount=usd(1)),)),
        replace(
            good, postings=tuple(replace(each, amount=usd(each.amount.micros + 1)) for each in good.postings)
        ),
    )[which]
    with pytest.raises(StatementDisagrees):
        account_statement("le_1", "", NOVEMBER, wrong)


def test_nothing_at_all_is_a_statement_too():
    made = account_statement("le_1", "", NOVEMBER, AccountExtract())
    assert made == AccountStatement("le_1", "", NOVEMBER, (), (), (), (), 0, 0, 0)
    assert "nothing in this period" in as_text(made)
    assert sheets(made) == ()


def test_entries_that_say_what_was_billed_are_no_lines(make):
    entries = [
        make.book(id=kind, kind_of=kind, amount_micros=0)
        for kind in ("close", "invoice", "bill", "credit_note")
    ]
    extract = AccountExtract(booked=tuple((Booked(at + 1, each), False) for at, each in enumerate(entries)))
    assert account_statement("le_1", "", NOVEMBER, extract).lines == ()
    silent = AccountExtract(booked=((Booked(1, make.book(id="m", kind_of="milestone")), False),))
    (line,) = account_statement("le_1", "", NOVEMBER, silent).lines
    assert isinstance(line, AccountLine)
    assert (line.prepaid, line.owed, line.amount) == (usd(0), usd(0), usd(100_000))
