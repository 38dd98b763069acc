"""Every way in which the books can disagree has a name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.admission.spending import Purse
from gateway.billing.postings import Booked, Undone, postings_of
from gateway.billing.reconcile import Books, Kept, Reckoning, reconcile, referred_by
from gateway.money import Money


def usd(micros):
    return Money(micros, "USD")


@pytest.fixture
def books(make):
    entries = (
        make.book(),
        make.fetch(id="r1"),
        make.fetch(id="r2", charged_micros=0, charge_reason="read-before"),
    )
    return Books(
        entries=tuple(Booked(at, entry) for at, entry in enumerate(entries, 1)),
        postings=tuple(posting for entry in entries for posting in postings_of(entry)),
        balances=(
            ("bank:clearing", usd(-100_000)),
            ("creator:journal:earned", usd(5_000)),
            ("licensee:le_1:prepaid", usd(95_000)),
        ),
        spent=(("lic_1", usd(5_000), 1),),
        purses=(Purse("w0", "lic_1", "le_1", usd(90_000), 18), Purse("w1", "lic_1", "le_1", usd(5_000), 1)),
    )


def faults(books, **more):
    return [(fault.code, fault.subject) for fault in reconcile(books, **more).faults]


def test_books_that_agree(books):
    report = reconcile(books, receipts={"r1": 5_000, "r2": 0})
    assert report.ok
    assert (report.entries, report.postings, report.charged) == (3, 2, (usd(5_000),))


def test_what_is_missing_doubled_or_changed(books, make):
    credit, fetch = books.postings
    kept = ("balance-differs", "creator:journal:earned"), ("balance-differs", "licensee:le_1:prepaid")
    assert faults(replace(books, postings=(credit,))) == [("unposted", "r1"), *kept]
    assert faults(replace(books, postings=(credit, fetch, fetch))) == [("posted-twice", "r1"), *kept]
    other = replace(fetch, amount=usd(4_000))
    assert faults(replace(books, postings=(credit, other))) == [("posting-differs", "r1"), *kept]
    assert faults(replace(books, postings=(credit, fetch, replace(fetch, entry_id="r7")))) == [
        ("no-such-entry", "r7"),
        *kept,
    ]


def test_sums_that_were_not_kept(books):
    assert faults(replace(books, balances=books.balances[:2])) == [
        ("balance-differs", "licensee:le_1:prepaid"),
        ("oversold", "le_1"),
    ]
    assert faults(replace(books, balances=(*books.balances, ("x", usd(1))))) == [("balance-differs", "x")]
    for spent in ((), (("lic_1", usd(5_000), 2),), (("lic_1", usd(4_999), 1),)):
        assert faults(replace(books, spent=spent)) == [("spend-differs", "lic_1")]


def test_credit_that_was_not_there(make):
    (posting,) = postings_of(make.fetch())
    books = Books(
        (Booked(1, make.fetch()),), (posting,), ((posting.debit, usd(-5_000)), (posting.credit, usd(5_000))),
        (("lic_1", usd(5_000), 1),), (),
    )  # fmt: skip
    assert faults(books) == [("overdrawn", "licensee:le_1:prepaid")]
    assert faults(replace(books, limits=(("le_1", usd(5_000)),))) == []
    for limit in (("le_1", usd(4_999)), ("le_1", Money(5_000, "EUR")), ("le_2", usd(5_000))):
        assert faults(replace(books, limits=(limit,))) == [("overdrawn", "licensee:le_1:prepaid")]


def test_what_is_owed_by_agreement_may_stand_below_zero_and_what_tells_moves_nothing(make):
    due = make.book(id="d", kind_of="due")
    tells = make.book(id="t", kind_of="dispute", license="lic_1", reference="d")
    idle = make.book(id="i", kind_of="release", license="lic_1", reference="d")
    (posting,) = postings_of(due)
    books = Books(
        tuple(Booked(at, entry) for at, entry in enumerate((due, tells), 1)), (posting,),
        ((posting.debit, usd(-100_000)), (posting.credit, usd(100_000))), (), (),
    )  # fmt: skip
    assert faults(books) == []
    assert faults(replace(books, entries=(*books.entries, Booked(3, idle)))) == [("moves-nothing", "i")]


def test_more_set_aside_than_there_is(books):
    one_more = Purse("w2", "lic_2", "le_1", usd(1), 1)
    nobodys = Purse("w2", "lic_3", "le_2", usd(7), 1)
    free = Purse("w2", "lic_4", "le_3", usd(0), 4)
    found = faults(replace(books, purses=(*books.purses, one_more, nobodys, free)))
    assert found == [("oversold", "le_1"), ("oversold", "le_2")]
    limits = (("le_1", usd(1)), ("le_2", usd(6)))
    found = faults(replace(books, purses=(*books.purses, one_more, nobodys, free), limits=limits))
    assert found == [("oversold", "le_2")]


def test_chunks_say_what_the_whole_says(books):
    """A reckoning rests on sums alone, and says so where it did not look for a receipt."""
    receipts = {"r1": 4_000, "gone": 5_000}
    kept = Kept(books.balances, books.spent, books.purses, books.limits)
    found = Reckoning(kept, referred_by(books.entries), receipts)
    for each in books.entries:
        found.take([each], [posting for posting in books.postings if posting.entry_id == each.entry.id])
    assert reconcile(found, receipts=receipts) == reconcile(books, receipts=receipts)
    with pytest.raises(ValueError, match="without looking"):
        reconcile(found, receipts={"r2": 0})


def test_what_clients_were_told(books):
    receipts = {"r1": 4_000, "r2": 0, "gone": 5_000}
    assert faults(books, receipts=receipts) == [("not-in-journal", "gone"), ("receipt-differs", "r1")]


def test_what_a_provider_took_back_may_be_owed_and_no_more(books, make):
    back = make.book(
        id="stripe:dp_1",
        kind_of="reversal",
        reference=books.entries[0].entry.id,
        by="stripe",
        amount_micros=100_000,
    )
    taken = replace(
        books,
        entries=(*books.entries, Booked(4, back)),
        postings=(
            *books.postings,
            *postings_of(back, Undone(books.postings[0], 100_000)),
        ),
        balances=(
            ("bank:clearing", usd(0)),
            ("creator:journal:earned", usd(5_000)),
            ("licensee:le_1:prepaid", usd(-5_000)),
        ),
    )
    assert faults(taken) == []
    ours = replace(taken, entries=(*books.entries, Booked(4, replace(back, by="operator"))))
    assert ("overdrawn", "licensee:le_1:prepaid") in faults(ours)
