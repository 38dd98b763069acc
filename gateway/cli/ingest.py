"""`licet ingest`: what did machines take, before there was a gate?"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from gateway.cli.say import DATA, AsJson, Data, counted, emit, moment, stop, table, tell, with_data

if TYPE_CHECKING:
    from gateway.cli.past_records import Hindsight
    from gateway.front.remember import Remembered
    from gateway.policy.rules import Policy
    from gateway.store.sqlite.database import Database

#: Records that are written at once.
_BATCH = 512
#: Totals of people that one file may have before parts of a site become one.
_MOST_TOTALS = 100_000
_TOLD_EVERY = 1 << 20


@dataclass
class _Row:
    requests: int = 0
    sent: int = 0
    quoted: Counter[str] = field(default_factory=Counter)


@dataclass
class _Found:
    """What came out of the lines that were read."""

    lines: int = 0
    not_understood: int = 0
    no_agent: int = 0
    people: int = 0
    machines: int = 0
    new: int = 0
    first: int = 0
    last: int = 0
    rows: dict[tuple[str, str, str, str], _Row] = field(default_factory=dict)

    def take(self, kept: Remembered) -> None:
        record = kept.record
        key = record.visitor_class, record.crawler, record.operator, record.identity
        row = self.rows.setdefault(key, _Row())
        row.requests += 1
        row.sent += record.bytes_sent
        if record.quote_micros:
            row.quoted[record.currency] += record.quote_micros


def ingest(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Access logs, plain or gzip; - is stdin.")
    ],
    site: Annotated[
        str, typer.Option("--site", metavar="ID", help="Whose log it is; else by the host in each line.")
    ] = "",
    keep_queries: Annotated[
        bool, typer.Option("--keep-queries", help="Keep what stands in queries; else their names alone.")
    ] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Read access logs of the past: what did AI take already?

    Combined and common format, JSON lines (Caddy, nginx, Cloudflare Logpush),
    CloudFront; also gzip and stdin. Automated visitors are kept in a database
    of their own, past/licet.db of the data folder, with what your rules would
    have said and asked: nothing of it is ever billed, and the journal does not
    have it. People become totals an hour while reading, addresses become
    networks (/24, /48), and values in queries are dropped. A file that is read
    again, or that has grown, adds what is new.

    \b
    licet ingest /var/log/nginx/access.log*
    zcat old/*.gz | licet ingest -
    licet report --past --html past.html
    licet past
    """
    from gateway.folders import Folders

    for file in files:
        if str(file) != "-" and not file.is_file():
            raise stop(f"there is no {file}")
    policies = _policies(data, site)
    place = Folders(data).past
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.parent.mkdir(mode=0o700, exist_ok=True)
    found = asyncio.run(_ingested(files, policies, data, place, keep_queries))
    _show(found, place, data, as_json=as_json)
    if not found.lines - found.not_understood:
        raise stop("no line was one of an access log", 1)


def _policies(data: Path, site: str) -> list[Policy]:
    from gateway.cli.sites import chosen
    from gateway.policy.reading import read_policy

    files = sorted((data / "sites").glob("*.toml"))
    return [chosen(data, site)] if site or len(files) < 2 else [read_policy(each) for each in files]


async def _ingested(
    files: list[Path], policies: list[Policy], data: Path, place: Path, keep_queries: bool
) -> _Found:
    from gateway.app.explaining import Explaining
    from gateway.cli.past_records import Hindsight
    from gateway.clock import SystemClock
    from gateway.config import read_config
    from gateway.provenance.audience import Audience
    from gateway.store.sqlite.database import Database
    from gateway.store.sqlite.totals import SqliteTotals

    explaining = Explaining(read_config(data, environ=os.environ), SystemClock())
    hindsight = Hindsight(
        policies,
        lambda ask: explaining.visitor(ask, told=False),
        Audience(key_limit=_MOST_TOTALS),
        keep_queries=keep_queries,
    )
    found = _Found()
    database = await Database.open(place)
    try:
        for file in files:
            await _read_file(file, hindsight, database, found)
        await SqliteTotals(database).keep_up()
    finally:
        await database.close()
    return found


async def _read_file(file: Path, hindsight: Hindsight, database: Database, found: _Found) -> None:
    """Read one file to its end: records as they come, people's totals once all of it was read."""
    from gateway.cli.log_formats import LineReader, LogLines
    from gateway.store.sqlite.past import SqlitePast

    past, reader = SqlitePast(database), LineReader()
    before = await past.read_before()
    hindsight.begin()
    kept: dict[str, Remembered] = {}
    with _opened(file) as opened, _bar(file, opened) as moved:
        lines = LogLines(opened)
        for line in lines:
            moved(lines.read)
            if line is None or not reader.is_note(line):
                _take(line, hindsight, reader, found, kept)
            if lines.read in before and lines.prefix in before[lines.read]:
                # Up to here it was read before: those people are counted.
                hindsight.audience.drain()
            if len(kept) >= _BATCH:
                found.new += await _fold(kept, past, database)
        found.new += await _fold(kept, past, database)
        if lines.broken:
            found.lines += 1
            found.not_understood += 1
            tell(f"{file} is broken and was read up to there: {lines.broken}")
    await past.finish(lines.prefix, lines.read, hindsight.audience.drain())


