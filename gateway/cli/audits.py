"""`licet audits`: have a licensee's reports checked by somebody independent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.licenses.audit_cases import AuditCase, AuditScope, Finding
    from gateway.money import Money
    from gateway.problems import Refusal

app = typer.Typer(
    help="""Audits: ask for one, name the auditor, enter the result.

    As often as the license allows in twelve months, and as far back as it says.
    The auditor is independent and bound to secrecy; the licensee agrees to what is
    looked at; you are told the result only.
    """,
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(metavar="ID", help="The audit, such as au_….")]
_MOST = 1000


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """List audits, the newest first.

    Each with its license, how far it has come, and what was found underpaid.
    """

    async def act(books: Books) -> list[dict[str, object]]:
        return [_told(each) for each in await _audits(books).everything(_MOST)]

    rows = with_books(data, act)
    if as_json:
        emit(rows)
        return
    shown = [
        (
            row["id"],
            row["requested"],
            row["step"],
            row["auditor"] or "-",
            row["underpaid"] or "-",
            row["license"],
        )
        for row in rows
    ]
    table(("audit", "asked for", "step", "auditor", "underpaid", "license"), shown)


@app.command()
def show(id: Id, data: Data = DATA, as_json: AsJson = False) -> None:
    """Show one audit.

    What it looks at, who the auditor is and promised, and what was found.
    """

    async def act(books: Books) -> dict[str, object]:
        return _told(await _found(books, id))

    told = with_books(data, act)
    if as_json:
        emit(told)
        return
    for key in (
        "id",
        "step",
        "license",
        "requested",
        "why",
        "auditor",
        "contact",
        "confidentiality",
        "underpaid",
    ):
        if told[key]:
            print(f"{key:<16} {told[key]}")
    for key in ("wanted", "scope"):
        scope: Any = told[key]
        if scope:
            print(f"{key:<16} {scope['from']} to {scope['to']}: {', '.join(scope['items'])}")
    findings: Any = told["findings"]
    for each in findings:
        print(f"found            {each['item']}: {each['said']} {each['underpaid'] or ''}".rstrip())


@app.command()
def request(
    license: Annotated[str, typer.Argument(metavar="LICENSE", help="The license, such as li_….")],
    from_: Annotated[str, typer.Option("--from", metavar="DATE", help="The first day that is looked at.")],
    to: Annotated[str, typer.Option(metavar="DATE", help="The day after the last one.")],
    item: Annotated[
        list[str],
        typer.Option(
            metavar="PATH|DUTY", help="What is looked at: a path of the works, or the duty of a report."
        ),
    ],
    why: Annotated[str, typer.Option(metavar="TEXT", help="Why; the licensee reads it.")],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Ask a licensee for an audit.

    The agreement says how often in twelve months and how far back; the command
    says so where it is more. The licensee is told.

    \b
    licet audits request li_… --from 2026-10-01 --to 2027-01-01 --item du_… --why "It looks low."
    """
    begins, ends = _day(from_, "--from"), _day(to, "--to")

    async def act(books: Books) -> dict[str, object]:
        from gateway.licenses.audit_cases import AuditScope, requested
        from gateway.licenses.duty_events import audit_event
        from gateway.licenses.obligations import Kind
        from gateway.problems import Refusal
        from gateway.store.sqlite.duties import SqliteDuties

        found = await books.register.license(license)
        if found is None:
            raise stop(f"there is no license {license}", code=1)
        duties = await SqliteDuties(books.database).of_license(license)
        reports = [each.id for each in duties if each.kind is Kind.REPORT]
        audits = _audits(books)
        before = await audits.of_license(license)
        # Days are whole for people; the term may begin and the clock may stand within one.
        scope = AuditScope(
            tuple(item), max(begins, found.starts_at) if _same_day(begins, found.starts_at) else begins,
            min(ends, books.now, found.ends_at) if ends - 86_400 < books.now else ends,
        )  # fmt: skip
        case = requested(found, before, why, scope, reports=reports, now=books.now)
        if isinstance(case, Refusal):
            raise stop(case.detail, code=1)
        if not await audits.put("", case, seen=len(before), events=[audit_event(case, books.now)]):
            raise stop("another audit was asked for at this moment; look again", code=1)
        return _told(case)

    _say(with_books(data, act), as_json=as_json)


