"""Versions of a license in time: amendments stay in the term, renewals begin one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.billing.spans import spans
from gateway.licenses.license import License
from gateway.licenses.life import amended, cut, renewed
from gateway.licenses.offers import months_after
from gateway.paths import PathScope
from gateway.terms.license_terms import Attribution, Compensation, LicenseTerms, Purpose, Scope, Term

START = 1_769_860_800  # 31 January 2026
TERMS = LicenseTerms(
    Scope((), (PathScope("/"),)), Purpose(frozenset()), Compensation("USD"), term=Term(12)
)  # fmt: skip
FIRST = License("li_1", "le_1", "journal", "", TERMS, "p", START, months_after(START, 12))


def changed(last, text, now):
    new = amended(last, replace(last.terms, attribution=Attribution(text)), policy="p", now=now)
    assert isinstance(new, License)
    return cut(last, new), new


def test_one_version_is_its_whole_term():
    (span,) = spans([FIRST])
    assert (span.begins, span.ends, span.starts_at, span.ends_at) == (
        START,
        FIRST.ends_at,
        START,
        FIRST.ends_at,
    )
    assert span.before is None


def test_an_amendment_goes_on_in_the_term_and_a_renewal_begins_one():
    first, second = changed(FIRST, "a", START + 1000)
    third = renewed(second, second.terms, policy="p")
    found = spans([third, first, second])
    assert [(each.begins, each.ends) for each in found] == [
        (START, START + 1000), (START + 1000, FIRST.ends_at), (FIRST.ends_at, third.ends_at),
    ]  # fmt: skip
    assert [each.starts_at for each in found] == [START, START, FIRST.ends_at]
    assert [each.ends_at for each in found] == [FIRST.ends_at, FIRST.ends_at, third.ends_at]
    assert [each.before and each.before.version for each in found] == [None, 1, None]
    assert found[1].planned == replace(first, ends_at=FIRST.ends_at)


@pytest.mark.parametrize("after", [86_400, 3 * 86_400])
def test_an_amendment_at_the_end_of_a_month_is_none_of_the_renewals_that_it_looks_like(after):
    # From the 30th of January and from the 31st, a month ends on the 28th of February.
    start = START - 86_400
    last = License(
        "li_1", "le_1", "journal", "", replace(TERMS, term=Term(1)), "p", start, months_after(start, 1)
    )
    first, second = changed(last, "a", start + after)
    assert [each.before for each in spans([first, second])] == [None, first]


def test_what_was_replaced_in_the_second_in_which_it_began_is_left_out():
    first, second = changed(FIRST, "a", START)
    assert [(each.license, each.before) for each in spans([first, second])] == [(second, None)]


def test_what_is_revoked_ends_there():
    first, second = changed(FIRST, "a", START + 1000)
    assert [each.ends for each in spans([first, second], over_at=START + 1500)] == [
        START + 1000,
        START + 1500,
    ]
    assert [each.ends for each in spans([first, second], over_at=START + 500)] == [START + 500]
    assert spans([first, second], over_at=START) == ()


def test_a_span_meets_a_time_in_what_both_have():
    (span,) = spans([FIRST])
    assert span.meets(0, START) is None
    assert span.meets(0, START + 5) == (START, START + 5)
    assert span.meets(START + 1, START + 5) == (START + 1, START + 5)
