"""What is kept for how long: a table for everybody, and no setting that forgets what an audit may ask for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.offers import months_after
from gateway.licenses.retention import (
    FOR_GOOD,
    AuditWindow,
    Days,
    longest,
    mistakes,
    rows_before,
    rows_months,
    table,
)

NOW = 1_795_000_000
DAYS = Days(30, 0, 90, 0)
RUNS = AuditWindow("li_1", NOW + 1, 24)


@pytest.mark.parametrize(
    ("months", "windows", "wrong"),
    [
        (0, [RUNS], False),
        (23, [RUNS], True),
        (24, [RUNS], False),
        (1, [], False),
        (1, [AuditWindow("li_1", NOW, 0)], False),
        (1, [AuditWindow("li_1", months_after(NOW, -24), 24)], False),
        (23, [AuditWindow("li_1", months_after(NOW, -24) + 86_400 * 2, 24)], True),
        (12, [AuditWindow("li_1", NOW, 12), AuditWindow("li_2", NOW, 13)], True),
    ],
)
def test_evidence_is_kept_as_long_as_it_may_be_asked_for(months, windows, wrong):
    found = mistakes(Days(30, 0, 90, months), windows, NOW, "/data/licet.toml")
    assert [(each.file, each.key) for each in found] == (
        [("/data/licet.toml", "retention.looks_months")] if wrong else []
    )


def test_a_mistake_names_the_license_and_what_would_do():
    (found,) = mistakes(Days(30, 0, 90, 3), [RUNS], NOW, "licet.toml")
    assert "24 months" in str(found)
    assert "li_1" in str(found)


@pytest.mark.parametrize(
    ("cut", "detail", "wrong"), [(0, 0, False), (7, 30, False), (30, 30, True), (31, 30, True)]
)
def test_what_is_erased_cannot_be_cut(cut, detail, wrong):
    found = mistakes(Days(detail, cut, 90, 0), [], NOW, "licet.toml")
    assert [each.key for each in found] == (["store.cut_days"] if wrong else [])


@given(
    st.lists(
        st.builds(
            AuditWindow, st.sampled_from("ab"), st.integers(NOW - 10**8, NOW + 10**8), st.integers(0, 60)
        )
    )
)
def test_the_longest_is_live_and_none_that_is_live_is_longer(windows):
    found = longest(windows, NOW)
    live = [each for each in windows if each.months and months_after(each.ends_at, each.months) > NOW]
    assert (found is None) == (not live)
    assert found is None or (found in live and all(each.months <= found.months for each in live))


def test_the_table_says_what_the_settings_say():
    rows = {
        each.what.split(",")[0].split(" of ")[0]: each for each in table(Days(14, 3, 45, 36), [RUNS], NOW)
    }
    assert (
        rows["address"].how_long
        == "3 days whole, then its network alone, until 14 days old; then erased, with its salt"
    )
    assert rows["auditors and what they looked at"].how_long == "36 months"
    assert rows["events and deliveries"].how_long == "45 days"
    assert rows["records"].how_long == FOR_GOOD
    assert "24 months" in rows["records"].why
    assert table(DAYS, [], NOW)[0].how_long == "whole until 30 days old; then erased, with its salt"
    # What is about people comes first, so that nobody has to look for it.
    personal = [each.personal for each in table(DAYS, [], NOW)]
    assert personal == sorted(personal, reverse=True)


@pytest.mark.parametrize(
    ("asked", "windows", "stays"),
    [
        (0, [RUNS], 0),
        (13, [], 13),
        (13, [RUNS], 24),
        (36, [RUNS], 36),
        (1, [AuditWindow("li_1", months_after(NOW, -24), 24)], 1),
    ],
)
def test_rows_stay_as_long_as_an_audit_may_look_back(asked, windows, stays):
    assert rows_months(asked, windows, NOW) == stays
    (rows,) = [
        each
        for each in table(Days(30, 0, 90, 0, 90, asked), windows, NOW)
        if each.key == "retention.rows_months"
    ]
    assert rows.how_long == (
        f"{stays} months, then in the journal's packed files alone" if stays else FOR_GOOD
    )


@given(st.integers(0, 1200), st.integers(NOW, NOW + 400 * 86_400))
def test_only_whole_months_that_ended_leave(months, now):
    before = datetime.fromtimestamp(rows_before(months, now), UTC)
    at = datetime.fromtimestamp(now, UTC)
    assert (before.day, before.hour, before.minute, before.second) == (1, 0, 0, 0)
    assert (at.year - before.year) * 12 + at.month - before.month == months
