"""Late interest is booked by the month, of each sum that is late, once, and corrected by entries alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.interest_booking import BY, Facts, agreed, interest_of, next_month, sums_of, to_book
from gateway.billing.invoices import Document
from gateway.billing.line_disputes import Dispute, Disputed
from gateway.billing.postings import Undone, owed, postings_of, reference_of
from gateway.licenses.license import License
from gateway.money import Money
from gateway.provenance.record import BookEntry
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def license_of(points=1_000, calendar="", days=10, begins="2026-01-01"):
    price = Compensation(
        "USD",
        upfront=Money(365_000_000, "USD"),
        late_interest_bp=points,
        calendar=calendar,
        payment_days=days,
    )
    terms = LicenseTerms(Scope((), ()), Purpose(frozenset()), price)
    return License("lic_1", "le_1", "journal", "", terms, "p", at(begins), at("2030-01-01"))


def due(micros=365_000_000, id="due_1", when="2026-01-01", **more):
    return BookEntry(
        id, at(when) * 1_000_000, "due", "journal", "le_1", micros, "USD",
        **{"license": "lic_1", "by": "terms", **more},
    )  # fmt: skip


def paid(micros, when, reference="", kind="payment", id=""):
    return BookEntry(
        id or f"{kind}-{when}-{micros}",
        at(when) * 1_000_000,
        kind,
        "",
        "le_1",
        micros,
        "USD",
        reference=reference,
    )


def back(of, micros, when, id="back"):
    return BookEntry(
        id, at(when) * 1_000_000, "reversal", "", "le_1", micros, "USD", reference=of, by="billing"
    )


def bill(id, due_on, *lines):
    told = {"due_on": due_on, "lines": [{"nth": nth, "entry": each} for nth, each in enumerate(lines, 1)]}
    return Document(id, "invoice", "le_1", "2026-01", "", 0, orjson.dumps(told).decode(), number=1)


def dispute(document, line, micros, opened, decided=""):
    state = Disputed.REJECTED if decided else Disputed.OPEN
    return Dispute(
        "ld", document, line, "le_1", Money(micros, "USD"), "why", "", at(opened), 0, state,
        at(decided) if decided else 0,
    )  # fmt: skip


class Books:
    """A journal in which the office books interest, and what it posts."""

    def __init__(self, license, *entries, due_on=None, documents=(), disputes=()):
        self.license, self.entries = license, list(entries)
        self.due_on = {"due_1": date(2026, 1, 15)} if due_on is None else due_on
        self.documents, self.disputes = documents, disputes

    def book(self, until):
        now = at(until)
        facts = Facts(self.entries, self.due_on, self.documents, self.disputes)
        new = to_book(self.license, interest_of((self.license,), facts, now), self.entries, now * 1_000_000)
        self.entries += new
        facts = replace(facts, entries=self.entries)
        again = interest_of((self.license,), facts, now)
        assert to_book(self.license, again, self.entries, now * 1_000_000) == (), "a second run books nothing"
        assert len({each.id for each in self.entries}) == len(self.entries)
        return new

    @property
    def interest(self):
        """What of the interest stands on the licensee's account, by what was posted."""
        standing, sums = {}, 0
        for entry in self.entries:
            for each in postings_of(entry, standing.get(reference_of(entry))):
                standing[entry.id] = Undone(each, each.amount.micros)
                if each.undoes:
                    before = standing[each.undoes]
                    standing[each.undoes] = Undone(before.posting, before.left_micros - each.amount.micros)
                if entry.by == BY:
                    sums -= each.effect_on(owed("le_1"))
        return sums


