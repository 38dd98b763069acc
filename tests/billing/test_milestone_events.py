"""Every kind of entry about a milestone has a type that is described, and letters know it."""

from __future__ import annotations

from gateway.billing.escrow import Milestone, Proof
from gateway.billing.milestone_events import TYPES, events_of
from gateway.desk.webhook_schemas import EVENTS
from gateway.money import Money
from gateway.outbox.letters import Reader, letter_types
from gateway.provenance.record import BookEntry
from gateway.terms.holding import NOBODY


def test_every_type_is_described_to_those_who_hear_it():
    assert set(TYPES) <= EVENTS.keys()
    assert len(set(TYPES)) == len(TYPES) == 7


def entry(id: str, kind: str, micros: int, reference: str = "", license: str = "lic_1") -> BookEntry:
    return BookEntry(
        id,
        1_795_000_000_000_000,
        kind,
        "journal",
        "le_1",
        micros,
        "USD",
        license=license,
        reference=reference,
    )


def test_a_release_that_is_taken_back_is_told_once_and_as_what_it_is():
    about = Milestone(
        "lic_1",
        "le_1",
        "journal",
        "launch",
        Money.parse("45", "USD"),
        NOBODY,
        Proof.OPERATOR,
        2_000_000_000,
    )
    entries = [
        entry("fee", "fee", 5),
        entry("pr", "promise", 45_000_000),
        entry("other", "promise", 1),
        entry("met", "milestone", 0, "pr"),
        entry("rel", "release", 30_000_000, "pr"),
        entry("rel-other", "release", 1, "other"),
        entry("back", "reversal", 15_000_000, "rel"),
        entry("back-other", "reversal", 1, "rel-other"),
        entry("back-fee", "reversal", 1, "fee"),
        entry("again", "reversal", 2_000_000, "rel"),
    ]
    told = events_of(about, "pr", entries)
    assert [each.type.partition(".")[2] for each in told] == [
        "promised",
        "met",
        "released",
        "reversed",
        "reversed",
    ]
    back = told[3]
    assert (back.subject, back.licensee, back.site) == ("lic_1/launch", "le_1", "journal")
    assert back.body == {
        "license": "lic_1", "milestone": "launch", "amount": "15 USD", "holder": str(about.holder),
        "path": "/.licet/milestones",
    }  # fmt: skip
    assert len({each.id for each in told}) == 5
    assert events_of(about, "pr", entries) == told, "told again they are the same"
    assert events_of(about, "", entries) == ()


def test_both_sides_are_written_to_about_it():
    assert all("milestone.reversed" in letter_types(reader) for reader in Reader)
