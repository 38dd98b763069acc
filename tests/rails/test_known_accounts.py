"""Accounts at hand: fresh for less than a second, whatever happens to the books."""

from __future__ import annotations

import pytest

from gateway.evidence import Need
from gateway.licenses.accounts import Account
from gateway.licenses.license import Standing
from gateway.problems import Problem, StoreUnavailable
from gateway.rails import known_accounts
from gateway.rails.known_accounts import FRESH_SECONDS, KIND, Found, KnownAccounts

ACTIVE = Account("le_1", Standing.ACTIVE)


class Books:
    def __init__(self):
        self.account, self.asked, self.down = ACTIVE, [], False

    async def by_agent(self, agent):
        self.asked.append(agent)
        if self.down:
            raise StoreUnavailable("away")
        return self.account


@pytest.fixture
def books():
    return Books()


async def test_an_account_is_at_hand_for_less_than_a_second(books, clock):
    known = KnownAccounts(books.by_agent, clock)
    assert known.at_hand("a") is None
    assert await known.source(Need(KIND, "a")) == Found(ACTIVE)
    clock.advance(FRESH_SECONDS - 0.01)
    assert known.at_hand("a") == Found(ACTIVE) and books.asked == ["a"]
    clock.advance(0.02)
    assert FRESH_SECONDS < 1 and known.at_hand("a") is None


async def test_its_age_counts_from_when_it_was_asked_for(books, clock):
    async def slow(agent):
        clock.advance(1)
        return ACTIVE

    known = KnownAccounts(slow, clock)
    assert await known.source(Need(KIND, "a")) == Found(ACTIVE)
    assert known.at_hand("a") is None


async def test_nobody_is_known_as_well(books, clock):
    books.account = None
    known = KnownAccounts(books.by_agent, clock)
    assert await known.source(Need(KIND, "a")) == Found(None) == known.at_hand("a")


async def test_books_that_are_away_are_a_refusal_and_not_remembered(books, clock):
    known, books.down = KnownAccounts(books.by_agent, clock), True
    refusal = await known.source(Need(KIND, "a"))
    assert (refusal.problem, refusal.retry_after) == (Problem.SPEND_BOOK_UNAVAILABLE, 5)
    assert known.at_hand("a") is None


async def test_what_is_remembered_is_bounded(books, clock, monkeypatch):
    monkeypatch.setattr(known_accounts, "_REMEMBERED", 3)
    known = KnownAccounts(books.by_agent, clock)
    for name in "abcd":
        await known.source(Need(KIND, name))
    assert [name for name in "abcd" if known.at_hand(name)] == ["d"]
