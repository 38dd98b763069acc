"""`licet journal`: what happened, exported and checked."""

from __future__ import annotations

import asyncio
import sys

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, stop, tell

app = typer.Typer(help="The record of every fetch: export it, audit it.", no_args_is_help=True)


@app.command()
def export(data: Data = DATA) -> None:
    """Print every journal entry as one JSON object a line, in the order of the files."""
    import orjson

    from gateway.provenance.audit import export_entries

    folder = data / "journal"
    if not folder.is_dir():
        raise stop(f"{folder} is no journal")
    count = 0
    for entry in export_entries(folder):
        sys.stdout.buffer.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
        count += 1
    sys.stdout.buffer.flush()
    tell(f"{count} entries")


@app.command()
def audit(data: Data = DATA, as_json: AsJson = False) -> None:
    """Check the journal and the books against each other. Exit 1 if anything differs.

    Every entry is read again and its bytes derived anew; every stored row must
    be the journal's; every posting must follow from an entry, once.
    """
    from gateway.cli.auditing import full_audit

    report = asyncio.run(full_audit(data))
    if as_json:
        emit(report.as_json())
    else:
        for line in report.lines():
            print(line)
    raise typer.Exit(0 if report.good else 1)