def _take(
    line: bytes | None, hindsight: Hindsight, reader: Any, found: _Found, kept: dict[str, Remembered]
) -> None:
    found.lines += 1
    hit = reader(line) if line is not None else None
    if hit is None or line is None:
        found.not_understood += 1
        return
    found.first = min(found.first or hit.at, hit.at)
    found.last = max(found.last, hit.at)
    if hit.user_agent is None:
        found.no_agent += 1
        return
    remembered = hindsight.take(line, hit)
    if remembered is None:
        found.people += 1
        return
    found.machines += 1
    found.take(remembered)
    kept[remembered.record.id] = remembered


async def _fold(kept: dict[str, Remembered], past: Any, database: Database) -> int:
    """Write what is not there yet, empty *kept*, and return how many were new."""
    from gateway.provenance.frames import SealedDetail
    from gateway.provenance.keeper import FoldBatch, SealedEntry
    from gateway.provenance.salts import fresh_salt
    from gateway.store.sqlite.folding import SqliteFolding

    # A line that was read under other rules stays as those saw it.
    known = await past.known(kept)
    fresh = [each for name, each in kept.items() if name not in known]
    kept.clear()
    if not fresh:
        return 0
    return await SqliteFolding(database).fold(
        FoldBatch(
            tuple(
                SealedEntry(each.record, fresh_salt(), each.record.canonical(), "past.log") for each in fresh
            ),
            tuple(
                SealedDetail(each.record.id, each.detail_salt, each.record.time_us, each.detail)
                for each in fresh
            ),
            (),
        )
    )


def _opened(file: Path) -> Any:
    return nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb")


@contextmanager
def _bar(file: Path, opened: BinaryIO) -> Iterator[Any]:
    """What to call with the octets of text read; it draws a bar on stderr where somebody watches."""
    size = 0 if str(file) == "-" else file.stat().st_size
    if not size or not sys.stderr.isatty():
        yield lambda _read: None
        return
    with typer.progressbar(length=size, label=file.name, file=sys.stderr) as bar:
        at, shown = 0, 0

        def moved(read: int) -> None:
            nonlocal at, shown
            if read - at >= _TOLD_EVERY:
                # Of the file as it lies there: what was read of a packed one is longer.
                at, now = read, opened.tell()
                bar.update(now - shown)
                shown = now

        yield moved
        bar.update(size - shown)


def _show(found: _Found, place: Path, data: Path, *, as_json: bool) -> None:
    from gateway.money import Money

    told = sorted(found.rows.items(), key=lambda item: (-item[1].requests, item[0]))
    if as_json:
        emit(
            {
                "lines": found.lines,
                "not_understood": found.not_understood,
                "no_user_agent": found.no_agent,
                "people": found.people,
                "machines": found.machines,
                "new": found.new,
                "from": moment(found.first),
                "to": moment(found.last),
                "database": str(place),
                "crawlers": [
                    dict(zip(("class", "name", "operator", "identity"), key, strict=True))
                    | {"requests": row.requests, "bytes": row.sent}
                    | {
                        "would_cost": {
                            currency: Money(micros, currency).amount
                            for currency, micros in sorted(row.quoted.items())
                        }
                    }
                    for key, row in told
                ],
            }
        )
        return
    head = ("CLASS", "NAME", "OPERATOR", "IDENTITY", "REQUESTS", "BYTES", "WOULD COST")
    table(
        head,
        [
            (
                *(word or "-" for word in key),
                row.requests,
                row.sent,
                ", ".join(str(Money(micros, currency)) for currency, micros in sorted(row.quoted.items()))
                or "-",
            )
            for key, row in told
        ],
    )
    tell(f"{counted(found.lines, 'line')} from {moment(found.first)} to {moment(found.last)}")
    tell(f"{counted(found.machines, 'request')} of machines, {found.new} of them new here")
    tell(f"{counted(found.people, 'request')} with no sign of automation, kept as totals alone")
    for number, why in (
        (found.no_agent, "no User-Agent: nobody knows who asked"),
        (found.not_understood, "no format that is known here"),
    ):
        if number:
            tell(f"{counted(number, 'line has', 'lines have')} {why}")
    tell("")
    tell(f"  {with_data('licet report --past --html past.html', data)}")
    tell(f"  {with_data('licet past', data)}")
