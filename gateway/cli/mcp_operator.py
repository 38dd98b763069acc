"""The operator's tools of an MCP server: what the commands say as JSON, and nothing that changes anything.

Each tool is one command of `licet` on one data folder, run as its own process,
so that an answer here and there is the same. Left out on purpose: whatever
changes something, whatever shows addresses of visitors, and whatever could show
a floor of a price, since what a tool answers leaves this machine with the model.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

_READS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_SECONDS: Final = 60.0
_WORD: Final = re.compile(r"[^\s-][^\x00-\x1f]{0,500}")
_Last = Annotated[str, Field(description="1h, 24h, 7d, 30d or all.", pattern="^(1h|24h|7d|30d|all)$")]
_Page = Annotated[str, Field(description="A URL of the site, or a path such as /essays/.")]
_Crawler = Annotated[
    str, Field(description="A crawler of the catalog, such as GPTBot, or a whole User-Agent.")
]
_Month = Annotated[str, Field(description="A month, such as 2026-11 (UTC).", pattern="^[0-9]{4}-[0-9]{2}$")]


class OperatorTools:
    """The tools of one data folder."""

    def __init__(self, data: Path) -> None:
        """Read *data*."""
        self._data = data

    def add_to(self, server: MCPServer[Any]) -> None:
        """Offer them at *server*."""
        for act in (
            self.site_report,
            self.site_explain,
            self.site_terms,
            self.site_licensees,
            self.site_licenses,
            self.site_statement,
            self.site_duties,
            self.site_books_check,
            self.site_prove,
        ):
            server.tool(annotations=_READS)(act)

    async def site_report(self, last: _Last = "7d") -> dict[str, Any]:
        """Say what AI took from this site, who, what was paid and what it would have cost."""
        return await self._said("report", "--last", last)

    async def site_explain(self, page: _Page, crawler: _Crawler, use: str = "") -> dict[str, Any]:
        """Say what the rules of this site say to a crawler that asks for a page, and why."""
        return await self._said(
            "policy", "explain", _word(page), "--as", _word(crawler), *_option("--use", use)
        )

    async def site_terms(self, page: _Page, crawler: _Crawler) -> dict[str, Any]:
        """Say what every published format says of a page to a crawler."""
        return await self._said("terms", "show", _word(page), "--as", _word(crawler))

    async def site_licensees(self) -> dict[str, Any]:
        """List every licensee, its standing and its credit."""
        return await self._said("licensee", "list")

    async def site_licenses(self) -> dict[str, Any]:
        """List every license that was granted, the newest first."""
        return await self._said("licenses", "list")

    async def site_statement(self, licensee: str, month: _Month) -> dict[str, Any]:
        """Give the account of a licensee in a month."""
        return await self._said("statement", _word(licensee), "--period", month)

    async def site_duties(self) -> dict[str, Any]:
        """List what licensees have to hand in, and what waits for the operator."""
        return await self._said("duties", "list")

    async def site_books_check(self) -> dict[str, Any]:
        """Check what has to hold in the books by themselves."""
        return await self._said("books", "check")

    async def site_prove(self, record: str) -> dict[str, Any]:
        """Give what proves that a record stands in the public log."""
        return await self._said("journal", "prove", _word(record))

    async def _said(self, *command: str) -> dict[str, Any]:
        """What that command prints as JSON; a command that cannot answer is an error with its words."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", *command, "--data", str(self._data), "--json",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_SECONDS):
                out, said = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise ToolError(f"licet {command[0]} took longer than {_SECONDS:.0f} seconds") from None
        try:
            value = orjson.loads(out)
        except orjson.JSONDecodeError:
            raise ToolError(said.decode("utf-8", "replace").strip()[-1000:] or "nothing was said") from None
        return value if isinstance(value, dict) else {"rows": value}


def _word(text: str) -> str:
    """*text* as an argument that no command takes for an option."""
    if not _WORD.fullmatch(text):
        raise ToolError(f"{text[:60]!r} is no page, name or id")
    return text


def _option(name: str, value: str) -> tuple[str, ...]:
    return (name, _word(value)) if value else ()
