"""When a price is paid comes back from an ODRL policy as it was written, and what is not understood grants nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.terms.odrl import OdrlError, odrl_offer, read_policy
from gateway.terms.odrl_paying import paying, read_paying
from gateway.uses import Use
from tests.terms.test_milestones import PLAIN, WAITING


def test_what_is_usual_is_not_said():
    assert paying(PLAIN.compensation) == {}
    assert read_paying({"@type": "Offer"}) == {}


def test_milestones_holder_days_calendar_and_interest_come_back():
    told = json.loads(json.dumps(paying(WAITING.compensation)))
    assert replace(PLAIN.compensation, **read_paying(told)) == WAITING.compensation


def test_an_offer_with_milestones_is_read_as_the_terms_it_was_made_of(make):
    terms, offer = published(make)
    document = json.loads(json.dumps(odrl_offer(terms, offer)))
    read = read_policy(document)
    assert read.hash == offer.terms.hash
    assert read.terms.compensation == offer.terms.compensation
    assert read.terms.compensation.milestones == WAITING.compensation.milestones


@pytest.mark.parametrize(
    "bend",
    [
        {"licet:payment-days": "5"},
        {"licet:payment-days": True},
        {"licet:calendar": 5},
        {"licet:holder": "bank:x"},
        {"licet:milestones": {"@list": ["launch"]}},
        {"licet:milestones": [{"licet:name": "launch"}]},
        {"licet:late-interest-bp": 1.5},
    ],
)
def test_what_cannot_be_read_grants_nothing(make, bend):
    document = json.loads(json.dumps(odrl_offer(*published(make))))
    assert isinstance(read_policy({**document, **bend}), OdrlError)


def published(make):
    """Terms that publish one offer, part of whose fee waits for milestones."""
    offer = make.offer("training", (Use.AI_TRAIN,), "/")
    offer = replace(offer, terms=replace(offer.terms, compensation=WAITING.compensation))
    return make.published(make.scope("/", (), [offer])), offer
