"""`licet reconcile` and `licet books`: do all parts tell the same sums, and what other programs say of them."""

from __future__ import annotations

import asyncio
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli import rates
from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, counted, emit, stop, table

if TYPE_CHECKING:
    from gateway.billing.book_export import Journaled
    from gateway.billing.comparisons import Comparison
    from gateway.billing.reconcile import Reckoning
    from gateway.cli.auditing import FullAudit
    from gateway.cli.books import Books

app = typer.Typer(
    help="""The books: check them, and hand them to other programs.

    Everything in them follows from the journal; nothing here changes anything.
    """,
    no_args_is_help=True,
)
Receipts = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="What a crawler kept, one JSON object a line; its proven receipts are compared."
    ),
]
_MOST_SHOWN = 20
_LOOKS = 3


def reconcile(receipts: Receipts = None, data: Data = DATA, as_json: AsJson = False) -> None:
    """Hold books, journal, bills and payments together.

    One line for each pair that has to say the same, to the micro-unit: files
    and stored rows, records and postings, balances, statements, receipts,
    payments and top-ups, closed months and documents, payouts. What differs for a reason is told with it and is no
    fault. Exit 1 where anything differs without one. A running gateway does the
    same every night, and its overview says what came of it.

    \b
    licet reconcile
    licet reconcile --receipts receipts.jsonl
    """
    lines = _documents(receipts) if receipts is not None else None
    compared = asyncio.run(_everything(data, lines))
    _tell(compared, as_json)


app.add_typer(rates.app, name="rate")


@app.command()
def check(data: Data = DATA, as_json: AsJson = False) -> None:
    """Check what has to hold in the books by themselves.

    Every posting follows from an entry of the journal, and every entry posted
    what it should; balances sum to zero in each currency and are the sums of
    their postings; nobody stands below zero who may not. Exit 1 where anything
    is wrong; `licet reconcile` holds the books against all else.

    \b
    licet books check
    """
    from gateway.billing.comparisons import checked

    async def act(books: Books) -> Reckoning:
        return await books.ledger.reckoned()

    _tell(checked(with_books(data, act)), as_json)


@app.command()
def authors(data: Data = DATA, as_json: AsJson = False) -> None:
    """List what of the earnings is whose.

    A running gateway divides once a day what a site earned since, by the shares
    that its works name (`authors` of [[works]]). Below zero: what was given back
    after it was paid out.
    """

    async def act(books: Books) -> list[tuple[str, str, str]]:
        found = (await books.ledger.kept()).balances
        named = ((account.split(":", 2), money) for account, money in found if account.startswith("author:"))
        return [(name, site, str(money)) for (_, site, name), money in named]

    rows = with_books(data, act)
    if as_json:
        emit([{"author": name, "site": site, "amount": amount} for name, site, amount in rows])
        return
    table(("author", "site", "amount"), rows)


