"""`licet licensee`: the companies that hold licenses and pay."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, stop, table, tell

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.money import Money

app = typer.Typer(help="Licensees: register one, credit it, suspend it.", no_args_is_help=True)
T = TypeVar("T")


def _with_books(folder: Path, act: Callable[[Books], Awaitable[T]]) -> T:
    from gateway.cli.books import open_books

    async def run() -> T:
        async with open_books(folder) as books:
            return await act(books)

    return asyncio.run(run())


def _amount(text: str) -> Money:
    from gateway.money import Money, MoneyError

    try:
        amount = Money.read(text)
    except MoneyError as error:
        raise stop(str(error)) from None
    if amount.micros <= 0:
        raise stop("a credit is more than nothing")
    return amount


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The company's name.")],
    credit: Annotated[str, typer.Option(help='Prepaid credit to start with, such as "10 USD".')] = "",
    contact: Annotated[str, typer.Option(help="How to reach it.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Register a licensee, credit it, and print its credentials. The secret is shown this once."""
    from gateway.cli.books import add_licensee, credit_entry

    amount = _amount(credit) if credit else None

    async def act(books: Books) -> dict[str, str]:
        made = await add_licensee(books.register, name, now=books.now, contact=contact)
        if amount is not None:
            await books.write(credit_entry(made.licensee.id, amount, now_us=books.clock.now_us()))
        return {
            "licensee": made.licensee.id,
            "name": made.licensee.name,
            "client_id": made.client.id,
            "client_secret": made.secret,
            "credit": str(amount or ""),
        }

    made = _with_books(data, act)
    if as_json:
        emit(made)
        return
    for key, value in made.items():
        print(f"{key:<14} {value}")
    tell("Keep the secret; it is stored nowhere.")


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """Every licensee with its standing and what is left of its credit."""

    async def act(books: Books) -> list[dict[str, str]]:
        rows = []
        for each in await books.register.licensees():
            balances = await books.spend_book.balances(each.id, books.now)
            rows.append(
                {
                    "licensee": each.id,
                    "name": each.name,
                    "standing": str(each.standing),
                    "credit": ", ".join(map(str, balances)),
                }
            )
        return rows

    rows = _with_books(data, act)
    if as_json:
        emit(rows)
    else:
        table(("licensee", "name", "standing", "credit"), [tuple(row.values()) for row in rows])


@app.command()
def credit(
    licensee: Annotated[str, typer.Argument(help="Id of the licensee.")],
    amount: Annotated[str, typer.Argument(help='What was paid in, such as "10 USD".')],
    memo: Annotated[str, typer.Option(help="What stands beside it in the books.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Book money that a licensee paid in; the entry stands in the journal."""
    from gateway.cli.books import credit_entry

    paid = _amount(amount)

    async def act(books: Books) -> dict[str, str]:
        found = await books.register.licensee(licensee)
        if found is None:
            raise stop(f"there is no licensee {licensee!r}; `licet licensee list` shows them", 1)
        entry = credit_entry(licensee, paid, now_us=books.clock.now_us(), memo=memo)
        await books.write(entry)
        left = await books.spend_book.available(licensee, paid.currency, books.now)
        return {"entry": entry.id, "licensee": licensee, "credited": str(paid), "available": str(left)}

    done = _with_books(data, act)
    if as_json:
        emit(done)
    else:
        print(
            f"{done['credited']} credited to {licensee}; {done['available']} available; entry {done['entry']}"
        )


@app.command()
def suspend(
    licensee: Annotated[str, typer.Argument(help="Id of the licensee.")],
    lift: Annotated[
        bool, typer.Option("--lift", help="Let it buy again, or approve a quarantined one.")
    ] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Stop a licensee: its tokens are refused within a second. --lift lets it buy new ones."""
    from gateway.licenses.license import Standing

    async def act(books: Books) -> dict[str, str]:
        standing = Standing.ACTIVE if lift else Standing.SUSPENDED
        found = await books.register.set_standing(licensee, standing, books.now)
        if found is None:
            raise stop(f"there is no licensee {licensee!r}; `licet licensee list` shows them", 1)
        return {"licensee": found.id, "name": found.name, "standing": str(found.standing)}

    done = _with_books(data, act)
    if as_json:
        emit(done)
    else:
        print(f"{done['name']} is {done['standing']}")
