"""What an event names: each thing once, its subject first, with the page it has."""

from __future__ import annotations

import pytest

from gateway.dashboard.about_events import Thing, named, things
from gateway.event import event


def made(type, subject, licensee="", site="journal", **body):
    return event(type, at=9, site=site, subject=subject, licensee=licensee, body=body)


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (made("negotiation.offered", "ne_1", "le_1", negotiation="ne_1"),
         [("negotiation", "ne_1", "/deals/ne_1"), ("licensee", "le_1", "/licensees/le_1")]),
        (made("license.issued", "li_1", "le_1", license="li_1"),
         [("license", "li_1", "/licenses/li_1"), ("licensee", "le_1", "/licensees/le_1")]),
        (made("milestone.ingestion", "li_1", "le_1", license="li_1"),
         [("license", "li_1", "/licenses/li_1"), ("licensee", "le_1", "/licensees/le_1")]),
        (made("milestone.released", "li_1/first", license="li_1"),
         [("milestone", "li_1/first", "/milestones"), ("license", "li_1", "/licenses/li_1")]),
        (made("withdrawal.issued", "wd_1", works=["a", "b"]),
         [("withdrawal", "wd_1", "/consent/withdrawals/wd_1"), ("work", "a", "/policies/journal"),
          ("work", "b", "/policies/journal")]),
        (made("consent.given", "co_1", site="", work="essays"),
         [("author's answer", "co_1", "/consent"), ("work", "essays", "")]),
        (made("crawler.newcomer", "a/b?c#d", name="x"), [("crawler", "a/b?c#d", "/crawlers/a%2Fb%3Fc%23d")]),
        (made("claim.filed", "cl_1"), [("claim", "cl_1", "")]),
        (made("newer.kind", "x", license=7, works="y"), [("newer", "x", ""), ("work", "y", "/policies/journal")]),
        (made("disk.low", ""), []),
    ],
)  # fmt: skip
def test_an_event_names_its_subject_first_and_each_thing_once(told, wanted):
    assert [(each.kind, each.name, each.path) for each in things(told)] == wanted


def test_a_cell_holds_all_of_one_kind():
    found = (Thing("work", "a", ""), Thing("license", "li_1", ""), Thing("work", "b", ""))
    assert [named(found, kind) for kind in ("work", "license", "negotiation")] == ["a, b", "li_1", ""]
