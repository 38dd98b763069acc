"""The filter language: strict, closed under its own query string, and silent about nothing."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dashboard.filters import (
    DAY_US,
    HOUR_US,
    Cursor,
    Decision,
    LogFilter,
    decision,
    read_view,
    rfc3339,
)
from gateway.provenance.record import Outcome

NOW = 1_795_000_000_000_000


def read(text: str):
    return read_view(parse_qsl(text, keep_blank_values=True), NOW)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", LogFilter()),
        ("from=&to=&crawler=&decision=&text=", LogFilter()),
        ("last=1h", LogFilter(from_us=NOW - HOUR_US, last="1h")),
        ("last=all", LogFilter(last="all")),
        ("crawler=GPTBot", LogFilter(crawler="GPTBot")),
        ("crawler=-", LogFilter(crawler="")),
        ("decision=quoted", LogFilter(decision=Decision.QUOTED)),
        ("text=%2Fa%25b", LogFilter(text="/a%b")),
        ("from=1970-01-02", LogFilter(from_us=DAY_US)),
        ("to=1970-01-02", LogFilter(to_us=2 * DAY_US)),
        ("from=1970-01-01T01:00", LogFilter(from_us=HOUR_US)),
        ("to=1970-01-01T01:00:00Z", LogFilter(to_us=HOUR_US)),
        ("from=1970-01-01T03:00%2B02:00", LogFilter(from_us=HOUR_US)),
        ("from=1970-01-01T00:00:00.000001Z", LogFilter(from_us=1)),
    ],
)
def test_what_is_read(query, expected):
    view = read(query)
    assert (view.filter, view.mistakes, view.notes) == (expected, (), ())


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("last=2h", "last"),
        ("last=1h&from=2026-01-01", "last"),
        ("from=now", "from"),
        ("from=1969-12-31", "from"),
        ("from=1970-01-01T00:00%2B05:00", "from"),
        ("to=9999-12-31", "to"),
        ("from=0001-01-01T00:00%2B23:59", "from"),
        ("from=\u0661\u0669\u0667\u0660-01-01", "from"),
        ("from=2026-02-30", "from"),
        ("from=2026-01-02&to=2026-01-01", "to"),
        ("from=2026-01-01T10:00&to=2026-01-01T10:00", "to"),
        ("decision=QUOTED", "decision"),
        ("decision=quoted&decision=free", "decision"),
        (f"text={'x' * 257}", "text"),
        (f"crawler={'x' * 129}", "crawler"),
        ("before=0", "before"),
        ("before=1e3", "before"),
        ("before=9999999999999999999", "before"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
    ],
)
def test_what_is_a_mistake(query, key):
    assert [place for place, _ in read(query).mistakes] == [key]


def test_every_mistake_is_told_at_once_and_what_was_typed_is_kept():
    view = read("from=x&to=y&decision=z&colour=red")
    assert [key for key, _ in view.mistakes] == ["from", "to", "decision"]
    assert dict(view.given) == {"from": "x", "to": "y", "decision": "z"}
    assert view.notes == (("colour", "'colour' is no filter of this page and was left out."),)


def test_paging_is_read_beside_the_filter():
    view = read("before=120&limit=7")
    assert (view.after, view.limit, view.filter) == (Cursor(120), 7, LogFilter())


def test_a_default_period_gives_way_to_any_time_that_is_named():
    assert read_view((), NOW, last="24h").filter.from_us == NOW - DAY_US
    assert dict(read_view((), NOW, last="24h").given) == {}
    assert read_view([("last", "all")], NOW, last="24h").filter == LogFilter(last="all")
    assert read_view([("to", "2026-01-01")], NOW, last="24h").filter.from_us is None


times = st.integers(0, 253_000_000_000_000_000)
filters = st.builds(
    LogFilter,
    from_us=st.none() | times,
    to_us=st.none() | times,
    crawler=st.none() | st.sampled_from(["", "GPTBot", "a b&c=d", "+"]),
    decision=st.none() | st.sampled_from(Decision),
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(str.strip),
).filter(lambda found: found.from_us is None or found.to_us is None or found.from_us < found.to_us)


@given(filters)
def test_a_filter_is_its_query_string(found):
    view = read(found.query())
    assert (view.filter, view.mistakes, view.notes) == (found, (), ())


@given(
    st.lists(
        st.tuples(st.sampled_from(["last", "from", "to", "crawler", "decision", "before", "x"]), st.text())
    )
)
def test_no_query_raises(pairs):
    view = read_view(pairs, NOW)
    assert view.filter.from_us is None or view.filter.from_us >= 0


def test_links_change_one_thing():
    found = LogFilter(from_us=0, to_us=DAY_US, crawler="GPTBot")
    assert found.query(last="7d") == "crawler=GPTBot&last=7d"
    assert LogFilter(last="7d").query(decision="free") == "last=7d&decision=free"
    assert found.query(crawler=None).count("crawler") == 0


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("status", [200, 401, 402, 403, 429, 502])
def test_every_record_has_one_decision(outcome, status):
    quoted = outcome is Outcome.REFUSED and status == 402
    assert decision(outcome, status) == ("quoted" if quoted else outcome.value)


@pytest.mark.parametrize(
    ("found", "step"),
    [
        (LogFilter(from_us=0, to_us=DAY_US), HOUR_US),
        (LogFilter(from_us=0, to_us=8 * DAY_US), DAY_US),
        (LogFilter(last="7d"), HOUR_US),
        (LogFilter(last="30d"), DAY_US),
        (LogFilter(), DAY_US),
    ],
)
def test_bars_are_hours_up_to_a_week(found, step):
    assert found.step_us == step


def test_times_are_exact():
    assert rfc3339(1) == "1970-01-01T00:00:00.000001Z"
