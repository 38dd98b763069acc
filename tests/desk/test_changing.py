"""What the engine's answer becomes where a license exists: its end stays, and its price is lowered by nobody but a person."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.desk.changing import kept_to
from gateway.licenses.bargaining import Accept, Counter, Decline, Person
from gateway.terms.comparing import Lever, compare
from gateway.terms.license_terms import Purpose, Term
from gateway.uses import Use
from tests.licenses.deals import deals, usd
from tests.licenses.test_life import FIRST, TERMS


def test_a_counter_that_is_what_is_held_already_is_a_decline():
    assert isinstance(kept_to(FIRST, Counter(replace(TERMS, term=Term(24)), ())), Decline)


def test_a_counter_keeps_the_end_and_a_lower_price_is_for_a_person():
    more = replace(TERMS, purpose=Purpose(frozenset({Use.AI_INPUT, Use.SEARCH})), term=Term(24))
    kept = kept_to(FIRST, Counter(more, ()))
    assert isinstance(kept, Counter)
    assert kept.terms == replace(more, term=TERMS.term)
    cheaper = replace(more, compensation=replace(TERMS.compensation, per_fetch=usd(3)))
    asked = kept_to(FIRST, Accept(cheaper))
    assert isinstance(asked, Person)
    assert asked.draft == Accept(replace(cheaper, term=TERMS.term))


@given(deals, deals, st.sampled_from((Accept, lambda terms: Counter(terms, ()))))
def test_no_machine_lowers_the_price_of_what_is_in_force(held, terms, made):
    license = replace(FIRST, terms=held)
    given = kept_to(license, made(terms))
    if isinstance(given, Accept | Counter):
        assert given.terms.term == held.term
        assert compare(given.terms, held)[Lever.COMPENSATION].within
