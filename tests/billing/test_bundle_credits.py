"""What is given back of a bundle: a part of its fee for each work that was withdrawn, once, and never more than stands."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.billing.agreed_milestones import waiting
from gateway.billing.bundle_credits import (
    credit_of,
    credited,
    credited_of_milestones,
    fee_of,
    withdrawn_from,
)
from gateway.billing.credit_ids import credit_id
from gateway.billing.escrow import (
    Proof,
    Stamp,
    State,
    disputed,
    funded,
    given_back,
    met,
    released,
    settled,
)
from gateway.billing.postings import SILENT, Undone, postings_of
from gateway.billing.refunds import Standing, standings
from gateway.licenses.bundle import Item, credit_for_withdrawn, manifest
from gateway.licenses.license import License
from gateway.licenses.pricing import due_at_signing
from gateway.licenses.withdrawal import Withdrawal
from gateway.money import Money
from gateway.paths import PathScope
from gateway.problems import Refusal
from gateway.provenance.record import BookEntry
from gateway.store.memory.tables import Tables
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope
from gateway.terms.license_terms import Milestone as AgreedMilestone
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


HELD, NOBODY_HOLDS = "agent:Notary Example", "nobody"
YEAR = 31_536_000


def waits_of(micros, shares, holder, count=3):
    """A bundle of *count* works, and a license on it whose fee waits in *shares* for milestones."""
    made = made_of(count)
    license = license_over(made, micros)
    parts = tuple(AgreedMilestone(f"m{nth}", bp, "operator") for nth, bp in enumerate(shares))
    price = Compensation("USD", upfront=Money(micros, "USD"), milestones=parts, holder=holder)
    return made, replace(license, terms=replace(license.terms, compensation=price), starts_at=0, ends_at=YEAR)


class Acts:
    """The books of one license, every entry posted as a store posts it; *at* counts the seconds."""

    def __init__(self, license, made):
        self.license, self.made, self.at = license, made, 1
        self.entries, self.tables = [], Tables()
        signed = due_at_signing(license.terms)
        if signed:
            self.write(BookEntry("li_1", 0, "fee", "journal", "le_1", signed.micros, "USD", license="li_1"))

    def write(self, *entries):
        for each in entries:
            assert self.tables.derive(each) or each.kind_of in SILENT, (
                f"{each.kind_of} {each.id} moves nothing"
            )
            self.entries.append(each)

    def found(self):
        return waiting((self.license,), self.entries)

    def act(self, nth, act, *more, ids=1, **named):
        self.at += 1
        each = self.found()[nth]
        stamp = Stamp(tuple(f"e{self.at}.{n}" for n in range(ids)), self.at * 1_000_000, "x")
        done = act(each.milestone, each.standing, stamp, *more, **named)
        if not isinstance(done, Refusal):
            self.write(*done)

    def credit(self, gone):
        self.at += 1
        books = self.tables.postings
        fee = fee_of(
            self.license, standings("le_1", [each for each in books if "prepaid" in each.debit + each.credit])
        )
        done = credited_of_milestones(
            self.license, self.made, gone, self.found(), self.entries, self.at * 1_000_000
        )
        booked = [
            path
            for path in gone
            if credit_id(self.license, self.made.hash, path) in {each.id for each in self.entries}
        ]
        if fee:
            done = (*done, *credited(self.license, self.made, gone, booked, fee, 1))
        self.write(*done)
        return done

    def sums(self):
        return {account: micros for (account, _), micros in self.tables.balances.items() if micros}


def test_what_waits_is_made_less_and_what_was_released_is_taken_back():
    made, license = waits_of(90_000, (5_000,), NOBODY_HOLDS)
    books = Acts(license, made)
    books.act(0, funded)
    first, fee = books.credit([made.items[0].path])
    assert (first.kind_of, first.amount_micros, fee.kind_of, fee.amount_micros) == (
        "refund",
        15_000,
        "reversal",
        15_000,
    )
    assert (books.found()[0].standing.state, books.found()[0].standing.left) == (
        State.WAITING,
        Money(30_000, "USD"),
    )
    assert books.credit([made.items[0].path]) == ()
    books.act(0, met, Proof.OPERATOR, "done")
    books.act(0, released, agreed=True)
    assert books.sums()["creator:journal:earned"] == 60_000
    second, _ = books.credit([each.path for each in made.items[:2]])
    assert (second.kind_of, second.amount_micros, second.license) == ("reversal", 15_000, "li_1")
    # The licensee owes a third of what it promised, and has two thirds of what it paid at signing back.
    assert books.sums() == {
        "licensee:le_1:prepaid": -15_000, "licensee:le_1:owed": -15_000, "creator:journal:earned": 30_000,
    }  # fmt: skip
    assert credit_of(license, made, [each.path for each in made.items[:2]]) == Money(60_000, "USD")


def test_what_somebody_held_goes_back_to_where_it_came_from_and_then_to_the_credit_of_the_licensee():
    made, license = waits_of(90_000, (10_000,), HELD)
    books = Acts(license, made)
    assert books.credit([made.items[0].path]) == (), "nothing was paid in yet"
    books.act(0, funded)
    (entry,) = books.credit([made.items[0].path])
    assert (entry.kind_of, books.sums()["bank:clearing"]) == ("refund", -60_000)
    books.act(0, met, Proof.OPERATOR, "done")
    books.act(0, released, agreed=True)
    (entry,) = books.credit([each.path for each in made.items[:2]])
    assert entry.kind_of == "reversal"
    assert books.sums() == {
        "bank:clearing": -60_000, "creator:journal:earned": 30_000, "licensee:le_1:prepaid": 30_000,
    }  # fmt: skip


def test_what_lapsed_is_credited_no_more():
    made, license = waits_of(90_000, (10_000,), NOBODY_HOLDS)
    books = Acts(license, made)
    books.act(0, funded)
    books.act(0, given_back)
    assert books.credit([each.path for each in made.items]) == ()
    assert books.sums() == {}


ACTS = (
    ("fund", lambda books, nth: books.act(nth, funded)),
    ("meet", lambda books, nth: books.act(nth, met, Proof.OPERATOR, "done")),
    ("release", lambda books, nth: books.act(nth, released, agreed=True)),
    ("object", lambda books, nth: books.act(nth, disputed, "no")),
    ("settle", lambda books, nth: books.act(nth, settled, Money(7, "USD"), ids=2)),
    ("give back", lambda books, nth: books.act(nth, given_back)),
)


@settings(max_examples=120, deadline=None)
@given(
    st.integers(0, 1000),
    st.lists(st.integers(1, 3_000), min_size=1, max_size=3),
    st.sampled_from([HELD, NOBODY_HOLDS]),
    st.lists(st.one_of(st.tuples(st.integers(0, 2), st.sampled_from(ACTS)), st.integers(0, 4)), max_size=20),
)
def test_in_whatever_order_nothing_is_lost_and_never_more_goes_back_than_was_paid(
    micros, shares, holder, steps
):
    made, license = waits_of(micros, shares, holder, count=5)
    books, gone = Acts(license, made), set()
    for step in steps:
        if isinstance(step, int):
            gone.add(made.items[step].path)
            books.credit(sorted(gone))
            assert not [each for each in books.credit(sorted(gone)) if each.amount_micros > 1]
        elif step[0] < len(books.found()):
            step[1][1](books, step[0])
    sums = books.sums()
    assert sum(sums.values()) == 0
    assert all(
        micros >= 0
        for account, micros in sums.items()
        if account.startswith(("creator:", "escrow:", "milestone:"))
    )
    # Neither more than was paid in comes back, nor does anybody owe below nothing.
    assert sums.get("bank:clearing", 0) <= 0
    assert sums.get("licensee:le_1:owed", 0) <= 0
    credits = sum(each.amount_micros for each in books.entries if each.id.startswith("bc_"))
    assert credits <= credit_of(license, made, sorted(gone)).micros + len(shares) + 1
    for nth, waits in enumerate(books.found()):
        at = waits.standing
        back = sum(
            each.amount_micros
            for each in books.entries
            if each.id in {credit_id(license, made.hash, item.path, f"m{nth}") for item in made.items}
        )
        assert back <= waits.milestone.amount.micros
        if at.entry:
            assert at.left + at.released + at.refunded == waits.milestone.amount
