"""`licet journal`: what happened, checked."""

from __future__ import annotations

import asyncio

import typer

from gateway.cli.say import DATA, AsJson, Data, counted, emit

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


@app.command()
def pack(data: Data = DATA, as_json: AsJson = False) -> None:
    """Pack the journal files that are closed and folded.

    They take about a tenth of the disk then, under the same names, and everything
    reads them as before; `gzip -cd FILE` gives back what it was. A running
    gateway packs them by itself an hour after they ended. Rows of a database that an
    earlier version wrote give up what the files hold too. Exit 1 where one is damaged.
    """
    from dataclasses import asdict

    from gateway.app.stores import folding_of
    from gateway.cli.books import open_books
    from gateway.provenance.packing import Packed, pack_folded
    from gateway.store.sqlite.slimming import slim

    async def act() -> tuple[Packed, int]:
        async with open_books(data) as books:
            positions = await folding_of(books.database).positions()
            packed = await asyncio.to_thread(pack_folded, data / "journal", positions)
            return packed, await slim(books.database)

    done, slimmed = asyncio.run(act())
    if as_json:
        emit({**asdict(done), "slimmed": slimmed})
    else:
        print(f"packed   {counted(done.files, 'file')}, {done.before} octets to {done.after}")
        if slimmed:
            print(f"slimmed  {counted(slimmed, 'row')} of the database: the files hold the same")
        for each in done.damaged:
            print(f"WRONG    {each}")
    raise typer.Exit(1 if done.damaged else 0)
