"""What a buyer proposes is read as the offers spell it, and every mistake names its member."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.desk.negotiation_schemas import PROPOSAL
from gateway.keys.strict_json import Malformed, read_object
from gateway.licenses.proposals import Message, levers_of, read_message, read_terms
from gateway.money import Money
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.terms.ages import AgeStep
from gateway.terms.license_terms import (
    Basis,
    Bundle,
    Compensation,
    Exclusivity,
    LicenseTerms,
    Purpose,
    Retention,
    Scope,
    Term,
    Territory,
    Tier,
)
from gateway.uses import Use
from tests.licenses.deals import deals

OFFERED = LicenseTerms(
    Scope(("essays", "videos"), (PathScope("/essays/"), PathScope("/videos/"))),
    Purpose(frozenset({Use.AI_TRAIN}), model_release="closed"),
    Compensation("USD", upfront=Money(500_000_000, "USD"), per_fetch=Money(20_000, "USD")),
    retention=Retention(retention_days=30),
    term=Term(24),
)
USD = "USD"


def read(proposal, facts=None, offered=OFFERED):
    message = read_message({"offer": "training", "facts": facts or {}, "proposal": proposal})
    return message if isinstance(message, Refusal) else read_terms(message, offered)


def test_what_is_left_out_is_the_offers():
    assert read({}) == OFFERED
    cheaper = read({"compensation": {"upfront": {"micros": 1, "currency": "USD"}}})
    assert cheaper == replace(OFFERED, compensation=replace(OFFERED.compensation, upfront=Money(1, "USD")))
    assert read({"compensation": {"upfront": None}}).compensation.upfront is None
    assert read({"exclusivity": {"exclusive": True}, "term": {"months": 6}}) == replace(
        OFFERED, exclusivity=Exclusivity(True), term=Term(6)
    )
    assert read({"territory": ["EU"], "territory_basis": "use"}).territory == Territory(
        frozenset({"EU"}), Basis.USE
    )
    tiered = read(
        {"compensation": {"tiers": [{"from_fetches": 9, "per_fetch": {"micros": 7, "currency": "USD"}}]}}
    )
    assert tiered.compensation.tiers == (Tier(9, Money(7, "USD")),)
    aged = read(
        {"compensation": {"by_age": [{"from_days": 9, "per_fetch": {"micros": 7, "currency": "USD"}}]}}
    )
    assert aged.compensation.by_age == (AgeStep(9, Money(7, "USD")),)


def test_a_message_without_a_proposal_says_the_last_one_again():
    message = read_message({"facts": {"use_case": "answers"}})
    assert message == Message("", {"use_case": "answers"}, None)
    last = replace(OFFERED, term=Term(3))
    assert read_terms(message, OFFERED, last) == last
    assert read_terms(message, OFFERED) == OFFERED
    assert read_terms(replace(message, levers={}), OFFERED, last) == OFFERED


@given(deals)
def test_what_an_offer_tells_is_read_back_as_it_stands(terms):
    told = json.loads(json.dumps(terms.as_json()))
    for name in ("subscription", "minimum_guarantee"):
        if told["compensation"][f"{name}_months"] > terms.term.months:
            told["compensation"][name] = None
    terms = replace(
        terms,
        compensation=replace(
            terms.compensation,
            subscription=terms.compensation.subscription if told["compensation"]["subscription"] else None,
            minimum_guarantee=terms.compensation.minimum_guarantee
            if told["compensation"]["minimum_guarantee"]
            else None,
        ),
    )
    offered = replace(OFFERED, scope=Scope(("w",), (PathScope("/"),)))
    message = read_message({"proposal": told})
    assert isinstance(message, Message), message
    found = read_terms(message, offered)
    assert isinstance(found, LicenseTerms), found
    assert found.hash == replace(terms, territory=found.territory).hash
    assert found.territory.regions == terms.territory.regions


@pytest.mark.parametrize(
    ("proposal", "member"),
    [
        ({"price": {}}, "proposal.price"),
        ({"scope": []}, "proposal.scope"),
        ({"scope": {"path": ["/"]}}, "proposal.scope.path"),
        ({"scope": {"paths": []}}, "proposal.scope.paths"),
        ({"scope": {"paths": ["/a/../b"]}}, "proposal.scope.paths[0]"),
        ({"scope": {"works": ["poems"], "paths": ["/"]}}, "proposal.scope.works"),
        ({"scope": {"works": ["essays"]}}, "proposal.scope.paths"),
        ({"purpose": {"uses": []}}, "proposal.purpose.uses"),
        ({"purpose": {"uses": ["everything"]}}, "proposal.purpose.uses[0]"),
        ({"purpose": {"resale": 1}}, "proposal.purpose.resale"),
        ({"purpose": {"model_release": "half"}}, "proposal.purpose.model_release"),
        ({"compensation": {"upfront": "500"}}, "proposal.compensation.upfront"),
        ({"compensation": {"upfront": {"micros": -1, "currency": USD}}}, "proposal.compensation.upfront.micros"),
        ({"compensation": {"upfront": {"micros": 10**16, "currency": USD}}}, "proposal.compensation.upfront.micros"),
        ({"compensation": {"upfront": {"micros": True, "currency": USD}}}, "proposal.compensation.upfront.micros"),
        ({"compensation": {"upfront": {"micros": 1, "currency": "usd"}}}, "proposal.compensation.upfront.currency"),
        ({"compensation": {"upfront": {"micros": 1, "currency": "EUR"}}}, "proposal.compensation.upfront"),
        ({"compensation": {"currency": "EUR"}}, "proposal.compensation.currency"),
        ({"compensation": {"revenue_share_bp": 10_001}}, "proposal.compensation.revenue_share_bp"),
        ({"compensation": {"tiers": [{"from_fetches": 9, "per_fetch": {"micros": 10**9, "currency": USD}}]}}, "proposal.compensation"),
        ({"compensation": {"tiers": [{"from_fetches": 9}]}}, "proposal.compensation.tiers[0].per_fetch"),
        ({"compensation": {"by_age": [{"from_days": 9}]}}, "proposal.compensation.by_age[0].per_fetch"),
        ({"compensation": {"by_age": [{"from_days": 0, "per_fetch": {"micros": 1, "currency": USD}}]}}, "proposal.compensation.by_age[0].from_days"),
        ({"compensation": {"subscription": {"micros": 1, "currency": USD}, "subscription_months": 36}}, "proposal.compensation.subscription_months"),
        ({"compensation": {"window_hours": 0}}, "proposal.compensation.window_hours"),
        ({"term": {"months": 0}}, "proposal.term.months"),
        ({"term": {"months": -12}}, "proposal.term.months"),
        ({"term": {"ends": "2020-01-01"}}, "proposal.term.ends"),
        ({"territory": []}, "proposal.territory"),
        ({"territory": ["XX"]}, "proposal.territory[0]"),
        ({"territory": ["de"]}, "proposal.territory[0]"),
        ({"territory_basis": "moon"}, "proposal.territory_basis"),
        ({"audit": {"report": "weekly"}}, "proposal.audit.report"),
        ({"liability": {"indemnity": "them"}}, "proposal.liability.indemnity"),
        ({"attribution": {"text": "a\u0000b"}}, "proposal.attribution.text"),
    ],
)  # fmt: skip
def test_every_mistake_names_its_member(proposal, member):
    found = read(proposal)
    assert isinstance(found, Refusal)
    assert (found.problem, dict(found.facts)["member"]) == (Problem.PROPOSAL_INVALID, member)
    assert member in found.detail


@pytest.mark.parametrize(
    ("facts", "member"),
    [
        ({"shoe_size": "44"}, "facts.shoe_size"),
        ({"use_case": ""}, "facts.use_case"),
        ({"use_case": 1}, "facts.use_case"),
        ({"use_case": "x" * 2001}, "facts.use_case"),
        ({"launch_date": "soon"}, "facts.launch_date"),
        ({"model_class": "huge"}, "facts.model_class"),
        ({"model_class": "none"}, "facts.model_class"),
    ],
)
def test_every_fact_is_one(facts, member):
    found = read({"purpose": {"model_release": "open"}}, facts)
    assert isinstance(found, Refusal)
    assert dict(found.facts)["member"] == member


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.sampled_from([*sorted(PROPOSAL["properties"]), "offer", "facts", "proposal", "upfront", "x"]), inner, max_size=4
        ),
        max_leaves=12,
    )
)  # fmt: skip
def test_no_json_raises_anything(body):
    try:
        found = read_object(json.dumps({"offer": "training", "proposal": body}).encode())
    except Malformed:
        return
    message = read_message(found)
    if isinstance(message, Message):
        assert isinstance(read_terms(message, OFFERED), LicenseTerms | Refusal)


def test_the_schema_has_every_lever_and_every_member():
    spelled = OFFERED.as_json()
    for lever, members in PROPOSAL["properties"].items():
        if members.get("type") == "object":
            known = set(members["properties"])
            assert set(spelled[lever]) <= known
            assert not isinstance(read({lever: {}}), Refusal)
    assert set(spelled) <= set(PROPOSAL["properties"])


@given(deals, deals)
def test_levers_as_a_message_spells_them_are_the_terms_again(terms, offered):
    terms = replace(terms, scope=replace(terms.scope, works=offered.scope.works))
    # The periods of a price have to fit into the term.
    terms = replace(terms, term=replace(terms.term, months=max(12, terms.term.months)))
    message = read_message({"proposal": levers_of(terms)})
    assert isinstance(message, Message)
    assert read_terms(message, offered) == terms


def test_a_bundle_is_proposed_on_as_it_is_and_in_no_other_scope():
    sold = replace(OFFERED, scope=replace(OFFERED.scope, bundle=Bundle("launch", "sha-256:m", 2)))
    assert read_terms(read_message({"proposal": levers_of(sold)}), sold) == sold
    less = {"scope": {"paths": ["/essays/tides"]}}
    refused = read_terms(read_message({"proposal": less}), sold)
    assert isinstance(refused, Refusal)
    assert refused.facts == (("member", "proposal.scope"),)
    assert isinstance(read_terms(read_message({"proposal": less}), OFFERED), LicenseTerms)
