"""Milestones and payment in terms: what can stand, what they come to, and that older terms keep their hash."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.pricing import due_at_signing
from gateway.licenses.proposals import levers_of, read_message, read_terms
from gateway.money import Money
from gateway.paths import PathScope
from gateway.problems import Refusal
from gateway.terms.comparing import Lever, Relation, compare
from gateway.terms.license_terms import Compensation, LicenseTerms, Milestone, Purpose, Scope
from gateway.terms.terms_json import UnreadableTerms, terms_of
from gateway.uses import Use

HALF = (Milestone("ingestion", 5_000, "journal", 10, 3), Milestone("launch", 5_000))
PLAIN = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)), Purpose(frozenset({Use.AI_TRAIN})),
    Compensation("USD", upfront=Money(500_000_001, "USD"), subscription=Money(7, "USD")),
)  # fmt: skip


def priced(**changes):
    return replace(PLAIN, compensation=replace(PLAIN.compensation, **changes))


WAITING = priced(
    milestones=HALF, holder="agent:Notary Example", payment_days=5, calendar="target", late_interest_bp=500
)


def test_terms_without_them_keep_the_hash_that_they_had():
    members = PLAIN.as_json()["compensation"]
    assert not members.keys() & {"milestones", "holder", "payment_days", "calendar", "late_interest_bp"}
    assert terms_of(PLAIN.as_json(), PLAIN.hash) == PLAIN
    # Computed before there were milestones.
    assert PLAIN.hash == "sha-256:a681717ad66d74eb8fa03cd9ded91e428ae54eccf605f37cfb37f1a9c6e29c73"


def test_terms_with_them_come_back_as_they_were():
    members = WAITING.as_json()["compensation"]
    assert members["milestones"][0] == {
        "name": "ingestion", "share_bp": 5_000, "shown_by": "journal", "items": 10, "months": 3,
    }  # fmt: skip
    assert terms_of(WAITING.as_json(), WAITING.hash) == WAITING
    assert len({priced(milestones=HALF).hash, WAITING.hash, PLAIN.hash}) == 3
    bad = WAITING.as_json()
    bad["compensation"]["milestones"][0]["shown_by"] = "word"
    with pytest.raises(UnreadableTerms):
        terms_of(bad, WAITING.hash)


def test_what_waits_is_not_owed_at_signing_and_nothing_is_lost_by_dividing():
    price = WAITING.compensation
    assert [each.micros for each in price.shares] == [250_000_001, 250_000_000, 0]
    assert due_at_signing(WAITING) == Money(7, "USD")
    partly = priced(milestones=HALF[:1])
    assert due_at_signing(partly).micros == partly.compensation.at_signing.micros + 7
    assert due_at_signing(PLAIN) == Money(500_000_008, "USD")


@given(st.integers(0, 10**15), st.lists(st.integers(1, 3_000), max_size=3))
def test_shares_add_up_to_the_upfront_part(upfront, shares):
    milestones = tuple(Milestone(f"m{nth}", each) for nth, each in enumerate(shares))
    price = Compensation("USD", upfront=Money(upfront, "USD"), milestones=milestones)
    assert sum(each.micros for each in price.shares) == upfront
    assert len(price.shares) == len(milestones) + 1


@pytest.mark.parametrize(
    "changes",
    [
        {"milestones": (Milestone("a", 6_000), Milestone("b", 5_000))}, {"milestones": (HALF[0], HALF[0])},
        {"milestones": HALF, "upfront": None}, {"holder": "bank:x"}, {"payment_days": -1}, {"payment_days": 367},
        {"late_interest_bp": 10_001},
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(changes):
    with pytest.raises(ValueError, match=r"."):
        priced(**changes)


@pytest.mark.parametrize(
    "given",
    [("", 1), ("A", 1), ("a b", 1), ("a", 0), ("a", 10_001), ("a", 1, "word"), ("a", 1, "journal", -1), ("a", 1, "journal", 1, -1)],
)  # fmt: skip
def test_a_milestone_that_is_none_is_refused(given):
    with pytest.raises(ValueError, match="milestone"):
        Milestone(*given)


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        (WAITING, WAITING, Relation.SAME),
        (PLAIN, priced(milestones=HALF), Relation.NARROWER),
        (priced(milestones=HALF), PLAIN, Relation.WIDER),
        (priced(milestones=HALF), priced(milestones=HALF, holder="agent:N"), Relation.APART),
        (priced(milestones=HALF), priced(milestones=HALF[:1]), Relation.APART),
        (priced(payment_days=30), PLAIN, Relation.WIDER),
        (priced(late_interest_bp=100), PLAIN, Relation.NARROWER),
        (priced(calendar="target"), PLAIN, Relation.APART),
    ],
)  # fmt: skip
def test_who_pays_later_has_more(one, other, relation):
    assert compare(one, other)[Lever.COMPENSATION] is relation


def test_levers_say_them_and_are_read_back():
    message = read_message({"proposal": levers_of(WAITING)})
    assert read_terms(message, WAITING) == WAITING
    assert read_terms(read_message({"proposal": levers_of(PLAIN)}), PLAIN) == PLAIN


@pytest.mark.parametrize(
    ("given", "member"),
    [
        ({"milestones": [{"name": "a"}]}, "proposal.compensation.milestones[0].share_bp"),
        ({"milestones": [{"name": "A b", "share_bp": 5}]}, "proposal.compensation.milestones[0]"),
        ({"milestones": [{"name": "a", "share_bp": 5, "x": 1}]}, "proposal.compensation.milestones[0].x"),
        ({"milestones": [{"name": "a", "share_bp": "5"}]}, "proposal.compensation.milestones[0].share_bp"),
        ({"milestones": "all"}, "proposal.compensation.milestones"),
        ({"milestones": [{"name": "a", "share_bp": 9_999}, {"name": "b", "share_bp": 2}]}, "proposal.compensation"),
        ({"holder": "bank:x"}, "proposal.compensation.holder"), ({"holder": 7}, "proposal.compensation.holder"),
        ({"payment_days": 367}, "proposal.compensation.payment_days"),
        ({"calendar": "us-federal-reserve"}, "proposal.compensation.calendar"),
        ({"late_interest_bp": -1}, "proposal.compensation.late_interest_bp"),
    ],
)  # fmt: skip
def test_a_proposal_that_cannot_be_read_names_the_member(given, member):
    found = read_terms(read_message({"proposal": {"compensation": given}}), WAITING)
    assert isinstance(found, Refusal)
    assert dict(found.facts)["member"] == member
