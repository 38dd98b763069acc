"""The milestones of a license, and what of them happens by itself: the same entries whoever writes them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.billing.agreed_milestones import by_itself, looks_at_deliveries, milestones_of, waiting
from gateway.billing.credit_ids import credit_id
from gateway.billing.escrow import OBJECTION_SECONDS, State
from gateway.billing.milestone_events import TYPES, events_of
from gateway.billing.postings import Undone, earned, owed, postings_of, reference_of
from gateway.licenses.license import License
from gateway.licenses.life import amended, cut, renewed
from gateway.licenses.offers import months_after
from gateway.money import Money
from gateway.paths import PathScope
from gateway.provenance.record import BookEntry
from gateway.terms.license_terms import (
    Attribution,
    Bundle,
    Compensation,
    LicenseTerms,
    Milestone,
    Purpose,
    Scope,
)

START = 1_795_000_000
PRICE = Compensation(
    "USD", upfront=Money(100, "USD"),
    milestones=(Milestone("ingestion", 5_000, "journal", 2, 3), Milestone("launch", 3_000)),
)  # fmt: skip
TERMS = LicenseTerms(Scope((), (PathScope("/"),)), Purpose(frozenset()), PRICE)
LICENSE = License("lic_1", "le_1", "journal", "", TERMS, "p", START, months_after(START, 12))


def held_by(holder):
    return replace(LICENSE, terms=replace(TERMS, compensation=replace(PRICE, holder=holder)))


def run(license, entries, now, over_at=0):
    """Do what happens by itself until nothing more does; the kinds written, with their seconds."""
    written = []
    for _ in range(9):
        new = [
            entry
            for each in waiting([license], entries)
            for entry in by_itself(each, entries, now, over_at=over_at)
        ]
        if not new:
            return written
        entries += new
        written += [(each.kind_of, each.time_us // 1_000_000 - START) for each in new]
    raise AssertionError("it never ends")


def states(license, entries):
    return [each.standing.state for each in waiting([license], entries)]


def sums(entries):
    standing, found = {}, {}
    for entry in entries:
        for each in postings_of(entry, standing.get(reference_of(entry))):
            standing[entry.id] = Undone(each, each.amount.micros)
            if each.undoes:
                before = standing[each.undoes]
                standing[each.undoes] = Undone(before.posting, before.left_micros - each.amount.micros)
            for account in (each.debit, each.credit):
                found[account] = found.get(account, 0) + each.effect_on(account)
    return found


def test_each_milestone_has_its_part_its_proof_and_its_end():
    (ingestion, begins), (launch, _) = milestones_of([LICENSE])
    assert (ingestion.amount.micros, ingestion.items, ingestion.until) == (50, 2, months_after(START, 3))
    assert (launch.amount.micros, launch.proof, launch.until, begins) == (
        30, "operator", LICENSE.ends_at, START,
    )  # fmt: skip


def test_an_amendment_keeps_them_and_a_renewal_has_its_own():
    new = amended(LICENSE, replace(TERMS, attribution=Attribution("x")), policy="p", now=START + 5)
    first, second = cut(LICENSE, new), new
    assert milestones_of([first, second]) == milestones_of([LICENSE])
    third = renewed(second, second.terms, policy="p")
    found = milestones_of([first, second, third])
    assert [(each.name, begins) for each, begins in found] == [
        ("ingestion", START), ("launch", START), ("ingestion 2", LICENSE.ends_at), ("launch 2", LICENSE.ends_at),
    ]  # fmt: skip


def test_what_nobody_holds_is_promised_met_by_the_journal_and_released_after_the_time_to_object(fetched):
    entries = []
    assert run(LICENSE, entries, START - 1) == []
    assert run(LICENSE, entries, START) == [("promise", 0), ("promise", 0)]
    entries += fetched(START + 5, START + 6)
    assert run(LICENSE, entries, START + 7) == [], "the same page twice is one work"
    entries += fetched(START + 8, path="/essays/winds")
    assert [each.name for each in looks_at_deliveries(waiting([LICENSE], entries))] == ["ingestion"]
    assert run(LICENSE, entries, START + 9) == [("milestone", 8)]
    assert run(LICENSE, entries, START + 7 + OBJECTION_SECONDS) == []
    assert run(LICENSE, entries, START + 8 + OBJECTION_SECONDS) == [("release", 8 + OBJECTION_SECONDS)]
    assert states(LICENSE, entries) == [State.RELEASED, State.WAITING]
    assert run(LICENSE, entries, LICENSE.ends_at) == [("refund", LICENSE.ends_at - START)]
    found = sums(entries)
    assert (found[owed("le_1")], found["milestone:lic_1"]) == (-50, 0)
    assert found[earned("journal")] == 50 + 3 * 5_000


def test_whoever_comes_late_writes_the_same_as_who_looked_all_the_time(fetched):
    load = [*fetched(START + 5), *fetched(START + 8, path="/essays/winds")]
    often, once = list(load), list(load)
    for now in range(START, LICENSE.ends_at + 86_400, 86_400):
        run(LICENSE, often, now)
    run(LICENSE, once, LICENSE.ends_at + 86_400)
    key = lambda entry: (entry.time_us, entry.id)  # noqa: E731
    assert sorted(often, key=key) == sorted(once, key=key)


def test_money_that_somebody_holds_comes_on_somebodys_word_alone(fetched):
    license = held_by("agent:Notary Example")
    entries = [*fetched(START + 5), *fetched(START + 8, path="/essays/winds")]
    assert run(license, entries, LICENSE.ends_at + 5) == []
    assert states(license, entries) == [State.PLANNED, State.PLANNED]


def test_what_was_fetched_after_its_time_meets_nothing(fetched):
    late = months_after(START, 3)
    entries = [*fetched(START + 5), *fetched(late, path="/essays/winds")]
    assert run(LICENSE, entries, late + 1)[2:] == [("refund", late - START)]


@pytest.mark.parametrize("over_at", [START, START - 5])
def test_a_license_that_was_over_at_once_promises_nothing(over_at):
    assert run(LICENSE, [], START + 9, over_at=over_at) == []


def test_each_change_is_told_once_and_names_no_reason(fetched):
    entries = [*fetched(START + 5), *fetched(START + 8, path="/essays/winds")]
    run(LICENSE, entries, START + 9)
    found = waiting([LICENSE], entries)[0]
    why = BookEntry("x", (START + 10) * 1_000_000, "dispute", "journal", "le_1", 50, "USD", license="lic_1",
                    reference=found.standing.entry, memo="the secret reason", by="operator")  # fmt: skip
    told = events_of(found.milestone, found.standing.entry, [*entries, why])
    assert [each.type for each in told] == ["milestone.promised", "milestone.met", "milestone.disputed"]
    assert told == events_of(found.milestone, found.standing.entry, [*entries, why])
    assert len({each.id for each in told}) == 3
    assert set(TYPES) >= {each.type for each in told}
    assert "secret" not in str([each.body for each in told])
    assert events_of(found.milestone, "", entries) == ()


BUNDLED = replace(
    LICENSE,
    terms=replace(
        TERMS,
        scope=Scope((), tuple(map(PathScope, ("/a", "/b", "/c"))), bundle=Bundle("launch", "sha-256:m", 3)),
        compensation=replace(PRICE, milestones=(Milestone("ingestion", 5_000, "journal"),)),
    ),
)


def credited(path, reference, micros=16):
    """The entry that credits the work at *path*, as the office writes it."""
    id = credit_id(BUNDLED, "sha-256:m", path, "ingestion")
    return BookEntry(
        id, (START + 60) * 1_000_000, "refund", "journal", "le_1", micros, "USD", license="lic_1", reference=reference
    )  # fmt: skip


@pytest.mark.parametrize(
    ("got", "gone", "state"),
    [
        (("/a", "/b"), (), State.WAITING),
        (("/a", "/b"), ("/c",), State.MET),
        (("/a", "/c"), ("/c",), State.WAITING),
        (("/a", "/b", "/c"), ("/c",), State.MET),
        (("/a",), ("/b", "/c"), State.MET),
        (("/a", "/b"), ("/a", "/b", "/c"), State.WAITING),
    ],
)
def test_a_bundle_is_taken_in_without_what_was_withdrawn_and_credited(fetched, got, gone, state):
    entries = []
    run(BUNDLED, entries, START)
    (promise,) = entries
    entries += [credited(path, promise.id) for path in gone]
    for nth, path in enumerate(got):
        entries += fetched(START + 100 + nth, path=path)
    run(BUNDLED, entries, START + 1000)
    (found,) = waiting([BUNDLED], entries)
    assert found.standing.state is state
    assert found.standing.left.micros == 50 - 16 * len(gone)
    assert sum(sums(entries).values()) == 0
