"""What is given back of a bundle: a part of its fee for each work that was withdrawn, once, and never more than stands."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.bundle_credits import credit_id, credited, fee_of, withdrawn_from
from gateway.billing.postings import Undone, postings_of
from gateway.billing.refunds import Standing
from gateway.licenses.bundle import Item, credit_for_withdrawn, manifest
from gateway.licenses.license import License
from gateway.licenses.withdrawal import Withdrawal
from gateway.money import Money
from gateway.paths import PathScope
from gateway.provenance.record import BookEntry
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope
from gateway.uses import Use


def made_of(count):
    items = [Item(f"/essays/{n:02}", "essays", "page", "a" * 64, 1, "own", "none") for n in range(count)]
    return manifest("launch", "journal", 1, items)


def license_over(made, micros):
    paths = tuple(PathScope(each.path) for each in made.items)
    terms = LicenseTerms(
        scope=Scope(("essays",), paths, bundle=made.bundle),
        purpose=Purpose(frozenset({Use.AI_TRAIN})),
        compensation=Compensation("USD", upfront=Money(micros, "USD")),
    )
    return License("li_1", "le_1", "journal", "launch", terms, "sha-256:p", 1000, 2000)


MADE = made_of(3)
LICENSE = license_over(MADE, 100)
FEE = Standing("li_1", "fee", 0, Money(100, "USD"))
PATHS = [each.path for each in MADE.items]
GONE = Withdrawal("wd_1", "journal", frozenset({Use.AI_TRAIN}), 1500, 1500, paths=(PathScope("/essays/01"),))


def test_each_work_is_credited_with_its_part_and_the_entries_post():
    (entry,) = credited(LICENSE, MADE, ["/essays/01"], [], FEE, 7)
    assert (entry.amount_micros, entry.currency, entry.reference) == (33, "USD", "li_1")
    assert "/essays/01" in entry.memo and "launch" in entry.memo
    fee = BookEntry("li_1", 0, "fee", "journal", "le_1", 100, "USD", license="li_1")
    (before,) = postings_of(fee)
    (posting,) = postings_of(entry, Undone(before, 100))
    assert (posting.debit, posting.credit) == ("creator:journal:earned", "licensee:le_1:prepaid")


@given(st.integers(1, 9), st.integers(0, 1000), st.permutations(range(9)), st.data())
def test_in_whatever_steps_it_is_the_agreed_credit_of_all_that_left(count, micros, order, data):
    made = made_of(count)
    license, left, gone, booked, sum_ = license_over(made, micros), micros, [], [], 0
    for nth in (each for each in order if each < count):
        gone.append(made.items[nth].path)
        if data.draw(st.booleans()) or len(gone) == count:
            fee = Standing("li_1", "fee", 0, Money(left, "USD"))
            entries = credited(license, made, gone, booked, fee, 1)
            booked = list(gone)
            sum_ += sum(each.amount_micros for each in entries)
            left = micros - sum_
            assert sum_ == credit_for_withdrawn(made, Money(micros, "USD"), gone).micros
    assert sum_ == micros


def test_nothing_is_credited_twice_nor_more_than_stands_of_the_fee():
    assert credited(LICENSE, MADE, PATHS, PATHS, FEE, 1) == ()
    rest = replace(FEE, left=Money(40, "USD"))
    entries = credited(LICENSE, MADE, PATHS, [], rest, 1)
    assert [each.amount_micros for each in entries] == [33, 7]
    assert len({each.id for each in entries} | {credit_id(LICENSE, "sha-256:other", PATHS[0])}) == 3


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({}, ("/essays/01",)),
        ({"paths": (PathScope("/essays/"),)}, tuple(PATHS)),
        ({"paths": (), "works": ("essays",)}, tuple(PATHS)),
        ({"hold": True}, ()),
        ({"site": "other"}, ()),
        ({"licensee": "le_2"}, ()),
        ({"licensee": "le_1"}, ()),
        ({"uses": frozenset({Use.AI_INPUT})}, ()),
        ({"since": 999}, ()),
        ({"since": 2000}, ()),
    ],
)
def test_only_what_takes_works_from_its_uses_in_its_term_counts(change, gone):
    assert withdrawn_from(LICENSE, MADE, [replace(GONE, **change)]) == gone


def test_the_fee_that_stands_is_that_of_the_license():
    spent = Standing("li_1", "fee", 0, Money(0, "USD"))
    others = [Standing("li_10", "fee", 0, Money(5, "USD")), Standing("li_1.x", "credit", 0, Money(5, "USD"))]
    assert fee_of(LICENSE, [*others, FEE]) == FEE
    assert fee_of(LICENSE, [*others, spent]) is None
    again = Standing("li_1.2", "fee", 0, Money(100, "USD"))
    assert fee_of(LICENSE, [spent, again]) == again
