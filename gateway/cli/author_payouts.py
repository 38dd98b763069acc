"""The part of `licet payouts` that pays authors from their own accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.payouts import app, print_payouts, told, with_payouts
from gateway.cli.say import DATA, AsJson, Data, emit, stop, table, tell

if TYPE_CHECKING:
    from gateway.billing.paying_out import PayingOut
    from gateway.billing.payouts import Payee, Standing
    from gateway.cli.books import Books

__all__ = ["app"]
Site = Annotated[str, typer.Argument(metavar="SITE", help="The site's id.")]


@app.command()
def authors(data: Data = DATA, as_json: AsJson = False) -> None:
    """List what each author has to get.

    By site and currency, and where it is paid to: an author nobody said that of stays owed.
    """

    async def act(paying: PayingOut, _: Books) -> list[dict[str, Any]]:
        payees = await paying.book.payees()
        return [
            {**_owed(each), "paid_to": _where(payees.get((each.site, each.author)))}
            for each in await paying.book.owed()
            if each.author
        ]

    rows = with_payouts(data, act)
    if as_json:
        emit(rows)
        return
    shown = [(row["author"], row["site"], row["owed"], row["paid_to"] or "nobody said where") for row in rows]
    table(("author", "site", "to get", "paid to"), shown)


@app.command()
def payee(
    site: Site,
    author: Annotated[str, typer.Argument(metavar="NAME", help="The author, as in the work's `authors`.")],
    name: Annotated[
        str, typer.Option(metavar="TEXT", help="Who is paid, where the bank knows another name.")
    ] = "",
    iban: Annotated[str, typer.Option(metavar="IBAN", help="Pay by SEPA.")] = "",
    bic: Annotated[str, typer.Option(metavar="BIC", help="Where your bank wants one.")] = "",
    stripe: Annotated[str, typer.Option(metavar="acct_…", help="Pay by Stripe Connect.")] = "",
    forget: Annotated[bool, typer.Option("--forget", help="Keep no details of this author.")] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Say where an author is paid to.

    Payouts that are planned already stay as they are.

    \b
    licet payouts payee journal "Ada Example" --iban DE89…
    """  # fmt: skip
    from gateway.billing.payouts import read_payee

    if forget and (name or iban or bic or stripe):
        raise stop("--forget keeps no details")
    if not author.strip() or not author.isprintable():
        raise stop("NAME is one line of printable text")

    async def act(paying: PayingOut, _: Books) -> dict[str, Any]:
        one = None if forget else read_payee(name or author, iban=iban, bic=bic, account=stripe)
        await paying.book.name_payee(site, author, one)
        return {"site": site, "author": author, "paid_to": _where(one)}

    done = with_payouts(data, act)
    if as_json:
        emit(done)
    else:
        print(f"{done['author']}  {done['paid_to'] or 'nobody said where'}")


@app.command("plan-authors")
def plan_authors(
    site: Annotated[str, typer.Option(metavar="ID", help="Only the authors of this site.")] = "",
    author: Annotated[str, typer.Option(metavar="NAME", help="Only this author.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Plan to pay every author what stands on its account.

    In whole coins, one payout for each author and currency; then `send` or `sepa` as for any other. Whoever cannot be
    paid is named with why, and stays owed.
    """

    async def act(paying: PayingOut, _: Books) -> dict[str, Any]:
        made, left = await paying.plan_authors(site, author)
        unpaid = [{**_owed(each.owed), "why": each.why} for each in left]
        return {"payouts": [told(each) for each in made], "unpaid": unpaid}

    done = with_payouts(data, act)
    if as_json:
        emit(done)
        return
    print_payouts(done["payouts"], as_json=False)
    for row in done["unpaid"]:
        tell(f"{row['author']} of {row['site']} stays owed {row['owed']}: {row['why']}")


def _owed(each: Standing) -> dict[str, Any]:
    return {"author": each.author, "site": each.site, "owed": str(each.amount)}


def _where(payee: Payee | None) -> str:
    """Where somebody is paid to, with nothing of an account number but its end."""
    from gateway.billing.payouts import masked

    return masked(payee) if payee is not None else ""
