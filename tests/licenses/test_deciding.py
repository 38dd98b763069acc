"""What a person at the creator decides: on the version that was read, once, and with what is told of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.event import event
from gateway.licenses.bargaining import Accept, Person
from gateway.licenses.deciding import LONGEST_REASON, Deciding, draft_of, license_id
from gateway.licenses.enrollment import enroll
from gateway.licenses.license import Standing
from gateway.licenses.negotiation import Negotiation, Side, State, accepted, proposed
from gateway.money import Money
from gateway.paths import PathScope
from gateway.problems import Problem
from gateway.store.memory.events import Happened
from gateway.store.memory.negotiations import MemoryNegotiations
from gateway.store.memory.register import MemoryRegister
from gateway.terms.license_terms import (
    Compensation,
    Exclusivity,
    LicenseTerms,
    Offer,
    Purpose,
    Scope,
    Term,
)
from gateway.uses import Use

NOW = 1_795_000_000
TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_TRAIN})),
    Compensation("USD", upfront=Money(500_000_000, "USD")),
    term=Term(24),
)
OFFER = Offer("training", "journal", TERMS, "sha-256:p", tier=1)


class Desk:
    """A buyer that waits for a person, and somebody else."""

    def __init__(self):
        self.happened = Happened()
        self.store, self.register = MemoryNegotiations(self.happened), MemoryRegister()
        self.deciding = Deciding(self.store, self.register, self.telling)

    def telling(self, before, after):
        return [event("negotiation.changed", at=NOW, site="journal", subject=after.id, nth=after.version, body={})]  # fmt: skip

    async def waits(self):
        made = enroll("Lab", now=NOW, standing=Standing.ACTIVE)
        await self.register.add_licensee(made.licensee, made.client)
        begun = Negotiation("ne_1", OFFER, made.licensee.id, made.client.id, NOW)
        waiting = proposed(begun, TERMS, {}, Person(("tier 1",), Accept(TERMS)), now=NOW, patience=1)
        await self.store.put("", waiting)
        return waiting


@pytest.fixture
def desk():
    return Desk()


async def test_the_buyers_own_terms_go_on_the_table(desk):
    waiting = await desk.waits()
    made = await desk.deciding.offer("ne_1", waiting.version, TERMS, now=NOW, hours=2)
    assert (made.state, made.table, made.person) == (State.OFFERED, TERMS, ())
    assert made.expires_at == NOW + 7200
    assert made.transcript[-1].by is Side.CREATOR
    assert await desk.store.get("ne_1") == made
    assert [each.subject for each in (kept.event for kept in desk.happened.kept())] == ["ne_1"]


async def test_a_decline_tells_the_reason(desk):
    waiting = await desk.waits()
    made = await desk.deciding.decline("ne_1", waiting.version, "  Not this year. ", now=NOW)
    assert (made.state, made.why) == (State.TERMINATED, "Not this year.")
    again = await desk.deciding.decline("ne_1", made.version, "Twice", now=NOW)
    assert again.problem is Problem.NEGOTIATION_OVER


@pytest.mark.parametrize("why", ["", "   ", "two\nlines", "x" * (LONGEST_REASON + 1), "\u202eback"])
async def test_a_reason_is_one_line(desk, why):
    waiting = await desk.waits()
    made = await desk.deciding.decline("ne_1", waiting.version, why, now=NOW)
    assert made.problem is Problem.PROPOSAL_INVALID
    assert await desk.store.get("ne_1") == waiting


@pytest.mark.parametrize("hours", [0, -1, 8761])
async def test_terms_stand_for_a_time(desk, hours):
    waiting = await desk.waits()
    made = await desk.deciding.offer("ne_1", waiting.version, TERMS, now=NOW, hours=hours)
    assert made.problem is Problem.PROPOSAL_INVALID


async def test_an_old_version_changes_nothing_and_is_told_what_stands(desk):
    waiting = await desk.waits()
    first = await desk.deciding.offer("ne_1", waiting.version, TERMS, now=NOW)
    late = await desk.deciding.decline("ne_1", waiting.version, "Late", now=NOW)
    assert late.problem is Problem.NEGOTIATION_OUTDATED
    assert dict(late.facts)["version"] == first.version
    assert await desk.store.get("ne_1") == first
    nowhere = await desk.deciding.decline("ne_9", "", "No", now=NOW)
    assert nowhere.problem is Problem.NOT_FOUND


async def test_of_two_at_once_one_is_kept(desk):
    waiting = await desk.waits()
    made = await asyncio.gather(
        desk.deciding.offer("ne_1", waiting.version, TERMS, now=NOW),
        desk.deciding.decline("ne_1", waiting.version, "No", now=NOW),
    )
    assert sum(isinstance(each, Negotiation) for each in made) == 1


async def test_what_was_accepted_is_not_declined(desk):
    waiting = await desk.waits()
    tabled = await desk.deciding.offer("ne_1", waiting.version, TERMS, now=NOW)
    taken = accepted(tabled, TERMS.hash, "Yes.", now=NOW + 1)
    await desk.store.put(tabled.version, taken)
    made = await desk.deciding.decline("ne_1", taken.version, "No", now=NOW + 2)
    assert made.problem is Problem.NEGOTIATION_WAITS


async def test_what_somebody_holds_exclusively_is_not_offered(desk):
    waiting = await desk.waits()
    other = enroll("Other", now=NOW, standing=Standing.ACTIVE)
    await desk.register.add_licensee(other.licensee, other.client)
    sole = replace(TERMS, exclusivity=Exclusivity(True))
    held = replace(draft_of(replace(waiting, licensee=other.licensee.id, id="ne_2"), sole, NOW), id="li_2")
    await desk.register.grant(held)
    made = await desk.deciding.offer("ne_1", waiting.version, TERMS, now=NOW)
    assert made.problem is Problem.EXCLUSIVE_TAKEN
    assert "Other" not in made.detail


async def test_the_license_follows_from_negotiation_and_terms(desk):
    waiting = await desk.waits()
    tabled = await desk.deciding.offer("ne_1", waiting.version, TERMS, now=NOW)
    assert license_id(tabled) == license_id(replace(tabled, started_at=2))
    assert license_id(tabled) != license_id(replace(tabled, id="ne_2"))
    draft = draft_of(tabled, TERMS, NOW)
    assert (draft.id, draft.licensee, draft.terms) == (license_id(tabled), tabled.licensee, TERMS)