def told(entries):
    return [
        (each.kind_of, each.amount_micros, datetime.fromtimestamp(each.time_us // 1_000_000, UTC).isoformat()[:19])
        for each in entries
    ]  # fmt: skip


def test_each_month_is_booked_at_its_last_second_with_what_it_was_for():
    books = Books(license_of(), due())
    # 10 percent a year of 365 are 0.1 a day; the 15th is the last day in time.
    assert told(books.book("2026-03-10T00:00:00")) == [
        ("due", 1_600_000, "2026-01-31T23:59:59"), ("due", 2_800_000, "2026-02-28T23:59:59"),
    ]  # fmt: skip
    first = books.entries[1]
    assert first.id.startswith("int_")
    assert (first.license, first.reference, first.by) == ("lic_1", "due_1", BY)
    assert first.memo == "late_interest; 10 % a year for 2026-01, on what was to be paid by 2026-01-15"


@pytest.mark.parametrize(
    ("points", "entries", "until", "expected"),
    [
        # Nothing was agreed, or the month is not over, by a second.
        (0, [], "2027-01-01", 0),
        (1_000, [], "2026-01-31T23:59:59", 0), (1_000, [], "2026-02-01T00:00:00", 1_600_000),
        # Paid on the last day; the next day; in two parts; more than was owed.
        (1_000, [paid(365_000_000, "2026-01-15T23:59:59")], "2027-01-01", 0),
        (1_000, [paid(365_000_000, "2026-01-16T00:00:00")], "2027-01-01", 100_000),
        (1_000, [paid(182_500_000, "2026-01-25"), paid(182_500_000, "2026-02-04")], "2027-01-01", 1_500_000),
        (1_000, [paid(182_500_000, "2026-01-25"), paid(900_000_000, "2026-02-04")], "2027-01-01", 1_500_000),
        # Before it fell due at all.
        (1_000, [paid(365_000_000, "2025-12-01")], "2027-01-01", 0),
        # What was written off bears none from then on; what was credited never did.
        (1_000, [paid(365_000_000, "2026-01-25", "due_1", "write_off")], "2027-01-01", 1_000_000),
        (1_000, [back("due_1", 365_000_000, "2026-06-01")], "2027-01-01", 0),
        (1_000, [back("due_1", 182_500_000, "2026-06-01")], "2026-02-01", 800_000),
        # A reversal of more than stands posts nothing, and takes nothing away.
        (1_000, [back("due_1", 365_000_001, "2026-06-01")], "2026-02-01", 1_600_000),
        # A payment that came back is no payment.
        (1_000, [paid(365_000_000, "2026-01-10", id="pa"), back("pa", 365_000_000, "2026-01-12")], "2026-02-01", 1_600_000),
        # Another licensee's currency pays nothing.
        (1_000, [replace(paid(365_000_000, "2026-01-10"), currency="EUR")], "2026-02-01", 1_600_000),
        # The longest overdue, a whole year and the leap day.
        (1_000, [], "2027-02-01", 1_600_000 + 36_500_000),
        (1_000, [], "2028-04-01", 100_000 * (date(2028, 3, 31) - date(2026, 1, 15)).days),
    ],
)  # fmt: skip
def test_what_is_late_bears_it_until_it_is_paid(points, entries, until, expected):
    books = Books(license_of(points), due(), *entries)
    books.book(until)
    assert books.interest == expected


def test_a_leap_day_is_a_day_and_belongs_to_february():
    books = Books(
        license_of(begins="2028-01-01"), due(when="2028-01-01"), due_on={"due_1": date(2028, 1, 31)}
    )
    assert told(books.book("2028-03-15")) == [("due", 2_900_000, "2028-02-29T23:59:59")]


@pytest.mark.parametrize(
    ("calendar", "booked", "first"),
    [
        # Late on the second day of their own calendar: a payment at 23:30 UTC is one of the next day in Frankfurt.
        ("", "2026-01-31T23:59:59", 1_500_000), ("target", "2026-01-31T22:59:59", 1_600_000),
    ],
)  # fmt: skip
def test_days_and_months_are_those_of_the_calendar_of_the_agreement(calendar, booked, first):
    books = Books(license_of(calendar=calendar), due(), paid(365_000_000, "2026-01-30T23:30:00"))
    assert told(books.book("2026-02-01")) == [("due", first, booked)]
    assert next_month((books.license,), at("2026-01-31T22:59:59")) == at(booked) + 1
    assert next_month((books.license,), at("2026-01-31T23:59:59")) == at(
        "2026-02-01" if not calendar else "2026-02-28T23:00:00"
    )


def test_a_bill_that_names_a_later_day_gives_time_until_then():
    books = Books(license_of(), due(), documents=[bill("in_1", "2026-02-14", "due_1")])
    assert told(books.book("2026-03-01")) == [("due", 1_400_000, "2026-02-28T23:59:59")]
    sooner = Books(license_of(), due(), documents=[bill("in_1", "2026-01-02", "due_1")])
    sooner.book("2026-02-01")
    assert sooner.interest == 1_600_000, "the agreement gives time until then all the same"
    draft = Books(license_of(), due(), documents=[replace(bill("in_1", "2026-02-14", "due_1"), number=0)])
    draft.book("2026-02-01")
    assert draft.interest == 1_600_000
    late = Books(license_of(), due())
    late.book("2026-02-01")
    late.documents = [bill("in_1", "2026-02-14", "due_1")]
    assert told(late.book("2026-02-02")) == [("reversal", 1_600_000, "2026-02-02T00:00:00")]


def test_what_is_in_dispute_bears_none_on_those_days_however_it_ends():
    documents = [bill("in_1", "2026-01-15", "other", "due_1")]
    whole = Books(
        license_of(),
        due(),
        documents=documents,
        disputes=[dispute("in_1", 2, 365_000_000, "2026-01-21T12:00:00")],
    )
    whole.book("2026-06-01")
    assert whole.interest == 500_000, "from the 16th to the 20th"
    whole.disputes = [dispute("in_1", 2, 365_000_000, "2026-01-21T12:00:00", "2026-03-31T08:00:00")]
    whole.book("2026-05-01")
    assert whole.interest == 500_000 + 3_000_000, "April"
    part = Books(
        license_of(), due(), documents=documents, disputes=[dispute("in_1", 2, 182_500_000, "2026-01-01")]
    )
    part.book("2026-02-01")
    assert part.interest == 800_000
    elsewhere = Books(
        license_of(), due(), documents=documents, disputes=[dispute("in_1", 1, 365_000_000, "2026-01-01")]
    )
    elsewhere.book("2026-02-01")
    assert elsewhere.interest == 1_600_000


def test_a_payment_that_comes_to_light_late_takes_back_what_was_booked_and_one_that_came_back_adds_it():
    books = Books(license_of(), due())
    books.book("2026-03-01")
    assert books.interest == 4_400_000
    books.entries.append(paid(365_000_000, "2026-01-20", id="pa"))
    assert [each.kind_of for each in books.book("2026-03-02")] == ["reversal", "reversal"]
    assert books.interest == 500_000
    books.entries.append(back("pa", 365_000_000, "2026-03-03"))
    books.book("2026-03-04")
    assert books.interest == 4_400_000
    assert {each.reference for each in books.entries if each.by == BY and each.kind_of == "due"} == {"due_1"}


def test_interest_that_somebody_else_credited_is_not_asked_for_again():
    books = Books(license_of(), due())
    (first,) = books.book("2026-02-01")
    books.entries.append(back(first.id, 1_600_000, "2026-02-10"))
    assert books.book("2026-02-11") == ()


def test_interest_and_tax_bear_none_and_are_paid_as_what_they_are():
    bills = [bill("in_1", "2026-01-15", "due_1")]
    tax = BookEntry(
        "tx", at("2026-01-02") * 1_000_000, "tax", "", "le_1", 69_350_000, "USD", reference="in_1"
    )
    books = Books(license_of(), due(), tax, documents=bills)
    books.book("2026-03-01")
    assert books.interest == 4_400_000
    # The bill is paid by what names it, the due first: nothing of it is left for the tax.
    books.entries.append(paid(365_000_000, "2026-03-01", "in_1"))
    books.book("2026-05-01")
    assert books.interest == 4_400_000 + 100_000


def test_rounding_down_leaves_nothing_open_that_could_bear_interest():
    down = BookEntry(
        "ro", at("2026-01-02") * 1_000_000, "round_down", "", "le_1", 4_000, "USD", reference="in_1"
    )
    books = Books(
        license_of(), due(365_004_000), down, paid(365_000_000, "2026-01-10", "in_1"),
        documents=[bill("in_1", "2026-01-15", "due_1")],
    )  # fmt: skip
    books.book("2030-01-01")
    assert books.interest == 0


def test_what_names_nothing_pays_the_oldest_of_everything_the_licensee_owes():
    elsewhere = due(365_000_000, "due_0", "2025-12-01", license="lic_2")
    books = Books(license_of(), due(), elsewhere, paid(365_000_000, "2026-01-10"))
    assert [(each.entry.id, sum(part for _, part in each.paid)) for each in sums_of(books.entries, ())] == [
        ("due_0", 365_000_000), ("due_1", 0),
    ]  # fmt: skip
    books.book("2026-02-01")
    assert books.interest == 1_600_000
    named = Books(license_of(), due(), elsewhere, paid(365_000_000, "2026-01-10", "due_1"))
    named.book("2026-02-01")
    assert named.interest == 0


def test_a_release_of_a_promise_bears_it_after_its_own_days_of_payment_and_a_promise_does_not():
    promise = BookEntry(
        "ms_1", at("2026-01-01") * 1_000_000, "promise", "journal", "le_1", 365_000_000, "USD", "lic_1"
    )
    books = Books(license_of(), promise)
    assert books.book("2026-03-01") == ()
    release = replace(
        promise, id="ms_2", kind_of="release", time_us=at("2026-03-02") * 1_000_000, reference="ms_1"
    )
    books.entries.append(release)
    # Ten business days after Monday the 2nd is Monday the 16th.
    books.book("2026-04-01")
    assert books.interest == 1_500_000
    held = Books(license_of(), replace(promise, kind_of="deposit"), release)
    assert held.book("2026-12-01") == (), "what somebody holds is paid"


def test_what_was_found_to_lack_later_is_late_after_its_own_days_of_payment():
    found = due(365_000_000, "due_1.1", "2026-03-02", reference="due_1")
    books = Books(license_of(), due(1_000_000), paid(1_000_000, "2026-01-02"), found)
    books.book("2026-04-01")
    assert books.interest == 1_500_000


def test_the_rate_is_that_of_the_version_in_force_when_it_fell_due():
    first = license_of(0)
    second = replace(license_of(2_000), version=2, starts_at=at("2026-06-01"))
    later = due(365_000_000, "due_2", "2026-06-01")
    facts = Facts([due(), later], {"due_1": date(2026, 1, 15), "due_2": date(2026, 6, 15)})
    found = interest_of((first, second), facts, at("2026-07-01"))
    assert [(each.bears, each.amount.micros) for each in found] == [("due_2", 3_000_000)]
    assert agreed((first, second))
    assert not agreed((first,))


DAYS = st.integers(0, 200)


@given(
    st.integers(1, 10**9), st.integers(1, 10_000), st.sampled_from(["", "target"]),
    st.lists(st.tuples(DAYS, st.integers(1, 10**9)), max_size=4),
    st.lists(st.tuples(DAYS, DAYS, st.integers(1, 10**9)), max_size=2),
    st.lists(DAYS, max_size=8),
)  # fmt: skip
def test_rounds_at_whatever_moments_come_to_the_same_as_one_at_the_end(
    micros, points, calendar, payments, disputes, moments
):
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def day(nth):
        return (start + timedelta(days=nth)).isoformat()[:19]

    documents = [bill("in_1", "2026-01-10", "due_1")]
    contested = [
        dispute("in_1", 1, amount, day(first), day(first + length)) for first, length, amount in disputes
    ]
    entries = [paid(amount, day(nth), id=f"pa{at}") for at, (nth, amount) in enumerate(payments)]
    once = Books(license_of(points, calendar), due(micros), *entries, documents=documents, disputes=contested)
    once.book(day(240))
    often = Books(license_of(points, calendar), due(micros), documents=documents, disputes=contested)
    for nth in sorted({*moments, 240}):
        often.entries += [
            each for each in entries if each.time_us <= at(day(nth)) * 1_000_000 and each not in often.entries
        ]
        often.book(day(nth))
    assert often.interest == once.interest >= 0
