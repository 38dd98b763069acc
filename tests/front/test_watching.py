"""Whoever watches hears of each fetch once, and nobody stands in the way where nobody watches."""

from __future__ import annotations

import licet_tests_front_kit as kit
import pytest

from gateway.front.tallies import Tallies
from gateway.front.watching import watched
from gateway.problems import StoreUnavailable
from gateway.provenance.record import BookEntry, FetchDetail, FetchRecord

RECORD = FetchRecord(
    "id", 0, 3_000, "journal", "h", "GET", "/", "ai", "claimed", "none", "license", "r", "p", "enforce", "licensed",
    200, 100, "complete", "d",
)  # fmt: skip
DETAIL = FetchDetail(address="192.0.2.7")


def test_without_watchers_it_is_the_journal_itself():
    journal = kit.Journal()
    assert watched(journal, (), None) is journal


async def test_a_fetch_is_told_once_it_is_recorded_and_nothing_else_is():
    journal, heard, tallies = kit.Journal(), [], Tallies([])
    watching = watched(journal, [lambda *told: heard.append(told)], tallies)
    watching.note(RECORD, DETAIL, b"salt")
    await watching.keep(RECORD, None, b"")
    watching.note(BookEntry("b", 0, "fee", "s", "l", 1, "USD"), None, b"")
    assert heard == [(RECORD, DETAIL), (RECORD, FetchDetail())]
    assert [len(journal.noted), len(journal.kept)] == [2, 1]
    assert sum(tallies.requests.values()) == 2

    async def full(*_):
        raise StoreUnavailable("no room")

    journal.keep = full
    with pytest.raises(StoreUnavailable):
        await watching.keep(RECORD, DETAIL, b"")
    assert len(heard) == 2


def test_a_refusal_without_a_record_is_counted():
    class Floods:
        answers = iter([True, False, False])

        def alone(self, *_):
            return next(self.answers)

    journal, tallies = kit.Journal(), Tallies(["GPTBot"])
    journal.floods = Floods()
    watching = watched(journal, (), tallies)
    assert [
        watching.floods.alone("journal", "a", ("GPTBot", "ai", "license-required", 402), 0) for _ in range(3)
    ] == [True, False, False]
    assert dict(tallies.requests) == {("journal", "refused", "GPTBot", "", 402): 2}
