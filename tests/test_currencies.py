"""The currencies of ISO 4217 with their decimals, and what is no currency wherever money comes in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.currencies import DECIMALS, is_currency
from gateway.licenses.proposals import Message, read_message, read_terms
from gateway.licenses.report_table import read_table
from gateway.licenses.transparency import read_report
from gateway.money import LARGEST_MICROS, Money, MoneyError
from gateway.problems import Refusal
from gateway.provenance.record import BookEntry
from gateway.rails.stripe_checkout import amount_of
from tests.licenses.test_report_table import DUTY as TABLED
from tests.licenses.test_report_table import HEAD
from tests.licenses.test_transparency import BODY, DUTY, NOW, TERMS

NONE = ["XTS", "XXX", "XBT", "BTC", "ETH", "AAA", "usd", "US", "USDC", "", "XAU", "U$D", "ＵＳＤ"]


def proposed(price):
    message = read_message({"proposal": {"compensation": price}})
    assert isinstance(message, Message)
    return read_terms(message, TERMS)


@pytest.mark.parametrize(
    ("code", "decimals"), [("JPY", 0), ("EUR", 2), ("KWD", 3), ("CLF", 4), ("UYW", 4), ("ISK", 0)]
)
def test_decimals(code, decimals):
    assert DECIMALS[code] == decimals
    assert is_currency(code)


def test_every_code_is_three_letters_and_there_once():
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in DECIMALS)
    assert len(DECIMALS) == 165


@pytest.mark.parametrize("code", NONE)
def test_what_is_no_currency_is_refused_by_name_wherever_money_comes_in(code):
    assert not is_currency(code)
    with pytest.raises(MoneyError, match="is no currency of ISO 4217") as refused:
        Money.parse("1", code)
    assert repr(code) in str(refused.value)
    revenue = [{"product": "S", "net": {"micros": 1, "currency": code}}]
    report = read_report({**BODY, "revenue": revenue}, DUTY, TERMS, NOW)
    assert isinstance(report, Refusal)
    assert "revenue[0].net.currency" in report.detail
    table = read_table(f"{HEAD}revenue,S,,,,,,1,{code},\n", TABLED)
    placed = table.placed(dict(report.facts)["mistakes"].split("\n"))
    assert [(each.row, each.column) for each in placed if each.column] == [(2, "currency")]
    if not is_currency(code.upper()):
        assert amount_of(100, code.lower()) is None
    refused_ = proposed({"upfront": {"micros": 1, "currency": code}})
    assert isinstance(refused_, Refusal)
    assert dict(refused_.facts)["member"] == "proposal.compensation.upfront.currency"


@pytest.mark.parametrize("micros", [LARGEST_MICROS + 1, 2**63 - 1, 2**63, 2**64, 10**30, -1])
def test_amounts_that_no_book_holds_are_refused_wherever_money_comes_in(micros):
    revenue = [{"product": "S", "net": {"micros": micros, "currency": "USD"}}]
    assert isinstance(read_report({**BODY, "revenue": revenue}, DUTY, TERMS, NOW), Refusal)
    inferences = [{"model": "Summarizer 2", "count": micros}]
    assert isinstance(read_report({**BODY, "inferences": inferences}, DUTY, TERMS, NOW), Refusal)
    assert isinstance(proposed({"upfront": {"micros": micros, "currency": "USD"}}), Refusal)
    assert amount_of(micros, "usd") is None
    with pytest.raises(MoneyError):
        Money.parse(str(micros), "USD")


@pytest.mark.parametrize("micros", [2**53 + 1, 2**63, 10**30])
def test_the_journal_takes_no_amount_that_a_keeper_could_not_hold(micros):
    entry = BookEntry("b", 1, "credit", "", "le_1", micros, "USD")
    with pytest.raises(ValueError, match="outside the whole numbers"):
        entry.canonical()
    assert LARGEST_MICROS < 2**53


def test_a_proposal_in_a_currency_that_there_is_is_read():
    read = proposed({"upfront": {"micros": 1, "currency": "USD"}})
    assert read.compensation.upfront == Money(1, "USD")


@given(st.text(max_size=5))
def test_no_text_is_a_currency_that_is_not_in_the_list(text):
    assert is_currency(text) is (text in DECIMALS)
