"""`licet journal export`: what happened, for other programs, in five formats."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.say import DATA, Data, counted, stop, tell

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.provenance.receipts import Opened

FORMATS = ("jsonl", "csv", "parquet", "prov", "dps")
_AT_ONCE = 1000


def export(
    format: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.")
    ] = "jsonl",
    licensee: Annotated[str, typer.Option(metavar="ID", help="Records of this licensee alone.")] = "",
    period: Annotated[str, typer.Option(metavar="MONTH", help="A month, such as 2026-11 (UTC).")] = "",
    site: Annotated[str, typer.Option(metavar="ID", help="Records of this site alone.")] = "",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it; stdout if left out.")
    ] = None,
    country: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="dps: where the content was made; may be said again."),
    ] = None,
    data: Data = DATA,
    as_json: Annotated[
        bool, typer.Option("--json", help="The format jsonl, which is what it prints anyway.")
    ] = False,
) -> None:
    """Write journal entries for other programs.

    jsonl is one entry a line, csv and parquet are one table (parquet needs
    licet[parquet] and --out); prov is W3C PROV-JSON; dps is OASIS Data Provenance
    Metadata 1.0, and needs --licensee, --period and --country. Nothing personal
    is in any of them. The salt of an entry opens its leaf in the public log, so
    whoever is given a row can check it.

    \b
    licet journal export > journal.jsonl
    licet journal export --format csv --licensee le_01a2… --period 2026-11 --out november.csv
    """
    if format not in FORMATS:
        raise stop(f"--format: there is no format {format!r}; there are {', '.join(FORMATS)}")
    if as_json and format != "jsonl":
        raise stop("--json is the format jsonl; leave one of the two out")
    if format == "dps" and not (licensee and period and country):
        raise stop("dps describes what one licensee got in a month: --licensee, --period, --country")
    if format == "parquet" and out is None:
        raise stop("parquet is no text: --out names the file")
    if not (data / "journal").is_dir():
        raise stop(f"{data / 'journal'} is no journal")
    if format == "jsonl" and not (licensee or period or site):
        # The files alone are enough, also on a copy that has no database.
        return _of_files(data, out)
    count = asyncio.run(_write(format, data, out, (licensee, period, site), country or []))
    tell(counted(count, "entry", "entries"))
    return None


def _of_files(data: Path, out: Path | None) -> None:
    """Every entry as the files alone have it."""
    import orjson

    from gateway.provenance.audit import export_entries
    from gateway.provenance.segments import SegmentDamaged

    count = 0
    with out.open("wb") if out else sys.stdout.buffer as file:
        try:
            for entry in export_entries(data / "journal"):
                file.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
                count += 1
        except SegmentDamaged as error:
            file.flush()
            raise stop(f"{error}; `licet journal audit` lists everything that is wrong", 1) from None
        file.flush()
    tell(counted(count, "entry", "entries"))


async def _write(
    format: str, data: Path, out: Path | None, scope: tuple[str, str, str], countries: list[str]
) -> int:
    """Write what *scope* (licensee, month, site) names; how many entries that were."""
    from gateway.billing.statements import Period, PeriodError
    from gateway.cli.books import open_books

    licensee, period, site = scope
    try:
        month = Period.parse(period) if period else None
    except PeriodError as error:
        raise stop(f"--period: {error}") from None
    async with open_books(data) as books:
        if licensee and await books.register.licensee(licensee) is None:
            raise stop(f"there is no licensee {licensee!r}; `licet licensee list` shows them", 1)
        ends = (month.since_us, month.until_us) if month else (0, 1 << 62)
        entries = (each async for each in _entries(books, licensee, *ends) if site in {"", each.site})
        if format == "parquet":
            assert out is not None
            # Millions of them: read as they are written.
            return await asyncio.to_thread(_parquet, out, _pulled(entries, asyncio.get_running_loop()))
        found = [each async for each in entries]
        if format == "dps":
            text = await _described(books, data, found, licensee, period, site, countries)
        else:
            text = _text(format, found)
    if out is None:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
    else:
        await asyncio.to_thread(out.write_bytes, text)
    return len(found)


async def _entries(books: Books, licensee: str, since_us: int, until_us: int) -> AsyncIterator[Opened]:
    from gateway.store.sqlite.leaves import SqliteLeaves

    leaves = SqliteLeaves(books.database)
    if licensee:
        after = (0, -1)
        while page := await leaves.opened_of(licensee, since_us, until_us, after, _AT_ONCE):
            for each in page:
                yield each
            after = (page[-1].time_us, page[-1].index)
        return
    begin = 0
    while page := await leaves.opened_from(begin, _AT_ONCE):
        for each in page:
            if since_us <= each.time_us < until_us:
                yield each
        begin = page[-1].index + 1


def _text(format: str, found: list[Opened]) -> bytes:
    import orjson

    from gateway.provenance.exports import csv_lines, line
    from gateway.provenance.prov_json import prov_document

    if format == "jsonl":
        return b"".join(map(line, found))
    if format == "csv":
        return "".join(csv_lines(found)).encode()
    document = prov_document((each, orjson.loads(each.canonical)) for each in found)
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_INDENT_2)


def _pulled(entries: AsyncIterator[Opened], loop: asyncio.AbstractEventLoop) -> Iterator[Opened]:
    """*entries* of *loop*, for another thread, some thousand at a time."""

    async def some() -> list[Opened]:
        page: list[Opened] = []
        async for each in entries:
            page.append(each)
            if len(page) == _AT_ONCE:
                break
        return page

    while page := asyncio.run_coroutine_threadsafe(some(), loop).result():
        yield from page


def _parquet(out: Path, found: Iterable[Opened]) -> int:
    from gateway.provenance.parquet import NoParquet, write_parquet

    try:
        return write_parquet(out, found)
    except NoParquet as error:
        raise stop(str(error)) from None


async def _described(
    books: Books, data: Path, found: list[Opened], licensee: str, period: str, site: str, countries: list[str]
) -> bytes:
    """One dataset of one site, as the standard has it."""
    import orjson

    from gateway.billing.statements import Period
    from gateway.cli.withdraw import policy_of
    from gateway.licenses.data_provenance import Described, data_provenance
    from gateway.provenance.record import FetchRecord, read_entry

    policy, month = policy_of(data, site), Period.parse(period)
    own = policy.site
    host = next((each for each in own.hosts if each != "*"), "localhost")
    origin = (own.public or f"https://{host}").rstrip("/")
    about = Described(
        own.name or own.id, origin, f"{origin}/.licet/audit/bundles/{licensee}/{period}", own.id, licensee, period,
        month.since_us, month.until_us, countries, own.contact,
    )  # fmt: skip
    entries: list[Any] = [read_entry(each.kind, orjson.loads(each.canonical)) for each in found]
    records = [each for each in entries if isinstance(each, FetchRecord) and each.site == own.id]
    try:
        document = data_provenance(records, await books.register.licenses_of(licensee), about, books.now)
    except ValueError as error:
        raise stop(str(error), 1) from None
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_INDENT_2)
