"""Visits put to two policies: what they add up to."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.money import Money
from gateway.policy.reading import read_policy_text
from gateway.policy.replay import Changed, Visit, impact
from gateway.policy.rules import Verdict
from gateway.visitors.catalog import Catalog
from gateway.visitors.visitor import PERSON, Identity, Visitor, VisitorClass

TEXT = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:1"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = { per_fetch = "0.02" }
[[rules]]
when = { purpose = "search" }
then = "serve"
[[rules]]
when = { class = "ai" }
then = { license = ["training"] }
[[rules]]
then = "serve"
"""
BEFORE = read_policy_text(TEXT, "journal.toml")
DEARER = read_policy_text(TEXT.replace('"0.02"', '"0.05"'), "journal.toml")
CLOSED = read_policy_text(
    TEXT.replace('then = { license = ["training"] }', 'then = "refuse"'), "journal.toml"
)


def visitor(name: str, identity: Identity = Identity.VERIFIED) -> Visitor:
    entry = Catalog.shipped().by_name(name)
    return Visitor(entry.crawler.visitor_class, entry.crawler, identity)


VISITS = (
    Visit(visitor("GPTBot"), "/essays/tides", "", 40),
    Visit(visitor("GPTBot"), "/about", "", 5),
    Visit(visitor("Googlebot"), "/essays/tides", "DE", 7),
    Visit(Visitor(VisitorClass.AUTOMATION), "/essays/tides", "", 3),
)


def test_a_dearer_price_changes_what_is_asked_and_nobodys_answer():
    found = impact(VISITS, BEFORE, DEARER)
    assert found.visits == 55
    assert found.before == found.after
    assert found.before[Verdict.LICENSE] == 40
    assert (found.asked_before, found.asked_after) == ((Money(800_000, "USD"),), (Money(2_000_000, "USD"),))
    assert found.changed == ()


def test_a_closed_door_is_told_with_whom_it_stops():
    found = impact(VISITS, BEFORE, CLOSED)
    assert found.after[Verdict.LICENSE] == 0
    assert found.asked_after == ()
    assert Changed("GPTBot", Verdict.LICENSE, Verdict.REFUSE, 40) in found.changed
    assert sum(each.count for each in found.changed if each.before is Verdict.LICENSE) == 40
    assert not any(each.crawler == "Googlebot" for each in found.changed)


@given(
    st.lists(
        st.builds(
            Visit,
            st.sampled_from(
                [visitor("GPTBot"), visitor("Googlebot", Identity.SPOOFED), visitor("CCBot"), PERSON]
            ),
            st.sampled_from(["/essays/a", "/", "", "/essays/../x", "/%zz"]),
            st.sampled_from(["", "DE", "US"]),
            st.integers(1, 1000),
        )
    ),
    st.sampled_from([DEARER, CLOSED, BEFORE]),
)
def test_every_visit_is_counted_once_on_both_sides(visits, after):
    found = impact(visits, BEFORE, after)
    total = sum(visit.count for visit in visits)
    assert found.visits == sum(found.before.values()) == sum(found.after.values()) == total
    for verdict in Verdict:
        came = sum(each.count for each in found.changed if each.after is verdict)
        went = sum(each.count for each in found.changed if each.before is verdict)
        assert found.after[verdict] - found.before[verdict] == came - went
    if after is BEFORE:
        assert found.changed == ()
    assert impact(visits, after, BEFORE).asked_after == found.asked_before
    assert (
        impact([replace(visit, count=visit.count * 2) for visit in visits], BEFORE, after).visits == 2 * total
    )