@app.command("export")
def export_(
    form: Annotated[
        str, typer.Option("--format", metavar="PROGRAM", help="What is to read it: beancount or hledger.")
    ] = "beancount",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Print all postings for beancount or for hledger.

    Each balance is asserted at the end, so that `bean-check` and `hledger check`
    add up what this gateway added up. --json prints the lines as a JSON array.

    \b
    licet books export > books.beancount && bean-check books.beancount
    licet books export --format hledger | hledger -f - check --strict
    """
    from gateway.billing.book_export import Form, export

    if form not in set(Form):
        raise stop(f"--format is {' or '.join(Form)}, not {form!r}")
    with TemporaryFile("w+", encoding="utf-8", newline="") as file:

        def write(journaled: Journaled) -> None:
            # A database that has to begin the read again begins the export again.
            file.seek(0)
            file.truncate()
            file.writelines(export(journaled, Form(form)))

        async def act(books: Books) -> None:
            await books.ledger.through(write)

        with_books(data, act)
        file.seek(0)
        if as_json:
            emit(file.read().splitlines())
            return
        shutil.copyfileobj(file, sys.stdout)


async def _everything(data: Path, documents: list[dict[str, Any]] | None) -> tuple[Comparison, ...]:
    """All comparisons; beside a running gateway what seems wrong is looked at again before it is said."""
    from gateway.app.reconciling import Desks, compared
    from gateway.cli.auditing import full_audit
    from gateway.cli.books import open_books
    from gateway.cli.statement import rules_of
    from gateway.store.sqlite.account_book import SqliteAccountBook
    from gateway.store.sqlite.document_book import SqliteDocumentBook
    from gateway.store.sqlite.payout_book import SqlitePayoutBook
    from gateway.store.sqlite.settlements import SqliteSettlements
    from gateway.store.sqlite.topups import SqliteTopUps

    test = rules_of(data).test
    files = _files(await full_audit(data))
    async with open_books(data) as books:
        told, unproven = _proven(documents, books.folder) if documents is not None else (None, ())
        for _ in range(_LOOKS):
            database = books.database
            desks = Desks(
                SqliteAccountBook(database), SqliteDocumentBook(database), SqlitePayoutBook(database), test
            )
            found = await compared(
                books.ledger, SqliteSettlements(database), SqliteTopUps(database), told, desks
            )
            if all(each.ok for each in found):
                break
            await asyncio.sleep(0.2)
            await books.settle()
    return (*files, *(_with(each, unproven) if each.name == "receipts" else each for each in found))


def _with(receipts: Comparison, unproven: tuple[str, ...]) -> Comparison:
    from gateway.billing.reconcile import Fault

    faults = tuple(Fault("receipt-unproven", "receipts", why) for why in unproven)
    return replace(receipts, faults=(*receipts.faults, *faults))


def _files(seen: FullAudit) -> tuple[Comparison, ...]:
    """The journal's files against the stored rows, and the rows against the public log."""
    from gateway.billing.comparisons import Comparison
    from gateway.billing.reconcile import Fault

    journal = seen.journal
    entries = counted(journal.entries, "entry", "entries")
    explained = tuple(
        f"{tail.file}: {tail.size - tail.kept} octets were never acknowledged" for tail in journal.torn
    )
    if journal.unfolded > 0:
        explained += (f"{counted(journal.unfolded, 'entry', 'entries')} not folded yet",)
    files = Comparison(
        "files",
        f"{entries} in {counted(journal.files, 'file')}",
        counted(journal.rows, "row"),
        tuple(Fault("journal-differs", "journal", str(fault)) for fault in journal.faults),
        explained,
    )
    if seen.log is None:
        return (files,)
    leaves = counted(seen.log.leaves, "leaf", "leaves")
    faults = tuple(Fault("log-differs", "public log", str(fault)) for fault in seen.log.faults)
    return files, Comparison("public log", f"{leaves} signed", "the rows that receipts open", faults)


def _documents(file: Path) -> list[dict[str, Any]]:
    """The receipt documents in *file*: lines of their own, or one document; other lines are passed over."""
    import json

    text = file.read_text(encoding="utf-8", errors="replace")
    found = list[Any]()
    for line in [text, *text.splitlines()]:
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError):
            continue
    documents = [each for each in found if isinstance(each, dict) and isinstance(each.get("receipts"), list)]
    if not documents:
        raise stop(f"{file} holds no receipt; `prove` of the client's session keeps them")
    return documents


def _proven(documents: list[dict[str, Any]], folder: Path) -> tuple[dict[str, int], tuple[str, ...]]:
    """Record ids and charges that receipts of our own log prove, and why others prove nothing."""
    from gateway.cli.proofs import own_key
    from gateway.provenance.receipts import ReceiptRefused, verify
    from gateway.provenance.record import FetchRecord

    key = own_key(folder)
    if key is None:
        raise stop("this gateway has no public log, so no receipt of it can be checked", 1)
    charged, unproven = dict[str, int](), list[str]()
    for document in documents:
        try:
            proven = verify({name: value for name, value in document.items() if name != "kind"}, key)
        except ReceiptRefused as error:
            unproven.append(f"Of a receipt document nothing is proven: {error}.")
            continue
        charged |= {
            each.entry.id: each.entry.charged_micros for each in proven if isinstance(each.entry, FetchRecord)
        }
    return charged, tuple(unproven)


def _tell(compared: tuple[Comparison, ...], as_json: bool) -> None:
    good = all(each.ok for each in compared)
    if as_json:
        emit({"good": good, "comparisons": [_row(each) for each in compared]})
    else:
        for each in compared:
            print(f"{'good ' if each.ok else 'WRONG'}  {each.name:<11} {each.left} = {each.right}")
            for fault in each.faults[:_MOST_SHOWN]:
                print(f"{'':7}{fault.code} {fault.subject}: {fault.why}")
            if len(each.faults) > _MOST_SHOWN:
                print(f"{'':7}and {len(each.faults) - _MOST_SHOWN} more")
            for said in each.explained[:_MOST_SHOWN]:
                print(f"{'':7}explained: {said}")
        faults = sum(len(each.faults) for each in compared)
        print("everything agrees" if good else f"NOT GOOD: {counted(faults, 'fault')}")
    if not good:
        raise typer.Exit(1)


def _row(each: Comparison) -> dict[str, Any]:
    return {
        "name": each.name,
        "ok": each.ok,
        "left": each.left,
        "right": each.right,
        "faults": [{"code": fault.code, "subject": fault.subject, "why": fault.why} for fault in each.faults],
        "explained": list(each.explained),
    }
