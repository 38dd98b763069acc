"""`licet objections`: what people object to, and what you decide on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell
from gateway.cli.withdraw import acts_of, line, policy_of

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.licenses.hearing import Hearing
    from gateway.licenses.objection import Objection, Objector
    from gateway.problems import Refusal

app = typer.Typer(
    help="""Objections to a page: hear, hold, uphold, dismiss.

    They come by the public form at /.licet/objections. A depicted person, a
    co-author or a rights holder says which page, who they are and why. You can hold sales of the page, uphold the objection, which
    withdraws the page, or dismiss it with a reason. Who objected is read here
    and nowhere else, and can be erased.
    """,
    no_args_is_help=True,
)
Id = Annotated[
    str, typer.Argument(metavar="ID", help="The objection, such as ob_…; `licet objections list`.")
]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decided.")]
_MOST = 500


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """List objections, those that wait for you first.

    Who objected is not in the list; `licet objections show ID` says it.
    """

    async def act(books: Books) -> list[dict[str, Any]]:
        return [_told(each) for each in await hearing_of(books).store.all(_MOST)]

    rows = with_books(data, act)
    if as_json:
        emit(rows)
        return
    shown = [(row["id"], moment(row["at"]), row["state"], row["page"], row["role"]) for row in rows]
    table(("objection", "sent", "state", "page", "who"), shown)


@app.command()
def show(id: Id, data: Data = DATA, as_json: AsJson = False) -> None:
    """Show one objection, with who made it and why.

    Name and contact are read here and nowhere else; `licet objections erase ID` forgets them.
    """

    async def act(books: Books) -> dict[str, Any]:
        store = hearing_of(books).store
        found = await store.get(id)
        if found is None:
            raise stop(f"there is no objection {id}; `licet objections list` shows them", 1)
        return _told(found, await store.objector(id))

    done = with_books(data, act)
    if as_json:
        emit(done)
        return
    for key in ("id", "state", "page", "role", "name", "contact", "why", "answer", "withdrawal"):
        if done[key]:
            print(f"{key:<10} {done[key]}")


@app.command()
def hold(id: Id, by: By = "operator", data: Data = DATA, as_json: AsJson = False) -> None:
    """Stop selling the page until you decide.

    Licenses that run go on; nobody is told why the page is not sold.
    """
    who = line(by, "--by")
    _decide(data, as_json, lambda hearing, books: hearing.hold(id, who, books.now))


@app.command()
def uphold(
    id: Id,
    answer: Annotated[str, typer.Option(metavar="TEXT", help="What whoever objected reads.")] = "",
    uses: Annotated[
        str, typer.Option(metavar="USE,…", help='For which uses; "all" names search too.')
    ] = "ai-train,ai-input,ai-index,fine-tune,tdm",
    by: By = "operator",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Agree, and withdraw the page as `licet withdraw` does.

    Licensees get their notices. Nothing that is told of it says that somebody objected, or who.
    """
    from gateway.policy.withdrawing import owned_by, read_uses

    who, said = line(by, "--by"), line(answer, "--answer")
    wanted = read_uses(filter(None, (each.strip() for each in uses.split(","))))
    if isinstance(wanted, str) or not wanted:
        raise stop(wanted if isinstance(wanted, str) else "--uses names no use")

    async def act(hearing: Hearing, books: Books) -> Objection | Refusal:
        found = await hearing.store.get(id)
        policy = policy_of(data, found.site if found else "")
        return await hearing.uphold(id, who, said, owned_by(policy), books.now, uses=wanted)

    _decide(data, as_json, act)


@app.command()
def dismiss(
    id: Id,
    answer: Annotated[str, typer.Option(metavar="TEXT", help="Your reason; whoever objected reads it.")],
    by: By = "operator",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Do not agree, and say why; sales of the page go on.

    Whoever objected reads the reason on the page of the objection.
    """
    who, said = line(by, "--by"), line(answer, "--answer")
    if not said:
        raise stop("--answer is empty: say why")
    _decide(data, as_json, lambda hearing, books: hearing.dismiss(id, who, said, books.now))


@app.command()
def erase(id: Id, data: Data = DATA, as_json: AsJson = False) -> None:
    """Forget who made an objection, for good.

    What you decided stays, and so does a withdrawal that came of it.
    """

    async def act(books: Books) -> bool:
        return await hearing_of(books).store.erase(id)

    if not with_books(data, act):
        raise stop(f"there is nothing to erase of {id}", 1)
    if as_json:
        emit({"id": id, "erased": True})
    else:
        tell(f"nobody can read any more who made {id}")


def hearing_of(books: Books) -> Hearing:
    """The acts on the books of a data folder."""
    from gateway.licenses.hearing import Hearing
    from gateway.store.sqlite.objections import SqliteObjections

    return Hearing(SqliteObjections(books.database), acts_of(books))


def _decide(
    data: Any, as_json: bool, decide: Callable[[Hearing, Books], Awaitable[Objection | Refusal]]
) -> None:
    from gateway.problems import Refusal

    async def act(books: Books) -> dict[str, Any]:
        done = await decide(hearing_of(books), books)
        if isinstance(done, Refusal):
            raise stop(done.detail, 1)
        return _told(done)

    done = with_books(data, act)
    if as_json:
        emit(done)
    else:
        print(f"{done['id']}  {done['state']}  {done['page']}  {done['withdrawal']}".rstrip())


def _told(each: Objection, objector: Objector | None = None) -> dict[str, Any]:
    return {
        "id": each.id,
        "site": each.site,
        "page": each.path,
        "role": str(each.role),
        "at": each.at,
        "state": str(each.state),
        "decided_at": each.decided_at,
        "by": each.by,
        "answer": each.answer,
        "withdrawal": each.withdrawal,
        "name": objector.name if objector else "",
        "contact": objector.contact if objector else "",
        "why": objector.why if objector else "",
    }
