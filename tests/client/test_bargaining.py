"""A buyer's strategies: by example, and by hypothesis against the gateway's own engine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.client.bargaining import Bargain, Curve, Heard, Leave, Mandate, Propose, Take, TakeIt, Wish
from gateway.licenses.bargaining import Accept, Buyer, Counter, Proposal, answer, countered
from gateway.licenses.position import Concession, Position, ratio
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
)
from gateway.terms.scaling import scaled
from gateway.uses import Use
from tests.licenses.deals import deals


def usd(text):
    return Money.parse(text, "USD")


ASKED = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_INDEX})),
    Compensation("USD", upfront=usd("500"), per_fetch=usd("0.02"), revenue_share_bp=300),
    attribution=Attribution("The Journal", "", 30),
    audit=Audit("quarterly", 1),
    term=Term(24),
)
OFFER = Offer("index", "journal", ASKED, "sha-256:p", tier=2)
RICH = Mandate(Compensation("USD", upfront=usd("500"), per_fetch=usd("0.02"), revenue_share_bp=300))
YEARLY = Wish(Lever.AUDIT, "report", "yearly")
LATER = Wish(Lever.ATTRIBUTION, "model_card_days", 60)


def played(strategy, mandate, position, offer=OFFER):
    """Play *strategy* against the engine to its end: the deal or None, our bids, and every table."""
    heard, earlier = Heard(offer.terms), ()
    for _ in range(100):
        move = strategy.move(mandate, heard)
        assert move == strategy.move(mandate, heard)
        if isinstance(move, Take):
            assert move.terms == heard.table
            return move.terms, heard
        if isinstance(move, Leave):
            assert move.why
            return None, heard
        said = answer(offer, position, Buyer("lab", earlier), Proposal(move.terms))
        earlier = (*earlier, move.terms)
        if not isinstance(said, Accept | Counter):
            return None, replace(heard, said=earlier)
        heard = replace(heard, said=earlier, tables=(*heard.tables, said.terms))
    raise AssertionError("it did not end")


def test_take_it_takes_what_is_published_and_nothing_else():
    assert TakeIt().move(RICH, Heard(ASKED)) == Propose(ASKED)
    assert TakeIt().move(RICH, Heard(ASKED, (ASKED,), (ASKED,))) == Take(ASKED)
    dearer = replace(ASKED, compensation=scaled(ASKED.compensation, 1_100_000))
    assert isinstance(TakeIt().move(RICH, Heard(ASKED, (ASKED,), (dearer,))), Leave)
    assert isinstance(TakeIt().move(RICH, Heard(ASKED, (ASKED,))), Leave)
    poor = Mandate(Compensation("USD", upfront=usd("499"), per_fetch=usd("1"), revenue_share_bp=300))
    assert TakeIt().move(poor, Heard(ASKED)) == Leave("The terms cost more than this buyer may give.")
    euro = Mandate(Compensation("EUR", upfront=Money(10**12, "EUR"), per_fetch=Money(10**12, "EUR")))
    assert isinstance(TakeIt().move(euro, Heard(ASKED)), Leave)


@pytest.mark.parametrize("part", ["per_item", "per_inference", "subscription", "minimum_guarantee"])
def test_a_part_of_the_price_that_the_mandate_does_not_name_may_not_be_asked(part):
    odd = replace(ASKED, compensation=replace(ASKED.compensation, **{part: Money(1, "USD")}))
    assert isinstance(TakeIt().move(RICH, Heard(odd)), Leave)


def test_a_buyer_starts_at_a_third_and_comes_up_to_the_counter():
    buyer = Bargain(limit=950_000, rounds=5, wishes=(YEARLY, LATER))
    position = Position(target_micros=700_000, floor_micros=500_000, rounds=6)
    deal, heard = played(buyer, RICH, position)
    bids = [ratio(each.compensation, ASKED.compensation) for each in heard.said]
    assert bids[0] == 333_333
    assert bids == sorted(bids)
    assert heard.said[0].audit.report == "yearly"
    assert 700_000 <= ratio(deal.compensation, ASKED.compensation) <= 950_000


def test_wishes_are_given_up_in_their_order():
    buyer = Bargain(rounds=3, wishes=(YEARLY, LATER))
    silent = [replace(ASKED, compensation=scaled(ASKED.compensation, 2 * MICROS))]
    said = []
    for nth in range(3):
        move = buyer.move(RICH, Heard(ASKED, tuple(said), tuple(silent * nth)))
        said.append(move.terms)
    asked = [(each.audit.report, each.attribution.model_card_days) for each in said]
    assert asked == [("yearly", 60), ("quarterly", 60), ("quarterly", 30)]
    assert isinstance(buyer.move(RICH, Heard(ASKED, tuple(said), tuple(silent * 3))), Leave)


def test_a_wish_that_was_granted_is_not_given_up():
    position = Position(
        target_micros=900_000,
        floor_micros=500_000,
        concessions=(Concession(Lever.AUDIT, "report", "yearly"),),
    )
    deal, heard = played(Bargain(limit=970_000, rounds=3, wishes=(LATER, YEARLY)), RICH, position)
    assert [each.audit.report for each in heard.tables] == ["quarterly", "yearly", "yearly"]
    assert (deal.audit.report, deal.attribution.model_card_days) == ("yearly", 30)


def test_a_wish_for_less_than_is_offered_changes_nothing():
    assert Wish(Lever.AUDIT, "report", "monthly").asked(ASKED) == ASKED


def test_more_than_is_offered_is_asked_for_where_it_is_needed_and_never_done_without():
    mandate = replace(RICH, needs={Lever.TERM: Term(36)})
    deal, heard = played(Bargain(), mandate, Position(rounds=4))
    assert deal is None
    assert {each.term.months for each in heard.said} == {36}
    assert mandate.lacks(ASKED) == (Lever.TERM,)
    assert isinstance(TakeIt().move(mandate, Heard(ASKED)), Leave)


def test_an_exclusive_price_is_bargained_for_from_its_own_ask():
    most = scaled(ASKED.compensation, 5 * MICROS)
    mandate = Mandate(most, {Lever.EXCLUSIVITY: Exclusivity(exclusive=True)})
    position = Position(
        target_micros=800_000,
        floor_micros=600_000,
        exclusive_premium_micros=3 * MICROS,
        person_for=frozenset(),
    )
    deal, _ = played(Bargain(), mandate, position)
    assert deal.exclusivity.exclusive
    assert 3 * 800_000 <= ratio(deal.compensation, ASKED.compensation) <= 3 * MICROS


def test_a_first_answer_that_is_dearer_than_the_offer_moves_no_limit():
    greedy = replace(ASKED, compensation=scaled(ASKED.compensation, 10 * MICROS))
    mandate = Mandate(scaled(ASKED.compensation, 100 * MICROS))
    move = Bargain(rounds=1).move(mandate, Heard(ASKED, (ASKED,), (greedy,)))
    assert move == Leave("What is on the table costs more than the limit of this buyer.")


def test_nothing_is_bid_where_no_bid_could_be_enough():
    mandate = Mandate(Compensation("USD", upfront=usd("500"), per_fetch=usd("0.02")))
    assert mandate.never_given(ASKED.compensation) == ("revenue_share_bp",)
    assert isinstance(Bargain().move(mandate, Heard(ASKED)), Leave)


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="opening"):
        Bargain(opening=2, limit=1)
    with pytest.raises(ValueError, match="round"):
        Bargain(rounds=0)


@given(st.sampled_from(Curve), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_a_curve_rises_from_its_opening_to_its_limit(curve, one, other, last):
    low, high = sorted((one, other))
    assert 0 <= curve.part(low, last) <= curve.part(high, last) <= MICROS
    assert curve.part(last, last) == MICROS


parts = st.none() | st.integers(0, 900_000_000).map(lambda micros: Money(micros, "USD"))
mandates = st.builds(
    Mandate,
    st.builds(
        Compensation,
        st.just("USD"),
        upfront=parts,
        per_fetch=st.none() | st.integers(0, 30_000).map(lambda micros: Money(micros, "USD")),
        revenue_share_bp=st.integers(0, 400),
    ),
    st.fixed_dictionaries(
        {},
        optional={
            Lever.TERM: st.integers(1, 36).map(Term),
            Lever.AUDIT: st.sampled_from([Audit("monthly", 1), Audit("quarterly", 1), Audit("yearly", 1)]),
            Lever.EXCLUSIVITY: st.booleans().map(Exclusivity),
        },
    ),
)
bargains = st.builds(
    lambda opening, more, rounds, curve, wishes: Bargain(opening, opening + more, rounds, curve, wishes),
    st.integers(0, MICROS),
    st.integers(0, MICROS),
    st.integers(1, 12),
    st.sampled_from(Curve),
    st.lists(st.sampled_from([YEARLY, LATER]), unique=True).map(tuple),
)
positions = st.builds(
    lambda target, floor, rounds, premium, conceding: Position(
        target_micros=max(target, floor),
        floor_micros=floor,
        rounds=rounds,
        exclusive_premium_micros=premium,
        concessions=(Concession(Lever.AUDIT, "report", "yearly"),) if conceding else (),
        person_for=frozenset(),
    ),
    st.integers(300_000, MICROS),
    st.integers(300_000, MICROS),
    st.integers(1, 10),
    st.sampled_from([0, 2 * MICROS]),
    st.booleans(),
)


@given(bargains | st.just(TakeIt()), mandates, positions)
def test_against_the_engine_both_sides_keep_what_they_promise(strategy, mandate, position):
    deal, heard = played(strategy, mandate, position)
    limit = strategy.limit if isinstance(strategy, Bargain) else MICROS
    for bid in heard.said:
        assert mandate.affords(bid)
        assert not mandate.lacks(bid)
    assert len(heard.said) <= (strategy.rounds if isinstance(strategy, Bargain) else 1)
    if deal is None:
        return
    assert mandate.affords(deal)
    assert not mandate.lacks(deal)
    basis = scaled(
        ASKED.compensation, position.exclusive_premium_micros if deal.exclusivity.exclusive else MICROS
    )
    dearest = replace(deal, compensation=replace(scaled(basis, limit), window_hours=1))
    assert compare(dearest, deal)[Lever.COMPENSATION].within
    least = countered(OFFER, position, deal, len(position.concessions), position.floor_micros)
    assert within(deal, least), "the creator never gets less than the floor"


@given(deals, deals, bargains, mandates)
def test_no_history_makes_it_raise_or_exceed_its_mandate(asked, table, strategy, mandate):
    for said in ((), (asked,), (asked, table)):
        move = strategy.move(mandate, Heard(asked, said, (table,) if said else ()))
        if isinstance(move, Take):
            assert move.terms == table
            assert mandate.affords(table)
            assert not mandate.lacks(table)
        elif isinstance(move, Propose):
            assert mandate.affords(move.terms)
