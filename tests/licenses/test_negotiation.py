"""The states of a negotiation, and the transcript that neither side can rewrite."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.bargaining import Accept, AskFacts, Change, Counter, Decline, Person
from gateway.licenses.negotiation import (
    Entry,
    Negotiation,
    Side,
    State,
    accepted,
    agreed,
    chained,
    offered,
    proposed,
    terminated,
    verified,
)
from gateway.money import Money
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.terms.comparing import Lever
from gateway.terms.license_terms import Compensation, LicenseTerms, Offer, Purpose, Scope
from gateway.uses import Use

TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_INPUT})),
    Compensation("USD", per_fetch=Money(20_000, "USD")),
)
LESS = replace(TERMS, compensation=Compensation("USD", per_fetch=Money(7_000, "USD")))
BEGUN = Negotiation("ne_1", Offer("answers", "journal", TERMS, "sha-256:p"), "le_1", "cl_1", 100)
COUNTER = Counter(TERMS, (Change(Lever.COMPENSATION, "More."),))


def says(before=BEGUN, answer=COUNTER, terms=LESS, now=110, facts=None):
    return proposed(before, terms, facts or {}, answer, now=now, patience=3600)


def test_the_whole_way():
    asked = says(answer=AskFacts(("use_case",)), facts={"products": "a search engine"})
    assert (asked.state, asked.missing, asked.bids) == (State.REQUESTED, ("use_case",), ())
    countered = says(asked, facts={"use_case": "answers"}, now=120)
    assert (countered.state, countered.table, countered.missing) == (State.OFFERED, TERMS, ())
    assert countered.facts == {"products": "a search engine", "use_case": "answers"}
    assert countered.expires_at == 3720
    met = says(countered, Accept(TERMS), TERMS, now=130)
    assert met.bids == (LESS, TERMS)
    taken = accepted(met, TERMS.hash, "We accept.", now=140)
    assert taken.state is State.ACCEPTED
    made = agreed(taken, "li_1", now=150)
    assert (made.state, made.license) == (State.AGREED, "li_1")
    done = verified(made, TERMS.hash, now=160)
    assert done.state is State.FINALIZED
    assert [(entry.by, entry.act) for entry in done.transcript] == [
        ("buyer", "proposal"), ("gateway", "question"), ("buyer", "proposal"), ("gateway", "offer"),
        ("buyer", "proposal"), ("gateway", "offer"), ("buyer", "acceptance"), ("gateway", "agreement"),
        ("buyer", "verification"), ("gateway", "finalization"),
    ]  # fmt: skip
    assert chained(done.transcript)


def test_a_person_decides():
    sent = says(answer=Person(("it is exclusive",), Accept(LESS)))
    assert (sent.state, sent.person, sent.table) == (State.REQUESTED, ("it is exclusive",), None)
    put = offered(sent, TERMS, now=200, patience=60)
    assert (put.state, put.person, put.table) == (State.OFFERED, (), TERMS)
    assert put.transcript[-1].by is Side.CREATOR


@pytest.mark.parametrize(
    ("terms_hash", "now", "detail"),
    [
        (LESS.hash, 120, "The terms on the table have another hash."),
        (TERMS.hash, 3710, "The terms on the table have expired."),
    ],
)
def test_what_is_not_on_the_table_cannot_be_accepted(terms_hash, now, detail):
    refused = accepted(says(), terms_hash, "We accept.", now=now)
    assert isinstance(refused, Refusal)
    assert (refused.problem, refused.detail) == (Problem.NEGOTIATION_OUTDATED, detail)
    assert accepted(says(), TERMS.hash, "We accept.", now=3709).state is State.ACCEPTED


def test_an_end_is_an_end():
    for over in (says(answer=Decline("No.")), terminated(says(), Side.BUYER, "Too dear.", now=120)):
        assert over.state is State.TERMINATED
        for act in (
            lambda before: says(before),
            lambda before: offered(before, TERMS, now=1, patience=1),
            lambda before: accepted(before, TERMS.hash, "", now=1),
            lambda before: agreed(before, "li", now=1),
            lambda before: verified(before, TERMS.hash, now=1),
            lambda before: terminated(before, Side.CREATOR, "", now=1),
        ):
            refused = act(over)
            assert isinstance(refused, Refusal)
            assert refused.problem is Problem.NEGOTIATION_OVER


def test_nothing_is_done_out_of_turn():
    waiting = says(answer=AskFacts(("use_case",)))
    taken = accepted(says(), TERMS.hash, "", now=120)
    for refused in (
        accepted(waiting, TERMS.hash, "", now=1),
        agreed(waiting, "li", now=1),
        verified(taken, TERMS.hash, now=1),
        says(taken),
        terminated(agreed(taken, "li", now=1), Side.BUYER, "", now=1),
    ):
        assert isinstance(refused, Refusal)
        assert refused.problem is Problem.NEGOTIATION_WAITS
    wrong = verified(agreed(taken, "li", now=1), LESS.hash, now=2)
    assert wrong.problem is Problem.NEGOTIATION_OUTDATED


def test_every_act_has_a_version_of_its_own():
    one = says()
    assert one.version != BEGUN.version
    assert says(now=111).version != one.version
    assert says() == one


@given(st.integers(0, 5), st.sampled_from(("at", "by", "act", "body", "previous", "nth")))
def test_a_changed_transcript_is_found(place, member):
    transcript = accepted(says(says(), now=115), TERMS.hash, "Yes.", now=120).transcript
    entry = transcript[place % len(transcript)]
    other = {
        "at": 7,
        "by": Side.CREATOR,
        "act": "joke",
        "body": '{"x":1}',
        "previous": "sha-256:0",
        "nth": 99,
    }
    forged = replace(entry, **{member: other[member]})
    listed = list(transcript)
    listed[place % len(transcript)] = forged
    # The last entry has nothing behind it: its hash, the version, is what the other side holds.
    last = place % len(transcript) == len(transcript) - 1
    found = not chained(tuple(listed)) or (last and forged.hash != transcript[-1].hash)
    assert found
    assert not chained(transcript[1:])
    assert chained(())
    assert isinstance(entry, Entry)
