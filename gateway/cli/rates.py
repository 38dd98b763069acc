"""`licet books rate`: what one currency is worth in another, with the source that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.provenance.record import BookEntry

app = typer.Typer(
    help="""Rates at which reported revenue is converted.

    Nothing is converted without a rate that you recorded, with its source, in the
    journal. Revenue of a period is counted at the newest rate of its last day or
    before; a report in a currency without one is refused. No rate is made of the
    reverse of another.
    """,
    no_args_is_help=True,
)
_DAY = 86_400


@app.command()
def add(
    base: Annotated[str, typer.Argument(metavar="CURRENCY", help="What is converted, such as EUR.")],
    worth: Annotated[
        str, typer.Argument(metavar="AMOUNT", help="What one unit of it is worth, such as '1.085 USD'.")
    ],
    source: Annotated[
        str, typer.Option("--source", metavar="TEXT", help="Who says so, such as 'ECB, 31 Mar 2026'.")
    ],
    on: Annotated[
        str, typer.Option("--on", metavar="DAY", help="From which day on it holds; today if left out.")
    ] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Record what one unit of a currency is worth.

    With at most nine decimal places, from a day on, and with the source that says
    so. A later rate for the same day takes its place; none is ever changed.
    """
    entry = with_books(data, lambda books: _added(books, base, worth, source, on))
    if as_json:
        emit(_row(entry))
        return
    print(f"recorded: 1,000 {base} = {_money(entry)} from {moment(entry.time_us // 1_000_000)} on")


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """List every rate.

    In the order in which they were recorded, each with the day from which on it
    holds and its source.
    """

    async def act(books: Books) -> list[BookEntry]:
        from gateway.provenance.record import BookEntry
        from gateway.store.sqlite.deriving import booked_of

        rest = "WHERE kind = 'book' AND licensee = '' AND license = '' ORDER BY seq"
        found = await books.database.read(lambda db: [each.entry for each in booked_of(db, rest)])
        return [each for each in found if isinstance(each, BookEntry) and each.kind_of == "rate"]

    found = with_books(data, act)
    if as_json:
        emit([_row(each) for each in found])
        return
    rows = [
        (moment(each.time_us // 1_000_000), f"1,000 {each.reference}", _money(each), each.memo)
        for each in found
    ]
    table(("from", "of", "is worth", "source"), rows)


async def _added(books: Books, base: str, worth: str, source: str, on: str) -> BookEntry:
    from datetime import UTC, date, datetime
    from decimal import Decimal, InvalidOperation

    import uuid_utils

    from gateway.cli.books import LATE
    from gateway.licenses.rates import PER
    from gateway.money import LARGEST_MICROS, Money
    from gateway.provenance.record import BookEntry

    number, _, quote = worth.strip().partition(" ")
    try:
        Money.parse("0", base), Money.parse("0", quote)
        micros = Decimal(number) * PER * 1_000_000
    except (ValueError, InvalidOperation):
        raise stop(
            "write a currency and what one unit of it is worth: licet books rate add EUR '1.085 USD'"
        ) from None
    if not micros.is_finite() or micros != micros.to_integral_value() or not 0 < micros <= LARGEST_MICROS:
        raise stop(f"{number} is no rate: more than nothing, with at most nine decimal places")
    if base == quote:
        raise stop(f"{base} is worth itself")
    if not source.strip() or not source.isprintable() or len(source) > 200:
        raise stop("the source is one line of at most 200 characters")
    now = books.now
    try:
        day = date.fromisoformat(on) if on else datetime.fromtimestamp(now, UTC).date()
    except ValueError:
        raise stop(f"{on!r} is no day such as 2026-03-31") from None
    at = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    if at > now or at < 0:
        raise stop(f"{day} is not yet: nobody can say what {base} will be worth")
    entry = BookEntry(
        id=str(uuid_utils.uuid7()), time_us=at * 1_000_000, kind_of="rate", site="", licensee="",
        amount_micros=int(micros), currency=quote, reference=base, memo=source.strip(), by="operator",
    )  # fmt: skip
    if not await books.write(entry):
        tell(LATE)
    return entry


def _row(entry: BookEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "base": entry.reference,
        "quote": entry.currency,
        "micros_per_thousand": entry.amount_micros,
        "at": entry.time_us // 1_000_000,
        "source": entry.memo,
    }


def _money(entry: BookEntry) -> str:
    from gateway.money import Money

    return str(Money(entry.amount_micros, entry.currency))
