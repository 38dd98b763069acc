"""`licet invoices`: issue them, show them, credit them, see how they stand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell
from gateway.cli.statement import check_mode, name_of, rules_of

if TYPE_CHECKING:
    from gateway.billing.billing_office import BillingOffice
    from gateway.billing.dunning import Standing
    from gateway.billing.invoices import Document
    from gateway.cli.books import Books
    from gateway.money import Money

app = typer.Typer(
    help="""Invoices, credit notes, and how they stand.

    An invoice is made of a closed month of a licensee's account, and never
    changes; a credit note puts right what was wrong. Numbers have no gap. Who
    you are and which tax rules there are stands under [billing] of licet.toml;
    whom you bill is said with `licet invoices party`. Without them the document
    is headed Statement and is no tax invoice. Nothing about tax is inferred.
    Starting point, needs counsel; not legal advice.
    """,
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(metavar="ID|NUMBER", help="The document, by id or number.")]
T = TypeVar("T")
_MOST = 10_000


@app.command("list")
def list_(
    licensee: Annotated[str, typer.Option(metavar="ID", help="Of one licensee alone.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """List documents, the newest first.

    With what is open of each, its state and its due day.
    """

    async def act(office: BillingOffice, _: Books) -> list[dict[str, Any]]:
        documents = await office.issuer.documents.of(licensee, _MOST)
        stands = {
            each.document.id: each
            for owner in {document.licensee for document in documents}
            for each in await office.standings(owner)
        }
        return [told(each, stands.get(each.id)) for each in documents]

    rows = with_office(data, act)
    if as_json:
        emit(rows)
        return
    shown = [
        (row["number"] or "waiting", row["kind"], row["licensee"], row["period"], row["total"], row["open"], row["state"], row["due_on"])
        for row in rows
    ]  # fmt: skip
    table(("number", "kind", "licensee", "period", "total", "open", "state", "due"), shown)


@app.command()
def issue(
    licensee: Annotated[str, typer.Argument(metavar="ID", help="Whom to bill; `licet licensee list`.")],
    period: Annotated[str, typer.Option(metavar="MONTH", help="A month that is over, such as 2026-10.")],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Bill a licensee for a month.

    The month is closed, and one document a currency is issued. Issued before, they are shown again. What comes in later stands on the next.

    \b
    licet invoices issue le_01a2… --period 2026-10
    """
    from gateway.billing.statements import Period, StatementDisagrees

    try:
        month = Period.parse(period)
    except ValueError as error:
        raise stop(f"--period: {error}") from None

    async def act(office: BillingOffice, books: Books) -> list[dict[str, Any]]:
        name = await name_of(books, licensee)
        try:
            made = await office.issuer.issue(licensee, name, month)
        except StatementDisagrees as error:
            raise stop(f"{error}; `licet books check` says more", 1) from None
        return [told(each, await office.standing(each)) for each in made]

    _print(with_office(data, act), as_json)


