"""Each rule trips on its own term and on nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from gateway.licenses.red_flags import RULES, Severity, red_flags
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import (
    Attribution,
    Audit,
    Compensation,
    Exclusivity,
    Liability,
    LicenseTerms,
    Purpose,
    Retention,
    Scope,
    Term,
)
from gateway.uses import Use
from tests.licenses.deals import deals

OFFER = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_TRAIN})),
    Compensation("USD", upfront=Money(500_000_000, "USD"), revenue_share_bp=300),
    attribution=Attribution("The Journal"),
)
GRAB = replace(OFFER, exclusivity=Exclusivity(exclusive=True), term=Term(1200))


@pytest.mark.parametrize(
    ("name", "proposal", "term"),
    [
        ("no_pay", replace(OFFER, compensation=Compensation("USD")), "nothing is paid but attribution"),
        ("no_pay", replace(OFFER, compensation=Compensation("USD"), attribution=Attribution()), "nothing is paid"),
        ("everything_forever", GRAB, "exclusive, worldwide and without end, for no more than a plain license costs"),
        ("no_audit", replace(OFFER, audit=Audit("none", 0)), "neither reports nor audits"),
        ("no_reports", replace(OFFER, audit=Audit("none", 1)), "no reports"),
        (
            "sublicensing_for_free",
            replace(OFFER, purpose=replace(OFFER.purpose, sublicensing=True), compensation=replace(OFFER.compensation, revenue_share_bp=0)),
            "sublicensing without a share of what comes of it",
        ),
        ("no_deletion", replace(OFFER, retention=Retention(0, 30, 0, retrain=False)), "a withdrawn work need not be removed"),
        ("long_notice", replace(OFFER, retention=Retention(0, 400)), "400 days to stop using a withdrawn work"),
        ("perpetual", replace(OFFER, term=Term(600)), "a term of 600 months"),
        ("creator_answers_alone", replace(OFFER, liability=Liability("creator")), "the creator indemnifies without a cap"),
    ],
)  # fmt: skip
def test_each_rule_names_the_term_that_tripped_it(name, proposal, term):
    found = {flag.name: flag for flag in red_flags(proposal, OFFER)}
    assert (found[name].term, found[name].severity, found[name].lever) == (
        term,
        RULES[name][0],
        RULES[name][1],
    )
    alone = {"everything_forever": {"everything_forever", "perpetual"}}.get(name, {name})
    assert set(found) == alone


def test_a_fair_price_for_everything_is_no_grab():
    dear = replace(GRAB.compensation, upfront=Money(4_000_000_000, "USD"))
    assert [flag.name for flag in red_flags(replace(GRAB, compensation=dear), OFFER)] == ["perpetual"]


def test_the_creator_weighs_rules_anew():
    proposal = replace(OFFER, audit=Audit("none", 0))
    (flag,) = red_flags(proposal, OFFER, severities={"no_audit": Severity.NOTE})
    assert flag.severity is Severity.NOTE


@given(deals)
def test_what_is_on_offer_is_never_flagged(offer):
    assert [flag.name for flag in red_flags(offer, offer) if flag.name not in _ON_THEIR_OWN] == []


#: Rules about a proposal alone: an offer can trip them too, and then says so at its own reading.
_ON_THEIR_OWN = {"sublicensing_for_free", "everything_forever"}
