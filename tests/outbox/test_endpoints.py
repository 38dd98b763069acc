"""Filters, and which secrets sign when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.licenses.negotiation_events import TYPES
from gateway.outbox.endpoints import OVERLAP_SECONDS, Endpoint, is_filter

NOW = 1_795_000_000
SOME = Endpoint("we_1", "le_1", "journal", "https://journal.example", "https://ai.example/", (), NOW)


@pytest.mark.parametrize("text", [*TYPES, "negotiation.*", "withdrawal.notice.*", "a.b", "a.*"])
def test_filters(text):
    assert is_filter(text)


@pytest.mark.parametrize(
    "text",
    ["", "*", "a", "A.b", "a.", ".a", "a..b", "a.*.b", "*.a", "a.b*", "a.b\n", "ä.b", "a." + "b" * 100],
)
def test_what_is_no_filter(text):
    assert not is_filter(text)


def test_a_star_stands_for_the_rest_after_the_dot():
    wants = replace(SOME, types=("negotiation.*", "endpoint.disabled")).wants
    assert all(wants(type) for type in TYPES)
    assert wants("endpoint.disabled")
    assert not wants("endpoint.disabledly")
    assert not wants("negotiations.offered")
    assert SOME.wants("anything.at.all")


def test_two_secrets_sign_for_a_day_after_a_change():
    assert SOME.generations(NOW) == (1,)
    changed = replace(SOME, generation=3, rotated_at=NOW)
    assert changed.generations(NOW) == (3, 2)
    assert changed.generations(NOW + OVERLAP_SECONDS - 1) == (3, 2)
    assert changed.generations(NOW + OVERLAP_SECONDS) == (3,)
