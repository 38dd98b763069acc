"""What a license makes due: each part of a price, by hand and by property."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.business_days import Calendar
from gateway.billing.dues import Facts, Part, Payment, dues_of
from gateway.licenses.duties import KeptReport
from gateway.licenses.license import License
from gateway.licenses.obligations import Kind, schedule
from gateway.licenses.transparency import TransparencyReport
from gateway.money import Money
from gateway.paths import PathScope
from gateway.provenance.record import BookEntry, FetchRecord
from gateway.terms.license_terms import Audit, Compensation, LicenseTerms, Purpose, Scope, Tier
from gateway.uses import Use


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


BEGINS, ENDS = at("2026-01-01"), at("2027-01-01")
QUARTERS = [at(day) for day in ("2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01", "2027-01-01")]


def license_of(begins=BEGINS, ends=ENDS, audit=Audit(), currency="USD", **price):
    parts = {name: Money(value, currency) if name in MONEY else value for name, value in price.items()}
    terms = LicenseTerms(
        Scope(("essays",), (PathScope("/essays/"),)), Purpose(frozenset({Use.AI_TRAIN})),
        Compensation(currency, **parts), audit=audit,
    )  # fmt: skip
    return License("lic_1", "le_1", "journal", "", terms, "sha-256:p", begins, ends)


MONEY = {
    "upfront", "per_fetch", "per_item", "per_megabyte", "per_thousand_tokens", "per_inference", "subscription",
    "minimum_guarantee",
}  # fmt: skip


def report(license, nth, *, count=0, net=0, at=0, currency="USD"):
    duty = [each for each in schedule(license) if each.kind is Kind.REPORT][nth]
    body = {
        "duty": duty.id,
        "license": license.id,
        "period": {"begins": duty.begins, "ends": duty.ends},
        "datasets": [],
        "models": [{"name": "M", "version": "1", "datasets": []}],
        "inferences": [{"model": "M 1", "count": count}],
        "revenue": [{"product": "P", "net": {"micros": net, "currency": currency}}],
        "statement": {"by": "Eve Example", "role": "licensing"},
    }
    return KeptReport(duty.id, license.id, at or duty.ends + 86_400, TransparencyReport.model_validate(body))


def told(dues):
    return {str(each.part): each.amount.micros for each in dues.items}


def test_upfront_is_due_once_and_the_fee_at_signing_is_what_was_taken_of_it(make):
    license = license_of(upfront=500_000_000)
    fee = make.book(id="lic_1", kind_of="fee", license="lic_1", amount_micros=500_000_000)
    (due,) = dues_of(license, Facts([fee]), QUARTERS[0], QUARTERS[1]).items
    assert (due.part, due.amount, due.taken, due.open) == (
        Part.UPFRONT, Money(500_000_000, "USD"), Money(500_000_000, "USD"), Money(0, "USD"),
    )  # fmt: skip
    # The first of January 2026 is a Thursday; ten weekdays later it is Thursday the 15th.
    assert due.due_on == date(2026, 1, 15)
    assert dues_of(license, Facts([fee]), QUARTERS[1], ENDS).items == ()
    undone = make.book(id="x", kind_of="reversal", reference="lic_1", amount_micros=200_000_000)
    (due,) = dues_of(license, Facts([fee, undone]), QUARTERS[0], ENDS).items
    assert not due.open, "what was given back is not asked for again"


def test_a_subscription_is_due_in_advance_and_the_fee_pays_its_first_period(make):
    license = license_of(upfront=7_000_000, subscription=30_000_000, subscription_months=3)
    fee = make.book(id="lic_1", kind_of="fee", license="lic_1", amount_micros=37_000_000)
    items = [
        each for each in dues_of(license, Facts([fee]), BEGINS, ENDS).items if each.part is Part.SUBSCRIPTION
    ]
    assert [each.begins for each in items] == QUARTERS[:4]
    assert [each.open.micros for each in items] == [0, 30_000_000, 30_000_000, 30_000_000]
    assert len({each.id for each in items}) == 4


def test_a_subscription_from_the_end_of_a_month_follows_the_months():
    license = license_of(at("2026-01-31"), at("2026-07-31"), subscription=1, subscription_months=1)
    days = [datetime.fromtimestamp(each.begins, UTC).date().isoformat() for each in dues_of(
        license, Facts(), license.starts_at, license.ends_at
    ).items]  # fmt: skip
    assert days == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30"]


def test_fetches_are_due_as_they_were_charged_tiers_and_all(fetched, make):
    license = license_of(per_fetch=5_000, tiers=(Tier(2, Money(3_000, "USD")),))
    entries = [*fetched(BEGINS, BEGINS + 1), *fetched(BEGINS + 2, micros=3_000)]
    (due,) = dues_of(license, Facts(entries), BEGINS, QUARTERS[1]).items
    assert (due.amount.micros, due.taken.micros, due.basis) == (13_000, 13_000, "3 fetches")
    sorry = make.book(id="x", kind_of="reversal", reference=entries[0].id, amount_micros=5_000)
    assert told(dues_of(license, Facts([*entries, sorry]), BEGINS, QUARTERS[1])) == {"per_fetch": 8_000}


def test_what_was_not_delivered_or_not_under_this_license_counts_nowhere(fetched):
    license = license_of(per_item=10, per_megabyte=1_000_000)
    entries = [
        *fetched(BEGINS, path="/essays/a", micros=0, charge_reason="read-before"),
        *fetched(BEGINS, path="/essays/b", micros=0, charge_reason="no-content"),
        *fetched(BEGINS, path="/essays/c", outcome="refused"),
        *fetched(BEGINS, path="/essays/d", license="lic_2"),
        *fetched(BEGINS - 1, path="/essays/e", micros=0),
        *fetched(QUARTERS[1], path="/essays/f", micros=0),
    ]
    assert dues_of(license, Facts(entries), BEGINS, QUARTERS[1]).items == ()


def test_items_are_due_once_whatever_is_fetched_again(fetched):
    license = license_of(per_item=2_000_000)
    entries = [
        *fetched(BEGINS, BEGINS + 5, micros=0),
        *fetched(BEGINS + 6, path="/essays/tides", rendition="transcript", micros=0),
        *fetched(QUARTERS[1] + 1, micros=0),
        *fetched(QUARTERS[1] + 1, path="/essays/winds", micros=0),
    ]
    first = dues_of(license, Facts(entries), BEGINS, QUARTERS[1])
    second = dues_of(license, Facts(entries), QUARTERS[1], QUARTERS[2])
    assert told(first) == {"per_item": 4_000_000}
    assert told(second) == {"per_item": 2_000_000}


def test_megabytes_and_tokens_are_rounded_once_over_the_period(fetched):
    license = license_of(per_megabyte=1, per_thousand_tokens=7)
    entries = fetched(*range(BEGINS, BEGINS + 3), micros=0, size=500_000)
    tokens = {entry.id: 71 for entry in entries}
    # 1.5 megabytes at one micro-unit are two; 213 tokens at 7 for a thousand are 1.491.
    assert told(dues_of(license, Facts(entries, tokens=tokens), BEGINS, ENDS)) == {
        "per_megabyte": 2, "per_thousand_tokens": 1,
    }  # fmt: skip


def test_tokens_that_nobody_counted_are_named_and_not_taken_for_none(fetched):
    license = license_of(per_thousand_tokens=7)
    entries = fetched(BEGINS, micros=0)
    (missing,) = dues_of(license, Facts(entries), BEGINS, ENDS).missing
    assert missing.part is Part.PER_THOUSAND_TOKENS
    assert entries[0].id in missing.why


def test_shares_and_answers_are_due_by_the_report_that_counts():
    license = license_of(revenue_share_bp=300, per_inference=100)
    older = report(license, 0, count=1, net=1)
    newer = report(license, 0, count=12_345, net=1_000_000_333)
    dues = dues_of(license, Facts(reports=[older, newer]), BEGINS, QUARTERS[1])
    assert told(dues) == {"revenue_share": 30_000_010, "inferences": 1_234_500}
    # Thirty days after the quarter are over with Thursday, 30 April 2026.
    assert {each.due_on for each in dues.items} == {date(2026, 4, 30)}
    assert {each.trigger_at for each in dues.items} == {newer.at}
    late = replace(newer, at=at("2026-06-01"))
    (due, _) = dues_of(license, Facts(reports=[late]), BEGINS, QUARTERS[1]).items
    assert (due.trigger_at, due.due_on) == (at("2026-05-01"), date(2026, 4, 30))


def test_a_report_that_did_not_come_is_missing_and_says_when_it_is_late():
    license = license_of(revenue_share_bp=300, per_inference=100)
    dues = dues_of(license, Facts(reports=[report(license, 1)]), BEGINS, QUARTERS[1])
    assert dues.items == ()
    assert [(each.part, each.overdue_at) for each in dues.missing] == [
        (Part.REVENUE_SHARE, at("2026-05-01")), (Part.INFERENCES, at("2026-05-01")),
    ]  # fmt: skip
    silent = license_of(revenue_share_bp=300, audit=Audit("none"))
    assert [each.begins for each in dues_of(silent, Facts(), BEGINS, ENDS).missing] == QUARTERS[:4]


def test_a_guarantee_is_the_difference_to_all_parts_of_its_period(fetched):
    license = license_of(per_fetch=5_000, minimum_guarantee=1_000_000, revenue_share_bp=100)
    entries = fetched(BEGINS)
    dues = dues_of(license, Facts(entries, [report(license, 0, net=10_000_000)]), BEGINS, QUARTERS[1])
    assert told(dues) == {"per_fetch": 5_000, "revenue_share": 100_000, "guarantee": 895_000}
    assert dues.total("USD") == Money(1_000_000, "USD")
    guarantee = dues.items[-1]
    assert guarantee.due_on == date(2026, 4, 30), "with the last payment of its period"
    enough = dues_of(license, Facts(entries, [report(license, 0, net=10**9)]), BEGINS, QUARTERS[1])
    assert Part.GUARANTEE not in {each.part for each in enough.items}
    unknown = dues_of(license, Facts(entries), BEGINS, QUARTERS[1])
    assert {each.part for each in unknown.missing} == {Part.REVENUE_SHARE, Part.GUARANTEE}


def test_a_last_guaranteed_period_that_is_short_counts_whole():
    license = license_of(at("2026-01-01"), at("2026-05-01"), minimum_guarantee=9)
    assert [each.amount.micros for each in dues_of(license, Facts(), BEGINS, ENDS).items] == [9, 9]


@pytest.mark.parametrize(
    ("calendar", "days", "expected", "certain"),
    [
        (Calendar("plain"), 1, "2026-04-01", True),
        # The end of March in UTC is the first of April in Tokyo; Thursday the second is the day after.
        (Calendar("Tokyo", ZoneInfo("Asia/Tokyo")), 1, "2026-04-02", True),
        # In New York it is the evening of the 31st; Good Friday is free.
        (
            Calendar("New York", ZoneInfo("America/New_York"), holidays=frozenset({date(2026, 4, 3)})),
            3, "2026-04-06", True,
        ),
        (Calendar("short", known_until=date(2026, 3, 31)), 1, "2026-04-01", False),
    ],
)  # fmt: skip
def test_the_day_of_payment_is_one_of_the_calendar_that_was_agreed(
    fetched, calendar, days, expected, certain
):
    license = license_of(per_fetch=5_000)
    (due,) = dues_of(license, Facts(fetched(BEGINS)), BEGINS, QUARTERS[1], Payment(days, calendar)).items
    assert (due.due_on.isoformat(), due.certain) == (expected, certain)


amounts = st.integers(0, 10**12)
prices = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(sorted(MONEY - {"per_fetch"}), amounts),
        "revenue_share_bp": st.integers(0, 10_000),
        "subscription_months": st.integers(1, 14),
        "minimum_guarantee_months": st.integers(1, 14),
    },
)
loads = st.lists(
    st.tuples(st.integers(BEGINS, ENDS - 1), st.integers(0, 10**9), st.sampled_from("abc")), max_size=6
)
reported = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**12)), min_size=4, max_size=4)

_FETCH = FetchRecord(
    id="r0", time_us=0, duration_us=1, site="journal", host="h", method="GET", path="/essays/a",
    visitor_class="ai", identity="claimed", identity_method="none", verdict="license", rule="r", policy="p",
    mode="enforce", outcome="licensed", status=200, bytes_sent=9, ended="complete", detail="0" * 64,
    licensee="le_1", license="lic_1", charge_reason="fetch",
)  # fmt: skip


def facts_of(license, load, figures, currency):
    entries = [
        replace(
            _FETCH, id=f"r{nth}", time_us=second * 1_000_000, path=f"/essays/{name}", bytes_sent=size,
            charged_micros=size, currency=currency,
        )
        for nth, (second, size, name) in enumerate(sorted(load))
    ]  # fmt: skip
    reports = [
        report(license, nth, count=count, net=net, currency=currency)
        for nth, (count, net) in enumerate(figures)
    ]
    return Facts(entries, reports, {each.id: each.bytes_sent for each in entries})


@given(prices, loads, reported, st.sampled_from(["USD", "JPY", "CLF"]))
def test_dues_are_whole_micro_units_and_come_with_nothing_missing(price, load, figures, currency):
    license = license_of(currency=currency, **price)
    dues = dues_of(license, facts_of(license, load, figures, currency), BEGINS, ENDS)
    assert not dues.missing
    assert all(type(each.amount.micros) is int and each.amount.currency == currency for each in dues.items)
    assert all(each.amount.micros > 0 and each.open.micros >= 0 for each in dues.items)
    assert len({each.id for each in dues.items}) == len(dues.items)
    assert dues.total(currency).micros == sum(each.amount.micros for each in dues.items)


@given(prices, loads, reported, st.integers(0, 3), st.integers(0, 10**12))
def test_more_use_never_makes_less_due(price, load, figures, nth, more):
    license = license_of(**price)
    before = dues_of(license, facts_of(license, load, figures, "USD"), BEGINS, ENDS).total("USD")
    raised = [(count, net + more) if at == nth else (count, net) for at, (count, net) in enumerate(figures)]
    after = dues_of(license, facts_of(license, load, raised, "USD"), BEGINS, ENDS).total("USD")
    fetched = [*load, (ENDS - 1, more, "d")]
    again = dues_of(license, facts_of(license, fetched, figures, "USD"), BEGINS, ENDS).total("USD")
    assert before <= after
    # What is counted by the octet is rounded in each guaranteed period and once more in the whole.
    rounded = (
        24 if "minimum_guarantee" in price and price.keys() & {"per_megabyte", "per_thousand_tokens"} else 0
    )
    assert before.micros <= again.micros + rounded


@given(prices, loads, reported, st.integers(BEGINS, ENDS))
def test_periods_that_follow_on_each_other_share_nothing(price, load, figures, cut):
    license = license_of(**price)
    facts = facts_of(license, load, figures, "USD")
    whole = dues_of(license, facts, BEGINS, ENDS)
    parts = [dues_of(license, facts, BEGINS, cut), dues_of(license, facts, cut, ENDS)]
    # What is counted by the octet is rounded once in each period and may differ by that.
    exact = {Part.PER_MEGABYTE, Part.PER_THOUSAND_TOKENS}

    def sums(*found):
        amounts = {}
        for each in (item for dues in found for item in dues.items):
            if each.part not in exact:
                amounts[each.part] = amounts.get(each.part, 0) + each.amount.micros
        return amounts

    assert sums(*parts) == sums(whole)
    for part in exact:
        apart = sum(item.amount.micros for dues in parts for item in dues.items if item.part is part)
        together = sum(item.amount.micros for item in whole.items if item.part is part)
        assert abs(apart - together) <= 1


@given(loads, st.randoms())
def test_the_order_in_which_entries_arrive_changes_nothing(load, random):
    license = license_of(per_item=7, per_megabyte=3, minimum_guarantee=100)
    facts = facts_of(license, load, [(0, 0)] * 4, "USD")
    shuffled = list(facts.entries)
    random.shuffle(shuffled)
    found = dues_of(license, facts, BEGINS, ENDS)
    assert dues_of(license, replace(facts, entries=shuffled), BEGINS, ENDS) == found


def test_entries_of_other_kinds_are_passed_over():
    entry = BookEntry("b", BEGINS * 1_000_000, "credit", "journal", "le_1", 5, "USD", license="lic_1")
    assert dues_of(license_of(upfront=3), Facts([entry]), BEGINS, ENDS).items[0].taken == Money(0, "USD")
