"""`licet crawlers update`: fetch what operators publish, show what differs, keep what may be kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.say import DATA, AsJson, Data, counted, emit, stop, tell

if TYPE_CHECKING:
    from gateway.visitors.feed_updates import Fetch, Fetched, NotFetched, Update
    from gateway.visitors.networks import Network, NetworkList, Networks

#: Prefixes of one list that are shown one by one.
_SHOWN = 10

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Lists, or crawlers whose lists are meant; else every list."),
]
From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FOLDER",
        help="Take files fetched by hand: LIST.json, LIST.txt, or the last part of the source's URL.",
    ),
]
AsOf = Annotated[
    str,
    typer.Option(
        "--as-of",
        metavar="DATE",
        help="With --from: when the files were fetched; else the older of a file's own date and its time.",
    ),
]
Accept = Annotated[
    list[str] | None,
    typer.Option(metavar="LIST", help="Take this list although it changed more than half; may be repeated."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change and keep nothing.")]


def update(
    names: Names = None,
    data: Data = DATA,
    from_: From = None,
    as_of: AsOf = "",
    accept: Accept = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fetch the lists that operators publish; show what differs.

    A list is taken whole or not at all. Refused are private or reserved
    addresses, prefixes shorter than /12 (IPv4) or /24 (IPv6), entries that are
    none, and a list that shrank or grew by more than half; then the last good
    copy goes on, and ages. A running gateway takes up what is kept within
    seconds, and does all this by itself once a day ([feeds] update = false stops that).

    Exit 1 if a list was refused or could not be fetched.
    """
    from gateway.visitors.networks import Networks

    shipped = Networks.shipped()
    wanted = _wanted(shipped, names or ())
    for name in accept or ():
        if shipped.get(name) is None:
            raise stop(f"--accept {name}: there is no such list; there is {', '.join(sorted(shipped.lists))}")
    if as_of and from_ is None:
        raise stop("--as-of says when files were fetched by hand; it needs --from")
    fetch: Fetch
    if from_ is not None:
        files = FolderFetch(from_, wanted, _second(as_of))
        absent = [each.name for each in wanted if each.source not in files.found]
        if (names and absent) or not files.found:
            raise stop(
                f"{from_} holds no file for {', '.join(absent[:5])}; call it {absent[0]}.json or {absent[0]}.txt"
            )
        wanted = [each for each in wanted if each.source in files.found]
        fetch = files
    else:
        from gateway.app.way_out import feed_fetch

        for known in wanted:
            if not known.feed:
                tell(f"{known.name}: {known.source} is a page for people; save its addresses and use --from")
        wanted = [each for each in wanted if each.feed]
        fetch = feed_fetch()
    done = asyncio.run(_run(wanted, data, fetch, accept or (), dry_run=dry_run))
    if as_json:
        emit([_as_json(each) for each in done])
    else:
        for each in done:
            _show(each)
    _sum_up(done, data, dry_run=dry_run)
    raise typer.Exit(1 if any(str(each.outcome) in {"refused", "failed"} for each in done) else 0)


class FolderFetch:
    """A `Fetch` from files that a person fetched. *found* is the file of each source that has one."""

    def __init__(self, folder: Path, lists: Iterable[NetworkList], taken_at: int) -> None:
        """Look in *folder* for the feeds of *lists*; *taken_at* is when they were fetched, 0 to ask the files."""
        if not folder.is_dir():
            raise stop(f"--from {folder}: there is no such folder")
        self._taken_at = taken_at
        lists = tuple(lists)
        ends = [each.source.rstrip("/").rpartition("/")[2] for each in lists]
        self.found: dict[str, Path] = {}
        for each, end in zip(lists, ends, strict=True):
            names = [
                f"{each.name}.json",
                f"{each.name}.txt",
                *([end] if ends.count(end) == 1 and end else []),
            ]
            file = next((path for name in names if (path := folder / name).is_file()), None)
            if file is not None:
                self.found[each.source] = file

    async def __call__(self, url: str, *, etag: str, limit: int) -> Fetched | NotFetched:  # noqa: ARG002
        """The file of *url*, as old as it says itself or as its time says, whichever is more."""
        from gateway.visitors.feed_updates import Fetched, NotFetched
        from gateway.visitors.feeds import Feed, read_feed

        file = self.found[url]
        try:
            with file.open("rb") as opened:
                octets = opened.read(limit + 1)
            taken_at = self._taken_at or int(file.stat().st_mtime)
        except OSError as error:
            return NotFetched(f"{file}: {error.strerror or error}")
        feed = read_feed(octets)
        if not self._taken_at and isinstance(feed, Feed) and feed.dated:
            taken_at = min(taken_at, feed.dated)
        return Fetched(octets, taken_at=max(1, taken_at))


