"""`licet mcp` by the MCP SDK's own client: a model looks up terms, asks prices, buys and fetches within limits it cannot raise."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib.metadata import version

import pytest

from loadtests.raw_origin import PAGE as BODY

pytest.importorskip("mcp", reason="PyPI mcp is absent")
from mcp import Client
from mcp.client.stdio import StdioServerParameters

PAGE = "/essays/tides"
ROW = ("PyPI mcp", version("mcp"))
#: Credit of a licensee here that bought nothing, and of the one that read one page twice.
LEFT = {"5 USD", "4.99 USD"}


def started(gateway, tmp_path, *options):
    """`licet mcp` as a model's program starts it."""
    login = gateway.licensee()
    secrets = {"LICET_CLIENT_ID": login[0], "LICET_CLIENT_SECRET": login[1]}
    args = ["-m", "gateway", "mcp", "--at", gateway.url, "--user-agent", "GPTBot/1.3", *options]
    return Client(
        StdioServerParameters(command=sys.executable, args=args, env={**os.environ, **secrets}, cwd=tmp_path)
    )


async def asked(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def test_a_model_buys_within_limits_it_cannot_raise(gateway, tmp_path, interop) -> None:
    page = gateway.url + PAGE
    money = (
        "--max-price",
        "0.01 USD",
        "--budget",
        "0.02 USD",
        "--save",
        "receipts.jsonl",
        "--stop-file",
        "stop",
    )
    async with started(gateway, tmp_path, *money) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"lookup_terms", "quote", "explain", "spent", "buy_license", "fetch"}
        assert all(tool.description for tool in tools.values())
        assert {name for name, tool in tools.items() if not tool.annotations.read_only_hint} == {
            "buy_license",
            "fetch",
        }
        terms = await asked(client, "lookup_terms", url=page)
        (offer,) = terms["offers"]
        assert (offer["id"], offer["uses"], offer["per_fetch"]["amount"]) == (
            "training",
            ["ai-train"],
            "0.01",
        )
        quotes = (await asked(client, "quote", urls=[page, gateway.url + "/free"]))["quotes"]
        assert [each["outcome"] for each in quotes] == ["license", "refused"]
        why = await asked(client, "explain", url=page, uses=["ai-train"])
        assert why["resolution"]
        assert (await asked(client, "spent"))["spent"]["micros"] == 0
        bought = await asked(client, "buy_license", url=page)
        assert (bought["offer"], bought["spent"]["micros"]) == ("training", 0)
        got = await asked(client, "fetch", url=page)
        assert (got["status"], got["text"], got["license"]) == (200, BODY.decode(), bought["license"])
        assert (got["spent"]["micros"], got["left"]["micros"]) == (10_000, 10_000)
        assert (await asked(client, "fetch", url=page))["left"]["micros"] == 0
        over = await asked(client, "fetch", url=page)
        assert (over["refused"], over["by"]) == ("over-budget", "this client")
        interop(
            *ROW,
            "tools: loop",
            "terms, quote, why, license, 200 twice for 0.02 USD; third over budget, told as a value",
        )
        for wrong in ({"urls": []}, {"urls": [page] * 21}, {}):
            assert (await client.call_tool("quote", wrong)).is_error
        (tmp_path / "stop").touch()
        assert (await asked(client, "lookup_terms", url=page))["refused"] == "stopped"
    kept = [json.loads(line) for line in (tmp_path / "receipts.jsonl").read_text().splitlines()]
    assert [each["kind"] for each in kept] == ["fetch", "fetch"]
    interop(*ROW, "tools: limits", "2 receipts kept; stopped by a file")


async def test_nothing_is_spent_by_default(gateway, tmp_path) -> None:
    async with started(gateway, tmp_path) as client:
        assert (await asked(client, "fetch", url=gateway.url + PAGE))["refused"] == "over-ceiling"
        assert (await asked(client, "buy_license", url=gateway.url + PAGE))["refused"] == "over-ceiling"
        assert (await asked(client, "fetch", url="file:///etc/passwd"))["refused"] == "unreachable"


async def test_an_operator_asks_and_changes_nothing(gateway, tmp_path, interop) -> None:
    async with started(gateway, tmp_path, "--site", str(gateway.data)) as client:
        tools = {
            tool.name: tool for tool in (await client.list_tools()).tools if tool.name.startswith("site_")
        }
        assert len(tools) == 9
        assert all(tool.annotations.read_only_hint for tool in tools.values())
        async with asyncio.timeout(20):
            # What is set aside for fetches goes back once the licensee is idle; until then two looks may differ.
            while any(row["credit"] not in LEFT for row in gateway.operator("licensee", "list")):
                await asyncio.sleep(0.05)
        licensees = await asked(client, "site_licensees")
        assert licensees == {"rows": gateway.operator("licensee", "list")}
        why = await asked(client, "site_explain", page=PAGE, crawler="GPTBot")
        assert why == gateway.operator("policy", "explain", PAGE, "--as", "GPTBot")
        assert await asked(client, "site_report", last="24h")
        for tool, arguments in (
            ("site_explain", {"page": "--policy=/etc/passwd", "crawler": "x"}),
            ("site_explain", {"page": "/x", "crawler": "-h"}),
            ("site_statement", {"licensee": "nobody", "month": "2026-11"}),
            ("site_statement", {"licensee": "nobody", "month": "November"}),
            ("site_prove", {"record": "--help"}),
        ):
            refused = await client.call_tool(tool, arguments)
            assert refused.is_error, (tool, refused)
    interop(*ROW, "operator's tools", "9 that read, the same answers as the commands")
