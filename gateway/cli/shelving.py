"""`licet journal sizes`, `shelve` and `bring-back`: how small the database is kept, and what it takes to look far back."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, counted, emit, moment, stop, tell, with_data

if TYPE_CHECKING:
    from gateway.cli.books import Books

_DAY = 86_400
#: Octets of all tables on a server, with their indexes.
_SERVED = (
    "SELECT CAST(coalesce(sum(pg_total_relation_size(c.oid)), 0) AS BIGINT) FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'licet' AND c.relkind = 'r'"
)


def sizes(data: Data = DATA, as_json: AsJson = False) -> None:
    """Show what journal and database weigh, by the record.

    Files that are written, that ended and that are packed; the database, and
    what of it is unused; the public log. Rows that left the database stand in
    the packed files alone: `licet journal bring-back` puts them back.
    """
    told = with_books(data, _sizes)
    if as_json:
        emit(told)
        return
    for name in ("live", "ended", "packed"):
        kind = told["journal"][name]
        print(f"{name:<10} {kind['octets']:>15,} octets in {counted(kind['files'], 'file')}")
    print(f"{'details':<10} {told['journal']['details']:>15,} octets, not folded yet")
    unused = "" if told["unused"] is None else f", {told['unused']:,} of them unused"
    print(f"{'database':<10} {told['database']:>15,} octets{unused}")
    print(f"{'public log':<10} {told['log']:>15,} octets")
    print(f"{'records':<10} {told['records']:>15,}, {told['rows']:,} of them rows of the database")
    if told["left"]:
        print(
            f"{'left':<10} {told['left']:>15,} in packed files alone, from {told['first']} to {told['last']}"
        )
    if told["octets_per_record"] is not None:
        print(f"{'a record':<10} {told['octets_per_record']:>15,} octets, all of it together")


async def _sizes(books: Books) -> dict[str, Any]:
    from gateway.app.stores import postgres_of
    from gateway.provenance.weight import weigh, weigh_all
    from gateway.store.sqlite.shelved import gone
    from gateway.store.sqlite.shrinking import unused

    database, folder = books.database, books.folder
    await database.checkpoint()
    journal, log = await asyncio.gather(
        asyncio.to_thread(weigh, folder / "journal"), asyncio.to_thread(weigh_all, folder / "log")
    )
    here = postgres_of(database) is None
    files = [folder / f"licet.db{end}" for end in ("", "-wal")] if here else []

    def act(db: Any) -> tuple[int, int, Any, int, int | None]:
        newest = db.execute("SELECT coalesce(max(seq), 0) FROM journal").get
        rows = db.execute("SELECT count(*) FROM journal").get
        if not here:
            return newest, rows, gone(db), db.execute(_SERVED).get, None
        size = sum(path.stat().st_size for path in files if path.exists())
        return newest, rows, gone(db), size, unused(db)

    records, rows, left, size, free = await database.read(act)
    octets = journal.octets + log + size
    return {
        "journal": {
            **{
                name: dict(zip(("files", "octets"), getattr(journal, name), strict=True))
                for name in ("live", "ended", "packed")
            },
            "details": journal.details,
        },
        "database": size,
        "unused": free,
        "log": log,
        "records": records,
        "rows": rows,
        "left": left.entries if left else 0,
        "first": moment(left.first_us // 1_000_000) if left else "",
        "last": moment(left.last_us // 1_000_000) if left else "",
        "octets_per_record": round(octets / records) if records else None,
    }


def shelve(
    months: Annotated[
        int | None,
        typer.Option(
            "--months",
            metavar="N",
            min=1,
            max=1200,
            help="Leave rows of so many whole months; `[retention] rows_months` if left out.",
        ),
    ] = None,
    shrink: Annotated[
        bool,
        typer.Option(
            "--shrink",
            help="Then write the database anew, as small as it can be. The gateway must be stopped.",
        ),
    ] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Let old rows leave the database; packed files have them.

    Rows of fetches without a licensee, of whole months that ended: nobody owes
    for them. A running gateway does it by itself every hour, as `[retention]
    rows_months` says, and never for months that an audit may still look back to.
    Totals, proofs, exports of the journal and audits stay as they were; the
    access log lists these rows no more until they are brought back. Killed, it
    loses nothing: say it again. Exit 1 where rows had to stay for a fault.

    \b
    licet journal shelve --months 3
    """
    if shrink:
        _stopped(data)

    async def act(books: Books) -> tuple[int, list[str]]:
        from gateway.app.retention import rows_leave_before
        from gateway.app.stores import folding_of
        from gateway.config import read_config
        from gateway.store.sqlite.shelving import Shelving

        config = read_config(books.folder, environ=os.environ)
        before = await rows_leave_before(config, books.database, books.clock, months)
        if not before:
            raise stop("[retention] rows_months is 0, for good; say --months")
        shelving = Shelving(folding_of(books.database), books.database)
        tell(f"rows of fetches before {moment(before)} leave, in blocks")
        rows = await shelving.leave(
            before * 1_000_000, books.now, said=lambda count: tell(f"{count} rows left")
        )
        return rows, shelving.stayed

    rows, stayed = with_books(data, act)
    sizes = _shrunk(data) if shrink else None
    if as_json:
        emit({"left": rows, "stayed": stayed, "shrunk": sizes})
    else:
        print(f"left     {counted(rows, 'row')}: the journal's packed files have them")
        for why in stayed:
            print(f"stayed   {why}")
        if rows and not sizes and (data / "licet.db").is_file():
            tell(
                "the database file keeps its size and uses again what is free; --shrink gives it to the disk"
            )
        if sizes:
            print(f"shrunk   the database, {sizes[0]} octets to {sizes[1]}")
    raise typer.Exit(1 if any("is not what" in why for why in stayed) else 0)


