"""Exports that the programs they are for read, and that say no when one micro-unit is wrong."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.book_export import Form, account_name, export
from gateway.billing.postings import Booked, Undone, postings_of, reference_of
from gateway.billing.reconcile import Books
from gateway.money import Money
from gateway.provenance.record import BookEntry

HOSTILE = 'x"\n2026-01-01 open Assets:Evil\\ ; date:2020-99-99 \N{RIGHT-TO-LEFT OVERRIDE}'


def books_of(entries):
    found, left, sums = {}, {}, {}
    for entry in entries:
        before = found.get(reference_of(entry))
        undone = before and Undone(before, left[before.entry_id])
        for posting in postings_of(entry, undone):
            found[entry.id], left[entry.id] = posting, posting.amount.micros
            if posting.undoes:
                left[posting.undoes] -= posting.amount.micros
            for account in (posting.debit, posting.credit):
                key = (account, posting.amount.currency)
                sums[key] = sums.get(key, 0) + posting.effect_on(account)
    return Books(
        tuple(Booked(at, entry) for at, entry in enumerate(entries, 1)), tuple(found.values()),
        tuple((account, Money(micros, currency)) for (account, currency), micros in sorted(sums.items())), (), (),
    )  # fmt: skip


def story(make):
    return [
        make.book(id="paid", amount_micros=10_000_001),
        make.book(id="yen", amount_micros=3_000_000, currency="JPY"),
        make.fetch(id="r1", charged_micros=1),
        make.fetch(id="r2", time_us=make.AT + 86_400 * 10**6),
        make.book(id=HOSTILE, kind_of="fee", amount_micros=40, memo=HOSTILE),
        make.book(id="share", kind_of="due", amount_micros=900_000, license="lic_1"),
        make.book(id="pays", kind_of="payment", amount_micros=900_000, license="lic_1"),
        make.book(id="held", kind_of="deposit", license="lic_1", reference="agent:Notary & Co.", amount_micros=77),
        make.book(id="some", kind_of="release", license="lic_1", reference="held", amount_micros=50),
        make.book(id="vow", kind_of="promise", license="lic_1", amount_micros=12),
        make.book(id="back", kind_of="refund", license="lic_1", reference="vow", amount_micros=12),
        make.book(id="sorry", kind_of="reversal", reference="r2", amount_micros=5_000),
        make.book(id="x", licensee="x402:0xabc", by="x402", amount_micros=5),
    ]  # fmt: skip


def short_by_one(books):
    account, money = books.balances[-1]
    return replace(books, balances=(*books.balances[:-1], (account, money + Money(1, money.currency))))


def beancount_errors(text):
    loader = pytest.importorskip("beancount.loader", reason="beancount is not installed")
    _, errors, _ = loader.load_string(text)
    return errors


def test_beancount_adds_up_what_we_added_up(make):
    books = books_of(story(make))
    assert beancount_errors("".join(export(books, Form.BEANCOUNT))) == []
    assert beancount_errors("".join(export(Books((), (), (), (), ()), Form.BEANCOUNT))) == []
    (error,) = beancount_errors("".join(export(short_by_one(books), Form.BEANCOUNT)))
    assert "Balance failed" in error.message
    missing = replace(books, postings=books.postings[1:])
    assert beancount_errors("".join(export(missing, Form.BEANCOUNT)))


def test_hledger_adds_up_what_we_added_up(make, tmp_path):
    if shutil.which("hledger") is None:
        pytest.skip("hledger is not installed")

    def check(books):
        file = tmp_path / "books.journal"
        file.write_text("".join(export(books, Form.HLEDGER)), encoding="utf-8")
        return subprocess.run(
            ["hledger", "-f", str(file), "check", "--strict"], capture_output=True, text=True, check=False
        )

    books = books_of(story(make))
    done = check(books)
    assert done.returncode == 0, done.stderr
    assert check(Books((), (), (), (), ())).returncode == 0
    assert "assertion" in check(short_by_one(books)).stderr
    assert check(replace(books, postings=books.postings[1:])).returncode != 0


@pytest.mark.parametrize("form", list(Form))
def test_no_text_of_others_begins_a_line_or_ends_a_quotation(make, form):
    text = "".join(export(books_of(story(make)), form))
    assert "Evil" in text
    assert not [line for line in text.splitlines() if line.startswith("2026-01-01")]
    assert all(line.count('"') % 2 == 0 for line in text.splitlines())
    assert text.isascii() or "\N{RIGHT-TO-LEFT OVERRIDE}" not in text


@given(
    st.lists(st.text(max_size=12), min_size=2, max_size=6, unique=True), st.sampled_from(["prepaid", "owed"])
)
def test_two_accounts_never_become_one(names, what):
    spelled = {account_name(f"licensee:{name}:{what}") for name in names}
    assert len(spelled) == len(names)
    assert all(
        part.replace("-", "").isalnum() and part.isascii() for name in spelled for part in name.split(":")
    )


entries = st.lists(
    st.builds(
        BookEntry,
        id=st.uuids().map(str),
        time_us=st.integers(10**15, 2 * 10**15),
        kind_of=st.sampled_from(["credit", "fee", "due", "payment", "promise"]),
        site=st.sampled_from(["journal", "other site"]),
        licensee=st.sampled_from(["le_1", "x402:0xabc", "é"]),
        amount_micros=st.integers(1, 10**15),
        currency=st.sampled_from(["USD", "JPY", "CLF"]),
        license=st.just("lic_1"),
    ),
    max_size=8,
)  # fmt: skip


@given(entries)
def test_beancount_agrees_with_any_books(entries):
    assert beancount_errors("".join(export(books_of(entries), Form.BEANCOUNT))) == []
