"""`licet journal`: what happened, checked."""

from __future__ import annotations

import asyncio

import typer

from gateway.cli.say import DATA, AsJson, Data, emit

app = typer.Typer(help="The record of every fetch: export it, audit it.", no_args_is_help=True)


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
