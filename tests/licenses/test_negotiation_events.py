"""What is told of a negotiation: everything that was said in it, once, and nothing of the creator's position."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import orjson

from gateway.event import TYPE
from gateway.licenses.bargaining import Accept, AskFacts, Change, Counter, Decline, Person
from gateway.licenses.negotiation import (
    Negotiation,
    Side,
    State,
    accepted,
    agreed,
    offered,
    proposed,
    terminated,
    verified,
)
from gateway.licenses.negotiation_events import TYPES, events_of
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.comparing import Lever
from gateway.terms.license_terms import Compensation, LicenseTerms, Offer, Purpose, Scope
from gateway.uses import Use

TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_INPUT})),
    Compensation("USD", per_fetch=Money(20_000, "USD")),
)
BLANK = Negotiation("ne_1", Offer("answers", "journal", TERMS, "sha-256:p"), "le_1", "cl_1", 100)
WHY = "Only the creator and the buyer know this."


def said(before, answer, now=110):
    facts = {"use_case": "A secret product."}
    return proposed(before, TERMS, facts, answer, now=now, patience=3600)


def whole_way():
    """Every version of a negotiation that went all the way."""
    asked = said(BLANK, AskFacts(("use_case",)))
    referred = said(asked, Person((WHY,), Accept(TERMS)), 120)
    put = offered(referred, TERMS, now=130, patience=60)
    taken = accepted(put, TERMS.hash, "Yes.", now=140, signed={"licensee": {"name": "Eve"}})
    made = agreed(taken, "li_1", now=150, contract='{"name":"Eve"}', signature="s")
    return [BLANK, asked, referred, put, taken, made, verified(made, TERMS.hash, now=160)]


def told(versions):
    return [each for before, after in pairwise(versions) for each in events_of(before, after)]


def test_everything_that_is_said_is_told_once_and_in_its_order():
    versions = whole_way()
    events = told(versions)
    assert [each.type.removeprefix("negotiation.") for each in events] == [
        "requested", "asked", "requested", "referred", "offered", "accepted", "agreed", "verified", "finalized",
    ]  # fmt: skip
    assert len({each.id for each in events}) == len(events) == len(versions[-1].transcript)
    assert events == list(events_of(BLANK, versions[-1])), "however many steps are told of at once"
    assert [each.body["version"] for each in events] == [each.hash for each in versions[-1].transcript]
    assert [each.body["state"] for each in events][-4:] == [
        State.ACCEPTED, State.AGREED, State.VERIFIED, State.FINALIZED,
    ]  # fmt: skip
    assert events[-1].body["license"] == "li_1"
    assert events[4].body["expires_at"] == 190
    assert events[1].body["missing"] == ["use_case"]
    assert events_of(versions[-1], versions[-1]) == ()


def test_every_event_says_whose_it_is_and_where_it_is_read():
    for each in told(whole_way()):
        assert (each.site, each.licensee, each.subject) == ("journal", "le_1", "ne_1")
        assert each.body["path"] == "/.licet/negotiations/ne_1"
        assert re.fullmatch(TYPE, each.type)


def test_every_type_is_listed_and_can_happen():
    ended = terminated(said(BLANK, Decline("No.")), Side.BUYER, "x", now=1)
    assert not isinstance(ended, Negotiation)
    declined = events_of(BLANK, said(BLANK, Decline("No.")))
    assert {each.type for each in (*told(whole_way()), *declined)} == set(TYPES)


def test_reasons_facts_names_and_prices_are_read_where_one_logs_in():
    counter = Counter(TERMS, (Change(Lever.COMPENSATION, WHY),))
    ended = terminated(said(BLANK, counter), Side.CREATOR, WHY, now=120)
    for each in (*told(whole_way()), *events_of(BLANK, ended), *events_of(BLANK, said(BLANK, Decline(WHY)))):
        text = orjson.dumps(dict(each.body)).decode()
        for secret in (WHY, "A secret product.", "Eve", "20000", "signature", "Yes."):
            assert secret not in text


def test_another_negotiation_with_the_same_words_has_events_of_its_own():
    other = replace(BLANK, id="ne_2")
    ids = {each.id for blank in (BLANK, other) for each in events_of(blank, said(blank, Decline("No.")))}
    assert len(ids) == 4
