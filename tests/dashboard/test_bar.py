"""The bar: every page stands in one group, the present one is marked, and nothing is offered that may not be seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields

import pytest

from gateway.dashboard.bar import GROUPS, bar
from gateway.dashboard.permissions import ROUTES
from gateway.dashboard.rooms import Rooms

EVERY = [path for _, pages in GROUPS for path, _ in pages]


def test_every_page_stands_once_and_is_an_address():
    assert set(Counter(EVERY).values()) == {1}
    assert all(f"GET {path}" in ROUTES for path in EVERY)


def test_every_part_of_the_dashboard_has_its_pages_in_a_group():
    parts = {each.name: True for each in fields(Rooms)}
    assert set(Rooms(**parts).paths()) <= set(EVERY)


@pytest.mark.parametrize(
    ("here", "group", "page", "mark"),
    [
        ("/", "Today", "/", "page"),
        ("/log", "Today", "/log", "page"),
        ("/crawlers/GPTBot", "Today", "/crawlers", "true"),
        ("/records/019ab003/replay", "Today", "/log", "true"),
        ("/policies/journal/consent", "Rights", "/policies", "true"),
        ("/consent/withdrawals/wd_1", "Rights", "/consent", "true"),
        ("/figures", "Licensing", "/memo", "true"),
        ("/billing/authors", "Money", "/billing", "true"),
        ("/webhooks/we_1", "Settings", "/webhooks", "true"),
        ("/views", "Today", "/views", "page"),
        ("/views/vi_1/rename", "Today", "/views", "true"),
    ],
)
def test_the_present_page_is_marked_once_in_each_list(here, group, page, mark):
    made = bar(EVERY, here)
    assert [each.name for each in made.groups if each.mark] == [group] == [made.name]
    assert [(each.path, each.mark) for each in made.pages if each.mark] == [(page, mark)]


@pytest.mark.parametrize("here", ["/account", "/sign-in", "/nowhere", "", "relative"])
def test_a_page_of_no_group_has_the_groups_alone(here):
    made = bar(EVERY, here)
    assert [each.name for each in made.groups] == [name for name, _ in GROUPS]
    assert not any(each.mark for each in made.groups)
    assert (made.name, made.pages) == ("", ())


def test_a_group_leads_to_the_first_page_that_may_be_seen():
    made = bar(["/licensees", "/memo"], "/log")
    assert [(each.path, each.name) for each in made.groups] == [("/licensees", "Licensing")]
