"""Every lever in plain words: nothing is left out, and what differs reads differently."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from gateway.licenses.contract import Deal, Party, filled
from gateway.licenses.plain_words import NAMES, beside, lever_words, price_words
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.comparing import Lever, Relation
from gateway.terms.license_terms import (
    Compensation,
    Exclusivity,
    LicenseTerms,
    Purpose,
    Scope,
    Term,
    Territory,
)
from gateway.uses import Use
from tests.licenses.deals import deals

TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_TRAIN}), model_release="closed", evaluation=True),
    Compensation(
        "USD", upfront=Money(500_000_000, "USD"), per_fetch=Money(20_000, "USD"), revenue_share_bp=300
    ),
    term=Term(24),
    territory=Territory(frozenset({"EU", "US"})),
)


@given(deals)
def test_every_lever_has_words(terms):
    told = lever_words(terms)
    assert list(told) == list(NAMES)
    assert set(told) == set(Lever)
    assert all(text.strip() and not text[0].islower() and text.endswith((".", "!")) for text in told.values())
    assert not any("{" in text or "None" in text for text in told.values())


@given(deals, deals)
def test_what_is_not_the_same_does_not_read_the_same(one, other):
    for row in beside(one, other):
        assert row.same or row.one != row.other, row


@given(deals)
def test_nothing_is_wider_than_itself(terms):
    assert not any(row.wider for row in beside(terms, terms))
    assert all(row.relation is Relation.SAME for row in beside(terms, terms))


def test_a_deal_in_words():
    told = lever_words(TERMS)
    assert told[Lever.SCOPE] == "The works essays (/essays/). Forms: page."
    assert (
        told[Lever.PURPOSE]
        == "Training models, fine-tuning included. Also allowed: testing models with them, releasing a "
        "model (as a service or a product, without its weights). Not allowed: passing the works on, letting others "
        "use them, selling them on, research inside the company."
    )
    assert told[Lever.COMPENSATION].startswith(
        "500 USD at signing; 0.02 USD for each page or file delivered; 3 % of net revenue."
    )
    assert told[Lever.TERM].startswith("24 months from signing; all rights come back at the end.")
    assert told[Lever.TERRITORY].startswith("EU, US: checked at every fetch")


def test_what_is_wider_is_marked():
    wider = replace(
        TERMS, exclusivity=Exclusivity(True), compensation=Compensation("USD"), term=Term(6), territory=Territory()
    )  # fmt: skip
    marked = {row.lever for row in beside(wider, TERMS) if row.wider}
    assert marked == {Lever.COMPENSATION, Lever.EXCLUSIVITY, Lever.TERRITORY}


def test_the_words_are_the_contracts():
    words = filled(Deal("", "", TERMS, Party(), Party()))
    told = lever_words(TERMS)
    assert words["price_parts"] in told[Lever.COMPENSATION]
    assert words["indemnity"] in told[Lever.LIABILITY]
    assert price_words(TERMS) == words["price_parts"]


def test_a_cap_of_nothing_is_a_cap():
    capped = replace(TERMS, liability=replace(TERMS.liability, cap=Money(0, "USD")))
    assert "at most 0 USD" in lever_words(capped)[Lever.LIABILITY]
