"""The remedy of a token that is too narrow: what a program reads out of it is what it must ask for."""

from __future__ import annotations

import json

import pytest

from gateway.keys.key_set import decode_base64url
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Territory
from gateway.terms.remediation import remediation
from gateway.uses import Use

NARROW = Refusal(Problem.PATH_NOT_COVERED, "The fact.")
INPUT = frozenset({Use.AI_INPUT})


def read(text):
    return json.loads(decode_base64url(text))


def test_it_names_the_offer_and_the_uses_and_is_the_same_for_the_same(make):
    offer = make.offer(uses=(Use.AI_INPUT, Use.SEARCH))
    found = read(remediation(NARROW, offer, INPUT, "DE"))
    assert found["authorization_details"] == [
        {"type": "content_license", "offer": "answers", "privileges": ["ai-input"]}
    ]
    again = read(remediation(Refusal(Problem.USE_NOT_COVERED), offer, INPUT, "US"))
    assert again == found
    other = read(remediation(NARROW, make.offer("other"), INPUT, "DE"))
    assert other["authorization_reference"] != found["authorization_reference"]


@pytest.mark.parametrize("problem", [p for p in Problem if p.license_error != "insufficient_scope" or p.status != 403])  # fmt: skip
def test_elsewhere_there_is_none(make, problem):
    assert remediation(Refusal(problem), make.offer(), INPUT, "DE") == ""


def test_no_remedy_is_told_that_would_not_help(make):
    assert remediation(NARROW, None, INPUT, "DE") == ""
    assert remediation(NARROW, make.offer(), frozenset({Use.AI_TRAIN}), "DE") == ""
    abroad, german = (
        Refusal(Problem.TERRITORY_NOT_COVERED),
        make.offer(territory=Territory(frozenset({"DE"}))),
    )
    assert remediation(abroad, german, INPUT, "US") == ""
    assert remediation(abroad, german, INPUT, "DE")
    for blocked in (Problem.REFUSED_BY_OWNER, Problem.IDENTITY_NOT_PROVEN):
        assert remediation(Refusal(blocked), make.offer(), INPUT, "DE") == ""
