"""Versions of a license: never two in force, never wider than their terms, and an end at which all reverts."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.exclusivity import conflict
from gateway.licenses.license import License
from gateway.licenses.life import (
    DAY,
    Phase,
    amended,
    changeable,
    current,
    cut,
    due,
    follows,
    in_force,
    phase,
    renewed,
    transferred,
    warned_from,
)
from gateway.licenses.offers import months_after
from gateway.licenses.pricing import due_at_signing
from gateway.money import Money
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Compensation, Exclusivity, LicenseTerms, Purpose, Scope, Term
from gateway.tokens.claims import Budget
from gateway.uses import Use
from tests.licenses.deals import deals, usd

START = 1_780_000_000
TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_INPUT})),
    Compensation("USD", upfront=usd(500), per_fetch=usd(4)),
    term=Term(12),
)
FIRST = License("li_1", "le_1", "journal", "answers", TERMS, "p1", START, months_after(START, 12))
WIDER = replace(TERMS, scope=Scope(("essays",), (PathScope("/essays/"), PathScope("/notes/"))))


def grown(start, changes):
    """The versions that *changes* come to, each ``(seconds until it is made, terms, is it a renewal)``."""
    versions, now = [start], start.starts_at
    for seconds, terms, renew in changes:
        now += seconds
        last = changeable(versions, now, revoked=False)
        if isinstance(last, Refusal):
            continue
        terms = terms if renew else replace(terms, term=last.terms.term)
        new = renewed(last, terms, policy="p2") if renew else amended(last, terms, policy="p2", now=now)
        if isinstance(new, Refusal):
            continue
        assert follows(last, new)
        versions = [*versions[:-1], cut(last, new), new]
    return versions


moves = st.lists(st.tuples(st.integers(0, 400 * DAY), deals, st.booleans()), max_size=5)


@given(deals, moves, st.lists(st.integers(-DAY, 3000 * DAY), max_size=8))
def test_never_two_versions_are_in_force(terms, changes, moments):
    versions = grown(replace(FIRST, terms=terms, ends_at=months_after(START, terms.term.months)), changes)
    edges = [edge + off for each in versions for edge in (each.starts_at, each.ends_at) for off in (-1, 0, 1)]
    for now in [*edges, *(START + each for each in moments)]:
        live = [each for each in versions if each.live_at(now)]
        assert len(live) <= 1
        assert in_force(versions, now) == (live[0] if live else None)
    for before, after in itertools.pairwise(versions):
        assert (after.id, after.version) == (before.id, before.version + 1)
        assert before.ends_at == after.starts_at, "neither a gap nor an overlap"
    assert not any(each.live_at(versions[-1].ends_at) for each in versions), "at the end all rights revert"


@given(deals, moves, st.integers(0, 3000 * DAY))
def test_what_is_in_force_says_what_was_agreed_and_nothing_more(terms, changes, after):
    versions = grown(replace(FIRST, terms=terms, ends_at=months_after(START, terms.term.months)), changes)
    live = in_force(versions, START + after)
    agreed = [
        terms,
        *(replace(made, term=terms.term) for _, made, _ in changes),
        *(made for _, made, _ in changes),
    ]
    if live is not None:
        assert live.terms.hash in {each.hash for each in [*agreed, *(each.terms for each in versions)]}
        assert live.ends_at <= max(each.ends_at for each in versions if each.version <= live.version)
        assert (live.licensee, live.site, live.budget, live.crawlers) == (
            FIRST.licensee, FIRST.site, FIRST.budget, FIRST.crawlers,
        )  # fmt: skip


@given(deals, deals)
def test_what_is_due_is_never_less_than_nothing_and_never_more_than_the_new_terms(one, other):
    last = replace(FIRST, terms=one)
    new = renewed(last, other, policy="p2")
    assert due(last, new) == due_at_signing(other)
    other = replace(other, term=one.term)
    new = amended(last, other, policy="p2", now=START + 1)
    if not isinstance(new, Refusal):
        owed = due(last, new)
        assert Money(0, "USD") <= owed <= due_at_signing(other)
        assert owed + due_at_signing(one) >= due_at_signing(other)


def test_an_amendment_keeps_number_end_and_budget_and_cuts_off_what_it_follows():
    held = replace(FIRST, budget=Budget(1_000, 7))
    new = amended(held, WIDER, policy="p2", now=START + 9)
    assert (new.id, new.version, new.offer, new.policy) == ("li_1", 2, "", "p2")
    assert (new.starts_at, new.ends_at, new.budget) == (START + 9, held.ends_at, held.budget)
    assert cut(held, new).ends_at == START + 9
    assert due(held, new) == usd(0)
    assert due(
        held, replace(new, terms=replace(WIDER, compensation=Compensation("USD", upfront=usd(800))))
    ) == usd(300)


def test_a_renewal_begins_where_the_last_term_ends_and_is_paid_whole():
    new = renewed(replace(FIRST, budget=Budget(None, 10)), TERMS, policy="p2", most_fetches=10)
    assert (new.version, new.starts_at, new.ends_at) == (2, FIRST.ends_at, months_after(FIRST.ends_at, 12))
    assert new.budget == Budget(None, 20), "spending is counted by license, over all its terms"
    assert due(FIRST, new) == usd(500)
    assert cut(FIRST, new) == FIRST


@pytest.mark.parametrize(
    ("terms", "now", "problem"),
    [
        (TERMS, START + 1, Problem.PROPOSAL_INVALID),
        (replace(WIDER, term=Term(24)), START + 1, Problem.PROPOSAL_INVALID),
        (WIDER, START - 1, Problem.LICENSE_OVER),
        (WIDER, FIRST.ends_at, Problem.LICENSE_OVER),
    ],
)
def test_what_is_no_amendment(terms, now, problem):
    refused = amended(FIRST, terms, policy="p2", now=now)
    assert isinstance(refused, Refusal)
    assert refused.problem is problem


def test_nothing_follows_what_is_over_or_what_has_not_begun():
    coming = renewed(FIRST, TERMS, policy="p2")
    assert changeable([FIRST], FIRST.ends_at - 1, revoked=False) == FIRST
    for versions, now, revoked, problem in (
        ([FIRST], FIRST.ends_at, False, Problem.LICENSE_OVER),
        ([FIRST], START, True, Problem.LICENSE_OVER),
        ([], START, False, Problem.LICENSE_OVER),
        ([FIRST, coming], FIRST.ends_at - 1, False, Problem.NEGOTIATION_WAITS),
    ):
        found = changeable(versions, now, revoked=revoked)
        assert isinstance(found, Refusal)
        assert found.problem is problem
    assert changeable([FIRST, coming], FIRST.ends_at, revoked=False) == coming


def test_each_version_has_one_phase():
    second = amended(FIRST, WIDER, policy="p2", now=START + 9)
    versions = [cut(FIRST, second), second, renewed(second, TERMS, policy="p3")]

    def at(now, **facts):
        return [
            phase(each, versions, now, **{"revoked": False, "suspended": False, **facts}) for each in versions
        ]

    assert at(START) == [Phase.IN_FORCE, Phase.COMING, Phase.COMING]
    assert at(START + 9) == [Phase.REPLACED, Phase.IN_FORCE, Phase.COMING]
    assert at(START + 9, suspended=True) == [Phase.REPLACED, Phase.SUSPENDED, Phase.COMING]
    assert at(START + 9, revoked=True) == [Phase.REPLACED, Phase.REVOKED, Phase.REVOKED]
    assert at(versions[2].ends_at) == [Phase.REPLACED, Phase.REPLACED, Phase.EXPIRED]
    assert current(versions, START + 10) == second
    assert current(versions, versions[2].ends_at + 1) == versions[2]
    assert current(versions, START - 1) == versions[0]
    assert current([], START) is None


@pytest.mark.parametrize(
    "change",
    [
        {"id": "li_2"}, {"licensee": "le_2"}, {"site": "other"}, {"version": 3}, {"version": 1},
        {"starts_at": FIRST.ends_at + 1}, {"starts_at": START - 1}, {"ends_at": START + 9},
    ],
)  # fmt: skip
def test_what_does_not_follow(change):
    new = amended(FIRST, WIDER, policy="p2", now=START + 9)
    assert follows(FIRST, new)
    assert not follows(FIRST, replace(new, **change))


def test_a_wider_version_is_shut_out_by_an_exclusive_license_like_any_other():
    sole = replace(
        FIRST, id="li_2", licensee="le_2",
        terms=replace(TERMS, scope=Scope(("notes",), (PathScope("/notes/"),)), exclusivity=Exclusivity(True)),
    )  # fmt: skip
    assert conflict(FIRST, [sole]) is None
    new = amended(FIRST, WIDER, policy="p2", now=START + 9)
    assert conflict(new, [sole]).license == "li_2"
    assert conflict(new, [FIRST]) is None, "nobody is in one's own way"


def test_notice_is_thirty_days_or_half_of_a_short_term():
    assert warned_from(FIRST) == FIRST.ends_at - 30 * DAY
    assert warned_from(replace(FIRST, ends_at=START + 10 * DAY)) == START + 5 * DAY


def test_a_transfer_is_refused_in_plain_words():
    refused = transferred()
    assert refused.problem is Problem.LICENSE_NOT_TRANSFERABLE
    assert "one licensee" in refused.detail
