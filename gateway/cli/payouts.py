"""`licet payouts`: pay creators and authors out, by Stripe or by a SEPA file."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell
from gateway.cli.statement import check_mode, rules_of

if TYPE_CHECKING:
    from gateway.billing.paying_out import PayingOut
    from gateway.billing.payouts import Paid, Payout
    from gateway.cli.books import Books
    from gateway.money import Money
    from gateway.rails.stripe_transfers import StripeTransfers

app = typer.Typer(
    help="""Pay creators and authors what they earned.

    Plan a payout: its amount leaves the creator's account in the books, or that
    of an author (`plan-authors`). Then send it: by a transfer of Stripe Connect,
    or in a SEPA file (pain.001.001.09) for your bank. Nothing is sent twice: what was begun is looked up first.
    """,
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(metavar="ID", help="The payout, such as po_…; `licet payouts list`.")]
T = TypeVar("T")
_MOST = 10_000


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """List payouts, the newest first.

    With state, fee and the reference of the rail or the file.
    """

    async def act(paying: PayingOut, _: Books) -> list[dict[str, Any]]:
        return [told(each) for each in await paying.book.all(_MOST)]

    rows = with_payouts(data, act)
    if as_json:
        emit(rows)
        return
    shown = [
        (row["payout"], row["state"], row["site"], row["payee"], row["amount"], row["fee"], row["reference"] or "-", moment(row["changed_at"]))
        for row in rows
    ]  # fmt: skip
    table(("payout", "state", "site", "payee", "amount", "fee", "reference", "since"), shown)


@app.command()
def plan(
    site: Annotated[str, typer.Argument(metavar="SITE", help="Whose creator; the site's id.")],
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help='Whole coins, such as "120.50 EUR".')],
    name: Annotated[str, typer.Option(metavar="TEXT", help="Who is paid.")],
    iban: Annotated[str, typer.Option(metavar="IBAN", help="Pay by SEPA.")] = "",
    bic: Annotated[str, typer.Option(metavar="BIC", help="Where your bank wants one.")] = "",
    stripe: Annotated[str, typer.Option(metavar="acct_…", help="Pay by Stripe Connect.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Plan a payout of what a creator earned.

    As far as the account covers it; its amount leaves the account in the books.

    \b
    licet payouts plan journal "120.50 EUR" --name "Ada Example" --iban DE89…
    """
    from gateway.billing.payouts import planned, read_payee
    from gateway.money import Money, MoneyError

    try:
        wanted = Money.read(amount)
    except MoneyError as error:
        raise stop(str(error)) from None

    async def act(paying: PayingOut, books: Books) -> list[dict[str, Any]]:
        payee = read_payee(name, iban=iban, bic=bic, account=stripe)
        await _leave_the_authors(books, paying, data, site, wanted)
        one = planned(site, payee, wanted, books.now, str(books.clock.now_us()))
        return [told(each) for each in await paying.plan([one])]

    print_payouts(with_payouts(data, act), as_json=as_json)


@app.command()
def send(data: Data = DATA, as_json: AsJson = False) -> None:
    """Send what is planned for Stripe.

    Finishes what was begun, and learns what came of the rest. Uses secret_key_file under [stripe] of licet.toml.
    """

    async def act(paying: PayingOut, _: Books) -> list[dict[str, Any]]:
        rail = _stripe(data)
        changed = {each.id: each for each in (*await paying.send(rail), *await paying.look(rail))}
        return [told(each) for each in changed.values()]

    print_payouts(with_payouts(data, act), as_json=as_json)