@app.command()
def name(
    id: Id,
    auditor: Annotated[str, typer.Argument(metavar="NAME", help="Who the auditor is.")],
    contact: Annotated[
        str, typer.Option(metavar="TEXT", help="How to reach the auditor; both sides read it.")
    ],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Name the auditor.

    Both sides are told. Another one can be named until the promise of
    confidentiality is entered.
    """
    from gateway.licenses.audit_cases import auditor_named

    _act(id, lambda case, now: auditor_named(case, auditor, contact, now), data, as_json=as_json)


@app.command()
def bind(
    id: Id,
    undertaking: Annotated[
        str, typer.Argument(metavar="TEXT", help="The auditor's words, or where the signed paper is.")
    ],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Enter the auditor's promise of confidentiality.

    The licensee reads it, and then agrees to what is looked at, all of it or part
    of it, at the license desk.
    """
    from gateway.licenses.audit_cases import bound

    _act(id, lambda case, now: bound(case, undertaking, now), data, as_json=as_json)


@app.command()
def findings(
    id: Id,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help='JSON: [{"item", "said", "due", "underpaid"}], amounts as "12.50 USD".'
        ),
    ],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Enter what the auditor found.

    One entry for each item; `due` and `underpaid` only where something was paid
    too little. An underpayment of more than five percent makes the licensee pay
    for the audit. The amount falls due when the audit is closed.

    \b
    [{"item": "du_…", "said": "Two products were left out.", "due": "1000 USD", "underpaid": "80 USD"}]
    """
    listed = _read(file)

    async def act(books: Books) -> dict[str, object]:
        from gateway.licenses.audit_cases import found

        before = await _found(books, id)
        license = await books.register.license(before.license)
        assert license is not None, "a foreign key holds it"
        currency = license.terms.compensation.currency
        return await _kept(books, before, found(before, listed, currency, books.now))

    _say(with_books(data, act), as_json=as_json)


@app.command()
def close(id: Id, data: Data = DATA, as_json: AsJson = False) -> None:
    """End an audit whose findings are entered.

    Nothing changes any more. What was underpaid falls due: a running gateway books
    it within seconds, with the audit as its reference.
    """
    from gateway.licenses.audit_cases import closed

    _act(id, closed, data, as_json=as_json)


@app.command()
def cancel(id: Id, data: Data = DATA, as_json: AsJson = False) -> None:
    """Give up an audit before findings are entered.

    Before the auditor is bound it does not count as one of the audits that are
    allowed in twelve months; afterwards it does.
    """
    from gateway.licenses.audit_cases import canceled

    _act(id, canceled, data, as_json=as_json)


def _act(
    id: str, change: Callable[[AuditCase, int], AuditCase | Refusal], data: Path, *, as_json: bool
) -> None:
    async def act(books: Books) -> dict[str, object]:
        before = await _found(books, id)
        return await _kept(books, before, change(before, books.now))

    _say(with_books(data, act), as_json=as_json)


def _audits(books: Books) -> Any:
    from gateway.store.sqlite.duties import SqliteAudits

    return SqliteAudits(books.database)


async def _found(books: Books, id: str) -> AuditCase:
    found: AuditCase | None = await _audits(books).get(id)
    if found is None:
        raise stop(f"there is no audit {id}; `licet audits list` shows them", code=1)
    return found


async def _kept(books: Books, before: AuditCase, after: AuditCase | Refusal) -> dict[str, object]:
    from gateway.licenses.duty_events import audit_event
    from gateway.problems import Refusal

    if isinstance(after, Refusal):
        raise stop(after.detail, code=1)
    if not await _audits(books).put(before.version, after, events=[audit_event(after, books.now)]):
        raise stop("it was changed at this moment; look again", code=1)
    return _told(after)


def _read(file: Path) -> list[Finding]:
    from gateway.licenses.audit_cases import Finding

    try:
        listed = json.loads(file.read_text("utf-8"))
        if not isinstance(listed, list):
            raise TypeError
        return [
            Finding(
                str(each["item"]), str(each["said"]), _amount(each.get("due")), _amount(each.get("underpaid"))
            )
            for each in listed
        ]
    except FileNotFoundError:
        raise stop(f"there is no {file}") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise stop(
            f"{file}: {error or 'it is not a list of findings'}; see `licet audits findings --help`"
        ) from None


def _amount(text: object) -> Money | None:
    from gateway.money import Money

    return None if text is None else Money.read(str(text))


def _day(text: str, option: str) -> int:
    try:
        read = date.fromisoformat(text)
    except ValueError:
        raise stop(f"{option} is a day such as 2026-10-01") from None
    return int(datetime(read.year, read.month, read.day, tzinfo=UTC).timestamp())


def _same_day(midnight: int, moment: int) -> bool:
    return midnight <= moment < midnight + 86_400


def _told(case: AuditCase) -> dict[str, object]:
    correction = case.correction
    return {
        "id": case.id,
        "step": str(case.step),
        "license": case.license,
        "licensee": case.licensee,
        "requested": moment(case.requested_at),
        "why": case.why,
        "auditor": case.auditor,
        "contact": case.auditor_contact,
        "confidentiality": case.undertaking,
        "wanted": _scope(case.wanted),
        "scope": _scope(case.scope) if case.scope else None,
        "findings": [
            {
                "item": each.item,
                "said": each.said,
                "due": str(each.due) if each.due else None,
                "underpaid": str(each.underpaid) if each.underpaid else None,
            }
            for each in case.findings
        ],
        "underpaid": str(correction.amount) if correction else "",
        "pays_for_the_audit": correction.costs if correction else False,
        "reference": correction.reference if correction else "",
    }


def _scope(scope: AuditScope) -> dict[str, object]:
    return {"items": list(scope.items), "from": moment(scope.begins), "to": moment(scope.ends)}


def _say(told: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        emit(told)
        return
    print(f"{told['id']}  {told['step']}")
    tell("Both sides are told.")
