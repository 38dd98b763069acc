from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.pace import Pace


def test_a_burst_passes_then_one_each_interval() -> None:
    pace = Pace(2, 3)
    assert [pace.wait("a", 0) for _ in range(4)] == [0, 0, 0, 1]
    assert pace.wait("a", 500_000) == 0
    assert pace.wait("a", 500_000) == 1


def test_keys_do_not_share_a_limit() -> None:
    pace = Pace(1, 1)
    assert (pace.wait("a", 0), pace.wait("b", 0), pace.wait("a", 0)) == (0, 0, 1)


def test_no_limit_never_waits() -> None:
    assert {Pace(0, 0).wait("a", 0) for _ in range(100)} == {0}


def test_memory_is_bounded() -> None:
    pace = Pace(1, 1, keys=10)
    for number in range(1000):
        pace.wait(str(number), 0)
    assert len(pace._due) == 10


@given(
    st.lists(st.integers(0, 3_000_000), min_size=1, max_size=40).map(sorted),
    st.integers(1, 5),
    st.integers(1, 5),
)
def test_never_more_than_burst_and_rate_allow_and_waiting_helps(
    times: list[int], rate: int, burst: int
) -> None:
    pace = Pace(rate, burst)
    passed = []
    for now in times:
        wait = pace.wait("a", now)
        if not wait:
            passed.append(now)
            window = [at for at in passed if at > now - 1_000_000]
            assert len(window) <= burst + rate
        else:
            assert wait >= 1
    last = times[-1]
    wait = pace.wait("a", last)
    if wait:
        assert pace.wait("a", last + wait * 1_000_000) == 0


def test_what_is_given_back_may_be_taken_again() -> None:
    pace = Pace(1, 1)
    assert [pace.wait("a", 0), pace.wait("a", 0)] == [0, 1]
    pace.give_back("a")
    assert [pace.wait("a", 0), pace.wait("a", 0)] == [0, 1]
    pace.give_back("nobody")
    assert pace.wait("nobody", 0) == 0