def bring_back(
    from_: Annotated[
        str, typer.Option("--from", metavar="DATE", help="The first day wanted; the oldest if left out.")
    ] = "",
    to: Annotated[
        str, typer.Option(metavar="DATE", help="The last day wanted; the newest if left out.")
    ] = "",
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=1, max=3660, help="For how many days they stay.")
    ] = 30,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Bring rows back that had left the database.

    By what the packed files hold: whole blocks that have anything of the days
    wanted, under the numbers that they had; each is compared with the digest
    that was kept of it, and nothing of a block comes where it is another. After
    --days they leave again. Killed, it loses nothing and doubles nothing: say it
    again. Exit 1 where a block cannot be brought back.

    \b
    licet journal bring-back --from 2025-03-01 --to 2025-03-31
    """
    begins = _day(from_, "--from") * 1_000_000 if from_ else 0
    ends = (_day(to, "--to") + _DAY) * 1_000_000 if to else 1 << 62

    async def act(books: Books) -> tuple[int, int, list[str]]:
        from gateway.app.stores import folding_of
        from gateway.problems import StoreUnavailable
        from gateway.store.sqlite.shelving import Shelving

        shelving, rows, wrong = Shelving(folding_of(books.database), books.database), 0, []
        wanted = [
            each for each in await shelving.shelved() if each.last_us >= begins and each.first_us < ends
        ]
        for nth, block in enumerate(wanted, 1):
            try:
                rows += await shelving.bring_back(block.seq, books.now + days * _DAY)
            except StoreUnavailable as error:
                wrong.append(str(error))
            tell(f"{nth} of {counted(len(wanted), 'block')}, {rows} rows")
        return len(wanted), rows, wrong

    blocks, rows, wrong = with_books(data, act)
    if as_json:
        emit({"blocks": blocks, "rows": rows, "wrong": wrong, "days": days})
    else:
        print(f"back     {counted(rows, 'row')} of {counted(blocks, 'block')}, for {counted(days, 'day')}")
        for why in wrong:
            print(f"WRONG    {why}")
        if not blocks:
            tell("nothing of that time has left the database")
    raise typer.Exit(1 if wrong else 0)


def _day(text: str, option: str) -> int:
    try:
        read = date.fromisoformat(text)
    except ValueError:
        raise stop(f"{option} is a day such as 2025-03-01") from None
    return (
        datetime(read.year, read.month, read.day, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    ) // timedelta(seconds=1)


def _stopped(data: Path) -> None:
    """See that no gateway runs on *data*, and that its database is a file."""
    from gateway.app.stores import books_on_postgres
    from gateway.provenance.keeper import KeeperLock

    if books_on_postgres(data):
        raise stop("--shrink is for a database in a file: PostgreSQL uses what is free by itself")
    if not (data / "licet.db").is_file():
        return
    lock = KeeperLock.try_take(data)
    if lock is None:
        raise stop(
            f"a gateway runs on {data}: stop it, then say `{with_data('licet journal shelve --shrink', data)}`"
        )
    lock.release()


def _shrunk(data: Path) -> tuple[int, int]:
    from gateway.problems import StoreUnavailable
    from gateway.provenance.keeper import KeeperLock
    from gateway.store.sqlite.shrinking import shrink

    lock = KeeperLock.try_take(data)
    if lock is None:
        raise stop(f"a gateway was started on {data}: what left has left, and the file keeps its size", 1)
    try:
        return shrink(data / "licet.db")
    except StoreUnavailable as error:
        raise stop(f"what left has left, and the file keeps its size: {error}", 1) from None
    finally:
        lock.release()
