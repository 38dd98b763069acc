"""`licet mcp`: the gate's tools for a model, over the Model Context Protocol."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.fetch import (
    Budget,
    ClientId,
    ClientSecret,
    MaxPrice,
    RegisterAs,
    Save,
    StopFile,
    Use,
    UserAgent,
)
from gateway.cli.fetch import session_of as fetching
from gateway.cli.say import stop

if TYPE_CHECKING:
    from gateway.client import LicensedSession

_Origin = Annotated[
    str, typer.Option(metavar="URL", help="The site that the credentials are for, such as https://a.example.")
]
_Site = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Offer read-only tools on this data folder of yours as well."),
]


def mcp(
    max_price: MaxPrice = "",
    budget: Budget = "",
    use: Use = None,
    at: _Origin = "",
    client_id: ClientId = "",
    client_secret: ClientSecret = "",
    register_as: RegisterAs = "",
    save: Save = None,
    stop_file: StopFile = None,
    user_agent: UserAgent = "LicetFetch/0.1",
    site: _Site = None,
) -> None:
    """Offer a model the tools of a crawler that pays.

    It speaks the Model Context Protocol over stdin and stdout. Tools: lookup_terms, quote, explain, buy_license, fetch, spent. What may be
    spent is said here and not by the model: a fetch costs at most --max-price,
    all of them at most --budget; without those nothing is bought. With --site
    an operator's questions can be asked too; nothing is changed by them. Needs
    `pip install "licet[mcp]"`.

    \b
    licet mcp --max-price "0.01 USD" --budget "1 USD" --register-as "Example Labs" --save receipts.jsonl
    licet mcp --site licet-data
    """
    try:
        import mcp  # noqa: F401
    except ModuleNotFoundError:
        raise stop('the tools need the MCP SDK: pip install "licet[mcp]"') from None
    if bool(at) != bool(client_id):
        raise stop("--at and --client-id stand together")
    if site is not None and not site.is_dir():
        raise stop(f"--site: there is no folder {site}")
    session = fetching(
        at, user_agent, max_price, budget, use, client_id, client_secret, register_as, save, stop_file
    )
    asyncio.run(_offered(session, site))


async def _offered(session: LicensedSession, site: Path | None) -> None:
    from mcp.server import MCPServer

    from gateway import __version__
    from gateway.cli.mcp_operator import OperatorTools
    from gateway.client.mcp_tools import CrawlerTools

    server: MCPServer[object] = MCPServer(
        "licet",
        title="Licet",
        version=__version__,
        instructions=(
            "Pages of sites that license their content. Ask lookup_terms or quote before fetch; spent says what is left. "
            "A refusal names its rule, the fact and the next step; only a person can raise the limits."
        ),
        log_level="WARNING",
    )
    async with session:
        CrawlerTools(session).add_to(server)
        if site is not None:
            OperatorTools(site).add_to(server)
        await server.run_stdio_async()
