"""`licet duties`: what licensees have to hand in, and your word on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.licenses.duty_book import DutyBook
    from gateway.licenses.obligations import Obligation
    from gateway.problems import Refusal

app = typer.Typer(
    help="""What licensees have to hand in: see, accept, send back.

    Reports, attribution, model cards, insurance, plans and samples of output, each
    with its date. Where the license says so, a report that is late by the days it
    names suspends the license until it is handed in; nothing else does. A running
    gateway keeps the calendar.
    """,
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(metavar="ID", help="The duty, such as du_….")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="What the licensee is told.")]
_MOST = 10_000


@app.command("list")
def list_(
    all_: Annotated[
        bool, typer.Option("--all", help="Also what is done, and what is due in more than 30 days.")
    ] = False,
    licensee: Annotated[str, typer.Option(metavar="ID", help="Of one licensee alone.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """List what is due and what waits for you.

    What is late comes first, then by the date. Without --all: what was handed in
    and not judged, what is late, and what is due within 30 days.
    """

    async def act(books: Books) -> list[dict[str, object]]:
        from gateway.licenses.duties import plan_what_is_not

        book = _book(books)
        while await plan_what_is_not(book.duties):
            pass
        found = await book.duties.everything(_MOST, licensee=licensee)
        wanted = [each for each in found if all_ or _matters(each, books.now)]
        return [await _told(books, each) for each in wanted]

    rows = with_books(data, act)
    if as_json:
        emit(rows)
        return
    shown = [
        (row["id"], row["day"], row["state"], row["kind"], row["licensee_name"], row["license"])
        for row in rows
    ]
    table(("duty", "until", "state", "what", "licensee", "license"), shown)


@app.command()
def show(id: Id, data: Data = DATA, as_json: AsJson = False) -> None:
    """Show one duty: what is asked, and what came.

    With the report that was handed in, and what it makes due under the license.
    """

    async def act(books: Books) -> dict[str, object]:
        book = _book(books)
        found = _there(await book.duties.get(id), id)
        return {**await _told(books, found), **await _reported(book, found)}

    told = with_books(data, act)
    if as_json:
        emit(told)
        return
    for key in (
        "id",
        "state",
        "kind",
        "asked",
        "day",
        "licensee_name",
        "license",
        "why",
        "review_by",
        "suspended",
    ):
        if told.get(key):
            print(f"{key:<14} {told[key]}")
    evidence: Any = told["evidence"]
    for each in evidence:
        print(
            f"evidence       {each['sha256']}  {each['media_type']}  {each['size']} bytes  {each['name']}".rstrip()
        )
    due: Any = told.get("due", [])
    for each in due:
        print(f"due            {each['amount']}  {each['part']}: {each['basis']}")
    outside: Any = told.get("outside", [])
    if outside:
        print(f"not licensed   {', '.join(outside[:8])}")
    doubts: Any = told.get("doubts", [])
    for doubt in doubts:
        print(f"ask about      {doubt}")


@app.command()
def evidence(
    id: Id,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; never over another file.")],
    sha256: Annotated[
        str, typer.Option(metavar="HEX", help="Which document, by its SHA-256; the latest if left out.")
    ] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Write a document that was handed in to a file.

    It is written as it came and is not opened here: whoever sent it chose what
    is in it. The file is readable by you alone.
    """
    if file.exists():
        raise stop(f"{file} is there already")

    async def act(books: Books) -> dict[str, object]:
        book = _book(books)
        found = _there(await book.duties.get(id), id)
        digests = [each.sha256 for each in found.evidence]
        wanted = sha256 or (digests[-1] if digests else "")
        if wanted not in digests:
            raise stop("there is no such document with this duty", code=1)
        octets = await book.shelf.read(wanted)
        if octets is None:
            raise stop(f"the document {wanted} is not in the data folder", code=1)
        file.touch(mode=0o600, exist_ok=False)
        file.write_bytes(octets)
        return {"file": str(file), "sha256": wanted, "bytes": len(octets)}

    told = with_books(data, act)
    if as_json:
        emit(told)
    else:
        print(f"{told['file']}  {told['bytes']} bytes")


@app.command()
def accept(id: Id, data: Data = DATA, as_json: AsJson = False) -> None:
    """Accept what was handed in.

    Nothing more is asked for this duty. Samples of output that you do not object
    to within 30 days count as accepted without this.
    """

    async def act(books: Books) -> dict[str, object]:
        return await _done(books, await _book(books).accept(id, books.now))

    _say(with_books(data, act), as_json=as_json)


