"""Rows to bytes and back: the three formats say the same."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from gateway.dashboard.exports import LOG_NAMES, as_csv, as_json, as_jsonl, cells
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
