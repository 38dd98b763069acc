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

app = typer.Typer(
    help="""The companies that buy: register one, credit it, suspend it.

    Works beside a running gateway, which knows within a second, or without one.
    """,
    no_args_is_help=True,
)
T = TypeVar("T")


def with_books(folder: Path, act: Callable[[Books], Awaitable[T]]) -> T:
    """What *act* gives, done with the books of the data folder *folder*."""
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
    name: Annotated[str, typer.Argument(metavar="NAME", help="The company's name.")],
    credit: Annotated[
        str, typer.Option(metavar="AMOUNT", help='Prepaid credit to start with, such as "10 USD".')
    ] = "",
    contact: Annotated[str, typer.Option(metavar="TEXT", help="How to reach it.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Register a licensee and print its credentials.

    The secret is shown this once and kept nowhere. The licensee may buy at
    once, as far as its credit goes.

    \b
    licet licensee add "Example AI Labs" --credit "10 USD" --json
    """
    from gateway.cli.books import LATE, add_licensee, credit_entry

    name = " ".join(name.split())
    if not name or not (name + contact).isprintable():
        raise stop("a name is printable text, and not empty")
    amount = _amount(credit) if credit else None

    async def act(books: Books) -> dict[str, str]:
        made = await add_licensee(books.register, name, now=books.now, contact=contact)
        if amount is not None:
            entry = credit_entry(made.licensee.id, amount, now_us=books.clock.now_us())
            if not await books.write(entry):
                tell(f"the credit: {LATE}")
        return {
            "licensee": made.licensee.id,
            "name": made.licensee.name,
            "client_id": made.client.id,
            "client_secret": made.secret,
            "credit": str(amount or ""),
        }

    made = with_books(data, act)
    if as_json:
        emit(made)
        return
    for key, value in made.items():
        print(f"{key:<14} {value}".rstrip())
    tell("Keep the secret; it is stored nowhere.")


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """List every licensee, its standing and its credit.

    Credit is what is left of it now: paid in, less charged, less what a running
    gateway has set aside for fetches. quarantined: registered by itself and waits for you
    (`licet licensee suspend ID --lift` approves it, as does a credit). --json
    tells credit limits and signature agents too.
    """

    async def act(books: Books) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = []
        for each in await books.register.licensees():
            balances = await books.spend_book.balances(each.id)
            rows.append(
                {
                    "licensee": each.id,
                    "name": each.name,
                    "standing": str(each.standing),
                    "credit": ", ".join(map(str, balances)),
                    "limits": [str(limit) for limit in await books.accounts.limits_of(each.id)],
                    "agents": list(await books.accounts.agents_of(each.id)),
                }
            )
        return rows

    rows = with_books(data, act)
    if as_json:
        emit(rows)
        return
    table(
        ("licensee", "name", "standing", "credit"),
        [(*map(str, list(row.values())[:3]), str(row["credit"]) or "none") for row in rows],
    )
    if not rows:
        tell('nobody yet: licet licensee add "Example AI Labs" --credit "10 USD"')


@app.command()
def credit(
    licensee: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the licensee; `licet licensee list` shows them.")
    ],
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help='What was paid in, such as "10 USD".')],
    memo: Annotated[str, typer.Option(metavar="TEXT", help="What stands beside it in the books.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Book money that a licensee paid in.

    The entry stands in the journal beside the fetches, and on the statement.
    It approves a licensee that registered by itself.

    \b
    licet licensee credit le_01a2… "10 USD" --memo "invoice 7"
    """
    from gateway.cli.books import LATE, credit_entry
    from gateway.licenses.license import Standing

    paid = _amount(amount)

    async def act(books: Books) -> dict[str, str]:
        found = await books.register.licensee(licensee)
        if found is None:
            raise stop(f"there is no licensee {licensee!r}; `licet licensee list` shows them", 1)
        entry = credit_entry(licensee, paid, now_us=books.clock.now_us(), memo=memo)
        if not await books.write(entry):
            tell(LATE)
        if found.standing is Standing.QUARANTINED:
            await books.register.set_standing(licensee, Standing.ACTIVE, books.now)
            tell(f"{found.name} was quarantined; the credit approves it")
        left = await books.spend_book.available(licensee, paid.currency)
        return {
            "entry": entry.id,
            "licensee": licensee,
            "name": found.name,
            "credited": str(paid),
            "available": str(left),
        }

    done = with_books(data, act)
    if as_json:
        emit(done)
    else:
        print(
            f"{done['credited']} credited to {done['name']}, {done['available']} available, entry {done['entry']}"
        )


@app.command()
def place(
    licensee: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the licensee; `licet licensee list` shows them.")
    ],
    country: Annotated[str, typer.Argument(metavar="CODE", help="Where it says it is, such as DE.")],
    evidence: Annotated[
        str,
        typer.Option(metavar="TEXT", help="What you saw of that, such as an entry in a register, and when."),
    ] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Say where a licensee is, and what proves it.

    Offers with `territory_basis = "licensee"` are sold to whom is in their
    territory by its own word and your evidence; without --evidence to nobody.

    \b
    licet licensee place le_01a2… DE --evidence "commercial register HRB 7, 2026-11-20"
    """
    from gateway.terms.countries import meant, region

    code = region(country)
    if code is None or code == "EU":
        raise stop(f"a place is one of ISO 3166-1, such as {meant(country) or 'DE'}, not {country!r}")
    proof = " ".join(evidence.split())
    if not proof.isprintable() or len(proof) > 500:
        raise stop("the evidence is one line of printable text, at most 500 characters")

    async def act(books: Books) -> dict[str, str]:
        found = await books.register.set_place(licensee, code, proof)
        if found is None:
            raise stop(f"there is no licensee {licensee!r}; `licet licensee list` shows them", 1)
        return {
            "licensee": found.id,
            "name": found.name,
            "country": found.country,
            "evidence": found.evidence,
        }

    done = with_books(data, act)
    if as_json:
        emit(done)
    else:
        print(f"{done['name']} is in {done['country']}: {done['evidence'] or 'by its own word alone'}")


@app.command()
def suspend(
    licensee: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the licensee; `licet licensee list` shows them.")
    ],
    lift: Annotated[
        bool, typer.Option("--lift", help="Let it buy again, or approve a quarantined one.")
    ] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Stop a licensee, or let it go on (--lift).

    Its tokens are refused within a second and it gets no new ones. After
    --lift it buys new tokens; those from before stay refused.
    """
    from gateway.licenses.license import Standing

    async def act(books: Books) -> dict[str, str]:
        standing = Standing.ACTIVE if lift else Standing.SUSPENDED
        found = await books.register.set_standing(licensee, standing, books.now)
        if found is None:
            raise stop(f"there is no licensee {licensee!r}; `licet licensee list` shows them", 1)
        return {"licensee": found.id, "name": found.name, "standing": str(found.standing)}

    done = with_books(data, act)
    if as_json:
        emit(done)
    else:
        print(f"{done['name']} is {done['standing']}")
