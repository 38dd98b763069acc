"""The engine: its order of questions by example, its promises by hypothesis."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.licenses.bargaining import (
    Accept,
    AskFacts,
    Buyer,
    Counter,
    Decline,
    Person,
    Proposal,
    answer,
    countered,
    steps_earned,
)
from gateway.licenses.position import FACTS, Concession, Position, ratio
from gateway.licenses.red_flags import Severity
from gateway.money import MICROS, Money
from gateway.paths import PathScope
from gateway.terms.comparing import Lever, compare, within
from gateway.terms.license_terms import (
    Attribution,
    Audit,
    Compensation,
    Exclusivity,
    LicenseTerms,
    Offer,
    Purpose,
    Scope,
    Term,
    Territory,
)
from gateway.terms.scaling import scaled
from gateway.uses import Use
from tests.licenses.deals import deals


def usd(text):
    return Money.parse(text, "USD")


TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_INPUT, Use.AI_INDEX})),
    Compensation("USD", upfront=usd("500"), per_fetch=usd("0.02")),
    attribution=Attribution("The Journal", "", 30),
    audit=Audit("quarterly", 1),
    term=Term(24),
)
OFFER = Offer("answers", "journal", TERMS, "sha-256:p", tier=2)
POSITION = Position(target_micros=800_000, floor_micros=550_000, rounds=6)


def bid(multiple, **levers):
    return replace(TERMS, compensation=scaled(TERMS.compensation, multiple), **levers)


def ask(proposal, *earlier, position=POSITION, offer=OFFER, facts=frozenset(FACTS), name="Lab"):
    return answer(offer, position, Buyer(name, tuple(earlier)), Proposal(proposal, frozenset(facts)))


def test_a_buyer_starts_at_a_third_and_meets_in_the_middle():
    first = ask(bid(333_333))
    assert isinstance(first, Counter)
    assert first.terms == TERMS
    assert [change.lever for change in first.changes] == [Lever.COMPENSATION]
    second = ask(bid(700_000), bid(333_333))
    assert isinstance(second, Counter)
    assert second.terms.compensation == scaled(TERMS.compensation, 960_000)
    third = ask(bid(930_000), bid(333_333), bid(700_000))
    assert third == Accept(bid(930_000))


def test_the_published_offer_is_taken_at_once():
    assert ask(TERMS) == Accept(TERMS)
    less = replace(TERMS, scope=replace(TERMS.scope, paths=(PathScope("/essays/a"),)), term=Term(12))
    assert ask(less) == Accept(less)


def test_standing_still_earns_nothing():
    low = bid(300_000)
    answers = [ask(low, *[low] * times) for times in range(5)]
    assert {each.terms for each in answers} == {TERMS}
    assert isinstance(ask(low, *[low] * 5), Decline)


def test_salami_earns_nothing():
    bids = [bid(300_000 + 1_000 * step) for step in range(5)]
    assert steps_earned(OFFER, POSITION, tuple(bids)) == 0


def test_going_back_earns_nothing_a_second_time():
    up, down = bid(700_000), bid(300_000)
    assert steps_earned(OFFER, POSITION, (down, up, down, up, down, up)) == 1


def test_the_last_word_takes_the_floor_once_and_nothing_below():
    low, floor, under = bid(300_000), bid(550_000), bid(549_000)
    assert ask(floor, *[low] * 5) == Accept(floor)
    assert isinstance(ask(under, *[low] * 5), Decline)
    assert isinstance(ask(floor, *[low] * 6), Decline)
    assert ask(TERMS, *[low] * 9) == Accept(TERMS)


def test_beginning_again_is_answered_as_if_it_had_gone_on():
    history = (bid(300_000), bid(650_000))
    again = ask(bid(300_000), *history)
    assert isinstance(again, Counter)
    assert again.terms.compensation == scaled(TERMS.compensation, POSITION.multiple(1))


def test_facts_come_before_prices():
    position = replace(POSITION, facts=("use_case", "model_class"))
    assert ask(bid(1), position=position, facts=()) == AskFacts(("use_case", "model_class"))
    assert ask(bid(1), position=position, facts=("model_class",)) == AskFacts(("use_case",))
    assert isinstance(ask(bid(1), position=position), Counter)


def test_concessions_come_one_by_one_and_only_where_they_are_asked_for():
    position = replace(
        POSITION,
        concessions=(
            Concession(Lever.ATTRIBUTION, "model_card_days", 60),
            Concession(Lever.AUDIT, "report", "yearly"),
        ),
    )
    wish = {"attribution": Attribution("The Journal", "", 90), "audit": Audit("yearly", 1)}
    first = ask(bid(300_000, **wish), position=position)
    assert (first.terms.attribution.model_card_days, first.terms.audit.report) == (30, "quarterly")
    second = ask(bid(600_000, **wish), bid(300_000, **wish), position=position)
    assert (second.terms.attribution.model_card_days, second.terms.audit.report) == (60, "quarterly")
    quiet = ask(bid(600_000), bid(300_000), position=position)
    assert quiet.terms.attribution == TERMS.attribution


def test_exclusivity_costs_its_premium_or_is_not_to_be_had():
    wish = bid(MICROS, exclusivity=Exclusivity(exclusive=True))
    refused = ask(wish, position=replace(POSITION, person_for=frozenset()))
    assert isinstance(refused, Counter)
    assert not refused.terms.exclusivity.exclusive
    position = replace(POSITION, exclusive_premium_micros=4 * MICROS, person_for=frozenset())
    dear = ask(wish, position=position)
    assert isinstance(dear, Counter)
    assert (dear.terms.exclusivity.exclusive, dear.terms.compensation.upfront) == (True, usd("2000"))
    paid = bid(4 * MICROS, exclusivity=Exclusivity(exclusive=True))
    assert ask(paid, position=position) == Accept(paid)


@pytest.mark.parametrize(
    ("proposal", "position", "offer", "why"),
    [
        (bid(MICROS), POSITION, replace(OFFER, tier=1), "the works become part of a model"),
        (bid(MICROS), POSITION, replace(OFFER, by_person=True), "the creator decides on every deal on this offer in person"),
        (bid(MICROS, exclusivity=Exclusivity(exclusive=True)), POSITION, OFFER, "it is exclusive"),
        (bid(MICROS), replace(POSITION, counterparties=frozenset({"lab"})), OFFER, "the creator speaks with this buyer in person"),
        (bid(MICROS), replace(POSITION, person_above=usd("499")), OFFER, "it may commit to more than the creator signs by machine"),
        (bid(MICROS), replace(POSITION, person_above=Money(10**12, "EUR")), OFFER, "it may commit to more than the creator signs by machine"),
        (bid(MICROS, audit=Audit("none", 1)), POSITION, OFFER, "no_reports: no reports"),
    ],
)  # fmt: skip
def test_a_person_decides_and_sees_the_draft(proposal, position, offer, why):
    sent = ask(proposal, position=position, offer=offer)
    assert isinstance(sent, Person)
    assert why in sent.why
    assert isinstance(sent.draft, Accept | Counter)
    if sent.draft == Accept(proposal):
        assert within(proposal, TERMS)


def test_a_red_flag_ends_it_or_goes_to_a_person():
    grab = bid(MICROS, audit=Audit("none", 0))
    ended = ask(grab)
    assert isinstance(ended, Decline)
    assert "neither reports nor audits" in ended.why
    assert [flag.name for flag in ended.flags] == ["no_audit"]
    assert isinstance(ask(grab, position=replace(POSITION, walk_away=False)), Person)


positions = st.builds(
    lambda target, floor, rounds, premium, conceded: Position(
        target_micros=max(target, floor),
        floor_micros=min(target, floor),
        rounds=rounds,
        exclusive_premium_micros=premium,
        concessions=(
            Concession(Lever.AUDIT, "report", "yearly"),
            Concession(Lever.ATTRIBUTION, "model_card_days", 60),
            Concession(Lever.AUDIT, "output_samples", 0),
        )[:conceded],
        person_for=frozenset(),
        severities=dict.fromkeys(
            (
                "no_pay", "everything_forever", "no_audit", "no_reports", "sublicensing_for_free", "no_deletion",
                "long_notice", "perpetual", "creator_answers_alone",
            ),
            Severity.NOTE,
        ),
    ),
    st.integers(0, MICROS),
    st.integers(0, MICROS),
    st.integers(1, 8),
    st.sampled_from((0, 2 * MICROS)),
    st.integers(0, 3),
)  # fmt: skip
offers = deals.map(lambda terms: Offer("o", "s", replace(terms, exclusivity=Exclusivity()), "p", tier=2))
multiples = st.lists(st.integers(0, 2 * MICROS), max_size=9)


def floor_of(offer, position, proposed):
    premium = position.exclusive_premium_micros
    price = offer.terms.compensation
    if proposed.exclusivity.exclusive and premium:
        price = scaled(price, premium)
    return scaled(price, position.floor_micros)


@settings(max_examples=400)
@given(offers, positions, deals, multiples)
def test_never_below_the_floor(offer, position, proposed, earlier):
    bids = tuple(replace(proposed, compensation=scaled(offer.terms.compensation, each)) for each in earlier)
    for proposal in (proposed, *bids[-1:]):
        given_back = ask(proposal, *bids, offer=offer, position=position)
        if isinstance(given_back, Accept | Counter):
            terms = given_back.terms
            assert ratio(terms.compensation, floor_of(offer, position, terms)) >= MICROS
        if isinstance(given_back, Accept):
            assert given_back.terms == proposal


@settings(max_examples=400)
@given(offers, positions, deals, multiples, st.integers(0, 2 * MICROS))
def test_a_later_counter_leaves_the_buyer_no_less(offer, position, proposed, earlier, last):
    bids = [
        replace(proposed, compensation=scaled(offer.terms.compensation, each)) for each in (*earlier, last)
    ]
    counters = []
    for place, each in enumerate(bids):
        step = steps_earned(offer, position, tuple(bids[: place + 1]))
        counters.append(countered(offer, position, each, step, position.multiple(step)))
    for before, after in pairwise(counters):
        assert within(before, after)


@settings(max_examples=400)
@given(offers, positions, deals, multiples)
def test_it_ends_within_the_rounds_and_answers_the_same_again(offer, position, proposed, earlier):
    bids = tuple(replace(proposed, compensation=scaled(offer.terms.compensation, each)) for each in earlier)
    first = ask(proposed, *bids, offer=offer, position=position)
    assert first == ask(proposed, *bids, offer=offer, position=position)
    if len(bids) + 1 >= position.rounds:
        assert isinstance(first, Accept | Decline)
    if isinstance(first, Counter):
        assert first.changes
        differing = {lever for lever, said in compare(proposed, first.terms).items() if not said.within}
        assert {change.lever for change in first.changes} == differing


@settings(max_examples=400)
@given(offers, positions, deals, st.lists(deals, max_size=8))
def test_what_is_no_worse_than_the_offer_is_never_refused(offer, position, proposed, earlier):
    better = replace(
        offer.terms,
        compensation=scaled(offer.terms.compensation, MICROS + 7),
        term=Term(min(offer.terms.term.months, proposed.term.months)),
        territory=proposed.territory
        if proposed.territory.within(offer.terms.territory)
        else offer.terms.territory,
    )
    assume(within(better, offer.terms))
    assert ask(better, *earlier, offer=offer, position=position) == Accept(better)


@given(offers, positions, deals)
def test_no_sentence_tells_the_position(offer, position, proposed):
    given_back = ask(proposed, *[proposed] * 8, offer=offer, position=position)
    if isinstance(given_back, Decline):
        assert not any(char.isdigit() for char in given_back.why)


def test_a_territory_may_be_narrowed_by_the_buyer():
    near = bid(MICROS, territory=Territory(frozenset({"DE"})))
    assert ask(near) == Accept(near)
