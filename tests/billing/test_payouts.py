"""Payouts as values: IBANs, whole coins, states in order, shares to the micro-unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.payouts import (
    Paid,
    Payee,
    PayoutError,
    entries_of,
    is_iban,
    moved,
    planned,
    read_payee,
    shared,
)
from gateway.billing.splits import Share, Split
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


def test_shares_add_up_and_everybody_must_be_known():
    split = Split((Share("Ada Example", 500_000), Share("Bo Example", 500_000)))
    bo = Payee("Bo Example", account="acct_1")
    made = shared("journal", eur(10_020_000), split, [ADA, bo], AT, "1")
    assert [(each.payee, each.amount) for each in made] == [(ADA, eur(5_010_000)), (bo, eur(5_010_000))]
    with pytest.raises(PayoutError, match="nobody knows"):
        shared("journal", eur(10_020_000), split, [ADA], AT, "1")
    with pytest.raises(PayoutError, match="whole number"):
        shared("journal", eur(10_010_000), split, [ADA, bo], AT, "1")
