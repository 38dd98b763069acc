"""Updates: what is taken, what is refused, what stays; ages against the real files of 2026."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.ask import Ask
from gateway.evidence import NOTHING
from gateway.visitors.catalog import Catalog
from gateway.visitors.feed_updates import Fetched, NotFetched, Outcome, Update, update_feeds
from gateway.visitors.fetched_lists import FeedFolder, LiveNetworks
from gateway.visitors.identify import Identifier
from gateway.visitors.networks import NetworkList, Networks
from gateway.visitors.visitor import Identity, Visitor

CHATGPT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot"
NOW = 1_795_000_000
DAY = 86_400


def listed(name: str = "new", count: int = 10, **changes: object) -> NetworkList:
    prefixes = tuple(ip_network(f"66.249.{n}.0/24") for n in range(count))
    known = NetworkList(name, "New", f"https://{name}.example/ips.json", NOW - 90 * DAY, True, 30, prefixes)
    return replace(known, **changes)


def feed(*prefixes: str) -> bytes:
    return "\n".join(prefixes).encode()


def ten(first: int = 0) -> bytes:
    return feed(*(f"66.249.{n}.0/24" for n in range(first, first + 10)))


class Operators:
    """The other side: answers by URL, and what was asked."""

    def __init__(self, answers: Mapping[str, Fetched | NotFetched]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, url: str, *, etag: str, limit: int) -> Fetched | NotFetched:
        self.asked.append((url, etag))
        return self.answers[url]


async def updated(
    folder: FeedFolder, lists: list[NetworkList], fetch: Operators, *, now: int = NOW, **options: object
) -> dict[str, Update]:
    return {done.name: done async for done in update_feeds(lists, folder, fetch, now=now, **options)}


@pytest.fixture
def folder(tmp_path: Path) -> FeedFolder:
    return FeedFolder(tmp_path / "feeds")


async def test_a_good_feed_is_kept_and_taken_up(folder: FeedFolder) -> None:
    known = listed()
    live = LiveNetworks(Networks([known]), folder)
    done = await updated(folder, [known], Operators({known.source: Fetched(ten(2), '"e1"')}))
    assert done["new"].outcome is Outcome.UPDATED
    change = done["new"].change
    assert change is not None
    assert (list(map(str, change.added)), list(map(str, change.removed)), change.kept) == (
        ["66.249.10.0/24", "66.249.11.0/24"],
        ["66.249.0.0/24", "66.249.1.0/24"],
        8,
    )
    assert live.refresh()
    assert live.networks.lists_of("66.249.11.1") == ("new",)
    assert live.networks.lists["new"].checked_at == NOW
    assert live.kept["new"].copy is not None
    assert live.kept["new"].copy.etag == '"e1"'


async def test_the_etag_is_sent_and_unchanged_makes_the_copy_young_again(folder: FeedFolder) -> None:
    known = listed()
    await updated(folder, [known], Operators({known.source: Fetched(ten(), '"e1"')}))
    again = Operators({known.source: Fetched(b"", unchanged=True)})
    done = await updated(folder, [known], again, now=NOW + 9 * DAY)
    assert again.asked == [(known.source, '"e1"')]
    assert done["new"].outcome is Outcome.UNCHANGED
    (kept,) = folder.read([known])[0].values()
    assert kept.copy is not None
    assert (kept.copy.fetched_at, kept.copy.etag) == (NOW + 9 * DAY, '"e1"')


async def test_unchanged_without_a_copy_is_no_copy(folder: FeedFolder) -> None:
    known = listed()
    done = await updated(folder, [known], Operators({known.source: Fetched(b"", unchanged=True)}))
    assert done["new"].outcome is Outcome.FAILED
    assert folder.read([known])[0]["new"].copy is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (feed("66.249.0.0/24", "10.0.0.0/24"), "special"),
        (feed("66.249.0.0/24", "66.0.0.0/8"), "too-wide"),
        (ten()[:-3] + b"x", "entry"),
        (feed("66.249.0.0/24"), "shrunk"),
        (feed(*(f"66.249.{n}.0/24" for n in range(100))), "grown"),
        (b"<html>", "unreadable"),
        (b"", "no-prefixes"),
    ],
)
async def test_a_refused_feed_leaves_the_last_good_copy(folder: FeedFolder, body: bytes, code: str) -> None:
    known = listed()
    live = LiveNetworks(Networks([known]), folder)
    await updated(folder, [known], Operators({known.source: Fetched(ten(1))}))
    done = await updated(folder, [known], Operators({known.source: Fetched(body)}), now=NOW + DAY)
    assert done["new"].outcome is Outcome.REFUSED
    assert done["new"].fault is not None
    assert done["new"].fault.code == code
    live.refresh()
    assert live.networks.lists_of("66.249.10.1") == ("new",)
    assert live.networks.lists["new"].checked_at == NOW
    assert live.kept["new"].tried_at == NOW + DAY
    assert code in live.kept["new"].trouble


async def test_a_person_may_accept_a_surprise_but_no_poison(folder: FeedFolder) -> None:
    known, other = listed(), listed("other")
    answers = {known.source: Fetched(feed("66.249.0.0/24")), other.source: Fetched(feed("10.0.0.0/24"))}
    done = await updated(folder, [known, other], Operators(answers), accept=["new", "other"])
    assert done["new"].outcome is Outcome.UPDATED
    assert done["new"].fault is not None
    assert done["new"].fault.code == "shrunk"
    assert done["other"].outcome is Outcome.REFUSED


async def test_what_cannot_be_fetched_is_one_lists_trouble_alone(folder: FeedFolder) -> None:
    known, other = listed(), listed("other")
    answers = {known.source: NotFetched("it answers 404"), other.source: Fetched(ten(1))}
    done = await updated(folder, [known, other], Operators(answers))
    assert (done["new"].outcome, done["new"].why) == (Outcome.FAILED, "it answers 404")
    assert done["other"].outcome is Outcome.UPDATED
    kept = folder.read([known, other])[0]
    assert kept["new"].copy is None
    assert kept["new"].trouble == "failed: it answers 404"


async def test_a_rehearsal_writes_nothing(folder: FeedFolder) -> None:
    known = listed()
    done = await updated(folder, [known], Operators({known.source: Fetched(ten(1))}), dry_run=True)
    assert done["new"].outcome is Outcome.UPDATED
    assert not folder.path.exists()


async def test_an_older_file_does_not_stand_in_for_a_newer_copy(folder: FeedFolder) -> None:
    known = listed(checked_at=NOW - DAY)
    old = Operators({known.source: Fetched(ten(1), taken_at=NOW - 100 * DAY)})
    done = await updated(folder, [known], old, accept=["new"])
    assert done["new"].fault is not None
    assert done["new"].fault.code == "older"
    same = Operators({known.source: Fetched(ten(), taken_at=NOW - 100 * DAY)})
    assert (await updated(folder, [known], same))["new"].outcome is Outcome.UNCHANGED
    assert LiveNetworks(Networks([known]), folder).networks.lists["new"] == known


def seconds(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


async def april(folder: FeedFolder, shared_data: Path, *, fetched: int) -> LiveNetworks:
    """Live networks whose only copy of ChatGPT-User's list is April's, fetched at *fetched*."""
    shipped = Networks.shipped()
    known = replace(shipped.lists["openai-chatgpt-user"], checked_at=0)
    octets = (shared_data / "ip_ranges" / "fc_openai-chatgpt-user.json").read_bytes()
    source = Operators({known.source: Fetched(octets)})
    done = await updated(folder, [known], source, now=fetched)
    assert done[known.name].outcome is Outcome.UPDATED
    only = Networks([known if each.name == known.name else each for each in shipped.lists.values()])
    return LiveNetworks(only, folder)


@pytest.mark.parametrize(
    ("fetched", "asked", "identity"),
    [
        ("2026-04-29", "2026-09-03", Identity.UNVERIFIABLE),
        ("2026-08-31", "2026-09-03", Identity.UNVERIFIABLE),
    ],
)
async def test_a_real_chatgpt_fetch_is_never_forged_by_an_old_list(
    folder: FeedFolder,
    shared_data: Path,
    catalog: Catalog,
    ask_as: Callable[..., Ask],
    fetched: str,
    asked: str,
    identity: Identity,
) -> None:
    live = await april(folder, shared_data, fetched=seconds(fetched))
    known = live.networks.lists["openai-chatgpt-user"]
    assert (known.fetched, known.max_age_days, len(known.prefixes)) == (True, 2, 240)
    ask = ask_as(CHATGPT, "9.129.45.186", seconds(asked))
    visitor = Identifier(catalog, live.networks).identify(ask, NOTHING)
    assert isinstance(visitor, Visitor)
    assert visitor.identity is identity
    assert "ip_list_stale:openai-chatgpt-user" in visitor.reasons


async def test_the_same_fetch_is_proven_by_the_list_of_its_week(
    folder: FeedFolder, shared_data: Path, catalog: Catalog, ask_as: Callable[..., Ask]
) -> None:
    live = await april(folder, shared_data, fetched=seconds("2026-04-29"))
    known = live.shipped.lists["openai-chatgpt-user"]
    octets = (shared_data / "ip_ranges" / "acv_openai-chatgpt-user.json").read_bytes()
    done = await updated(
        folder, [known], Operators({known.source: Fetched(octets)}), now=seconds("2026-09-02")
    )
    assert done[known.name].outcome is Outcome.UPDATED
    assert live.refresh()
    visitor = Identifier(catalog, live.networks).identify(
        ask_as(CHATGPT, "9.129.45.186", seconds("2026-09-03")), NOTHING
    )
    assert isinstance(visitor, Visitor)
    assert visitor.identity is Identity.VERIFIED


@pytest.mark.parametrize("days", [0, 1, 2, 3, 7, 8, 30, 400])
async def test_age_alone_turns_absence_into_doubt(
    folder: FeedFolder, catalog: Catalog, ask_as: Callable[..., Ask], days: int
) -> None:
    """From an address in no list and near none: forged while the copy is young, unproven afterwards."""
    shipped = Networks.shipped()
    lists = [shipped.lists[name] for name in ("openai-chatgpt-user", "openai-gptbot")]
    same = {each.source: Fetched("\n".join(map(str, each.prefixes)).encode(), taken_at=NOW) for each in lists}
    await updated(folder, lists, Operators(same))
    live = LiveNetworks(shipped, folder)
    identify = Identifier(catalog, live.networks).identify
    for user_agent, lives in ((CHATGPT, 2), (CHATGPT.replace("ChatGPT-User/1.0", "GPTBot/1.3"), 7)):
        visitor = identify(ask_as(user_agent, "81.2.69.142", NOW + days * DAY), NOTHING)
        assert isinstance(visitor, Visitor)
        expected = Identity.SPOOFED if days <= lives else Identity.UNVERIFIABLE
        assert visitor.identity is expected, (user_agent, days)
