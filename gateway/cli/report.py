"""`licet report`: the log as one file, to keep or send."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, counted, emit, stop, tell

if TYPE_CHECKING:
    from gateway.dashboard.filters import LogFilter
    from gateway.dashboard.report import Report


def report(
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page for a browser.")
    ] = None,
    past: Annotated[
        bool, typer.Option("--past", help="Of what `licet ingest` read, not of this gateway.")
    ] = False,
    last: Annotated[
        str, typer.Option(metavar="PERIOD", help="1h, 24h, 7d, 30d or all; else 30d, of the past all.")
    ] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Write what AI took, who, and what it would have cost.

    One HTML file with everything inside: it runs nothing and asks nobody for
    anything, so it can be mailed or kept. The gateway may be running or not.

    \b
    licet report --html november.html
    licet report --past --html past.html
    licet report --last 7d --json
    """
    from gateway.cli.sites import write_private
    from gateway.dashboard.report import report_page
    from gateway.folders import Folders

    place = Folders(data).past if past else Folders(data).database
    if not place.is_file():
        hint = "`licet ingest access.log` makes it" if past else "`licet serve --upstream …` makes it"
        raise stop(f"there is no {place}; {hint}")
    if html is None and not as_json:
        raise stop("say where to: --html FILE, or --json")
    found = asyncio.run(_gathered(place, last or ("all" if past else "30d"), past=past))
    if html is not None:
        write_private(html, report_page(found).encode())
    if as_json:
        emit(found.as_json())
    else:
        tell(
            f"{counted(found.overview.ai_fetches, 'fetch', 'fetches')} by AI,"
            f" {found.overview.fetches} by machines in all"
        )


def _filter(last: str, now_us: int) -> LogFilter:
    from gateway.dashboard.filters import read_view

    view = read_view([("last", last)], now_us)
    if view.mistakes:
        raise stop(f"--last {view.mistakes[0][1]}")
    return view.filter


async def _gathered(place: Path, last: str, *, past: bool) -> Report:
    from gateway.clock import SystemClock
    from gateway.dashboard.report import gather
    from gateway.store.sqlite.access_log import SqliteAccessLog
    from gateway.store.sqlite.database import Database

    now_us = SystemClock().now_us()
    chosen = _filter(last, now_us)
    database = await Database.open(place)
    try:
        return await gather(SqliteAccessLog(database), chosen, made_us=now_us, past=past)
    finally:
        await database.close()
