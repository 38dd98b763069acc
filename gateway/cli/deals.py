"""`licet deals`: the negotiations in which you decide yourself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.licenses.deciding import Deciding
    from gateway.licenses.negotiation import Negotiation
    from gateway.problems import Refusal
    from gateway.terms.license_terms import LicenseTerms

app = typer.Typer(
    help="""The deals that wait for you: see, offer, decline.

    Buyers negotiate with the gateway; a deal that your policy keeps for a person
    (`person_for`, `person_above`, `counterparties`, a red flag) waits here. What
    you offer stands for a while and binds nobody before the buyer accepts it.
    """,
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(metavar="ID", help="The negotiation, such as ne_….")]
_MOST = 200


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """List the deals that wait for you, the oldest first.

    Each with its buyer, what it is about, what the buyer would pay, and why you
    are asked.
    """

    async def act(books: Books) -> list[dict[str, object]]:
        from gateway.store.sqlite.negotiations import SqliteNegotiations

        waiting = await SqliteNegotiations(books.database).pending(_MOST)
        return [await _told(books, each) for each in waiting]

    rows = with_books(data, act)
    if as_json:
        emit(rows)
        return
    shown = [
        (row["id"], row["since"], row["buyer"], row["offer"], _joined(row["price"]), _joined(row["why"]))
        for row in rows
    ]
    table(("negotiation", "since", "buyer", "offer", "price proposed", "why you decide"), shown)


@app.command()
def show(id: Id, data: Data = DATA, as_json: AsJson = False) -> None:
    """Show one negotiation: what was said, and what differs.

    Every lever on which the buyer's last proposal gives it more than your offer
    does, what the buyer stated, and the whole transcript with --json.
    """

    async def act(books: Books) -> dict[str, object]:
        return await _told(books, await _found(books, id), whole=True)

    told = with_books(data, act)
    if as_json:
        emit(told)
        return
    for key in ("id", "state", "site", "offer", "buyer", "since", "price", "wider", "why"):
        print(f"{key:<8} {_joined(told[key])}".rstrip())
    facts = told["facts"]
    assert isinstance(facts, dict)
    for fact, what in facts.items():
        print(f"{fact:<15} {what}")


@app.command()
def offer(
    id: Id,
    change: Annotated[
        str,
        typer.Option(
            metavar="JSON",
            help='What is otherwise than the buyer proposed, as offers spell it: {"term": {"months": 12}}.',
        ),
    ] = "{}",
    hours: Annotated[int, typer.Option(min=1, max=8760, help="For how long it stands.")] = 72,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Put terms on the table: the buyer's own, or a counter.

    Without --change it is what the buyer proposed, so accepting it is all that is
    left for the buyer to do.

    \b
    licet deals offer ne_… --change '{"compensation": {"upfront": {"micros": 450000000, "currency": "USD"}}}'
    """

    async def act(books: Books) -> dict[str, object]:
        before = await _found(books, id)
        made = await _deciding(books).offer(
            id, before.version, _changed(before, change), now=books.now, hours=hours
        )
        return await _made(books, made)

    _say(with_books(data, act), as_json=as_json)


@app.command()
def decline(
    id: Id,
    why: Annotated[
        str, typer.Option(metavar="TEXT", help="What the buyer is told.")
    ] = "The creator does not agree to this.",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """End a negotiation before anything is agreed.

    The buyer reads the reason that you give, and may begin another negotiation.
    """

    async def act(books: Books) -> dict[str, object]:
        before = await _found(books, id)
        return await _made(books, await _deciding(books).decline(id, before.version, why, now=books.now))

    _say(with_books(data, act), as_json=as_json)


def _deciding(books: Books) -> Deciding:
    from gateway.licenses.deciding import Deciding
    from gateway.licenses.negotiation_events import events_of
    from gateway.store.sqlite.negotiations import SqliteNegotiations

    return Deciding(SqliteNegotiations(books.database), books.register, events_of)


async def _made(books: Books, made: Negotiation | Refusal) -> dict[str, object]:
    from gateway.problems import Problem, Refusal

    if not isinstance(made, Refusal):
        return await _told(books, made)
    match made.problem:
        case Problem.NEGOTIATION_OUTDATED:
            raise stop("the buyer said something else at this moment; look again", code=1)
        case Problem.EXCLUSIVE_TAKEN:
            raise stop(f"a license of somebody else shuts this one out ({made.private})", code=1)
        case Problem.PROPOSAL_INVALID:
            raise stop(made.detail)
    raise stop(made.detail, code=1)


async def _found(books: Books, id: str) -> Negotiation:
    from gateway.store.sqlite.negotiations import SqliteNegotiations

    found = await SqliteNegotiations(books.database).get(id)
    if found is None:
        raise stop(f"there is no negotiation {id}; `licet deals list` shows those that wait", code=1)
    return found


def _changed(before: Negotiation, change: str) -> LicenseTerms:
    from gateway.keys.strict_json import Malformed, read_object
    from gateway.licenses.proposals import Message, read_message, read_terms
    from gateway.problems import Refusal

    try:
        message = read_message({"proposal": read_object(change.encode("utf-8", "surrogatepass"))})
    except Malformed as error:
        raise stop(f"--change: {error}") from None
    terms: LicenseTerms | Refusal
    terms = (
        message
        if not isinstance(message, Message)
        else read_terms(message, before.proposal or before.offer.terms)
    )
    if isinstance(terms, Refusal):
        raise stop(f"--change: {terms.detail}")
    return terms


async def _told(books: Books, each: Negotiation, *, whole: bool = False) -> dict[str, object]:
    from gateway.licenses.contract import price_parts
    from gateway.terms.comparing import wider_on

    licensee = await books.register.licensee(each.licensee)
    proposal = each.proposal or each.offer.terms
    told: dict[str, object] = {
        "id": each.id,
        "state": str(each.state),
        "site": each.offer.site,
        "offer": each.offer.id,
        "licensee": each.licensee,
        "buyer": licensee.name if licensee else each.licensee,
        "since": moment(each.started_at),
        "price": list(price_parts(proposal)) or ["nothing"],
        "wider": [str(lever) for lever in wider_on(proposal, each.offer.terms)],
        "why": list(each.person) or ([each.why] if each.why else []),
        "facts": dict(each.facts),
    }
    if whole:
        told["proposal"] = proposal.as_json()
        told["transcript"] = [
            {
                "nth": entry.nth,
                "at": entry.at,
                "by": str(entry.by),
                "act": entry.act,
                "body": json.loads(entry.body),
            }
            for entry in each.transcript
        ]
    return told


def _say(told: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        emit(told)
        return
    print(f"{told['id']}  {told['state']}")
    tell("The buyer reads it the next time it asks.")


def _joined(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)
