"""The arithmetic of the reports: ratios, what grew, where time goes."""

from __future__ import annotations

import pytest

from loadtests.comparison import Compared, Series, row, rows
from loadtests.profiling import summary
from loadtests.soak import Sample, grown
from loadtests.table import lines
from loadtests.works import Round


def _round(cpu: float, front: float | None = None) -> Round:
    return Round(1000, 2.0, cpu, cpu * 0.8, front, rested=True, p50=1.0, p99=9.0, pss_mb=30.0)


def test_a_ratio_is_the_median_of_ratios_within_a_round() -> None:
    base = Series("nginx", "person", {0: _round(10), 1: _round(20), 2: _round(30)})
    ours = Series("licet", "person", {0: _round(20), 1: _round(25), 2: _round(100)})
    found = row(ours, base)
    assert (found["ratio_least"], found["ratio"], found["ratio_most"]) == (0.3, 0.5, 0.8)
    assert found["cpu_us"] == 25
    assert found["per_cpu_second"] == 40_000
    assert found["per_second"] == 500


def test_front_alone_stands_beside_the_whole_where_it_can_be_told() -> None:
    base = Series("nginx", "licensed", {0: _round(10)})
    found = row(Series("licet", "licensed", {0: _round(40, front=20)}), base)
    assert (found["ratio"], found["ratio_front"]) == (0.25, 0.5)
    assert "ratio_front" not in row(Series("licet", "licensed", {0: _round(40)}), base)


def test_what_was_not_measured_is_said_in_every_block() -> None:
    found = Compared(
        [Series("nginx", "person", {0: _round(10)}), Series("x402", "person", why_not="a shop")],
        {"nginx": "1.22"},
        {"envoy": "not installed"},
    )
    figures = {"rows": rows(found), "versions": found.versions, "awake": False}
    told = "\n".join(lines("comparison", figures))
    assert "not measured: a shop" in told
    assert "not measured: not installed" in told
    assert "cores may sleep" in told


@pytest.mark.parametrize(
    ("name", "last", "said"),
    [
        ("pss_mb", 100.0, 0),
        ("pss_mb", 130.0, 1),
        ("files", 70, 0),
        ("files", 90, 1),
        ("p99_ms", 60, 0),
        ("p99_ms", 90, 1),
    ],
)
def test_growth_is_the_second_half_beside_the_second_tenth(name: str, last: float, said: int) -> None:
    steady = {"pss_mb": 100.0, "files": 60, "p99_ms": 10.0}
    samples = [Sample(n, **(steady | ({name: last} if n >= 10 else {}))) for n in range(20)]
    assert len(grown(samples)) == said


def test_the_first_tenth_does_not_count_and_a_moment_is_no_growth() -> None:
    samples = [Sample(n, 100.0, 60, 10.0) for n in range(20)]
    samples[0] = Sample(0, 10.0, 5, 1.0)
    samples[15] = Sample(15, 900.0, 900, 900.0)
    assert grown(samples) == []


def test_too_short_a_soak_proves_nothing() -> None:
    assert grown([Sample(1, 1.0, 1, 1.0)] * 2)


def test_self_time_is_of_the_innermost_frame_of_the_main_thread() -> None:
    raw = (
        "thread (7): MainThread;run (a.py:1);write (libc.so.6) 30\n"
        "thread (7): MainThread;run (a.py:1);judge (gateway/front/exchange.py:96) 50\n"
        "thread (7): MainThread;run (a.py:2);judge (gateway/front/exchange.py:99) 20\n"
        "thread (9): journal-front;wait (libc.so.6) 400\n"
    )
    found = summary(raw)
    assert found["samples"] == 100
    assert found["syscall_share"] == 0.3
    assert found["self"] == [["judge (exchange.py)", 0.7], ["write (libc.so.6)", 0.3]]
