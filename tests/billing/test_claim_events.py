"""Each change of a claim is one event, whoever reads the books again; an answer that changes nothing is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.billing.business_days import WEEKDAYS
from gateway.billing.claim_events import TYPES, events_of
from gateway.billing.cost_claims import accepted, claimed, claims_of, disputed, withdrawn
from gateway.desk.webhook_schemas import EVENTS
from gateway.money import Money
from gateway.outbox.letters import Reader, letter_types

SECRET = "Two days of review by a person with a name"
FILED = claimed(
    "c1", ("li_1", "le_1", "journal"), Money(120_000_000, "USD"), "wd_1", "a" * 64, SECRET, 5_000_000
)
(CLAIM,) = claims_of([FILED])
YES = accepted(CLAIM, "a1", 7_000_000, 10, WEEKDAYS)
NO = disputed(CLAIM, "d1", 7_000_000, "Nothing was to review", "licensee le_1")
GONE = withdrawn(CLAIM, "w1", 8_000_000, "operator")


def types(*entries, license="li_1"):
    return [each.type for each in events_of(license, entries)]


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ((FILED,), ["claim.filed"]),
        ((FILED, YES), ["claim.filed", "claim.accepted"]),
        ((FILED, NO), ["claim.filed", "claim.disputed"]),
        ((FILED, NO, YES), ["claim.filed", "claim.disputed", "claim.accepted"]),
        ((FILED, NO, GONE), ["claim.filed", "claim.disputed", "claim.withdrawn"]),
        ((FILED, YES, replace(GONE, id="w2")), ["claim.filed", "claim.accepted"]),
        ((FILED, YES, replace(YES, id="a2")), ["claim.filed", "claim.accepted"]),
        ((FILED, replace(NO, licensee="le_2")), ["claim.filed"]),
        ((FILED, replace(YES, by="terms")), ["claim.filed"]),
        ((YES, NO), []),
    ],
)
def test_what_is_told(entries, told):
    assert types(*entries) == told
    assert types(*entries, license="li_2") == []


def test_an_event_names_amount_and_cause_and_no_reason_and_is_the_same_again():
    told = events_of("li_1", (FILED, NO))
    assert told == events_of("li_1", (FILED, NO, replace(FILED, id="c2", license="li_9")))
    filed, against = told
    assert (filed.site, filed.subject, filed.licensee, filed.at) == ("journal", "c1", "le_1", 5)
    assert filed.body == {
        "claim": "c1", "license": "li_1", "about": "wd_1", "amount": "120 USD", "state": "claimed",
        "path": "/.licet/claims",
    }  # fmt: skip
    assert (against.at, against.body["state"]) == (7, "disputed")
    assert SECRET not in repr(told) and "Nothing was" not in repr(told)
    assert filed.id != against.id


def test_every_type_is_described_and_both_sides_are_written_to():
    assert set(TYPES) <= EVENTS.keys()
    assert len(set(TYPES)) == len(TYPES) == 4
    assert {"claim.filed", "claim.withdrawn"} <= set(letter_types(Reader.LICENSEE))
    assert {"claim.accepted", "claim.disputed"} <= set(letter_types(Reader.OPERATOR))
