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
    licensee: Annotated[str, typer.Argument(help="Id of the licensee; `licet licensee list` shows them.")],
    period: Annotated[str, typer.Option(help="A month, such as 2026-11 (UTC).")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Print the statement of a licensee: opening balance, credits, every charge, closing balance.

    It is derived from the journal each time; dropping the books and deriving
    them again gives the same bytes.
    """
    from gateway.billing.statements import Period

    try:
        months = Period.parse(period)
    except ValueError as error:
        raise stop(f"--period: {error}") from None

    async def run() -> Statement:
        from gateway.cli.books import open_books

        async with open_books(data) as books:
            found = await books.register.licensee(licensee)
            if found is None:
                raise stop(f"there is no licensee {licensee!r}; `licet licensee list` shows them", 1)
            return await books.ledger.statement(found.id, found.name, months)

    made = asyncio.run(run())
    text = made.as_csv() if as_csv else made.as_json() if as_json else made.as_text()
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
