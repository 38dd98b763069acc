"""`licet reconcile-access`: what the site's own proxy delivered, beside what was billed for it."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, counted, emit, stop, table, tell

if TYPE_CHECKING:
    from gateway.billing.passed_on import Billed
    from gateway.provenance.record import FetchRecord


def reconcile_access(
    logs: Annotated[
        list[Path],
        typer.Argument(
            metavar="LOG…", help="Access logs as `licet deploy … --as auth` has them written; .gz too."
        ),
    ],
    data: Data = DATA,
    give_back: Annotated[
        bool,
        typer.Option(
            "--give-back", help="Undo the charges of what never came, as credit notes in the journal."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Hold an access log against what was billed for it.

    Where the web server serves the site itself (`licet deploy nginx --as auth`),
    a licensed fetch is billed as it is let through. The log says what came of
    it: a 404, a 304, a 500 or a client that left is no delivery. Each charge is
    undone once, however often this is run. Exit code 1: something is to be
    given back and was not, or the log knows fetches that the journal does not.

    \b
    licet reconcile-access /var/log/nginx/licet-journal.log
    licet reconcile-access --give-back /var/log/nginx/licet-journal.log*
    """
    sent, span = _sent(logs)
    if not sent:
        raise stop("no line of these logs names a record; `licet deploy` prints the log format that does", 1)
    granted = _granted(data)
    from gateway.billing.passed_on import billed, unknown

    # A line is written when the answer ends, a record when it is granted: a download may take an hour.
    found = billed(granted, sent, since_us=int((span[0] - 3600) * 1e6), until_us=int(span[1] * 1e6))
    strange = unknown(granted, sent)
    owing = [each for each in found if each.what == "given-back"]
    done = asyncio.run(_given_back(data, owing)) if give_back else {}
    left = [] if give_back else asyncio.run(_open(data, owing))
    if as_json:
        members = [
            {**_plain(each), "undone_by": done.get(each.record, "")}
            for each in found
            if each.what != "delivered"
        ]
        emit(
            {
                "billed": len(found),
                "not_delivered": members,
                "to_give_back": [each.record for each in left],
                "unknown": list(strange),
            }
        )
    else:
        _say(found, left, done, strange)
    if left or strange:
        raise typer.Exit(1)


def _sent(logs: list[Path]) -> tuple[dict[str, int], tuple[float, float]]:
    """The status of each record that the logs name, and the first and last moment they tell of."""
    from gateway.cli.access_log import read_passed

    sent: dict[str, int] = {}
    moments: list[float] = []
    for path in logs:
        opening = gzip.open if path.suffix == ".gz" else open
        with opening(path, "rt", errors="surrogateescape") as file:
            for line in file:
                passed = read_passed(line)
                if passed is not None:
                    # nginx tells a request once; where a line is there twice, what was delivered counts.
                    sent[passed.record] = passed.status if sent.get(passed.record) != 200 else 200
                    moments.append(passed.at)
    return sent, (min(moments, default=0), max(moments, default=0) + 1)


def _granted(data: Path) -> tuple[FetchRecord, ...]:
    from gateway.billing.passed_on import passed_on
    from gateway.provenance.audit import export_entries
    from gateway.provenance.record import FetchRecord, read_entry

    if not (data / "journal").is_dir():
        raise stop(f"{data} is no data folder of licet; `licet serve --upstream …` makes one")
    entries = (
        read_entry(each["kind"], each["entry"])
        for each in export_entries(data / "journal")
        if each["kind"] == "fetch"
    )
    return passed_on(each for each in entries if isinstance(each, FetchRecord))


async def _open(data: Path, owing: list[Billed]) -> list[Billed]:
    """Those of *owing* whose charge still stands."""
    from gateway.billing.postings import prepaid
    from gateway.billing.refunds import standings
    from gateway.cli.books import open_books

    left = []
    async with open_books(data) as books:
        stands: dict[str, dict[str, int]] = {}
        for each in owing:
            if each.licensee not in stands:
                postings = await books.ledger.postings(prepaid(each.licensee), 0, 1 << 62)
                stands[each.licensee] = {
                    one.entry: one.left.micros for one in standings(each.licensee, postings)
                }
            if stands[each.licensee].get(each.record, 0) > 0:
                left.append(each)
    return left


async def _given_back(data: Path, owing: list[Billed]) -> dict[str, str]:
    """Undo what still stands of *owing*; returns the reversal of each record."""
    import uuid_utils

    from gateway.cli.books import LATE, open_books
    from gateway.provenance.record import BookEntry

    done: dict[str, str] = {}
    left = await _open(data, owing)
    async with open_books(data) as books:
        for each in left:
            entry = BookEntry(
                id=str(uuid_utils.uuid7()),
                time_us=books.clock.now_us(),
                kind_of="reversal",
                site="",
                licensee=each.licensee,
                amount_micros=each.charged.micros,
                currency=each.charged.currency,
                reference=each.record,
                memo=f"not delivered: {each.status}",
                by="reconcile-access",
            )
            if not await books.write(entry):
                tell(LATE)
            done[each.record] = entry.id
    return done


def _plain(each: Billed) -> dict[str, object]:
    return {
        "record": each.record,
        "licensee": each.licensee,
        "path": each.path,
        "charged": str(each.charged),
        "status": each.status,
        "what": each.what,
    }


def _say(
    found: tuple[Billed, ...], left: list[Billed], done: dict[str, str], strange: tuple[str, ...]
) -> None:
    rest = [each for each in found if each.what != "delivered"]
    print(
        f"{counted(len(found), 'licensed fetch', 'licensed fetches')} billed, {len(found) - len(rest)} delivered"
    )
    if rest:
        table(
            ("record", "path", "sent", "charged", "what"),
            [(each.record, each.path, each.status or "-", each.charged, each.what) for each in rest],
        )
    for record, entry in done.items():
        print(f"{record} undone by {entry}")
    if left:
        tell(f"{counted(len(left), 'charge')} for what never came; --give-back undoes them")
    for record in strange:
        tell(f"the log names {record}, which the journal does not know")
