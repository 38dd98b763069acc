"""What is taken for a payment that nobody knows, and goes back for one that holds."""

from __future__ import annotations

import pytest

from gateway.admission.pace import Pace
from gateway.ask import Ask, HeaderFields
from gateway.problems import Problem
from gateway.rails.unverified import Unverified


@pytest.fixture
def fields():
    return HeaderFields((("payment-signature", "x"),))


@pytest.fixture
def ask(fields):
    def make(id, address="192.0.2.1"):
        return Ask(
            id, 0, "journal", "https://journal.example", "GET", "/", "/", headers=fields, address=address
        )

    return make


@pytest.fixture
def unverified():
    return Unverified(Pace(1, 2))


def test_junk_keeps_what_was_taken_for_it(unverified, ask):
    for id in ("a", "b"):
        assert unverified.too_many(ask(id)) is None
        unverified.junk(ask(id))
    refused = unverified.too_many(ask("c", "192.0.2.99"))
    assert (refused.problem, refused.retry_after) == (Problem.TOO_FAST, 1)
    assert unverified.too_many(ask("d", "198.51.100.1")) is None


def test_a_payment_that_holds_gives_it_back_once_however_often_it_is_judged(unverified, ask, fields):
    for number in range(50):
        one = ask(f"id{number}")
        assert [unverified.too_many(one), unverified.too_many(one)] == [None, None]
        unverified.held(one)
        unverified.held(one)
    first, second, third = (ask(id) for id in "abc")
    assert unverified.too_many(first) is None and unverified.too_many(second) is None
    assert unverified.too_many(third) is not None
    unverified.held(first)
    assert unverified.too_many(third) is None
    assert fields.kept["unverified"] == {"b", "c"}
