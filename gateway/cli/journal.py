"""`licet journal`: what happened, exported and checked."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, counted, emit, stop, tell

app = typer.Typer(help="The record of every fetch: export it, audit it.", no_args_is_help=True)


@app.command()
def export(
    data: Data = DATA,
    as_json: Annotated[  # noqa: ARG001 - every command takes --json; this one speaks nothing else
        bool, typer.Option("--json", help="One JSON object a line, which is what it prints anyway.")
    ] = False,
) -> None:
    """Print every journal entry, one JSON object a line.

    In the order of the files. Nothing personal is in it. The salt of each
    entry opens its leaf, so whoever is given a line can check it. Exit 1 where
    a file is damaged, after everything before that.
    """
    import orjson

    from gateway.provenance.audit import export_entries
    from gateway.provenance.segments import SegmentDamaged

    folder = data / "journal"
    if not folder.is_dir():
        raise stop(f"{folder} is no journal")
    count = 0
    try:
        for entry in export_entries(folder):
            sys.stdout.buffer.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
            count += 1
    except SegmentDamaged as error:
        sys.stdout.buffer.flush()
        raise stop(f"{error}; `licet journal audit` lists everything that is wrong", 1) from None
    sys.stdout.buffer.flush()
    tell(counted(count, "entry", "entries"))


@app.command()
def audit(data: Data = DATA, as_json: AsJson = False) -> None:
    """Check journal, database and books against each other.

    Every entry is read again and its bytes derived anew; every stored row must
    be the journal's; every posting must follow from an entry, once. Exit 1 if
    anything differs. May run beside a gateway.
    """
    from gateway.cli.auditing import full_audit

    report = asyncio.run(full_audit(data))
    if as_json:
        emit(report.as_json())
    else:
        for line in report.lines():
            print(line)
    raise typer.Exit(0 if report.good else 1)
