"""A unit that two machines were paid for: the second in the journal's order is credited, once, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.paid_twice import CLOSE_SECONDS, PaidTwice, credited
from loadtests.faults.shop import NOW_US, record


def paid(number: int, second: int = 0, *, page: int = 1, **changes):
    made = record(number)
    return replace(
        made, time_us=NOW_US + second * 1_000_000, path=f"/essays/{page}", digest=f"{page:064x}", **changes
    )


def test_the_second_in_the_journals_order_is_the_one_too_many():
    seen = PaidTwice()
    assert seen.of([paid(1)]) == ()
    twice = paid(2, 3)
    assert seen.of([twice, paid(3, 3, page=2)]) == (twice,)
    # One that a machine wrote before it died, and that is folded late, is earlier by its time.
    late = paid(4, -30)
    assert seen.of([late]) == (late,)


def test_what_lies_an_hour_apart_or_cost_nothing_stands():
    seen = PaidTwice()
    assert seen.of([paid(1), paid(2, CLOSE_SECONDS)]) == ()
    assert seen.of([paid(3, CLOSE_SECONDS + 5, charge_reason="read-before", charged_micros=0)]) == ()
    assert seen.of([paid(4, CLOSE_SECONDS + 5, licensee="another")]) == ()


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, CLOSE_SECONDS - 1)), max_size=30), st.integers(1, 5)
)
def test_each_unit_is_paid_for_once_however_the_records_come(asks, portion):
    made = [paid(number, second, page=page) for number, (page, second) in enumerate(asks)]
    seen, twice = PaidTwice(), []
    for begin in range(0, len(made), portion):
        twice += seen.of(made[begin : begin + portion])
    kept = [each for each in made if each not in twice]
    assert sorted(each.path for each in kept) == sorted({each.path for each in made})


def test_the_credit_is_the_whole_charge_under_an_id_that_follows_from_the_record():
    made = paid(1)
    entry = credited(made, NOW_US)
    assert (entry.id, entry.reference, entry.kind_of) == (f"twice-{made.id}", made.id, "reversal")
    assert (entry.amount_micros, entry.currency, entry.licensee) == (
        made.charged_micros,
        made.currency,
        made.licensee,
    )
    assert credited(made, NOW_US + 5).id == entry.id
