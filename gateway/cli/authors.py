"""`licet authors`: ask the authors of a work for their consent, each by a link of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell
from gateway.cli.withdraw import acts_of, line, policy_of

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.licenses.asking_authors import AskingAuthors
    from gateway.licenses.consent import Consent

app = typer.Typer(
    help="""Works with several authors: ask each for consent.

    Each author gets a secret link to a page that shows the uses, what they cost
    and the author's share, and answers use by use. Nothing of a work is sold for
    a use before everybody who was asked consents, or a representative does; one
    who declines holds new sales at once. Works nobody is asked about are sold as
    the policy says.
    """,
    no_args_is_help=True,
)
_MOST = 1000


@app.command()
def ask(
    work: Annotated[str, typer.Argument(metavar="WORK", help="The work, by its id in the policy.")],
    author: Annotated[str, typer.Argument(metavar="NAME", help="The author, as in the work's `authors`.")],
    share: Annotated[
        str, typer.Option(metavar="PERCENT", help='Its share, such as "50 %"; else that of the policy.')
    ] = "",
    representative: Annotated[
        bool, typer.Option("--representative", help="Its consent stands for everybody's.")
    ] = False,
    site: Annotated[str, typer.Option(metavar="ID", help="The site, where there are several.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Ask one author, and print its link this once.

    From then on nothing of the work is sold until it is consented to.

    \b
    licet authors ask essays "Ada Example" --share "50 %"
    """
    policy = policy_of(data, site)
    found = next((each for each in policy.works if each.id == work), None)
    if found is None:
        raise stop(f"there is no work {work!r}; there are {', '.join(each.id for each in policy.works)}")
    name = line(author, "NAME")
    if not name:
        raise stop("NAME is empty")
    named = next((each.share_micros for each in found.authors if each.name == name), 0)
    micros = _share(share) if share else named

    async def act(books: Books) -> dict[str, Any]:
        asked = await asking_of(books).ask(
            policy.site.id, work, name, micros, books.clock.now_us(), representative=representative
        )
        if asked is None:
            raise stop(f"{name} was asked about {work} already; `licet authors forget ID` first", 1)
        origin = policy.site.public or f"https://{policy.site.hosts[0]}"
        return {**_told(asked.consent), "link": f"{origin}/.licet/consent/{asked.secret}"}

    done = with_books(data, act)
    if as_json:
        emit(done)
        return
    print(done["link"])
    tell(f"{done['author']} is asked about {work}; nothing of it is sold until that is answered.")
    tell("The link is shown this once and kept nowhere; whoever has it answers for this author.")


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """List who was asked, what they said, and what may be sold.

    A use may be sold when everybody asked, or a representative, consented to it.
    """

    async def act(books: Books) -> list[dict[str, Any]]:
        from gateway.licenses.consent import consented

        store = asking_of(books).store
        rows = []
        for each in await store.all(_MOST):
            may = consented(await store.of_work(each.site, each.work))
            rows.append({**_told(each), "may_be_sold": sorted(may)})
        return rows

    rows = with_books(data, act)
    if as_json:
        emit(rows)
        return
    shown = [
        (
            row["id"], row["work"], row["author"], row["share"], moment(row["asked_at"]), " ".join(row["consents"]) or "-",
            " ".join(row["declines"]) or "-", " ".join(row["may_be_sold"]) or "nothing",
        )
        for row in rows
    ]  # fmt: skip
    table(("asked", "work", "author", "share", "since", "consents", "declines", "may be sold"), shown)


@app.command()
def forget(
    id: Annotated[
        str, typer.Argument(metavar="ID", help="Who was asked, such as co_…; `licet authors list`.")
    ],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Ask an author no more.

    Its link is dead and what it said counts no longer. A work about which nobody is asked any more is sold as the policy says.
    """

    async def act(books: Books) -> dict[str, Any]:
        gone = await asking_of(books).ask_no_more(id, books.clock.now_us())
        if gone is None:
            raise stop(f"nobody of the id {id} was asked; `licet authors list` shows them", 1)
        return _told(gone)

    done = with_books(data, act)
    if as_json:
        emit(done)
    else:
        print(f"{done['author']} is asked about {done['work']} no more")


def asking_of(books: Books) -> AskingAuthors:
    """The acts on the books of a data folder."""
    from gateway.licenses.asking_authors import AskingAuthors
    from gateway.store.sqlite.consents import SqliteConsents

    return AskingAuthors(SqliteConsents(books.database), acts_of(books))


def _share(text: str) -> int:
    from decimal import Decimal, InvalidOperation

    try:
        percent = Decimal(text.strip().removesuffix("%").strip())
    except InvalidOperation:
        percent = Decimal(-1)
    micros = percent * 10_000
    if not (percent.is_finite() and 0 <= percent <= 100 and micros == int(micros)):
        raise stop(f'a share is a percentage of at most four decimals, such as "50 %", not {text!r}')
    return int(micros)


def _told(each: Consent) -> dict[str, Any]:
    from gateway.licenses.consent import Answer

    return {
        "id": each.id,
        "site": each.site,
        "work": each.work,
        "author": each.author,
        "share": each.share,
        "representative": each.representative,
        "asked_at": each.asked_at,
        "consents": sorted(each.uses(Answer.CONSENT)),
        "declines": sorted(each.uses(Answer.DECLINE)),
    }
