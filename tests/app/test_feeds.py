"""The office's round: what is due, what is told, and what others do to it."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
import structlog

from gateway.app.feeds import FeedRound
from gateway.visitors.feed_updates import Fetched, NotFetched
from gateway.visitors.fetched_lists import FeedFolder
from gateway.visitors.networks import NetworkList, Networks

HOUR = 3600
NOW = 1_795_000_000
GOOD = b"66.249.64.0/27\n"
LISTS = Networks(
    NetworkList(
        name, "New", f"https://{name}.example/", 0, True, 30, (ip_network("66.249.64.0/27"),), feed=feed
    )
    for name, feed in (("one", True), ("two", True), ("page", False))
)


class Operators:
    """The other side; *answer* is what every source gives, *asked* what was asked."""

    def __init__(self) -> None:
        self.answer: Fetched | NotFetched = NotFetched("it gives no list (status 503)")
        self.asked: list[str] = []

    async def __call__(self, url: str, *, etag: str, limit: int) -> Fetched | NotFetched:
        self.asked.append(url)
        return self.answer


@pytest.fixture
def operators() -> Operators:
    return Operators()


@pytest.fixture
def feed_round(tmp_path: Path, operators: Operators) -> FeedRound:
    return FeedRound(FeedFolder(tmp_path / "feeds"), operators, hours=24, lists=LISTS)


async def test_each_feed_is_asked_for_once_in_its_hours(feed_round: FeedRound, operators: Operators) -> None:
    operators.answer = Fetched(GOOD)
    await feed_round.act(NOW)
    await feed_round.act(NOW + 24 * HOUR - 1)
    assert sorted(operators.asked) == ["https://one.example/", "https://two.example/"]
    await feed_round.act(NOW + 24 * HOUR)
    assert len(operators.asked) == 4


async def test_what_failed_is_asked_for_again_in_an_hour(feed_round: FeedRound, operators: Operators) -> None:
    await feed_round.act(NOW)
    assert feed_round.due(NOW + HOUR - 1) == ()
    assert [each.name for each in feed_round.due(NOW + HOUR)] == ["one", "two"]


async def test_a_clock_that_was_wrong_does_not_stop_it(feed_round: FeedRound, operators: Operators) -> None:
    operators.answer = Fetched(GOOD)
    await feed_round.act(NOW + 1000 * HOUR)
    assert len(feed_round.due(NOW)) == 2


async def test_what_changed_is_told_once(feed_round: FeedRound, operators: Operators) -> None:
    with structlog.testing.capture_logs() as said:
        for n in range(3):
            await feed_round.act(NOW + n * HOUR)
    assert sorted((each["log_level"], each["list"]) for each in said) == [
        ("warning", "one"),
        ("warning", "two"),
    ]
    operators.answer = Fetched(b"10.0.0.0/8")
    with structlog.testing.capture_logs() as said:
        for n in range(3, 6):
            await feed_round.act(NOW + n * HOUR)
    assert sorted((each["log_level"], each["list"]) for each in said) == [("error", "one"), ("error", "two")]
    assert "10.0.0.0/8" in said[0]["why"]
    operators.answer = Fetched(b"66.249.66.0/27")
    with structlog.testing.capture_logs() as said:
        await feed_round.act(NOW + 6 * HOUR)
    assert [(each["added"], each["removed"]) for each in said] == [(1, 1), (1, 1)]


async def test_a_disk_that_is_full_ends_a_round_and_nothing_else(
    feed_round: FeedRound, operators: Operators, tmp_path: Path
) -> None:
    (tmp_path / "feeds").write_text("no folder")
    operators.answer = Fetched(GOOD)
    with structlog.testing.capture_logs() as said:
        await feed_round.act(NOW)
    assert [each["event"] for each in said] == ["fetched lists cannot be kept"]
