"""What the operator hears of at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.outbox import alerts
from gateway.outbox.alerts import (
    Came,
    Spent,
    Unknown,
    day_of,
    name_in,
    of_budgets,
    of_crawlers,
    of_disk,
    of_lists,
    of_newcomers,
)

NOON = 1_793_534_400
LATER, TOMORROW = NOON + 3600, NOON + 86_400
CAME = (
    Came("journal", "Bytespider", "claimed", "refuse", 3, 0),
    Came("journal", "Bytespider", "verified", "refuse", 2, 1),
    Came("journal", "Googlebot", "spoofed", "serve", 4, 0),
    Came("journal", "GPTBot", "verified", "license", 9, 0),
    Came("journal", "", "none", "refuse", 9, 0),
)


def test_who_was_refused_and_who_was_not_who_it_said_is_told():
    ignored, spoofed = of_crawlers(CAME, NOON)
    assert (ignored.type, ignored.subject, ignored.body["fetches"], ignored.body["served"]) == (
        "crawler.ignored", "Bytespider", 5, 1,
    )  # fmt: skip
    assert (spoofed.type, spoofed.subject, spoofed.licensee) == ("crawler.spoofed", "Googlebot", "")


def test_a_case_is_one_event_a_day_however_often_it_is_seen():
    first = {each.id for each in of_crawlers(CAME, NOON)}
    assert {each.id for each in of_crawlers(CAME[:1] + CAME[2:3], LATER)} == first
    assert {each.id for each in of_crawlers(CAME, TOMORROW)}.isdisjoint(first)
    assert day_of(NOON) == day_of(LATER) == "2026-11-01"
    assert of_disk(1, 2, NOON)[0].id == of_disk(0, 2, LATER)[0].id != of_disk(1, 2, TOMORROW)[0].id
    assert of_lists({"a": 9}, NOON)[0].id == of_lists({"a": 9}, LATER)[0].id


def test_a_newcomer_is_told_once():
    agent = "Mozilla/5.0 (compatible; HarborBot/2.0; +https://harbor.example/bot)"
    (one,) = of_newcomers((Unknown("journal", agent, 3), Unknown("journal", "HarborBot/3", 1)), NOON)
    assert (one.subject, one.body) == ("HarborBot", {"name": "HarborBot", "fetches": 4})
    assert of_newcomers((Unknown("journal", agent, 1),), TOMORROW)[0].id == one.id
    assert of_newcomers((Unknown("other", agent, 1),), NOON)[0].id != one.id


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("", ""),
        ("curl/8.5.0", ""),
        ("python-requests/2.34", ""),
        ("Python/3.11 aiohttp/3.14", ""),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", ""),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36", ""),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; TideBot/1.3; +https://tide.example", "TideBot"),
        ("my_reader/1.0 (+ops@reader.example)", "my_reader"),
        ("\x00\r\n/1 <script>/1", ""),
        ("a" * 5000 + "/1", ""),
    ],
)  # fmt: skip
def test_a_name_is_what_stands_before_a_version(agent, name):
    assert name_in(agent) == name


@pytest.mark.parametrize(
    ("spent", "percent", "told"),
    [
        (Spent("li", "le", "journal", 100, None, 79, 5), 79, 0),
        (Spent("li", "le", "journal", 100, None, 80, 5), 80, 1),
        (Spent("li", "le", "journal", None, 10, 0, 10), 100, 1),
        (Spent("li", "le", "journal", 100, 10, 10, 9), 90, 1),
        (Spent("li", "le", "journal", None, None, 10, 9), 0, 0),
        (Spent("li", "le", "journal", 0, 0, 10, 9), 0, 0),
    ],
)
def test_a_budget_that_is_nearly_spent_is_told_to_both_sides(spent, percent, told):
    found = of_budgets((spent,), NOON)
    assert (spent.percent, len(found)) == (percent, told)
    assert all((each.licensee, each.subject) == ("le", "li") for each in found)


def test_a_budget_is_told_once_a_step_and_anew_when_it_grows():
    ids = [
        of_budgets((Spent("li", "le", "s", most, None, spent, 0),), NOON)[0].id
        for most, spent in ((100, 80), (100, 90), (100, 95), (100, 100), (200, 170))
    ]
    assert ids[0] == ids[1] != ids[2] == ids[3] != ids[4]
    assert len(set(ids)) == 3


def test_lists_are_one_event_the_oldest_first():
    (one,) = of_lists({"b": 3, "a": 9}, NOON)
    assert (one.subject, one.body["lists"], one.body["count"]) == ("a", ["a", "b"], 2)
    assert of_lists({}, NOON) == of_disk(5, 5, NOON) == ()
    assert len(of_lists({f"l{n}": n for n in range(90)}, NOON)[0].body["lists"]) == 20


def test_every_event_is_of_a_type_that_is_told_and_says_what_its_schema_says():
    made = (
        *of_crawlers(CAME, NOON), *of_newcomers((Unknown("journal", "HarborBot/3", 1),), NOON),
        *of_budgets((Spent("li", "le", "journal", 100, None, 99, 5),), NOON), *of_lists({"a": 1}, NOON),
        *of_disk(0, 1, NOON),
    )  # fmt: skip
    assert {each.type for each in made} == set(alerts.TYPES) == set(alerts.SCHEMAS)
    for each in made:
        assert set(each.body) == set(alerts.SCHEMAS[each.type]["required"])


@given(st.text(max_size=80), st.text(max_size=600), st.integers(0, 2**40), st.integers(0, 2**31))
def test_nobody_can_break_it_or_put_a_second_line_into_it(crawler, agent, fetches, at):
    for each in (
        *of_crawlers((Came("s", crawler, "spoofed", "serve", fetches, 0),), at),
        *of_newcomers((Unknown("s", agent, fetches),), at),
    ):
        assert len(each.subject) <= 80
    assert name_in(agent).isprintable()
