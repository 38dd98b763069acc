"""`licet payments`: what others paid on the spot, and what came of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell

if TYPE_CHECKING:
    from gateway.rails.settlements import Payment, State
    from gateway.store.sqlite.settlements import SqliteSettlements

#: Seconds that the last question of a gateway may take.
_ANSWERED = 60


def payments(
    payment: Annotated[
        str, typer.Argument(metavar="ID", help="One payment, with everything known of it.")
    ] = "",
    settled: Annotated[
        str,
        typer.Option(
            metavar="TRANSACTION", help="You saw that its money moved, in this transaction: credit the payer."
        ),
    ] = "",
    failed: Annotated[
        str, typer.Option(metavar="REASON", help="You saw that its money did not move, and will not.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """List payments by x402, newest first, or show one.

    PENDING means that the facilitator never said what came of it: the payer is
    not asked again, and a gateway asks the facilitator for an hour. What is
    still PENDING then is yours to look up on the chain, and to say here. That it
    failed can be said once nobody asks any more: until then the money may move.

    \b
    licet payments
    licet payments pay_9f3a… --settled 0x4be1…
    """
    from gateway.rails.settlements import State

    if (settled or failed) and not payment:
        raise stop("say which payment: licet payments ID --settled TRANSACTION")
    if settled and failed:
        raise stop("--settled and --failed exclude each other")
    said = (State.SETTLED, "", settled) if settled else (State.FAILED, failed, "") if failed else None
    if said and not all(text.isprintable() and len(text) <= 120 for text in said[1:]):
        raise stop("a transaction or reason is one line of printable text, at most 120 characters")
    found = asyncio.run(_found(data, payment, limit, said))
    if as_json:
        emit(_row(found[0]) if payment else [_row(each) for each in found])
    elif payment:
        for name, value in _row(found[0]).items():
            print(f"{name:<12} {value}".rstrip())
    elif found:
        rows = [
            (_time(each.began_us), each.id, each.state, each.amount, each.payer, each.url) for each in found
        ]
        table(("time", "payment", "state", "amount", "payer", "page"), rows)
    else:
        tell("nothing was paid on the spot yet")
    waiting = [each for each in found if each.state is State.PENDING]
    if waiting and not as_json:
        tell(f"{len(waiting)} PENDING: look on the chain, then licet payments ID --settled … or --failed …")


async def _found(
    data: Path, payment: str, limit: int, said: tuple[State, str, str] | None
) -> tuple[Payment, ...]:
    from gateway.cli.books import open_books
    from gateway.store.sqlite.settlements import SqliteSettlements

    async with open_books(data) as books:
        book = SqliteSettlements(books.database)
        if not payment:
            return await book.payments(limit)
        found = await book.payment(payment)
        if found is None:
            raise stop(f"there is no payment {payment!r}; `licet payments` shows them", 1)
        return (await _said(book, found, said, books.clock.now_us()) if said else found,)


async def _said(
    book: SqliteSettlements, payment: Payment, said: tuple[State, str, str], now_us: int
) -> Payment:
    from gateway.rails.settlements import State
    from gateway.rails.settling import ASKED_AGAIN_SECONDS

    if payment.state is not State.PENDING:
        raise stop(f"{payment.id} is {payment.state} already; only what is PENDING can be said", 1)
    state, reason, transaction = said
    asked_until = (payment.changed_us // 1_000_000) + ASKED_AGAIN_SECONDS + _ANSWERED
    if state is State.FAILED and now_us // 1_000_000 < asked_until:
        when = moment(asked_until)
        raise stop(f"a gateway may still have its money moved; say that it failed after {when}", 1)
    found = await book.finish(payment.id, state, reason=reason, transaction=transaction, at_us=now_us)
    if state is State.SETTLED:
        tell("a running gateway credits the payer within a minute, another when it starts")
    return found


def _row(payment: Payment) -> dict[str, Any]:
    return {
        "payment": payment.id,
        "state": str(payment.state),
        "reason": payment.reason,
        "amount": str(payment.amount),
        "payer": payment.payer,
        "licensee": payment.licensee,
        "transaction": payment.transaction,
        "identifier": payment.identifier,
        "site": payment.site,
        "url": payment.url,
        "credited": payment.booked,
        "spent_by": payment.spent_by,
        "began": _time(payment.began_us),
        "changed": _time(payment.changed_us),
    }


def _time(time_us: int) -> str:
    return moment(time_us // 1_000_000)
