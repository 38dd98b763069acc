"""`licet milestones`: what of a fee waits for something to happen, who holds it, and your word on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell

if TYPE_CHECKING:
    from gateway.billing.agreed_milestones import Waits
    from gateway.billing.milestone_book import MilestoneBook
    from gateway.cli.books import Books
    from gateway.problems import Refusal

app = typer.Typer(
    help="""Fees that wait for milestones: see, confirm, settle.

    Of an upfront fee, the terms may say that parts of it are yours only once
    something has happened: the works were fetched, a model was launched. Licet
    never holds money: each milestone names who does, a payment provider or an
    agent, or nobody; then it is a promise to pay and is called milestone payment.
    A running gateway does by itself what needs nobody's word: it sees in the
    journal that the works were fetched, releases what nobody objected to in seven
    days, and lets lapse what was not met in time.
    """,
    no_args_is_help=True,
)
License = Annotated[str, typer.Argument(metavar="LICENSE", help="The license, such as li_….")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The milestone, such as ingestion.")]
_BY = "operator"


@app.command("list")
def list_(
    license: Annotated[str, typer.Option(metavar="ID", help="Of one license alone.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """List every milestone and where it stands.

    With its amount, who holds that, and when it lapses if it is not met. Below the
    table it is said in words who holds the money, or that nobody does.
    """

    async def act(books: Books) -> list[dict[str, object]]:
        from gateway.desk.milestones import document_of

        owing, book = _owing(books), _book(books)
        ids = sorted(await owing.signs())
        known = [(await book.known(id)).milestones for id in ids if license in {"", id}]
        return [document_of(each) for found in known for each in found]

    rows = with_books(data, act)
    if as_json:
        emit(rows)
        return
    if not rows:
        tell("no license has milestones; an offer has them in its price, as policies/example-site.toml shows")
        return
    shown = [
        (
            row["license"],
            row["name"],
            row["state"],
            _amount(row["amount"]),
            row["holder"],
            moment(_whole(row["until"])),
        )
        for row in rows
    ]
    table(("license", "milestone", "state", "amount", "held by", "lapses"), shown)
    for sentence in dict.fromkeys(str(row["held"]) for row in rows):
        print(sentence)


@app.command()
def funded(license: License, name: Name, data: Data = DATA, as_json: AsJson = False) -> None:
    """Say that its holder has the money.

    The provider or agent that the terms name has told you so. For what nobody
    holds there is nothing to pay in.
    """
    _did(data, as_json, lambda book: book.fund(license, name, _BY))


@app.command()
def met(
    license: License,
    name: Name,
    word: Annotated[
        str, typer.Option("--word", metavar="TEXT", help="What happened; it stands in the journal.")
    ],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Confirm that a milestone is met, where you decide that.

    The licensee is told, and may object for seven days; if nobody does, it is
    released by itself.
    """
    from gateway.billing.escrow import Proof

    _did(data, as_json, lambda book: book.meet(license, name, _BY, Proof.OPERATOR, word))


@app.command()
def dispute(
    license: License,
    name: Name,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason; it stands in the journal.")],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Object to a milestone.

    Nothing of it moves until the dispute is settled, by `licet milestones settle`,
    as both sides agreed or as somebody decided.
    """
    _did(data, as_json, lambda book: book.dispute(license, name, _BY, why))


@app.command()
def settle(
    license: License,
    name: Name,
    to_creator: Annotated[
        str, typer.Argument(metavar="AMOUNT", help="What is yours of it, such as '100 USD'.")
    ],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """End a dispute: what is yours, and the rest goes back.

    As both sides agreed, or as somebody decided whom both accept; 0 gives all of
    it back.
    """
    from gateway.money import Money

    try:
        part = Money.read(to_creator)
    except ValueError as error:
        raise stop(f"{to_creator!r} is no amount such as '100 USD': {error}") from None
    _did(data, as_json, lambda book: book.settle(license, name, _BY, part))


@app.command()
def refund(license: License, name: Name, data: Data = DATA, as_json: AsJson = False) -> None:
    """Give back everything that still waits for a milestone.

    What nobody holds is waived: it is owed no more. Whoever holds the money has to
    be told so by you; Licet moves none.
    """
    _did(data, as_json, lambda book: book.give_back(license, name, _BY))


def _did(data: Any, as_json: bool, act: Callable[[MilestoneBook], Awaitable[Waits | Refusal]]) -> None:
    async def run(books: Books) -> dict[str, object]:
        from gateway.desk.milestones import document_of
        from gateway.problems import Refusal

        found = await act(_book(books))
        if isinstance(found, Refusal):
            raise stop(found.detail, code=1)
        return document_of(found)

    told = with_books(data, run)
    if as_json:
        emit(told)
        return
    print(f"{told['name']} of {told['license']} is {told['state']}: {_amount(told['left'])} waits")
    print(told["held"])


def _owing(books: Books) -> Any:
    from gateway.store.sqlite.owing import SqliteOwing

    return SqliteOwing(books.database)


def _book(books: Books) -> MilestoneBook:
    from gateway.billing.milestone_book import MilestoneBook
    from gateway.cli.books import LATE

    async def keep(entry: Any) -> None:
        if not await books.write(entry):
            tell(LATE)

    return MilestoneBook(_owing(books), keep, books.clock)


def _amount(told: Any) -> str:
    from gateway.money import Money

    return str(Money(told["micros"], told["currency"]))


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value
