"""Every member of a problem's body is explained at the problem's address, and no other is."""

from __future__ import annotations

import pytest

from gateway.desk.problem_members import members_of
from gateway.licenses.withdrawal import USUAL, Withdrawal, refusal_of
from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import PublishedTerms, Tier
from gateway.terms.payment_required import MEMBERS, problem_body, sells

TERMS = PublishedTerms("https://journal.example", "The Journal", "rights@journal.example", "d", "USD", (), ())


def body_of(problem, offers, facts=()):
    return problem_body(
        Refusal(problem, "The fact.", retry_after=3, facts=facts), type_base="https://journal.example/.licet/problems",
        offers=offers, uses=frozenset(offers[0].uses), terms=TERMS, request_url="https://journal.example/essays/tides",
        quoted=offers[0], instance="urn:uuid:0192-a",
    )  # fmt: skip


def places(body):
    """The members of *body*, two deep, as the page spells them."""
    for name, value in body.items():
        yield name
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, dict):
            mark = "[]" if isinstance(value, list) else ""
            yield from (f"{name}{mark}.{inner}" for inner in first)


@pytest.mark.parametrize("problem", Problem)
def test_the_members_are_those_of_the_body(world_offers, problem):
    facts = ()
    if problem is Problem.CREDIT_SPENT:
        facts = (("offer", "training"), ("due", "5 USD"), ("balance", "1 USD"), ("missing", "4 USD"))
    if problem is Problem.WITHDRAWN:
        one = Withdrawal("wd_1", "journal", USUAL, 1, 1, works=("essays",))
        facts = refusal_of(one).facts
    sent = set(places(body_of(problem, world_offers, facts)))
    told = set(members_of(problem))
    of_rails = set(MEMBERS) - set(body_of(Problem.LICENSE_REQUIRED, world_offers))
    assert sent == told - of_rails
    assert ("price" in told) is sells(problem)


def test_every_meaning_is_a_sentence():
    for problem in Problem:
        for name, meaning in members_of(problem).items():
            assert meaning.endswith("."), (name, meaning)


@pytest.fixture
def world_offers(make_offer_of):
    from gateway.terms.license_terms import Compensation

    price = Compensation("USD", per_fetch=Money(20_000, "USD"), tiers=(Tier(10, Money(10_000, "USD")),))
    return (make_offer_of("training", uses={"ai-train"}, price=price),)
