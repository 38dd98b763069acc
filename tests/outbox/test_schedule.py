"""Delays grow, end after some three days, and are the same for the same."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.outbox.schedule import DELAYS, next_try


@given(st.text(max_size=40))
def test_every_delay_is_longer_than_the_one_before_and_they_end(seed):
    delays = [next_try(tries, seed) for tries in range(1, len(DELAYS) + 1)]
    assert all(before < after for before, after in pairwise(delays))
    assert all(least <= delay <= least + least // 10 for least, delay in zip(DELAYS, delays, strict=True))
    assert 3 * 86_400 <= sum(delays) < 4 * 86_400
    assert delays == [next_try(tries, seed) for tries in range(1, len(DELAYS) + 1)]


@given(st.integers(max_value=0) | st.integers(min_value=len(DELAYS) + 1), st.text(max_size=9))
def test_before_the_first_and_after_the_last_there_is_none(tries, seed):
    assert next_try(tries, seed) is None


def test_not_everybody_comes_back_in_one_second():
    assert len({next_try(8, f"we_{number}") for number in range(200)}) > 50