@app.command()
def sepa(
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the XML goes.")],
    on: Annotated[str, typer.Option(metavar="DATE", help="The day to pay on; today if left out.")] = "",
    again: Annotated[str, typer.Option(metavar="FILE-ID", help="A file that was made before.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Write what is planned for SEPA as a file.

    It is a pain.001.001.09 file for your bank. Its payouts count as sent from then on, and stand in no other file; --again
    writes the same file once more, to the octet.
    """
    from gateway.billing.paying_out import today
    from gateway.billing.sepa import Debtor

    rules = rules_of(data)
    try:
        day = date.fromisoformat(on) if on else None
    except ValueError:
        raise stop(f"--on is a day such as 2026-12-01, not {on!r}") from None

    async def act(paying: PayingOut, books: Books) -> dict[str, Any]:
        debtor = Debtor(rules.name, rules.iban, rules.bic)
        made, count = await paying.sepa_file(debtor, day or today(books.clock.now_us()), again)
        beside = out.with_name(f".{out.name}.new")
        beside.write_bytes(made.octets)
        beside.replace(out)
        await paying.sepa_written(made.id)
        return {"file": str(out), "id": made.id, "payouts": count, "mode": rules.mode}

    done = with_payouts(data, act)
    if as_json:
        emit(done)
        return
    print(f"{done['file']}  {done['id']}  {done['payouts']}")
    if rules.test:
        tell("TEST MODE: give this file to no bank")


@app.command()
def settle(
    id: Id,
    fee: Annotated[
        str, typer.Option(metavar="AMOUNT", help='What it cost besides, such as "0.35 EUR".')
    ] = "",
    failed: Annotated[bool, typer.Option("--failed", help="It did not arrive.")] = False,
    back: Annotated[bool, typer.Option("--reversed", help="It arrived and came back.")] = False,
    why: Annotated[str, typer.Option(metavar="TEXT", help="Why, for your own list.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Say what came of a payout.

    It arrived, at a fee; or it did not; or it came back. What failed or came back is the creator's again in the books.
    """
    from gateway.billing.payouts import Paid
    from gateway.money import Money, MoneyError

    if failed and back:
        raise stop("--failed and --reversed exclude each other")
    try:
        cost = Money.read(fee) if fee else None
    except MoneyError as error:
        raise stop(str(error)) from None
    state: Paid = Paid.FAILED if failed else Paid.REVERSED if back else Paid.PAID

    async def act(paying: PayingOut, _: Books) -> list[dict[str, Any]]:
        return [told(await paying.settle(id, state, fee=cost, why=why))]

    print_payouts(with_payouts(data, act), as_json=as_json)


async def _leave_the_authors(books: Books, paying: PayingOut, data: Path, site: str, wanted: Money) -> None:
    """Stop where *wanted* is more than the creator has besides what is its authors' and is divided with the next day."""
    from gateway.app.share_round import authors_of, undivided
    from gateway.billing.payouts import PayoutError
    from gateway.money import Money
    from gateway.policy.reload import PolicyShelf
    from gateway.store.sqlite.earnings import SqliteEarnings

    folder = data / "sites"
    policy = PolicyShelf(folder).of_site(site) if folder.is_dir() else None
    if policy is None:
        return
    _, found = await undivided(SqliteEarnings(books.database), books.register, site, authors_of(policy))
    theirs = sum(found.get(wanted.currency, {}).values())
    has = sum(
        each.amount.micros
        for each in await paying.book.owed()
        if (each.site, each.author, each.amount.currency) == (site, "", wanted.currency)
    )
    if theirs > 0 and wanted.micros > has - theirs:
        raise PayoutError(
            f"{Money(theirs, wanted.currency)} of what stands there is its authors', and is divided once a day"
        )


def with_payouts(data: Path, act: Callable[[PayingOut, Books], Awaitable[T]]) -> T:
    """What *act* gives, done with the payouts of a data folder; what cannot be is told in a sentence."""
    from gateway.app.billing_lock import billing_lock
    from gateway.billing.paying_out import PayingOut
    from gateway.billing.payouts import PayoutError
    from gateway.store.sqlite.payout_book import SqlitePayoutBook

    async def run(books: Books) -> T:
        async with billing_lock(data):
            await books.settle()
            return await held(books)

    async def held(books: Books) -> T:
        await check_mode(books, data)
        paying = PayingOut(SqlitePayoutBook(books.database), books.write_new, books.clock.now_us)
        try:
            return await act(paying, books)
        except PayoutError as error:
            raise stop(str(error), 1) from None

    return with_books(data, run)


def _stripe(data: Path) -> StripeTransfers:
    from gateway.app.provider import read_secret
    from gateway.config import read_config
    from gateway.problems import ConfigurationError, Mistake
    from gateway.rails.stripe_transfers import StripeTransfers

    config, mistakes = read_config(data, environ=os.environ), list[Mistake]()
    key = read_secret(data, "stripe.secret_key_file", config.stripe.secret_key_file, mistakes)
    if mistakes:
        raise ConfigurationError(mistakes)
    if config.billing.test and "_live_" in key:
        raise stop("these books are of test mode, and the key is of Stripe's live mode")
    return StripeTransfers(key, config.stripe.api)


def told(each: Payout) -> dict[str, Any]:
    """One payout as JSON lists it."""
    from gateway.money import Money

    return {
        "payout": each.id, "state": str(each.state), "site": each.site, "author": each.author,
        "payee": each.payee.name,
        "rail": str(each.payee.rail), "amount": str(each.amount), "fee": str(Money(each.fee_micros, each.amount.currency)),
        "reference": each.reference, "why": each.why, "at": each.at, "changed_at": each.changed_at,
    }  # fmt: skip


def print_payouts(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print *rows* as `told` made them."""
    if as_json:
        emit(rows)
        return
    for row in rows:
        print(f"{row['payout']}  {row['state']}  {row['amount']}  {row['payee']}  {row['why']}".rstrip())
    if not rows:
        tell("nothing changed")
