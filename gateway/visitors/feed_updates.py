"""Fetch the operators' feeds and keep those that may be kept; the last good copy survives everything else.

The way out is handed in as a `Fetch`: this module opens no connection itself.
Every list ends in one `Update`, whatever happens to the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol

from gateway.visitors.feeds import LONGEST, Change, Feed, FeedFault, change_of, read_feed, surprise
from gateway.visitors.fetched_lists import FeedFolder, Kept
from gateway.visitors.networks import FetchedCopy, NetworkList

#: Feeds fetched at once.
_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came: octets with their validator, or word that nothing changed since *etag*.

    *taken_at* is the second the octets were true at, 0 for this moment.
    """

    body: bytes
    etag: str = ""
    unchanged: bool = False
    taken_at: int = 0


@dataclass(frozen=True, slots=True)
class NotFetched:
    """Nothing came; *why* is a sentence's end, such as ``it answers 404``."""

    why: str


class Fetch(Protocol):
    """The one guarded way out."""

    async def __call__(self, url: str, *, etag: str, limit: int) -> Fetched | NotFetched:
        """GET *url*, https only, public addresses only, no redirect to another host.

        At most *limit* + 1 octets of body come back, so that a longer one shows.
        With an *etag* the server is asked for changes only. No raise for
        whatever the other side does.
        """
        ...


class Outcome(StrEnum):
    """What an update of one list came to."""

    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Update:
    """What became of one list.

    *change* stands where a feed was read; *fault* where it was refused, and on
    an accepted one what a person accepted; *why* where nothing came.
    """

    name: str
    outcome: Outcome
    change: Change | None = None
    fault: FeedFault | None = None
    why: str = ""
    kept: Kept | None = None


async def update_feeds(
    lists: Collection[NetworkList],
    kept: FeedFolder,
    fetch: Fetch,
    *,
    now: int,
    accept: Collection[str] = (),
    dry_run: bool = False,
) -> AsyncIterator[Update]:
    """Fetch the feed of every one of *lists* and keep it if it may be kept; gives each outcome as it comes.

    *now* is in seconds since the epoch. *accept* names lists whose arguable
    surprises (`FeedFault.arguable`) a person has looked at. With *dry_run*
    nothing is written.

    Raises:
        OSError: the folder cannot be written.
    """
    known, _ = kept.read(lists)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def run(each: NetworkList) -> Update:
        before = known.get(each.name, Kept(each.name))
        copy = before.copy
        async with gate:
            got = await fetch(each.source, etag=copy.etag if copy else "", limit=LONGEST)
        done = _weigh(each, before, got, now, accepted=each.name in accept)
        if not dry_run and done.kept is not None:
            await asyncio.to_thread(kept.write, done.kept, each.source)
        return done

    tasks = [asyncio.ensure_future(run(each)) for each in lists]
    try:
        for task in asyncio.as_completed(tasks):
            yield await task
    finally:
        for pending in tasks:
            pending.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _weigh(
    known: NetworkList, before: Kept, got: Fetched | NotFetched, now: int, *, accepted: bool
) -> Update:
    name, copy = known.name, before.copy
    if isinstance(got, NotFetched):
        return Update(
            name,
            Outcome.FAILED,
            why=got.why,
            kept=replace(before, tried_at=now, trouble=f"failed: {got.why}"),
        )
    current = known if copy is None else known.renewed(copy)
    if got.unchanged:
        if copy is None:
            why = "it says that nothing changed, and there is no copy to keep"
            return Update(name, Outcome.FAILED, why=why, kept=replace(before, tried_at=now, trouble=why))
        same = Kept(name, replace(copy, fetched_at=max(copy.fetched_at, got.taken_at or now)), now)
        return Update(name, Outcome.UNCHANGED, Change((), (), len(copy.prefixes)), kept=same)
    feed = read_feed(got.body)
    if isinstance(feed, FeedFault):
        return _refused(before, now, None, feed)
    change = change_of(current.prefixes, feed)
    taken_at = got.taken_at or now
    fault = _older(current, feed, taken_at) or surprise(change, feed, name)
    if fault is not None and not (accepted and fault.arguable):
        return _refused(before, now, change, fault)
    if not change and taken_at <= current.checked_at:
        return Update(name, Outcome.UNCHANGED, change, kept=Kept(name, copy, now))
    taken = FetchedCopy(name, taken_at, feed.prefixes, got.etag[:512])
    outcome = Outcome.UPDATED if change else Outcome.UNCHANGED
    return Update(name, outcome, change, fault, kept=Kept(name, taken, now))


def _refused(before: Kept, now: int, change: Change | None, fault: FeedFault) -> Update:
    trouble = replace(before, tried_at=now, trouble=f"refused ({fault.code}): {fault.fact}")
    return Update(before.name, Outcome.REFUSED, change, fault, kept=trouble)


def _older(current: NetworkList, feed: Feed, taken_at: int) -> FeedFault | None:
    """A file from an archive must not stand in for the copy at hand."""
    if taken_at >= current.checked_at or not change_of(current.prefixes, feed):
        return None
    days = max(1, (current.checked_at - taken_at) // 86_400)
    return FeedFault(
        "older",
        "A copy is not replaced by an older one",
        f"this one is {days} days older than the copy at hand",
        "fetch it again from its source",
    )