@app.command()
def show(
    id: Id,
    pdf: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a PDF.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page.")] = None,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Show one document as it was issued.

    --json prints its canonical JSON, with number and state beside it.
    """
    from gateway.billing.invoice_paper import invoice_paper
    from gateway.billing.paper_pdf import available, paper_pdf
    from gateway.billing.sheets import as_html
    from gateway.paper import sheet

    if pdf is not None and not available():
        raise stop("a PDF needs pip install 'licet[pdf]'")

    async def act(office: BillingOffice, _: Books) -> tuple[Document, Standing | None]:
        found = await document(office, id)
        return found, await office.standing(found)

    found, standing = with_office(data, act)
    paper = invoice_paper(found)
    if pdf is not None:
        pdf.write_bytes(paper_pdf(paper))
    if html is not None:
        html.write_text(sheet(paper.heading, as_html(paper)), encoding="utf-8")
    if as_json:
        emit({**told(found, standing), "document": found.told})
        return
    print(paper.heading)
    for name, value in paper.facts:
        print(f"{name:<10} {value.replace(chr(10), ', ')}")
    for each in paper.sheets:
        print()
        table(each.columns, each.rows)
    if standing is not None:
        print(f"\n{standing.state}: {standing.open} open")


@app.command()
def credit(
    id: Id,
    line: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N[=AMOUNT]", help='A line, and how much of it, such as "2=1.50"; several times.'
        ),
    ] = None,
    why: Annotated[str, typer.Option(metavar="TEXT", help="Why; stands on the credit note.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Issue a credit note for lines of an invoice.

    It refers to the invoice, has a number of its own, and reverses the entries
    that the lines stand for, and their tax. Without an amount the line's whole
    rest is credited.

    \b
    licet invoices credit I000007 --line 1 --line 2=1.50 --why "pages were empty"
    """
    if not why.strip() or not why.isprintable() or len(why) > 300:
        raise stop("--why is one line of printable text, at most 300 characters")

    async def act(office: BillingOffice, _: Books) -> list[dict[str, Any]]:
        found = await document(office, id)
        note = await office.issuer.credit(found.id, _lines(line or [], found.to_pay.currency), why.strip())
        return [told(note, None)]

    _print(with_office(data, act), as_json)


@app.command()
def pay(
    id: Id,
    amount: Annotated[
        str, typer.Argument(metavar="AMOUNT", help='Such as "10 USD"; all that is open if left out.')
    ] = "",
    memo: Annotated[str, typer.Option(metavar="TEXT", help="What stands beside it on the statement.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Pay an invoice from its licensee's credit.

    What came by bank is credit first: licet licensee credit ID "10 USD".
    """
    _settled(id, "payment", amount, memo, data, as_json)


@app.command("write-off")
def write_off(
    id: Id,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="All that is open if left out.")] = "",
    memo: Annotated[str, typer.Option(metavar="TEXT", help="What stands beside it on the statement.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Give up what is open of an invoice.

    All of it or a part: it is entered in the books as a loss, and nobody is dunned for it any more.
    """
    _settled(id, "write_off", amount, memo, data, as_json)


@app.command()
def party(
    licensee: Annotated[str, typer.Argument(metavar="ID", help="Whom you bill; `licet licensee list`.")],
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="Legal name.")] = None,
    address: Annotated[
        str | None, typer.Option(metavar="TEXT", help=r"Address; \n begins another line.")
    ] = None,
    tax_id: Annotated[str | None, typer.Option(metavar="TEXT", help="VAT, GST or other tax id.")] = None,
    tax: Annotated[str | None, typer.Option(metavar="RULE", help="The id of a rule in [billing].")] = None,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Say whom you bill.

    Legal name, address, tax id, and which of your tax rules holds. Documents that are issued stay as they are.

    \b
    licet invoices party le_01a2… --name "Example AI GmbH" --address "2 Data Street\\nMetro" --tax reverse
    """
    from pydantic import ValidationError

    from gateway.billing.billing_rules import Party

    given = {"name": name, "address": address and address.replace("\\n", "\n"), "tax_id": tax_id, "tax": tax}
    changes = {key: value for key, value in given.items() if value is not None}
    if tax and tax not in {each.id for each in rules_of(data).taxes}:
        raise stop(f"--tax: there is no rule {tax!r} under [billing] of licet.toml")

    async def act(office: BillingOffice, books: Books) -> dict[str, str]:
        await name_of(books, licensee)
        known = await office.issuer.documents.party(licensee)
        try:
            made = Party.model_validate({**known.model_dump(), **changes})
        except ValidationError as error:
            first = error.errors()[0]
            raise stop(f"--{str(first['loc'][0]).replace('_', '-')}: {first['msg']}") from None
        if changes:
            await office.issuer.documents.name_party(licensee, made)
        return {"licensee": licensee, **made.model_dump()}

    done = with_office(data, act)
    if as_json:
        emit(done)
        return
    for key, value in done.items():
        print(f"{key:<10} {value or '-'}")


def with_office(data: Path, act: Callable[[BillingOffice, Books], Awaitable[T]]) -> T:
    """What *act* gives, done with the bills of a data folder; what cannot be issued is told in a sentence."""
    from gateway.app.billing_lock import billing_lock
    from gateway.billing.billing_office import BillingOffice
    from gateway.billing.invoices import NotIssued
    from gateway.billing.issuing import Issuer
    from gateway.store.sqlite.account_book import SqliteAccountBook
    from gateway.store.sqlite.dispute_book import SqliteDisputeBook
    from gateway.store.sqlite.document_book import SqliteDocumentBook

    rules = rules_of(data)

    async def run(books: Books) -> T:
        async with billing_lock(data):
            await books.settle()
            return await held(books)

    async def held(books: Books) -> T:
        await check_mode(books, data)
        accounts = SqliteAccountBook(books.database)
        stores = (SqliteDocumentBook(books.database), accounts, books.ledger)
        issuer = Issuer(stores, rules, books.write_new, books.clock.now_us)
        disputes = SqliteDisputeBook(books.database)
        office = BillingOffice(issuer, accounts, disputes, books.register, books.clock.now_us)
        try:
            await issuer.resume()
            return await act(office, books)
        except NotIssued as error:
            raise stop(str(error), 1) from None

    return with_books(data, run)


async def document(office: BillingOffice, name: str) -> Document:
    """The document of that id or number; stops where there is none."""
    found = await office.issuer.documents.get(name)
    if found is None:
        listed = await office.issuer.documents.of("", _MOST)
        found = next((each for each in listed if each.label == name), None)
    if found is None:
        raise stop(f"there is no document {name}; `licet invoices list` shows them", 1)
    return found


def told(document: Document, standing: Standing | None) -> dict[str, Any]:
    """One document as JSON lists it."""
    return {
        "id": document.id, "number": document.label, "kind": document.kind, "licensee": document.licensee,
        "period": document.period, "refers": document.refers, "issued_at": document.at,
        "due_on": document.told["due_on"], "total": str(document.total), "to_pay": str(document.to_pay),
        "open": str(standing.open) if standing else "-", "disputed": str(standing.disputed) if standing else "-",
        "state": str(standing.state) if standing else "-", "digest": document.digest,
    }  # fmt: skip


def _print(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        emit(rows)
        return
    for row in rows:
        print(
            f"{row['number'] or row['id']}  {row['kind']}  {row['total']}, {row['to_pay']} to pay  {moment(row['issued_at'])}"
        )
        if not row["number"]:
            tell("it gets its number when the running gateway has folded the journal")


def _lines(given: list[str], currency: str) -> dict[int, int]:
    from gateway.money import Money, MoneyError

    found: dict[int, int] = {}
    for each in given:
        nth, told_, amount = each.partition("=")
        if not (nth.isascii() and nth.isdigit() and len(nth) < 10) or int(nth) in found:
            raise stop(f"--line is the number of a line, each once, not {each!r}")
        try:
            found[int(nth)] = Money.parse(amount, currency).micros if told_ else 0
        except MoneyError as error:
            raise stop(f"--line: {error}") from None
        if told_ and not found[int(nth)]:
            raise stop("a credit is more than nothing")
    return found


def _settled(id: str, kind: str, amount: str, memo: str, data: Path, as_json: bool) -> None:
    from gateway.money import Money, MoneyError

    try:
        wanted = Money.read(amount) if amount else None
    except MoneyError as error:
        raise stop(str(error)) from None
    if not memo.isprintable() or len(memo) > 200:
        raise stop("a memo is one line of printable text, at most 200 characters")

    async def act(office: BillingOffice, books: Books) -> list[dict[str, Any]]:
        found = await document(office, id)
        free = await _free(books, found, wanted)
        await books.write(await office.settle(found.id, kind, wanted, free, memo))
        await office.round()
        return [told(found, await office.standing(found))]

    done = with_office(data, act)
    if as_json:
        emit(done)
        return
    print(f"{done[0]['number']}  {done[0]['state']}, {done[0]['open']} open")


async def _free(books: Books, found: Document, wanted: Money | None) -> Money:
    return await books.spend_book.available(found.licensee, (wanted or found.to_pay).currency)
