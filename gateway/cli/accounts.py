"""`licet licensee agent` and `licet licensee limit`: who pays for a signature, and how much may be owed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, emit, stop

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.licenses.license import Licensee

_Id = Annotated[
    str, typer.Argument(metavar="ID", help="Id of the licensee; `licet licensee list` shows them.")
]


async def _licensee(books: Books, licensee: str) -> Licensee:
    found = await books.register.licensee(licensee)
    if found is None:
        raise stop(f"there is no licensee {licensee!r}; `licet licensee list` shows them", 1)
    return found


def agent(
    licensee: _Id,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="What the crawler sends as Signature-Agent; none lists them.")
    ] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Let it pay for nobody from now on.")] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Let a signing crawler pay from an account, page by page.

    It buys with the headers crawler-max-price or crawler-exact-price, covered
    by its signature. One signature agent pays for one licensee; naming it
    again for another moves it. A running gateway knows within a second.

    \b
    licet licensee agent le_01a2… https://bot.example
    """
    from gateway.visitors.signature_agent import SignatureAgent, read_agent

    named = read_agent(url) if url else None
    if named is not None and not isinstance(named, SignatureAgent):
        raise stop(f"a signature agent is an address such as https://bot.example, not {url!r}")
    if remove and named is None:
        raise stop("say which agent to remove")

    async def act(books: Books) -> dict[str, object]:
        found = await _licensee(books, licensee)
        if named is not None and not remove:
            await books.accounts.tie(named.url, licensee)
        elif named is not None and (
            named.url not in await books.accounts.agents_of(licensee)
            or not await books.accounts.untie(named.url)
        ):
            raise stop(f"{named.url} does not pay for {found.name}", 1)
        agents = await books.accounts.agents_of(licensee)
        return {"licensee": licensee, "name": found.name, "agents": list(agents)}

    done = with_books(data, act)
    if as_json:
        emit(done)
        return
    agents = done["agents"]
    assert isinstance(agents, list)
    print(f"{done['name']} pays for {', '.join(agents) or 'no signature agent'}")


def limit(
    licensee: _Id,
    amount: Annotated[
        str,
        typer.Argument(metavar="AMOUNT", help='How much it may owe, such as "USD 50"; "USD 0" for nothing.'),
    ],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Let a licensee owe you up to an amount.

    It then pays by its statement. The limit is of one currency. A balance below zero is what it owes; a lower
    limit calls nothing in that is owed already.

    \b
    licet licensee limit le_01a2… "USD 50"
    """
    from gateway.money import Money, MoneyError

    try:
        most = Money.read(amount)
    except MoneyError as error:
        raise stop(str(error)) from None

    async def act(books: Books) -> dict[str, object]:
        found = await _licensee(books, licensee)
        await books.accounts.set_limit(licensee, most)
        return {
            "licensee": licensee,
            "name": found.name,
            "limits": [str(each) for each in await books.accounts.limits_of(licensee)],
            "balance": str(await books.spend_book.available(licensee, most.currency)),
        }

    done = with_books(data, act)
    if as_json:
        emit(done)
    else:
        print(f"{done['name']} may owe up to {most}, its balance is {done['balance']}")
