"""The driver without sockets tells what the one with sockets tells."""

from __future__ import annotations

import re


def _told(outcome) -> tuple:
    """All of *outcome*; an id differs each time."""
    client = re.sub(rb"[0-9a-f]{8}-[0-9a-f-]{27}", b"", outcome.client)
    return client, outcome.origin, outcome.messages(), outcome.ended, outcome.judged, outcome.broke


async def _alike(driver, memory, row) -> None:
    assert _told(await memory(row.octets)) == _told(await driver(row.octets))


async def test_a_persons_row(driver, memory, row):
    await _alike(driver, memory, row)


async def test_a_crawlers_row(driver, memory, paying_row):
    await _alike(driver, memory, paying_row)