async def _run(
    wanted: list[NetworkList], data: Path, fetch: Fetch, accept: Iterable[str], *, dry_run: bool
) -> list[Update]:
    from gateway.visitors.feed_updates import update_feeds
    from gateway.visitors.fetched_lists import FeedFolder

    done: list[Update] = []
    folder = FeedFolder(data / "feeds")
    rounds = update_feeds(wanted, folder, fetch, now=int(time.time()), accept=tuple(accept), dry_run=dry_run)
    async for each in rounds:
        done.append(each)
        tell(f"[{len(done)}/{len(wanted)}] {each.name} {each.outcome}{_sizes(each)}")
    return sorted(done, key=lambda each: each.name)


def _wanted(shipped: Networks, names: Iterable[str]) -> list[NetworkList]:
    from gateway.visitors.catalog import Catalog

    if not names:
        return list(shipped.lists.values())
    catalog = Catalog.shipped()
    found: dict[str, NetworkList] = {}
    for name in names:
        entry = catalog.by_name(name)
        chosen = (name,) if name in shipped.lists else entry.recipe.networks if entry else ()
        if not chosen:
            reason = "its operator publishes no list" if entry else "there is no such list or crawler"
            raise stop(f"{name}: {reason}; there is {', '.join(sorted(shipped.lists))}")
        found.update((each, shipped.lists[each]) for each in chosen)
    return list(found.values())


def _second(text: str) -> int:
    if not text:
        return 0
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise stop(f"--as-of {text}: a date such as 2026-09-02 is needed") from None
    second = int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())
    if not 0 < second <= time.time():
        raise stop(f"--as-of {text}: no file can have been fetched then")
    return second


def _sizes(done: Update) -> str:
    change = done.change
    return f": {change.before} -> {change.after} prefixes" if change is not None and change else ""


def _show(done: Update) -> None:
    change = done.change
    print(f"{done.name:<32} {done.outcome}{_sizes(done)}")
    if change is not None:
        _prefixes("+", change.added)
        _prefixes("-", change.removed)
    if done.fault is not None and str(done.outcome) == "refused":
        print(f"  rule  {done.fault.rule}")
        print(f"  fact  {done.fault.fact}")
        print(f"  next  {done.fault.next_step}")
    elif done.fault is not None:
        print(f"  accepted although: {done.fault.rule} ({done.fault.fact})")
    if done.why:
        print(f"  {done.why}; the copy at hand goes on and ages")


def _prefixes(sign: str, prefixes: tuple[Network, ...]) -> None:
    for prefix in prefixes[:_SHOWN]:
        print(f"  {sign} {prefix}")
    if len(prefixes) > _SHOWN:
        print(f"  {sign} … and {len(prefixes) - _SHOWN} more (--json shows all)")


def _sum_up(done: list[Update], data: Path, *, dry_run: bool) -> None:
    numbers: dict[str, int] = {}
    for each in done:
        numbers[str(each.outcome)] = numbers.get(str(each.outcome), 0) + 1
    told = ", ".join(f"{number} {word}" for word, number in sorted(numbers.items()))
    where = "nothing was kept (--dry-run)" if dry_run else f"kept in {data / 'feeds'}"
    tell(f"{counted(len(done), 'list')}: {told or 'nothing to do'}; {where}")


def _as_json(done: Update) -> dict[str, Any]:
    change, fault = done.change, done.fault
    return {
        "list": done.name,
        "outcome": str(done.outcome),
        "before": change.before if change else None,
        "after": change.after if change else None,
        "added": [str(prefix) for prefix in change.added] if change else [],
        "removed": [str(prefix) for prefix in change.removed] if change else [],
        "fault": {
            "code": fault.code,
            "rule": fault.rule,
            "fact": fault.fact,
            "next_step": fault.next_step,
            "arguable": fault.arguable,
        }
        if fault
        else None,
        "why": done.why,
    }
