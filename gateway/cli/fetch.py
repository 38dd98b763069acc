"""`licet fetch`: a crawler's fetch by hand."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Annotated

import typer

from gateway.cli.say import AsJson, emit, stop, tell


def fetch(
    url: Annotated[str, typer.Argument(metavar="URL", help="The page to fetch.")],
    client_id: Annotated[
        str, typer.Option(metavar="ID", envvar="LICET_CLIENT_ID", help="From `licet licensee add`.")
    ] = "",
    client_secret: Annotated[
        str,
        typer.Option(metavar="SECRET", envvar="LICET_CLIENT_SECRET", help="Shown once, when it was made."),
    ] = "",
    max_price: Annotated[
        str, typer.Option(metavar="AMOUNT", help='The most one fetch may cost, such as "0.01 USD".')
    ] = "",
    user_agent: Annotated[str, typer.Option(metavar="TEXT", help="The crawler to be.")] = "LicetFetch/0.1",
    as_json: AsJson = False,
) -> None:
    """Fetch a page as a crawler that pays.

    A license is bought where one is asked for, if a fetch costs no more than
    --max-price; without that nothing is bought. The body goes to stdout, what
    was paid and under which record to stderr. Exit 1 if the page was not had.

    \b
    licet fetch https://journal.example/essays/tides --max-price "0.01 USD"
    """
    from gateway.client import LicensedSession, PurchaseRefused
    from gateway.money import Money, MoneyError

    try:
        ceiling = Money.read(max_price) if max_price else None
    except MoneyError as error:
        raise stop(f"--max-price: {error}") from None

    if not url.lower().startswith(("http://", "https://")):
        raise stop(f"a page's URL starts with https:// or http://, not {url!r}")

    async def run() -> int:
        import aiohttp

        async with LicensedSession(
            client_id, client_secret, ceiling=ceiling, user_agent=user_agent
        ) as session:
            try:
                got = await session.fetch(url)
            except PurchaseRefused as refused:
                raise stop(str(refused), 1) from None
            except (aiohttp.ClientError, TimeoutError) as error:
                number = getattr(error, "errno", None)
                why = os.strerror(number) if isinstance(number, int) and number > 0 else str(error)
                raise stop(f"{url}: {why or 'no answer in time'}") from None
        if as_json:
            emit(
                {
                    "status": got.status,
                    "headers": got.headers,
                    "bytes": len(got.body),
                    "record": got.record,
                    "price": got.price,
                    "license": got.license,
                }
            )
        else:
            paid = f", record {got.record}, at most {got.price}" if got.record else ""
            tell(f"{got.status} {len(got.body)} bytes{paid}")
            sys.stdout.buffer.write(got.body)
            sys.stdout.buffer.flush()
        return 0 if got.status < 400 else 1

    raise typer.Exit(asyncio.run(run()))
