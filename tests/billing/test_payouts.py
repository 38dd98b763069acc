"""Payouts as values: IBANs, whole coins, states in order, shares to the micro-unit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.payouts import (
    Paid,
    Payee,
    PayoutError,
    Standing,
    account_of,
    entries_of,
    is_iban,
    masked,
    moved,
    planned,
    read_account,
    read_payee,
    to_authors,
)
from gateway.billing.postings import Undone, postings_of
from gateway.money import Money

IBANS = [
    "DE89370400440532013000",
    "GB82WEST12345698765432",
    "FR1420041010050500013M02606",
    "NL91ABNA0417164300",
    "NO9386011117947",
]
ADA = Payee("Ada Example", IBANS[0])
AT = 1_795_000_000


def eur(micros):
    return Money(micros, "EUR")


@pytest.mark.parametrize("iban", IBANS)
def test_ibans_whose_check_digits_hold(iban):
    assert is_iban(iban)
    assert read_payee("A", iban=f"{iban[:4]} {iban[4:]}".lower()).iban == iban
    for at in range(4, len(iban)):
        other = "1" if iban[at] != "1" else "2"
        assert not is_iban(iban[:at] + other + iban[at + 1 :])


@pytest.mark.parametrize(
    "text",
    ["", "DE", "DE00370400440532013000", "DE89 3704", "de89370400440532013000", "XX89370400440532013000", "DE8937040044053201300", "٠E89370400440532013000", "DE89370400440532013000\n", "D" * 40],
)  # fmt: skip
def test_what_is_no_iban(text):
    assert not is_iban(text)


@given(st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=4, max_size=34))
def test_whatever_is_an_iban_leaves_1_when_divided_by_97(text):
    """ISO 13616: the check digits, worked out from the text alone."""
    for one in (text, f"DE{text[:20]}", *IBANS):
        if is_iban(one):
            assert int("".join(str(int(char, 36)) for char in one[4:] + one[:4])) % 97 == 1


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("", {"iban": IBANS[0]}), ("x" * 71, {"iban": IBANS[0]}), ("a\x00b", {"iban": IBANS[0]}), ("A", {}),
        ("A", {"iban": IBANS[0], "account": "acct_1"}), ("A", {"account": "cus_1"}), ("A", {"account": "acct_" + "x" * 70}),
        ("A", {"iban": "DE00370400440532013000"}), ("A", {"iban": IBANS[0], "bic": "SHORT"}),
    ],
)  # fmt: skip
def test_payees_that_cannot_be_paid(name, more):
    with pytest.raises(PayoutError):
        read_payee(name, **more)


@pytest.mark.parametrize(
    "amount",
    [eur(1), eur(1_234_567), eur(5_000), eur(0), eur(-1_000_000), eur(10**16), Money(10_000, "USD"), Money(1_000_000, "XTS")],
)  # fmt: skip
def test_amounts_that_no_bank_takes(amount):
    with pytest.raises(PayoutError):
        planned("journal", ADA, amount, AT, "1")


def test_states_follow_each_other_and_entries_follow_from_them():
    one = planned("journal", ADA, eur(120_500_000), AT, "1")
    assert (
        planned("journal", ADA, eur(120_500_000), AT, "1").id
        == one.id
        != planned("journal", ADA, eur(120_500_000), AT, "2").id
    )
    assert len(one.id) <= 35
    sent = moved(moved(one, Paid.SENDING, AT + 1, reference="f"), Paid.SENT, AT + 2)
    paid = moved(sent, Paid.PAID, AT + 3, fee=eur(350_000))
    back = moved(paid, Paid.REVERSED, AT + 4)
    kinds = [[each.kind_of for each in entries_of(payout)] for payout in (one, sent, paid, back)]
    assert kinds == [["payout"], ["payout"], ["payout", "payout_fee"], ["payout", "payout_fee", "reversal"]]
    assert entries_of(back)[:2] == entries_of(paid)
    assert entries_of(one)[0].id == one.id
    for wrong in (
        lambda: moved(one, Paid.PAID, AT), lambda: moved(one, Paid.SENT, AT), lambda: moved(back, Paid.PAID, AT),
        lambda: moved(sent, Paid.REVERSED, AT), lambda: moved(paid, Paid.FAILED, AT), lambda: moved(one, Paid.PLANNED, AT),
        lambda: moved(sent, Paid.PAID, AT, fee=Money(1, "USD")), lambda: moved(sent, Paid.PAID, AT, fee=eur(-1)),
    ):  # fmt: skip
        with pytest.raises(PayoutError):
            wrong()


def test_each_author_is_paid_whole_coins_and_who_cannot_be_is_named():
    bo = Payee("Bo Example", account="acct_1")
    payees = {("journal", "Ada Example"): ADA, ("journal", "Bo Example"): bo}
    owed = [
        Standing("journal", "", eur(99_000_000)), Standing("journal", "Ada Example", eur(5_019_999)),
        Standing("journal", "Ada Example", Money(7_000_000, "USD")), Standing("journal", "Ada Example", Money(9_999, "CHF")),
        Standing("journal", "Bo Example", Money(7_000_000, "JPY")), Standing("journal", "Bo Example", Money(1_000_000, "XTS")),
        Standing("journal", "Cy Example", eur(1_000_000)), Standing("journal", "Di Example", eur(-350_000)),
        Standing("magazine", "Ada Example", eur(1_000_000)),
    ]  # fmt: skip
    made, left = to_authors(owed, payees, AT, "1")
    assert [(each.author, each.payee, each.amount) for each in made] == [
        ("Ada Example", ADA, eur(5_010_000)), ("Bo Example", bo, Money(7_000_000, "JPY")),
    ]  # fmt: skip
    assert [(each.owed.author, each.owed.amount.currency, each.why) for each in left] == [
        ("Ada Example", "USD", "SEPA pays in EUR, not in USD"), ("Bo Example", "XTS", "'XTS' is no currency of ISO 4217"),
        ("Cy Example", "EUR", "nobody said where it is to be paid"), ("Ada Example", "EUR", "nobody said where it is to be paid"),
    ]  # fmt: skip
    (entry,) = entries_of(made[0])
    (posting,) = postings_of(entry)
    assert (posting.debit, posting.credit, posting.amount) == (
        "author:journal:Ada Example", "bank:paid-out", eur(5_010_000),
    )  # fmt: skip
    assert account_of(made[0]) == posting.debit
    assert made[0].id != planned("journal", ADA, eur(5_010_000), AT, "1").id


def test_what_came_back_of_an_author_is_the_authors_again_and_the_fee_is_its_own():
    one = planned("journal", ADA, eur(5_010_000), AT, "1", "Ada Example")
    sent = moved(moved(one, Paid.SENDING, AT), Paid.SENT, AT)
    back = moved(moved(sent, Paid.PAID, AT, fee=eur(350_000)), Paid.REVERSED, AT)
    paid, fee, undo = entries_of(back)
    (first,) = postings_of(paid)
    assert [each.debit for each in postings_of(fee)] == ["author:journal:Ada Example"]
    (undone,) = postings_of(undo, Undone(first, first.amount.micros))
    assert (undone.debit, undone.credit) == ("bank:paid-out", "author:journal:Ada Example")
    other = replace(undo, memo=undo.memo.replace("Ada", "Bo"))
    assert postings_of(other, Undone(first, first.amount.micros)) == ()


@pytest.mark.parametrize(
    "memo", ["{", "{}", '{"author":""}', '{"author":7}', '{"author":null}', '{"author":["a"]}', "[]", "sepa"]
)
def test_a_payout_whose_memo_names_no_author_is_of_the_creator_or_moves_nothing(memo):
    (entry,) = entries_of(planned("journal", ADA, eur(10_000), AT, "1"))
    found = postings_of(replace(entry, memo=memo))
    assert [each.debit for each in found] == ([] if memo.startswith("{") else ["creator:journal:earned"])


def test_accounts_say_whose_they_are():
    assert read_account("creator:journal:earned") == ("journal", "")
    assert read_account("author:journal:Ada: the first") == ("journal", "Ada: the first")
    assert read_account("licensee:le_1:owed") is None
    assert masked(Payee("Bo", account="acct_12345")) == "Bo, Stripe …2345"
