"""Every pair that has to say the same, and every way in which one of them does not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from gateway.billing.comparisons import Around, checked, months_of, reconciled
from gateway.billing.postings import Booked, postings_of
from gateway.billing.reconcile import Books
from gateway.billing.statements import Extract, Period, statement
from gateway.money import Money
from gateway.rails.settlements import Payment, State
from gateway.rails.topups import TopUp

MONTH = Period.parse("2026-11")


def usd(micros):
    return Money(micros, "USD")


PAID = Payment(
    "pay_1", "x402", "n", "", "f", "journal", "u", "0xabc", usd(40), "{}", "", State.SETTLED, 1, 2, "", "0xtx", True
)  # fmt: skip
TOPUP = TopUp("top_1", "le_1", usd(70_000), 1, "cs_1", "pi_1")


def books_of(*entries):
    postings = tuple(posting for entry in entries for posting in postings_of(entry))
    sums, spent = Counter(), Counter()
    for posting in postings:
        for account in (posting.debit, posting.credit):
            sums[account] += posting.effect_on(account)
        if posting.code == "fetch":
            spent["lic_1"] += posting.amount.micros
    fetches = sum(posting.code == "fetch" for posting in postings)
    return Books(
        tuple(Booked(at, entry) for at, entry in enumerate(entries, 1)), postings,
        tuple((account, usd(micros)) for account, micros in sorted(sums.items())),
        (("lic_1", usd(spent["lic_1"]), fetches),) if fetches else (), (),
    )  # fmt: skip


def bill(books, licensee="le_1"):
    account = f"licensee:{licensee}:prepaid"
    return statement(
        licensee, licensee, MONTH,
        Extract(
            (), tuple(each for each in books.entries if each.entry.licensee == licensee),
            tuple(each for each in books.postings if account in {each.debit, each.credit}),
        ),
    )  # fmt: skip


@pytest.fixture
def books(make):
    return books_of(
        make.book(),
        make.book(id="top_1", by="stripe", amount_micros=70_000, reference="pi_1"),
        make.book(id="pay_1", by="x402", licensee="x402:0xabc", amount_micros=40, reference="0xtx"),
        make.fetch(id="r1"),
        make.fetch(id="r2", charged_micros=0, charge_reason="read-before"),
    )


@pytest.fixture
def around(books):
    return Around([bill(books), bill(books, "x402:0xabc")], (), [PAID], [TOPUP], {"r1": 5_000, "r2": 0})


def faults(comparisons):
    return [(each.name, fault.code, fault.subject) for each in comparisons for fault in each.faults]


def explained(comparisons):
    return [(each.name, said) for each in comparisons for said in each.explained]


def test_what_agrees_is_told_line_by_line_and_credit_by_hand_is_named(books, around):
    found = reconciled(books, around)
    assert faults(found) == []
    assert [each.name for each in found] == [
        "derivation", "sums", "balances", "accounts", "spending", "credit", "journal", "statements", "receipts",
        "payments", "top-ups", "by hand",
    ]  # fmt: skip
    assert explained(found) == [("by hand", "0.1 USD entered by operator: no rail tells of it")]
    assert [each.left for each in found if each.name == "journal"] == ["records charged 0.005 USD"]
    assert months_of(books) == (("le_1", "2026-11"), ("x402:0xabc", "2026-11"))


def test_one_micro_unit_more_in_a_posting(books):
    at = next(nth for nth, each in enumerate(books.postings) if each.code == "fetch")
    wrong = replace(books.postings[at], amount=usd(5_001))
    changed = replace(books, postings=(*books.postings[:at], wrong, *books.postings[at + 1 :]))
    found = faults(reconciled(changed, Around([bill(books), bill(books, "x402:0xabc")])))
    assert ("derivation", "posting-differs", "r1") in found
    assert ("balances", "balance-differs", "creator:journal:earned") in found
    assert ("journal", "charged-differs", "USD") in found
    assert ("statements", "statement-differs", "le_1") in found


def test_balances_that_do_not_sum_to_zero_and_accounts_that_are_none(books):
    kept = (*books.balances[:-1], ("licensee:x402:0xabc:prepaid", usd(41)))
    assert ("sums", "unbalanced", "USD") in faults(checked(replace(books, balances=kept)))
    strange = replace(books.postings[-1], credit="elsewhere")
    assert ("accounts", "unknown-account", "elsewhere") in faults(
        checked(replace(books, postings=(*books.postings, strange)))
    )


def test_accounts_that_stand_where_they_may_not(books):
    gone = replace(
        books.postings[-1], debit="creator:journal:earned", credit="bank:clearing", amount=usd(10**6)
    )
    found = faults(checked(replace(books, postings=(*books.postings, gone))))
    assert ("accounts", "below-zero", "creator:journal:earned") in found
    assert ("accounts", "below-zero", "bank:clearing") in found


def test_a_licensee_that_owes_by_agreement_is_no_fault(make):
    assert faults(checked(books_of(make.book(kind_of="due")))) == []
    overdrawn = books_of(make.book(kind_of="payment"))
    assert faults(checked(overdrawn)) == [("credit", "overdrawn", "licensee:le_1:prepaid")]


def test_statements_that_are_missing_wrong_or_were_refused(books, around):
    without = replace(around, statements=around.statements[:1])
    assert faults(reconciled(books, without)) == [("statements", "no-statement", "x402:0xabc")]
    refused = replace(without, disagreeing=[("x402:0xabc", "2026-11: the sums differ.")])
    assert faults(reconciled(books, refused)) == [("statements", "no-statement", "x402:0xabc")]
    one = around.statements[0]
    (total,) = one.totals
    for wrong in (
        replace(one, totals=(replace(total, closing=total.closing + usd(1)),)),
        replace(one, totals=(replace(total, opening=usd(1)),)),
        replace(one, charges=one.charges[1:]),
    ):
        found = faults(reconciled(books, replace(around, statements=[wrong, around.statements[1]])))
        assert found == [("statements", "statement-differs", "le_1")]


def test_what_came_in_during_the_look_is_explained(books, around, make):
    later = books_of(*(each.entry for each in books.entries), make.fetch(id="r3"))
    after = replace(around, statements=[bill(later), around.statements[1]])
    found = reconciled(books, after)
    assert faults(found) == []
    assert ("statements", "le_1 2026-11: entries came in during the look") in explained(found)


def test_receipts_that_say_otherwise(books, around):
    found = reconciled(books, replace(around, receipts={"r1": 4_999, "gone": 1}))
    assert faults(found) == [("receipts", "not-in-journal", "gone"), ("receipts", "receipt-differs", "r1")]
    found = reconciled(books, replace(around, receipts=None))
    assert faults(found) == []
    assert ("receipts", "none were given to compare") in explained(found)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": usd(41)}, "credit-differs"),
        ({"payer": "0xdef"}, "credit-differs"),
        ({"state": State.FAILED}, "credit-unsettled"),
        ({"state": State.PENDING}, "credit-unsettled"),
    ],
)
def test_a_credit_that_its_payment_does_not_bear_out(books, around, changes, code):
    found = faults(reconciled(books, replace(around, payments=[replace(PAID, **changes)])))
    assert found == [("payments", code, "pay_1")]


def test_payments_and_credits_without_each_other(books, around):
    assert faults(reconciled(books, replace(around, payments=[]))) == [
        ("payments", "credit-unknown", "pay_1")
    ]
    assert faults(reconciled(books, replace(around, topups=[]))) == [("top-ups", "credit-unknown", "top_1")]
    lost = [PAID, replace(PAID, id="pay_2")]
    assert faults(reconciled(books, replace(around, payments=lost))) == [
        ("payments", "credit-missing", "pay_2")
    ]
    lost = [TOPUP, replace(TOPUP, id="top_2")]
    assert faults(reconciled(books, replace(around, topups=lost))) == [("top-ups", "credit-missing", "top_2")]
    for wrong in (replace(TOPUP, amount=usd(70_001)), replace(TOPUP, licensee="le_2")):
        found = faults(reconciled(books, replace(around, topups=[wrong])))
        assert found == [("top-ups", "credit-differs", "top_1")]


def test_what_is_on_its_way_is_explained(books, around):
    waits = [PAID, replace(PAID, id="pay_2", booked=False), replace(PAID, id="pay_3", state=State.PENDING)]
    open_ = [replace(TOPUP, paid_by=""), replace(TOPUP, id="top_2", paid_by="")]
    found = reconciled(books, replace(around, payments=waits, topups=open_))
    assert faults(found) == []
    assert [said.partition(":")[0] for name, said in explained(found) if name != "by hand"] == [
        "pay_2", "pay_3", "top_1",
    ]  # fmt: skip
