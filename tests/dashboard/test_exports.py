"""Rows to bytes and back: the three formats say the same."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import logging
import socket
import struct
from dataclasses import replace

import pytest
from aiohttp import web

from gateway.dashboard.exports import LOG_NAMES, as_csv, as_json, as_jsonl, cells, sent
from gateway.dashboard.queries import LogRow

ROW = LogRow(
    7, "id-7", 1_795_000_000_000_001, "journal", "GET", "journal.example", '/a,b"c', "GPTBot", "OpenAI", "ai",
    "verified", "acme", "lic", "licensed", "license", "rules[0]", "", "", 200, "DE", "USD", 20_000, 0, 10, 11,
)  # fmt: skip


async def stream(count: int):
    for _ in range(count):
        yield cells(ROW)


async def gathered(written, count: int) -> tuple[str, int]:
    chunks = [chunk async for chunk in written(LOG_NAMES, stream(count))]
    return b"".join(chunks).decode(), max(map(len, chunks), default=0)


@pytest.mark.parametrize("count", [0, 1, 3, 500])
async def test_all_formats_hold_the_same_rows_in_bounded_chunks(count):
    expected = [cells(ROW)] * count
    for written, read in (
        (as_json, lambda text: json.loads(text)["rows"]),
        (as_jsonl, lambda text: [json.loads(line) for line in text.splitlines()]),
    ):
        text, largest = await gathered(written, count)
        assert read(text) == expected
        assert largest < 40_000
    text, largest = await gathered(as_csv, count)
    assert list(csv.DictReader(io.StringIO(text))) == [
        {k: str(v) for k, v in row.items()} for row in expected
    ]
    assert largest < 40_000


def test_money_stands_exactly_and_twice():
    found = cells(ROW)
    assert (found["charged"], found["charged_micros"], found["currency"]) == ("0.02", 20_000, "USD")
    assert found["quote"] == "0"
    assert found["time"] == "2026-11-18T11:06:40.000001Z"
    assert "address" not in found


def test_a_claim_is_not_exported_as_a_fact():
    dated = ("ip_not_in:openai-gptbot", "ip_list_dated:openai-gptbot@2026-09-02")
    forged = replace(ROW, identity="spoofed", evidence=dated)
    assert cells(forged)["told"] == (
        "claimed to be GPTBot; not proven (address not in the published list of 2026-09-02)"
    )
    assert cells(replace(forged, evidence=()))["told"] == "claimed to be GPTBot; not proven"
    assert cells(ROW)["told"] == "GPTBot, verified"


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl"])
async def test_a_client_that_leaves_in_the_middle_is_no_fault(ending, caplog):
    """It resets its connection while rows are read; the next octets meet that, and nobody is told of it."""
    caplog.set_level(logging.INFO)
    client, broke, done, read = socket.socket(), [], asyncio.Event(), 0
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def rows():
        nonlocal read
        for read in range(100_000):
            if read == 1_000:
                client.close()
            yield cells(ROW)

    async def handler(request):
        try:
            return await sent(request, "log", LOG_NAMES, rows())
        except Exception as error:
            broke.append(error)
            raise
        finally:
            done.set()

    app = web.Application()
    app.router.add_get(f"/log.{ending}", handler)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        client.connect(runner.addresses[0])
        client.sendall(f"GET /log.{ending} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await done.wait()
    finally:
        await runner.cleanup()
        client.close()
    assert broke == []
    assert 1_000 <= read < 10_000, "rows are read for nobody"
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
