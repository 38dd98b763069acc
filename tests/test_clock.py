from __future__ import annotations

import time

import pytest

from gateway.clock import SystemClock


def test_a_clock_stepped_back_goes_on_from_the_latest_time_told(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, mono = 2_000_000_000_000_000_000, 5_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: wall)
    monkeypatch.setattr(time, "monotonic_ns", lambda: mono)
    clock = SystemClock()
    before = clock.now_us()
    wall -= 3600 * 10**9
    mono += 2 * 10**9
    assert clock.now_us() == before + 2_000_000
    wall += 2 * 3600 * 10**9
    assert clock.now_us() == wall // 1000


def test_a_clock_never_runs_backwards_between_readings() -> None:
    clock = SystemClock()
    readings = [clock.now_us() for _ in range(1000)]
    assert readings == sorted(readings)
