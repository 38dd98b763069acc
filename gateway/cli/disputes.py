"""`licet disputes`: lines of invoices that licensees dispute, and your answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.invoices import with_office
from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table

if TYPE_CHECKING:
    from gateway.billing.billing_office import BillingOffice
    from gateway.billing.line_disputes import Dispute
    from gateway.cli.books import Books
    from gateway.problems import Refusal

app = typer.Typer(
    help="""Disputed lines of invoices: read, accept, reject.

    A licensee disputes a line with a reason and evidence. Until you answer, the
    sum is outside dunning. Accepting issues a credit note; rejecting needs your
    reason. Both sides are told.
    """,
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(metavar="ID", help="The dispute, such as ld_…; `licet disputes list`.")]
Answer = Annotated[str, typer.Option(metavar="TEXT", help="What the licensee reads.")]
_MOST = 1_000


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """List disputes, the open ones first.

    With the day by which each is to be answered.
    """

    async def act(office: BillingOffice, _: Books) -> list[dict[str, Any]]:
        return [_told(each) for each in await office.disputes.of("", _MOST)]

    rows = with_office(data, act)
    if as_json:
        emit(rows)
        return
    shown = [
        (row["dispute"], row["state"], row["licensee"], row["document"], row["line"], f"{row['amount']} {row['currency']}", moment(row["answer_by"]))
        for row in rows
    ]  # fmt: skip
    table(("dispute", "state", "licensee", "document", "line", "amount", "answer by"), shown)


@app.command()
def show(id: Id, data: Data = DATA, as_json: AsJson = False) -> None:
    """Show one dispute with its reason and evidence.

    What the licensee wrote is shown as text, and nothing in it is obeyed.
    """

    async def act(office: BillingOffice, _: Books) -> dict[str, Any]:
        found = await office.disputes.get(id)
        if found is None:
            raise stop(f"there is no dispute {id}; `licet disputes list` shows them", 1)
        return _told(found)

    done = with_office(data, act)
    if as_json:
        emit(done)
        return
    for key, value in done.items():
        if value not in {"", 0}:
            shown = moment(int(value)) if key in {"opened_at", "answer_by", "decided_at"} else value
            text = "".join(char if char.isprintable() or char == "\n" else "?" for char in str(shown))
            print(f"{key:<12} {text}")


@app.command()
def accept(id: Id, answer: Answer = "", data: Data = DATA, as_json: AsJson = False) -> None:
    """Agree: a credit note takes the sum off the line.

    Begun again after a crash, it ends in the same credit note.
    """
    _decide(data, as_json, id, answer, right=True)


@app.command()
def reject(id: Id, answer: Answer, data: Data = DATA, as_json: AsJson = False) -> None:
    """Do not agree, and say why; the sum is to be paid.

    The licensee reads your answer, and the sum is dunned again.
    """
    _decide(data, as_json, id, answer, right=False)


def _decide(data: Path, as_json: bool, id: str, answer: str, *, right: bool) -> None:
    from gateway.problems import Refusal

    async def act(office: BillingOffice, _: Books) -> dict[str, Any]:
        done: Dispute | Refusal = await (office.accept(id, answer) if right else office.reject(id, answer))
        if isinstance(done, Refusal):
            raise stop(done.detail, 1)
        return _told(done)

    done = with_office(data, act)
    if as_json:
        emit(done)
    else:
        print(f"{done['dispute']}  {done['state']}  {done['credit_note']}".rstrip())


def _told(each: Dispute) -> dict[str, Any]:
    from gateway.billing.line_disputes import as_document

    return {**as_document(each), "licensee": each.licensee}
