"""Counters by network: bounded, at most an hour, told only from their thresholds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.visitors.conduct import MOST, SECONDS, Conduct, network_of

AT = 1_780_000_000


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:aa:bb::1", "2001:db8:aa::/48"),
        ("", ""),
        ("unix:/run/x", ""),
        ("203.0.113.9:80", ""),
    ],
)
def test_the_network_of_an_address(address, network):
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("event", "least"),
    [("honeypot_hit", 1), ("rate_exceeded", 1), ("robots_disobeyed", 3), ("terms_refused", 10)],
)
def test_an_event_is_told_from_its_threshold(event, least):
    conduct = Conduct()
    for _ in range(least - 1):
        conduct.note(event, "203.0.113.9", AT)
    assert conduct.of("203.0.113.200", AT) == ()
    conduct.note(event, "203.0.113.10", AT)
    assert conduct.of("203.0.113.200", AT) == (event,)
    assert conduct.of("203.0.114.9", AT) == ()


def test_codes_come_in_one_order():
    conduct = Conduct()
    for event in ("rate_exceeded", "honeypot_hit"):
        conduct.note(event, "203.0.113.9", AT)
    assert conduct.of("203.0.113.9", AT) == ("honeypot_hit", "rate_exceeded")


def test_nothing_is_kept_longer_than_an_hour_from_the_first_event():
    conduct = Conduct()
    conduct.note("honeypot_hit", "203.0.113.9", AT)
    conduct.note("honeypot_hit", "203.0.113.9", AT + SECONDS - 1)
    assert conduct.of("203.0.113.9", AT + SECONDS - 1) == ("honeypot_hit",)
    assert conduct.of("203.0.113.9", AT + SECONDS) == ()
    conduct.forget(AT + SECONDS)
    assert len(conduct) == 0


def test_requests_that_end_out_of_order_forget_nothing():
    conduct = Conduct()
    conduct.note("honeypot_hit", "203.0.113.9", AT)
    conduct.note("honeypot_hit", "198.51.100.9", AT - 30)
    assert conduct.of("203.0.113.9", AT - 30) == ("honeypot_hit",)


def test_a_clock_set_back_forgets():
    conduct = Conduct()
    conduct.note("honeypot_hit", "203.0.113.9", AT)
    assert conduct.of("203.0.113.9", AT - SECONDS) == ()
    conduct.forget(AT - SECONDS)
    assert len(conduct) == 0


def test_the_oldest_networks_give_way():
    conduct = Conduct()
    for at in range(MOST + 10):
        conduct.note("honeypot_hit", f"10.{at // 256}.{at % 256}.1", AT)
    assert len(conduct) == MOST
    assert conduct.of("10.0.0.1", AT) == ()
    assert conduct.of(f"10.{(MOST + 9) // 256}.{(MOST + 9) % 256}.1", AT) == ("honeypot_hit",)


@given(st.lists(st.tuples(st.text(max_size=30), st.integers(-(2**40), 2**40)), max_size=40))
def test_no_address_and_no_time_raises(seen):
    conduct = Conduct(most=3)
    for address, at in seen:
        conduct.note("terms_refused", address, at)
        assert len(conduct) <= 3
        assert isinstance(conduct.of(address, at), tuple)
