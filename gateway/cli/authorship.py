"""`licet authorship`: file the digests of originals, and export what proves that a work is yours."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, counted, emit, moment, stop, table, tell
from gateway.cli.withdraw import line, policy_of

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.licenses.originals import Originals
    from gateway.policy.rules import Policy

app = typer.Typer(
    help="""Proof of authorship: originals filed, pages seen.

    For each work: an opaque content id and the public address of every page,
    when it was first delivered, its SHA-256 over time, and the digests of the
    originals that you file. Files stay where they are: only name, length and
    digest are kept.
    """,
    no_args_is_help=True,
)
Work = Annotated[str, typer.Option("--work", metavar="ID", help="The work, by its id in the policy.")]
Site = Annotated[str, typer.Option("--site", metavar="ID", help="The site, where there are several.")]
_CHUNK = 1 << 20


@app.command()
def add(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="The originals, such as masters or drafts.")
    ],
    work: Work,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who vouches for them.")] = "operator",
    site: Site = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """File the digests of originals of a work.

    Filing the same content again changes nothing: the first time counts.

    \b
    licet authorship add masters/*.wav --work podcast
    """
    from gateway.licenses.authorship import Original

    policy, who = _of(data, site, work), line(by, "--by")
    for file in files:
        if not file.is_file():
            raise stop(f"{file} is no file")
        if not file.name.isprintable():
            raise stop(f"{file.name!r} is no name to keep: rename the file")
    digests = [(file.name, file.stat().st_size, _digest(file)) for file in files]

    async def act(books: Books) -> list[dict[str, Any]]:
        store, rows = originals_of(books), []
        for name, size, digest in digests:
            new = await store.add(Original(policy.site.id, work, digest, name, size, books.now, who))
            rows.append({"name": name, "size": size, "digest": f"sha-256:{digest}", "new": new})
        return rows

    rows = with_books(data, act)
    if as_json:
        emit(rows)
        return
    for row in rows:
        print(f"{row['digest']}  {row['name']}{'' if row['new'] else '  (filed before)'}")


@app.command()
def show(work: Work, site: Site = "", data: Data = DATA, as_json: AsJson = False) -> None:
    """Show what is known of a work.

    Its pages, when each was first delivered, how often it changed, and the
    originals that were filed.
    """
    done = _proof(data, site, work)
    if as_json:
        emit(done["proof"])
        return
    proof = done["proof"]
    rows = [
        (
            each["url"],
            moment(each["first_seen"]),
            len(each["digests"]),
            each["digests"][-1]["digest"][:20] + "…",
        )
        for each in proof["contents"]
    ]
    table(("page", "first seen", "versions", "latest"), rows)
    for each in proof["originals"]:
        print(f"original  {each['digest']}  {each['name']}  filed {moment(each['filed_at'])}")


@app.command()
def export(
    work: Work,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it; else it is printed.")
    ] = None,
    site: Site = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Export the proof of a work as JSON.

    With its digest: the SHA-256 of the canonical form (RFC 8785). Licensees read the same beside their contract, at
    /.licet/contracts/LICENSE/authorship.
    """
    import json

    done = _proof(data, site, work)
    if as_json and out is None:
        emit(done)
        return
    text = json.dumps(done, ensure_ascii=False, indent=2)
    if out is None:
        print(text)
        return
    out.write_text(text + "\n", encoding="utf-8")
    pages = len(done["proof"]["contents"])
    if as_json:
        emit({"file": str(out), "digest": done["digest"], "pages": pages})
    tell(f"{counted(pages, 'page')} written to {out}, {done['digest']}")


def originals_of(books: Books) -> Originals:
    """The digests in the books of a data folder."""
    from gateway.store.sqlite.originals import SqliteOriginals

    return SqliteOriginals(books.database)


def _proof(data: Path, site: str, work: str) -> dict[str, Any]:
    from gateway.licenses.authorship import proof_of

    policy = _of(data, site, work)
    origin = policy.site.public or f"https://{policy.site.hosts[0]}"

    async def act(books: Books) -> dict[str, Any]:
        store, id = originals_of(books), policy.site.id
        proof = proof_of(
            id, origin, work, await store.seen(id, work), await store.of_work(id, work), books.now
        )
        return {"digest": proof.digest, "proof": proof.document}

    return with_books(data, act)


def _of(data: Path, site: str, work: str) -> Policy:
    policy = policy_of(data, site)
    if all(each.id != work for each in policy.works):
        raise stop(f"there is no work {work!r}; there are {', '.join(each.id for each in policy.works)}")
    return policy


def _digest(file: Path) -> str:
    found = hashlib.sha256()
    with file.open("rb") as octets:
        while chunk := octets.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()
