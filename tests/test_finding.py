"""What was looked at, as a value."""

from __future__ import annotations

import pytest

from gateway.finding import Finding, State, worst


@pytest.mark.parametrize(
    ("states", "said"), [([], "ok"), (["ok"], "ok"), (["warn", "ok"], "warn"), (["ok", "bad", "warn"], "bad")]
)
def test_the_worst_counts(states, said):
    assert worst(Finding("x", state, "") for state in states) is State(said)


def test_a_finding_is_told_whole():
    assert Finding("disk", "warn", "3 MB free", "make room").as_json() == {
        "what": "disk", "state": "warn", "fact": "3 MB free", "step": "make room",
    }  # fmt: skip
