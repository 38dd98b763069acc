"""Dates in paths and in answers: what is one, what is none, and which second of it counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ask import Ask
from gateway.policy.dating import Dating, dated_by_field, dated_by_path, trouble_of
from gateway.policy.reading import read_policy_text
from gateway.policy.ruling import rule
from gateway.problems import ConfigurationError
from gateway.visitors.visitor import Visitor, VisitorClass


def second(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


NEWS = Dating(("/news/%Y/%m/%d/", "/news/%Y/%m/", "/notes/%Y-"))


@pytest.mark.parametrize(
    ("path", "date"),
    [
        ("/news/2026/11/20/tides", "2026-11-20"),
        ("/news/2026/11/20/", "2026-11-20"),
        ("/news/2026/11/tides", "2026-11-30"),
        ("/news/2024/02/", "2024-02-29"),
        ("/notes/2026-tides", "2026-12-31"),
        ("/news/2026/13/20/tides", None),
        ("/news/2026/02/30/tides", None),
        ("/news/0000/01/01/", None),
        ("/news/26/11/20/tides", None),
        ("/news/latest.php/news/2001/01/01/", None),
        ("/x/news/2026/11/20/tides", None),
        ("/news/\u0662\u0660\u0662\u0666/11/20/", None),
        ("", None),
    ],
)
def test_a_path_is_dated_by_how_it_begins(path, date):
    assert dated_by_path(NEWS, path) == (second(date) if date else None)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("Fri, 20 Nov 2026 10:00:00 GMT", "2026-11-20T10:00:00"),
        ("2026-11-20", "2026-11-20"),
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00"),
        ("2026-11-20T01:00:00+14:00", "2026-11-19T11:00:00"),
        ("2026-11-19T23:00:00-11:30", "2026-11-20T10:30:00"),
        ("2026-11-20t10:00:00.5z", "2026-11-20T10:00:00"),
        ("1960-01-01", "1970-01-01"),
        ("2026-11-20T10:00:00", None),
        ("Fri, 20 Nov 2026 10:00:00 +0200", None),
        ("Fri, 31 Feb 2026 10:00:00 GMT", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("yesterday", None),
        ("", None),
        ("2026-11-20" * 20, None),
    ],
)
def test_a_field_is_an_exact_moment_or_none(value, moment):
    found = dated_by_field(value)
    assert found == (second(moment) if moment else found and 0)


@given(st.text(max_size=80) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:+Z.-]{0,20}", fullmatch=True))
def test_no_value_of_a_server_raises(value):
    assert (dated_by_field(value) or 0) >= 0


@given(st.text(max_size=60))
def test_no_path_raises(path):
    assert (dated_by_path(NEWS, path) or 0) >= 0


@pytest.mark.parametrize(
    "pattern",
    ["news/%Y/", "/news/", "/%m/%d/", "/%Y/%d/", "/%Y/%Y/", "/%Y/%H/", "/%Y/%", "/%Y/\n", "/%y/", "/%Y/" + "x" * 200],
)  # fmt: skip
def test_what_dates_no_page_is_told(pattern):
    assert trouble_of(pattern)


POLICY = """
[site]
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
mode = "enforce"
[[works]]
id = "news"
paths = ["/news/"]
rights = "own"
people = "none"
{dated}
[offers.answers]
uses = ["ai-input"]
price = {{ per_fetch = "0.02", by_age = [{{ from_days = 30, per_fetch = "0.004" }}] }}
[[rules]]
when = {{ work = "news" }}
then = {{ license = ["answers"] }}
[[rules]]
then = "serve"
"""
DATED = 'dated = "/news/%Y/%m/%d/"\ndated_by = "Last-Modified"'


def asked(path, now, dated=DATED):
    policy = read_policy_text(POLICY.format(dated=dated), "site.toml")
    ask = Ask("", second(now) * 1_000_000, "site", "https://journal.example", "GET", path, path)
    return rule(policy, Visitor(VisitorClass.AI), ask, frozenset())


@pytest.mark.parametrize(
    ("path", "now", "days", "amount"),
    [
        ("/news/2026/11/20/tides", "2026-11-20T00:00:00", 0, "0.02"),
        ("/news/2026/11/20/tides", "2026-12-19T23:59:59", 29, "0.02"),
        ("/news/2026/11/20/tides", "2026-12-20T00:00:00", 30, "0.004"),
        ("/news/2099/11/20/tides", "2026-12-20T00:00:00", 0, "0.02"),
        ("/news/latest", "2026-12-20T00:00:00", None, "0.02"),
    ],
)
def test_a_ruling_offers_the_page_at_the_price_of_its_age(path, now, days, amount):
    ruling = asked(path, now)
    assert (ruling.days, ruling.dated_by) == (days, "last-modified")
    assert [offer.price.amount for offer in ruling.offers] == [amount]


def test_a_work_without_dates_is_new_and_the_digest_tells_them_apart():
    undated = asked("/news/2001/01/01/tides", "2026-12-20", dated="")
    assert [offer.price.amount for offer in undated.offers] == ["0.02"]
    assert undated.policy != asked("/news/2001/01/01/tides", "2026-12-20").policy


@pytest.mark.parametrize(
    ("dated", "key"),
    [
        ('dated = "/news/"', "works[0].dated"),
        ("dated = 7", "works[0].dated"),
        ("dated = [7]", "works[0].dated"),
        ("dated = []", "works[0].dated"),
        ('dated_by = "a header"', "works[0].dated_by"),
        ("dated_by = true", "works[0].dated_by"),
    ],
)
def test_a_dating_that_cannot_be_read_is_a_mistake_of_its_key(dated, key):
    with pytest.raises(ConfigurationError) as error:
        asked("/news/", "2026-12-20", dated=dated)
    assert [mistake.key for mistake in error.value.mistakes] == [key]
