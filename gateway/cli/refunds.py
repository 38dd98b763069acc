"""`licet licensee refund`: money given back, as reversals in the journal."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, stop, tell

if TYPE_CHECKING:
    from gateway.billing.refunds import Standing
    from gateway.cli.books import Books
    from gateway.money import Money
    from gateway.provenance.record import BookEntry


@dataclass(frozen=True, slots=True)
class _Refund:
    """*unspent* is what must be there of the licensee's credit for it, if anything must."""

    licensee: str
    parts: tuple[tuple[str, Money], ...]
    unspent: Money | None = None


def refund(
    licensee: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the licensee; `licet licensee list` shows them.")
    ],
    what: Annotated[
        str,
        typer.Argument(
            metavar="ENTRY|AMOUNT",
            help='An entry of its statement, or an amount of unspent credit, such as "10 USD".',
        ),
    ],
    amount: Annotated[
        str, typer.Option(metavar="AMOUNT", help="How much of the entry; all that stands of it if left out.")
    ] = "",
    memo: Annotated[str, typer.Option(metavar="TEXT", help="What stands beside it on the statement.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Give money back, in the books.

    The payment itself is yours to make.

    Of a credit, or of an amount: what was paid in and not spent is paid back.
    Of a fee or a fetch: the charge is undone, and its money is the licensee's
    credit again (a credit note). Nothing is undone twice. What Stripe pays back
    is entered by itself.

    \b
    licet licensee refund le_01a2… "10 USD" --memo "contract ended"
    licet licensee refund le_01a2… 01a2b3c4-… --memo "the page was empty"
    """
    if not memo.isprintable() or len(memo) > 200:
        raise stop("a memo is one line of printable text, at most 200 characters")
    entries = asyncio.run(_refunded(data, licensee, what, amount, memo))
    done = [
        {"entry": each.id, "undoes": each.reference, "amount": f"{_money(each)}", "memo": each.memo}
        for each in entries
    ]
    if as_json:
        emit({"licensee": licensee, "reversals": done})
        return
    for each in done:
        print(f"{each['amount']} of {each['undoes']} undone, entry {each['entry']}")


async def _refunded(data: Path, licensee: str, what: str, amount: str, memo: str) -> list[BookEntry]:
    import uuid_utils

    from gateway.cli.books import LATE, open_books
    from gateway.provenance.record import BookEntry

    async with open_books(data) as books, contextlib.AsyncExitStack() as aside:
        refund = await _planned(books, licensee, what, amount)
        if refund.unspent is not None:
            left = await aside.enter_async_context(books.set_aside(licensee, refund.unspent))
            if left is not None:
                raise stop(f"{licensee} has {left} that is unspent and not set aside for fetches", 1)
            # Others may have given money back while this was planned, and none can by now.
            named = len(refund.parts) == 1 and refund.parts[0][0] == what
            refund = await _planned(books, licensee, what, str(refund.unspent) if named else amount)
        entries = []
        for reference, part in refund.parts:
            entry = BookEntry(
                id=str(uuid_utils.uuid7()),
                time_us=books.clock.now_us(),
                kind_of="reversal",
                site="",
                licensee=refund.licensee,
                amount_micros=part.micros,
                currency=part.currency,
                reference=reference,
                memo=memo,
                by="operator",
            )
            if not await books.write(entry):
                tell(LATE)
            entries.append(entry)
        return entries


async def _planned(books: Books, licensee: str, what: str, amount: str) -> _Refund:
    from gateway.billing.postings import prepaid
    from gateway.billing.refunds import paid_back, standings

    stands = standings(licensee, await books.ledger.postings(prepaid(licensee), 0, 1 << 62))
    entry = next((each for each in stands if each.entry == what), None)
    if entry is not None:
        part = _read(amount) if amount else await _most(books, licensee, entry)
        if part.currency != entry.left.currency or part > entry.left:
            raise stop(f"of {what}, {entry.left} still stands", 1)
        return _Refund(licensee, ((entry.entry, part),), part if entry.code == "credit" else None)
    if amount:
        raise stop(f"{licensee} has no entry {what!r}; `licet statement` shows them", 1)
    wanted = _read(what)
    parts = paid_back(stands, wanted)
    if sum(part.micros for _, part in parts) < wanted.micros:
        left = await books.spend_book.available(licensee, wanted.currency)
        if wanted > left:
            raise stop(f"{licensee} has {left} that is unspent and not set aside for fetches", 1)
        raise stop(f"less than {wanted} of what was paid in still stands; name the entry to undo", 1)
    return _Refund(licensee, parts, wanted)


async def _most(books: Books, licensee: str, entry: Standing) -> Money:
    """All that stands of *entry*; of a credit as much as is unspent."""
    if entry.code != "credit":
        most = entry.left
    else:
        available = await books.spend_book.available(licensee, entry.left.currency)
        most = min(available, entry.left)
    if most.micros <= 0:
        raise stop(f"nothing of {entry.entry} can be given back", 1)
    return most


def _read(text: str) -> Money:
    from gateway.money import Money, MoneyError

    try:
        amount = Money.read(text)
    except MoneyError as error:
        raise stop(f"{text!r} is neither an entry of that licensee nor an amount: {error}") from None
    if amount.micros <= 0:
        raise stop("a refund is more than nothing")
    return amount


def _money(entry: BookEntry) -> Money:
    from gateway.money import Money

    return Money(entry.amount_micros, entry.currency)
