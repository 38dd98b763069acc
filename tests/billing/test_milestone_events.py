"""Every kind of entry about a milestone has a type that is described, and letters know it."""

from __future__ import annotations

from gateway.billing.milestone_events import TYPES
from gateway.desk.webhook_schemas import EVENTS


def test_every_type_is_described_to_those_who_hear_it():
    assert set(TYPES) <= EVENTS.keys()
    assert len(set(TYPES)) == len(TYPES) == 6
