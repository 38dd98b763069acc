"""`licet fetch`: a crawler's fetch by hand."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.say import AsJson, emit, stop, tell

if TYPE_CHECKING:
    from gateway.client import Fetched, LicensedSession, Refused

#: Codes of refusals that are this side's own limits.
_OURS = frozenset({"over-ceiling", "over-budget", "stopped"})


_Url = Annotated[str, typer.Argument(metavar="URL", help="The page to fetch.")]
MaxPrice = Annotated[
    str, typer.Option(metavar="AMOUNT", help='The most one fetch may cost, such as "0.01 USD".')
]
Budget = Annotated[
    str,
    typer.Option(
        metavar="AMOUNT", help="The most all of it may cost, fees included; --max-price if left out."
    ),
]
Use = Annotated[
    list[str] | None,
    typer.Option(metavar="USE", help="What the page is for, such as ai-input; may stand several times."),
]
_Negotiate = Annotated[
    bool, typer.Option("--negotiate", help="Bargain for another price than the published one.")
]
_Opening = Annotated[
    float, typer.Option(metavar="PERCENT", help="Where bargaining begins, of the ask.", min=0, max=100)
]
_Limit = Annotated[float, typer.Option(metavar="PERCENT", help="Where it ends, of the ask.", min=0, max=100)]
_MaxShare = Annotated[
    float, typer.Option(metavar="PERCENT", help="The most of your revenue that may be owed.", min=0, max=100)
]
_Fact = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=TEXT", help="What is stated if the creator asks for it, such as use_case=…"),
]
_Party = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=TEXT", help="Who signs a large deal: name, address, signatory, authority."),
]
ClientId = Annotated[
    str, typer.Option(metavar="ID", envvar="LICET_CLIENT_ID", help="From `licet licensee add`.")
]
ClientSecret = Annotated[
    str, typer.Option(metavar="SECRET", envvar="LICET_CLIENT_SECRET", help="Shown once, when it was made.")
]
RegisterAs = Annotated[
    str, typer.Option(metavar="NAME", help="Register under this name where there are no credentials.")
]
Save = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Add receipts to this file; what is held stands beside it."),
]
StopFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Send nothing more once this file exists.")
]
UserAgent = Annotated[str, typer.Option(metavar="TEXT", help="The crawler to be.")]


def fetch(
    url: _Url,
    max_price: MaxPrice = "",
    budget: Budget = "",
    use: Use = None,
    negotiate: _Negotiate = False,
    opening: _Opening = 33.0,
    limit: _Limit = 100.0,
    max_share: _MaxShare = 0.0,
    fact: _Fact = None,
    party: _Party = None,
    client_id: ClientId = "",
    client_secret: ClientSecret = "",
    register_as: RegisterAs = "",
    save: Save = None,
    stop_file: StopFile = None,
    user_agent: UserAgent = "LicetFetch/0.1",
    as_json: AsJson = False,
) -> None:
    """Fetch a page as a crawler that pays.

    A license is bought where one is asked for, if a fetch costs no more than
    --max-price and all of it no more than --budget; without those nothing is
    bought. With --negotiate the price is bargained for instead. The body goes
    to stdout, each step and the bill to stderr.

    Exit 0: the page. 1: it was refused. 2: a mistake in this line. 3: your own
    limit was in the way.

    \b
    licet fetch https://journal.example/essays/tides --max-price "0.01 USD"
    licet fetch https://journal.example/essays/tides --use ai-train --negotiate --max-share 3 \\
        --max-price "0.02 USD" --budget "500 USD" --fact use_case="answers to readers"
    """
    from gateway.client import Bargain, TakeIt
    from gateway.money import MICROS

    if not url.lower().startswith(("http://", "https://")):
        raise stop(f"a page's URL starts with https:// or http://, not {url!r}")
    try:
        strategy = (
            Bargain(round(opening * MICROS / 100), round(limit * MICROS / 100)) if negotiate else TakeIt()
        )
    except ValueError as error:
        raise stop(str(error)) from None
    session = session_of(
        url, user_agent, max_price, budget, use, client_id, client_secret, register_as, save, stop_file,
        max_share=max_share,
        strategy=strategy,
        facts=_pairs("--fact", fact or []),
        party=_pairs("--party", party or []),
        tell=lambda said: tell(f"  {said}"),
    )  # fmt: skip
    raise typer.Exit(asyncio.run(_run(session, url, as_json=as_json)))


def session_of(
    at: str,
    user_agent: str,
    max_price: str,
    budget: str,
    use: list[str] | None,
    client_id: str,
    client_secret: str,
    register_as: str,
    save: Path | None,
    stop_file: Path | None,
    *,
    max_share: float = 0.0,
    **more: Any,
) -> LicensedSession:
    """The session that the options of a command describe, with a login for the site of *at*; a mistake stops it."""
    from gateway.client import LicensedSession, Secret, Spending
    from gateway.client.caller import origin_of
    from gateway.money import Money, MoneyError

    def money(name: str, text: str) -> Money | None:
        try:
            return Money.read(text) if text else None
        except MoneyError as error:
            raise stop(f"{name}: {error}") from None

    ceiling = money("--max-price", max_price)
    most = money("--budget", budget) or ceiling
    try:
        spending = Spending(ceiling, most)
        return LicensedSession(
            user_agent,
            spending,
            uses=_uses(use or []),
            logins=(Secret(origin_of(at), client_id, client_secret),) if client_id else (),
            register_as=register_as,
            owing=_share(max_share, spending.currency),
            receipts=save,
            switch=stop_file,
            **more,
        )
    except ValueError as error:
        raise stop(str(error)) from None


async def _run(session: LicensedSession, url: str, *, as_json: bool) -> int:
    from gateway.client import Refused

    async with session:
        got = await session.fetch(url)
    spent = session.spent
    bill = {"amount": spent.amount, "currency": spent.currency, "micros": spent.micros} if spent else None
    if as_json:
        emit({**_row(got), "bill": bill})
    elif isinstance(got, Refused):
        tell(f"{url}: {got}")
    else:
        paid = f", record {got.record}, at most {got.price}" if got.record else ""
        tell(f"{got.status} {len(got.body)} bytes{paid}")
        sys.stdout.buffer.write(got.body)
        sys.stdout.buffer.flush()
    tell(f"bill: {spent or 'nothing'}")
    if isinstance(got, Refused):
        return 3 if got.code in _OURS else 1
    return 0 if got.status < 400 else 1


def _row(got: Fetched | Refused) -> dict[str, Any]:
    from gateway.client import Refused

    if isinstance(got, Refused):
        return {
            "refused": got.code,
            "problem": got.problem,
            "rule": got.rule,
            "fact": got.fact,
            "next_step": got.next_step,
            "status": got.status,
        }
    return {
        "status": got.status,
        "headers": got.headers,
        "bytes": len(got.body),
        "record": got.record,
        "receipt": got.receipt,
        "price": got.price,
        "license": got.license,
    }


def _share(percent: float, currency: str) -> Any:
    """The most of the revenue that may be owed, beside what is paid at once and by the fetch."""
    from gateway.terms.license_terms import Compensation

    return Compensation(currency, revenue_share_bp=round(percent * 100)) if currency and percent else None


def _uses(named: list[str]) -> Any:
    from gateway.uses import Use, parse_use

    found = [parse_use(each) for each in named]
    if None in found:
        raise stop(f"--use is one of {', '.join(Use)}")
    return frozenset(found)


def _pairs(option: str, given: list[str]) -> dict[str, str]:
    pairs = {}
    for each in given:
        name, sign, text = each.partition("=")
        if not sign or not name or not text:
            raise stop(f"{option} is written as NAME=TEXT, not {each!r}")
        pairs[name] = text
    return pairs
