"""What falls due is booked once, at its own time, and corrected by entries alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.booking import BY, bookable, counted, due_until, moments, to_book
from gateway.billing.dues import Facts, Part
from gateway.billing.postings import Undone, earned, owed, postings_of, reference_of
from gateway.licenses.duties import KeptReport
from gateway.licenses.license import License
from gateway.licenses.life import amended, cut, due, renewed
from gateway.licenses.obligations import Kind, schedule
from gateway.licenses.rates import Rate, Rates
from gateway.licenses.transparency import TransparencyReport
from gateway.money import LARGEST_MICROS, Money
from gateway.paths import PathScope
from gateway.provenance.record import BookEntry, FetchRecord
from gateway.terms.license_terms import Audit, Compensation, LicenseTerms, Purpose, Scope
from gateway.uses import Use


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


BEGINS, ENDS = at("2026-01-01"), at("2027-01-01")
SUMS = {
    "upfront",
    "per_fetch",
    "per_item",
    "per_megabyte",
    "per_inference",
    "subscription",
    "minimum_guarantee",
}


def terms_of(audit=Audit(), **price):
    parts = {name: Money(value, "USD") if name in SUMS else value for name, value in price.items()}
    return LicenseTerms(
        Scope(("essays",), (PathScope("/essays/"),)), Purpose(frozenset({Use.AI_TRAIN})),
        Compensation("USD", **parts), audit=audit,
    )  # fmt: skip


def license_of(**price):
    return License("lic_1", "le_1", "journal", "", terms_of(**price), "sha-256:p", BEGINS, ENDS)


def report(license, nth, *, count=0, net=0):
    duty = [each for each in schedule(license) if each.kind is Kind.REPORT][nth]
    body = {
        "duty": duty.id, "license": license.id, "period": {"begins": duty.begins, "ends": duty.ends},
        "datasets": [], "models": [{"name": "M", "version": "1", "datasets": []}],
        "inferences": [{"model": "M 1", "count": count}],
        "revenue": [{"product": "P", "net": {"micros": net, "currency": "USD"}}],
        "statement": {"by": "Eve Example", "role": "licensing"},
    }  # fmt: skip
    return KeptReport(duty.id, license.id, duty.ends + 86_400, TransparencyReport.model_validate(body))


def fee(micros, id="lic_1", when=BEGINS):
    return BookEntry(
        id, when * 1_000_000, "fee", "journal", "le_1", micros, "USD", license="lic_1", by="desk"
    )


def told(entries):
    return [
        (each.kind_of, each.memo.split(";")[0], each.amount_micros, each.time_us // 1_000_000)
        for each in entries
    ]


class Books:
    """A journal that books as the office does, and what it posts."""

    def __init__(self, *versions, over_at=0):
        self.versions, self.over_at = versions, over_at
        self.entries, self.reports = [], []

    def book(self, now):
        dues = due_until(self.versions, Facts(self.entries, self.reports), now, over_at=self.over_at)
        new = to_book(self.versions[-1], dues, self.entries, now * 1_000_000)
        self.entries += new
        again = due_until(self.versions, Facts(self.entries, self.reports), now, over_at=self.over_at)
        assert to_book(self.versions[-1], again, self.entries, now * 1_000_000) == (), (
            "a second run books nothing"
        )
        assert len({each.id for each in self.entries}) == len(self.entries)
        return new

    @property
    def owed(self):
        standing, sums = {}, {}
        for entry in self.entries:
            for each in postings_of(entry, standing.get(reference_of(entry))):
                standing[entry.id] = Undone(each, each.amount.micros)
                if each.undoes:
                    before = standing[each.undoes]
                    standing[each.undoes] = Undone(before.posting, before.left_micros - each.amount.micros)
                for account in (each.debit, each.credit):
                    sums[account] = sums.get(account, 0) + each.effect_on(account)
        assert sums.get(owed("le_1"), 0) == -sum(
            each.amount_micros * (1 if each.kind_of == "due" else -1)
            for each in self.entries
            if isinstance(each, BookEntry) and each.by == BY
        )
        assert sums.get(earned("journal"), 0) >= -sums.get(owed("le_1"), 0)
        return -sums.get(owed("le_1"), 0)


def test_each_part_is_booked_when_it_is_due_and_at_its_own_time(fetched):
    license = license_of(
        upfront=500,
        subscription=30,
        subscription_months=3,
        per_item=7,
        revenue_share_bp=1000,
        minimum_guarantee=100,
    )
    books = Books(license)
    books.entries += [fee(530), *fetched(BEGINS + 5, BEGINS + 9)]
    assert books.book(BEGINS) == (), "what is due at signing was taken as a fee"
    assert books.book(at("2026-01-31 23:59:59")) == ()
    assert told(books.book(at("2026-02-01"))) == [("due", "per_item", 7, at("2026-02-01") - 1)]
    assert told(books.book(at("2026-04-01"))) == [("due", "subscription", 30, at("2026-04-01"))]
    assert books.book(at("2026-05-01")) == (), "the guarantee waits for the report"
    books.reports.append(report(license, 0, net=200))
    assert told(books.book(at("2026-05-02"))) == [("due", "revenue_share", 20, at("2026-04-02"))]
    assert books.owed == 57


def test_a_guarantee_is_topped_up_once_its_period_is_known():
    license = license_of(minimum_guarantee=100, revenue_share_bp=1000)
    books = Books(license)
    books.reports.append(report(license, 0, net=200))
    assert told(books.book(at("2026-04-03"))) == [
        ("due", "revenue_share", 20, at("2026-04-02")), ("due", "guarantee", 80, at("2026-04-01") - 1),
    ]  # fmt: skip


def test_what_milestones_released_in_a_period_counts_for_its_guarantee():
    license = license_of(minimum_guarantee=100)
    books = Books(license)
    books.entries += [
        BookEntry("d", BEGINS * 1_000_000, "deposit", "journal", "le_1", 50, "USD", license="lic_1", reference="agent:N"),
        BookEntry("r", at("2026-03-31") * 1_000_000, "release", "journal", "le_1", 30, "USD", license="lic_1", reference="d"),
        BookEntry("s", at("2026-04-01") * 1_000_000, "release", "journal", "le_1", 20, "USD", license="lic_1", reference="d"),
    ]  # fmt: skip
    assert [each[2] for each in told(books.book(at("2026-07-01")))] == [70, 80]


def test_a_restart_finds_what_is_booked_and_a_run_much_later_books_all_at_once():
    license = license_of(subscription=30, subscription_months=1)
    often, once = Books(license), Books(license)
    for month in range(1, 13):
        often.book(at(f"2026-{month:02}-15"))
    once.book(ENDS)
    assert often.entries == once.entries
    assert once.owed == 360


def test_a_report_that_is_corrected_is_booked_as_the_difference():
    license = license_of(revenue_share_bp=1000)
    books = Books(license)
    books.reports.append(report(license, 0, net=1000))
    (first,) = books.book(at("2026-04-03"))
    books.reports.append(report(license, 0, net=1500))
    (more,) = books.book(at("2026-05-03"))
    assert (more.id, more.reference, more.amount_micros, more.time_us) == (
        f"{first.id}.1", first.id, 50, at("2026-05-03") * 1_000_000,
    )  # fmt: skip
    books.reports.append(report(license, 0, net=300))
    back = books.book(at("2026-06-03"))
    assert [(each.kind_of, each.reference, each.amount_micros) for each in back] == [
        ("reversal", more.id, 50), ("reversal", first.id, 70),
    ]  # fmt: skip
    assert books.owed == 30
    books.reports.append(report(license, 0, net=0))
    books.book(at("2026-07-03"))
    assert books.owed == 0
    books.reports.append(report(license, 0, net=10))
    books.book(at("2026-08-03"))
    assert books.owed == 1


def test_revenue_in_another_currency_is_booked_at_the_rate_that_is_recorded_or_not_at_all():
    license = license_of(revenue_share_bp=1000)
    kept = report(license, 0, net=0)
    told = kept.report.model_dump(mode="json")
    told["revenue"] = [
        {"product": "P", "net": {"micros": 3, "currency": "EUR"}}, {"product": "Q", "net": {"micros": 1_000, "currency": "EUR"}},
        {"product": "R", "net": {"micros": 500, "currency": "USD"}},
    ]  # fmt: skip
    kept = replace(kept, report=TransparencyReport.model_validate(told))
    (missing, *_) = due_until((license,), Facts(reports=[kept]), at("2026-05-03")).missing
    assert missing.why == "no rate of a currency in the report is recorded"
    rates = Rates((Rate("EUR", "USD", 1_100_000_000, at("2026-03-31"), "ECB"),))
    (due,) = due_until((license,), Facts(reports=[kept], rates=rates), at("2026-05-03")).items
    # 1,003 at 1.1 are 1,103.3, rounded once; a tenth of 1,603 is 160.3.
    assert due.amount.micros == 160
    assert "at 1,000 EUR = 1100 USD (ECB)" in due.basis
    assert rates.find("EUR", "USD", at("2026-03-30")) is None


def test_a_record_that_came_late_is_booked_behind_its_month(fetched):
    license = license_of(per_item=7)
    books = Books(license)
    books.entries += fetched(BEGINS)
    books.book(at("2026-02-01"))
    books.entries += fetched(BEGINS + 1, path="/essays/winds")
    assert told(books.book(at("2026-02-03"))) == [("due", "per_item", 7, at("2026-02-03"))]


def test_what_somebody_gave_back_is_not_asked_for_again():
    license = license_of(upfront=500, subscription=30, subscription_months=12)
    books = Books(license)
    first, second = books.book(BEGINS)
    credit = BookEntry(
        "x", BEGINS * 1_000_000, "reversal", "", "le_1", 200, "USD", reference=first.id, by="operator"
    )
    books.entries.append(credit)
    assert books.book(at("2026-03-01")) == ()
    assert second.amount_micros == 30


def test_until_an_amendment_the_old_terms_count_and_from_then_on_the_new_ones(fetched):
    old = license_of(upfront=500, subscription=30, subscription_months=1, per_item=7)
    new = amended(
        old,
        terms_of(upfront=600, subscription=40, subscription_months=1, per_item=1),
        policy="p",
        now=at("2026-02-10"),
    )
    assert isinstance(new, License)
    versions = (cut(old, new), new)
    books = Books(*versions)
    extra = due(old, new).micros
    assert extra == 110
    books.entries += [
        fee(530), fee(extra, "amendment", new.starts_at),
        *fetched(at("2026-02-09")), *fetched(at("2026-02-11"), path="/essays/winds"), *fetched(at("2026-02-12")),
    ]  # fmt: skip
    books.book(at("2026-03-01"))
    assert told(books.entries[5:]) == [
        ("due", "subscription", 30, at("2026-02-01")), ("due", "per_item", 7, at("2026-02-10") - 1),
        ("due", "per_item", 1, at("2026-03-01") - 1), ("due", "subscription", 40, at("2026-03-01")),
    ]  # fmt: skip


def test_reports_of_an_amended_license_keep_the_periods_that_were_planned():
    old = license_of(revenue_share_bp=100)
    new = amended(old, terms_of(Audit("monthly"), revenue_share_bp=300), policy="p", now=at("2026-05-10"))
    books = Books(cut(old, new), new)
    books.reports += [report(old, 0, net=10_000), report(old, 1, net=10_000)]
    assert [amount for _, _, amount, _ in told(books.book(at("2026-07-20")))] == [100, 300]


def test_a_renewal_has_parts_of_its_own_and_its_fee_pays_them():
    old = license_of(upfront=500, subscription=30, subscription_months=6)
    new = renewed(old, old.terms, policy="p")
    books = Books(old, new)
    books.entries += [fee(530), fee(530, "renewal", at("2026-12-01"))]
    assert told(books.book(new.ends_at)) == [
        ("due", "subscription", 30, at("2026-07-01")), ("due", "subscription", 30, at("2027-07-01")),
    ]  # fmt: skip


def test_a_license_that_was_revoked_owes_what_fell_due_until_then(fetched):
    license = license_of(
        subscription=30, subscription_months=1, per_item=7, minimum_guarantee=1000, revenue_share_bp=1000
    )
    books = Books(license, over_at=at("2026-02-10"))
    books.entries += fetched(at("2026-02-09"))
    books.reports.append(report(license, 0, net=100))
    assert told(books.book(ENDS)) == [
        ("due", "subscription", 30, BEGINS), ("due", "subscription", 30, at("2026-02-01")),
        ("due", "per_item", 7, at("2026-02-10") - 1), ("due", "revenue_share", 10, at("2026-04-02")),
    ]  # fmt: skip


def test_a_license_that_ended_owes_what_is_reported_afterwards():
    license = license_of(revenue_share_bp=1000)
    books = Books(license)
    books.book(at("2027-02-01"))
    books.reports.append(replace(report(license, 3, net=100), at=at("2027-06-01")))
    assert told(books.book(at("2027-06-02"))) == [("due", "revenue_share", 10, at("2027-01-31"))]


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ({"per_fetch": 5}, (False, False)), ({"upfront": 5}, (True, False)), ({"revenue_share_bp": 5}, (True, False)),
        ({"per_item": 5}, (True, True)), ({"minimum_guarantee": 5}, (True, True)), ({}, (False, False)),
    ],
)  # fmt: skip
def test_what_only_costs_by_the_fetch_has_nothing_to_book(price, expected):
    license = license_of(**price)
    assert (bookable([license]), counted([license])) == expected
    assert not bookable([replace(license, id="pf_1")])
    assert not bookable([])


def test_moments_are_when_something_falls_due_by_time_alone():
    license = license_of(
        subscription=1, subscription_months=6, minimum_guarantee=1, minimum_guarantee_months=12
    )
    found = moments([license])
    assert set(found) >= {BEGINS, at("2026-07-01"), ENDS, at("2026-02-01")}
    assert list(found) == sorted(found)
    assert moments([license_of(upfront=1)]) == (BEGINS, ENDS)


_FETCH = FetchRecord(
    id="r0", time_us=0, duration_us=1, site="journal", host="h", method="GET", path="/essays/a",
    visitor_class="ai", identity="claimed", identity_method="none", verdict="license", rule="r", policy="p",
    mode="enforce", outcome="licensed", status=200, bytes_sent=9, ended="complete", detail="0" * 64,
    licensee="le_1", license="lic_1", charge_reason="fetch",
)  # fmt: skip
steps = st.lists(
    st.one_of(
        st.tuples(st.just("fetch"), st.integers(BEGINS, ENDS - 1), st.sampled_from("abc")),
        st.tuples(st.just("report"), st.integers(0, 3), st.integers(0, 10**6)),
        st.tuples(st.just("book"), st.integers(0, 10**7), st.just(0)),
    ),
    max_size=12,
)


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(sorted(SUMS - {"per_fetch"}), st.integers(0, 10**6))),
    steps, st.integers(0, 10_000),
)  # fmt: skip
def test_in_whatever_order_things_come_in_the_books_end_where_the_terms_say(price, steps, share):
    license = license_of(**price, revenue_share_bp=share)
    books, now = Books(license), BEGINS
    for nth, (what, when, more) in enumerate(steps):
        if what == "book":
            now = min(now + when, ENDS)
            books.book(now)
        elif what == "fetch":
            books.entries.append(
                replace(_FETCH, id=f"r{nth}", time_us=when * 1_000_000, path=f"/essays/{more}")
            )
        else:
            books.reports.append(report(license, when, net=more, count=more))
    books.book(ENDS)
    wanted = due_until((license,), Facts(books.entries, books.reports), ENDS)
    assert books.owed == sum(each.open.micros for each in wanted.items)
    assert all(each.part is not Part.PER_FETCH or not each.open for each in wanted.items)


def test_what_comes_to_more_than_any_amount_is_named_and_not_booked(fetched):
    books = Books(license_of(per_item=LARGEST_MICROS, subscription=10_000_000))
    for nth in range(3):
        books.entries += fetched(BEGINS + nth, path=f"/essays/{nth}")
    dues = due_until(books.versions, Facts(books.entries), at("2026-02-02"))
    (missing,) = dues.missing
    assert (missing.part, missing.why) == ("per_item", "it comes to more than any amount this gateway books")
    assert [each[1] for each in told(books.book(at("2026-02-02")))] == ["subscription"] * 2
