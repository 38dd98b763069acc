"""`licet statement`: what one licensee owes for a period, derived from the journal."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, stop

if TYPE_CHECKING:
    from gateway.billing.statements import Statement


def statement(
    licensee: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the licensee; `licet licensee list` shows them.")
    ],
    period: Annotated[str, typer.Option(metavar="MONTH", help="A month, such as 2026-11 (UTC).")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Print what a licensee was charged in a month.

    Opening balance, credits, every charge, closing balance. It is derived from
    the journal each time; dropping the books and deriving them again gives the
    same bytes. --json and --csv hold the same.

    \b
    licet statement le_01a2… --period 2026-11
    """
    from gateway.billing.statements import Period

    if as_csv and as_json:
        raise stop("--csv and --json exclude each other")
    try:
        months = Period.parse(period)
    except ValueError as error:
        raise stop(f"--period: {error}") from None

    async def run() -> Statement:
        from gateway.cli.books import open_books
        from gateway.rails.settling import RAIL

        async with open_books(data) as books:
            found = await books.register.licensee(licensee)
            if found is None and licensee.startswith(f"{RAIL}:"):
                # Whoever paid on the spot is known by the address alone.
                return await books.ledger.statement(licensee, licensee, months)
            if found is None:
                raise stop(f"there is no licensee {licensee!r}; `licet licensee list` shows them", 1)
            return await books.ledger.statement(found.id, found.name, months)

    made = asyncio.run(run())
    text = made.as_csv() if as_csv else made.as_json() if as_json else made.as_text()
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
