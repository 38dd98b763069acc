"""`licet auditors`: who may fetch whose evidence, of which months, until when; and who looked."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.licenses.auditors import Auditor, Look
    from gateway.store.sqlite.auditors import SqliteAuditors

app = typer.Typer(
    help="""Auditors: read-only access to evidence, within a scope.

    An auditor gets a secret. With it, and with nothing else of yours, the
    evidence bundle and single receipts of the scope can be fetched from
    /.licet/audit of your site, until the access expires or you revoke it. Every
    look is kept. What was fetched is checked offline with `licet audit`.
    """,
    no_args_is_help=True,
)
_MOST = 1000


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who it is, as you will read it in the list.")],
    period: Annotated[
        str, typer.Option(metavar="MONTHS", help="A month, or two: 2026-11, 2026-10..2026-12 (UTC).")
    ],
    licensee: Annotated[str, typer.Option(metavar="ID", help="Records of this licensee alone.")] = "",
    site: Annotated[str, typer.Option(metavar="ID", help="Records of this site alone.")] = "",
    days: Annotated[int, typer.Option(metavar="N", help="How long the access runs, at most 366.")] = 30,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Give an auditor access and print the secret.

    The secret is shown this once and kept as a hash. Name a licensee, a site, or
    both; what lies outside cannot be seen. A running gateway knows at once.

    \b
    licet auditors add "Ada & Partners" --licensee le_01a2… --period 2026-10..2026-12
    """
    from gateway.licenses.auditors import AuditorError, invite

    first, _, last = period.partition("..")

    async def act(books: Books) -> dict[str, Any]:
        if licensee and await books.register.licensee(licensee) is None:
            raise stop(f"there is no licensee {licensee!r}; `licet licensee list` shows them", 1)
        try:
            made = invite(
                " ".join(name.split()), licensee=licensee, site=site, first=first, last=last or first, days=days,
                now=books.now,
            )  # fmt: skip
        except AuditorError as error:
            raise stop(str(error)) from None
        await _auditors(books).add(made.auditor)
        return {**_told(made.auditor, books.now), "secret": made.secret}

    done = with_books(data, act)
    if as_json:
        emit(done)
        return
    print(f"auditor  {done['id']}\nsecret   {done['secret']}\nuntil    {moment(done['expires_at'])}")
    tell("The secret is shown this once. curl -H 'Authorization: Bearer SECRET' https://SITE/.licet/audit")


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """List auditors with their scope, and whether it runs.

    The latest comes first. Access that has expired or was revoked stays in the
    list, because what it looked at stays known.
    """

    async def act(books: Books) -> list[dict[str, Any]]:
        return [_told(each, books.now) for each in await _auditors(books).all()]

    rows = with_books(data, act)
    if as_json:
        emit(rows)
        return
    table(
        ("auditor", "name", "licensee", "site", "months", "until", "state"),
        [
            (
                row["id"], row["name"], row["licensee"] or "all", row["site"] or "all",
                f"{row['first']}..{row['last']}", moment(row["expires_at"]), row["state"],
            )
            for row in rows
        ],
    )  # fmt: skip


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(metavar="ID", help="The auditor, such as au_…; see the list.")],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """End an auditor's access now.

    Its next request is refused. What was fetched before remains with the
    auditor: a bundle is evidence, and cannot be called back.
    """

    async def act(books: Books) -> bool:
        return await _auditors(books).revoke(id, books.now)

    if not with_books(data, act):
        raise stop(f"no auditor {id} has access; `licet auditors list` shows them", 1)
    if as_json:
        emit({"id": id, "state": "revoked"})
    else:
        tell(f"{id} has no access any more")


@app.command()
def looks(
    id: Annotated[str, typer.Argument(metavar="[ID]", help="One auditor; all of them if left out.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Show who looked at what, when, and what came of it.

    The latest comes first. Refused requests of a secret that is yours are there
    too, with the code of the refusal; what comes with no such secret is not.
    """

    async def act(books: Books) -> tuple[Look, ...]:
        return await _auditors(books).looks(id, _MOST)

    rows = with_books(data, act)
    if as_json:
        emit([asdict(each) for each in rows])
        return
    table(
        ("when", "auditor", "what", "came"),
        [(moment(each.at), each.auditor, _printable(each.what), each.came) for each in rows],
    )


def _auditors(books: Books) -> SqliteAuditors:
    from gateway.store.sqlite.auditors import SqliteAuditors

    return SqliteAuditors(books.database)


def _told(auditor: Auditor, now: int) -> dict[str, Any]:
    told = asdict(auditor)
    del told["secret_sha256"]
    state = "revoked" if auditor.revoked_at else "expired" if auditor.ended(now) else "runs"
    return {**told, "state": state}


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
