"""`licet statement`: the account of one licensee in a month, derived from the journal."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, stop, tell

if TYPE_CHECKING:
    from gateway.billing.account_statements import AccountStatement
    from gateway.billing.billing_rules import BillingRules
    from gateway.billing.statements import Period
    from gateway.cli.books import Books


def statement(
    licensee: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the licensee; `licet licensee list` shows them.")
    ],
    period: Annotated[str, typer.Option(metavar="MONTH", help="A month, such as 2026-11 (UTC).")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    pdf: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a PDF.")] = None,
    close: Annotated[
        bool,
        typer.Option("--close", help="Close the month, for good: what comes in later stands in the next."),
    ] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Print the account of a licensee in a month.

    Fetches, dues, credits, payments, refunds, tax, what others hold for
    milestones, and both balances: prepaid, and still to pay. It is derived from
    the journal each time; dropping the books and deriving them again gives the
    same bytes. --json, --csv and --pdf hold the same. A closed month never
    changes and says its digest.

    \b
    licet statement le_01a2… --period 2026-11
    licet statement le_01a2… --period 2026-10 --close --pdf october.pdf
    """
    from gateway.billing import account_forms
    from gateway.billing.paper_pdf import available, paper_pdf
    from gateway.billing.statements import Period

    if as_csv and as_json:
        raise stop("--csv and --json exclude each other")
    try:
        months = Period.parse(period)
    except ValueError as error:
        raise stop(f"--period: {error}") from None
    if pdf is not None and not available():
        raise stop("a PDF needs pip install 'licet[pdf]'")
    test = rules_of(data).test

    async def act(books: Books) -> AccountStatement:
        await check_mode(books, data)
        name = await name_of(books, licensee)
        if close:
            await closed(books, licensee, months)
        return await account_of(books, licensee, name, months, test=test)

    made = with_books(data, act)
    if pdf is not None:
        pdf.write_bytes(paper_pdf(account_forms.paper(made, test=test)))
        tell(f"{pdf} holds the statement")
        if not (as_csv or as_json):
            return
    form = account_forms.as_csv if as_csv else account_forms.as_json if as_json else account_forms.as_text
    text = form(made, test=test)
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def rules_of(data: Path) -> BillingRules:
    """``[billing]`` of the data folder."""
    from gateway.config import read_config

    return read_config(data, environ=os.environ).billing


async def check_mode(books: Books, data: Path) -> None:
    """Stop where the books are of the other mode than the settings say."""
    from gateway.store.sqlite.account_book import SqliteAccountBook

    wanted = rules_of(data).mode
    found = await SqliteAccountBook(books.database).mode(wanted)
    if found != wanted:
        raise stop(
            f"these books are of {found} mode for good, and billing.mode says {wanted}; use another folder"
        )


async def name_of(books: Books, licensee: str) -> str:
    """What a licensee is called; stops where there is none of that id."""
    from gateway.rails.settling import RAIL

    found = await books.register.licensee(licensee)
    if found is None and licensee.startswith(f"{RAIL}:"):
        # Whoever paid on the spot is known by the address alone.
        return licensee
    if found is None:
        raise stop(f"there is no licensee {licensee!r}; `licet licensee list` shows them", 1)
    return found.name


async def account_of(
    books: Books, licensee: str, name: str, period: Period, *, test: bool
) -> AccountStatement:
    """The statement; stops where the books disagree."""
    from gateway.billing.account_book import read_account
    from gateway.billing.statements import StatementDisagrees
    from gateway.store.sqlite.account_book import SqliteAccountBook

    try:
        return await read_account(SqliteAccountBook(books.database), licensee, name, period, test=test)
    except StatementDisagrees as error:
        raise stop(f"{error}; `licet books check` says more", 1) from None


async def closed(books: Books, licensee: str, period: Period) -> None:
    """Close *period* for *licensee*, once; stops while it is not over."""
    from gateway.billing.account_book import close_entry
    from gateway.cli.books import LATE
    from gateway.store.sqlite.account_book import SqliteAccountBook

    book = SqliteAccountBook(books.database)
    if period.name in await book.closes(licensee):
        return
    now_us = books.clock.now_us()
    if now_us < period.until_us:
        raise stop(f"{period.name} is not over yet", 1)
    if not await books.write(close_entry(licensee, period, now_us)):
        tell(LATE)
