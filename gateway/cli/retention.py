"""`licet retention` and `licet erase`: what is kept for how long, and forgetting what is about somebody now."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, counted, emit, stop, tell

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.licenses.retention import Kept
    from gateway.problems import Mistake


def retention(data: Data = DATA, as_json: AsJson = False) -> None:
    """Show what is kept, for how long, and why.

    Made of your settings and of the audits that your licenses allow. Evidence is
    never forgotten while an audit may still ask for it: a setting that is
    shorter is a mistake, which is named here, and a gateway does not start with
    it. Exit 1 if there is one.
    """
    rows, wrong = with_books(data, _kept)
    if as_json:
        emit({"kept": [asdict(each) for each in rows], "mistakes": [str(each) for each in wrong]})
    else:
        for each in rows:
            print(f"{each.what}{' [about people]' if each.personal else ''}")
            print(f"    {each.how_long}: {each.why}{f'  ({each.key})' if each.key else ''}")
        for mistake in wrong:
            print(f"WRONG {mistake}")
    raise typer.Exit(1 if wrong else 0)


async def _kept(books: Books) -> tuple[tuple[Kept, ...], tuple[Mistake, ...]]:
    from gateway.app.retention import days_of
    from gateway.config import read_config
    from gateway.licenses.retention import mistakes, table
    from gateway.store.sqlite.audit_windows import audit_windows

    config = read_config(books.folder, environ=os.environ)
    windows = await audit_windows(books.database)
    days, file = days_of(config), str(books.folder / "licet.toml")
    return table(days, windows, books.now), mistakes(days, windows, books.now, file)


def erase(
    address: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Of every fetch from this address, or forwarded by it.")
    ] = "",
    user_agent: Annotated[
        str, typer.Option("--user-agent", metavar="TEXT", help="Of every fetch with exactly this User-Agent.")
    ] = "",
    record: Annotated[str, typer.Option(metavar="ID", help="Of this one record.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Erase what is about somebody in fetches, now.

    For requests of people. Address, User-Agent, Referer, query and header
    evidence go, with the salt that bound them; records, bills, receipts and the
    public log stay as they are, and every proof holds as before. What the file
    of the running day still has goes when that file ends, within a day; it is
    told. Who objected is erased by `licet objections erase`.

    \b
    licet erase --address 203.0.113.9
    """
    given = [
        (trait, text)
        for trait, text in (("address", address), ("user_agent", user_agent), ("id", record))
        if text
    ]
    if len(given) != 1:
        raise stop("say one of --address, --user-agent, --record")
    trait, value = given[0]
    gone, left = with_books(data, lambda books: _erased(books, trait, value))
    if as_json:
        emit({"erased": gone, "waiting": left})
        return
    print(f"erased   {counted(gone, 'detail')}")
    if left:
        tell(
            f"{counted(left, 'detail')} more in files of the running day; they go when these end, within a day"
        )


async def _erased(books: Books, trait: str, value: str) -> tuple[int, int]:
    import asyncio
    import ipaddress

    from gateway.provenance.erasure import Trait, waiting
    from gateway.store.sqlite.details import SqliteDetails

    if trait == Trait.ADDRESS:
        try:
            value = str(ipaddress.ip_address(value))
        except ValueError:
            raise stop(f"--address: {value!r} is no address") from None
    gone = await SqliteDetails(books.database).forget_of(Trait(trait), value)
    return gone, await asyncio.to_thread(waiting, books.folder / "journal", Trait(trait), value)