@app.command()
def reject(id: Id, why: Why, data: Data = DATA, as_json: AsJson = False) -> None:
    """Send back what was handed in, with a reason.

    It has to come again within 14 days, or by its own date if that is later. The
    licensee reads the reason. Samples of output are vetoed instead.
    """

    async def act(books: Books) -> dict[str, object]:
        return await _done(books, await _book(books).reject(id, why, books.now))

    _say(with_books(data, act), as_json=as_json)


@app.command()
def excuse(id: Id, why: Why, data: Data = DATA, as_json: AsJson = False) -> None:
    """Waive a duty that is not met.

    A license that it suspended holds again within a second. The licensee reads
    the reason.
    """

    async def act(books: Books) -> dict[str, object]:
        return await _done(books, await _book(books).excuse(id, why, books.now))

    _say(with_books(data, act), as_json=as_json)


@app.command()
def veto(
    id: Id,
    why: Why,
    sample: Annotated[list[int], typer.Option(min=1, metavar="N", help="Which sample, counted from 1.")],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Object to samples of output, with a reason.

    For outputs that misrepresent a work or its author in substance, within 30
    days after they came. The licensee has 30 days to say what it does about it.

    \b
    licet duties veto du_… --sample 2 --sample 5 --why "It says I deny the tides."
    """

    async def act(books: Books) -> dict[str, object]:
        return await _done(books, await _book(books).veto(id, sample, why, books.now))

    _say(with_books(data, act), as_json=as_json)


def _book(books: Books) -> DutyBook:
    from gateway.licenses.duty_book import DutyBook
    from gateway.store.evidence_folder import EvidenceFolder
    from gateway.store.sqlite.duties import SqliteDuties
    from gateway.store.sqlite.ingestion import SqliteIngestion
    from gateway.store.sqlite.owing import SqliteOwing

    shelf = EvidenceFolder(books.folder / "evidence")
    return DutyBook(
        SqliteDuties(books.database),
        books.register,
        shelf,
        SqliteOwing(books.database),
        SqliteIngestion(books.database),
    )


def _there(found: Obligation | None, id: str) -> Obligation:
    if found is None:
        raise stop(f"there is no duty {id}; `licet duties list` shows them", code=1)
    return found


def _matters(duty: Obligation, now: int) -> bool:
    from gateway.licenses.obligations import DAY, State
    from gateway.licenses.output_review import reviewed

    state = reviewed(duty, now)
    return state in {State.OVERDUE, State.DELIVERED} or (duty.unmet and duty.deadline <= now + 30 * DAY)


async def _told(books: Books, duty: Obligation) -> dict[str, object]:
    from gateway.licenses.obligations import Kind, day
    from gateway.licenses.output_review import review_by, reviewed

    licensee = await books.register.licensee(duty.licensee)
    samples = duty.kind is Kind.OUTPUT_SAMPLES and duty.delivered_at
    standing = [each for each in await books.register.suspensions(duty.license) if each.stands]
    return {
        "id": duty.id,
        "kind": str(duty.kind),
        "state": str(reviewed(duty, books.now)),
        "asked": duty.asked,
        "deadline": duty.deadline,
        "day": day(duty.deadline),
        "licensee": duty.licensee,
        "licensee_name": licensee.name if licensee else duty.licensee,
        "license": duty.license,
        "site": duty.site,
        "why": duty.why,
        "review_by": moment(review_by(duty)) if samples else "",
        "suspended": "; ".join(each.said for each in standing),
        "evidence": [
            {
                "sha256": each.sha256,
                "media_type": each.media_type,
                "size": each.size,
                "name": each.name,
                "at": each.at,
            }
            for each in duty.evidence
        ],
    }


async def _reported(book: DutyBook, duty: Obligation) -> dict[str, object]:
    kept = [each for each in await book.duties.reports(duty.license) if each.duty == duty.id]
    license = await book.register.license(duty.license)
    if not kept or license is None:
        return {}
    report = kept[-1].report
    judged = await book.judged(report, license)
    return {
        "report": report.model_dump(mode="json"),
        "due": [
            {"part": each.part, "amount": str(each.amount), "basis": each.basis} for each in judged.amounts
        ],
        "outside": list(judged.outside),
        "doubts": list(judged.doubts),
    }


async def _done(books: Books, after: Obligation | Refusal) -> dict[str, object]:
    from gateway.problems import Refusal

    if isinstance(after, Refusal):
        raise stop(after.detail, code=1)
    return await _told(books, after)


def _say(told: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        emit(told)
        return
    print(f"{told['id']}  {told['state']}")
    tell("The licensee reads it the next time it asks, and is told by whatever it chose.")
