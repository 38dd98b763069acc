"""Abuse of policy and metering (reliability checklist, rows G that no other test holds)."""

from __future__ import annotations

import asyncio

import pytest

from gateway.provenance.record import Ended

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n"


@pytest.mark.parametrize("seconds", [60.0, 86_400.0])
async def test_an_answer_that_lasts_leaves_one_record(door, origin, kit, seconds):
    """G03: what began under a license ends under it, however long it takes, and is one fetch."""
    go = asyncio.Event()

    async def slow(request, reader, writer):
        writer.write(HEAD + b"half")
        await go.wait()
        writer.write(b"half")

    origin.reply = slow
    reader, writer = await door.connect()
    writer.write(kit.get("/x", "User-Agent: GPTBot/1.2", "X-Pay: 1"))
    await kit.read_head(reader)
    door.gate.clock.advance(seconds)
    go.set()
    assert await reader.readexactly(8) == b"halfhalf"
    writer.close()
    assert (await door.journal.one()).ended == Ended.COMPLETE
    assert len(door.journal.noted) + len(door.journal.kept) == 1


@pytest.mark.parametrize(
    "agent", ["GPTBot\x1b[31m", "GPTBot \u202egpj.exe", "GPTBot,=cmd()", "GPTBot'\"><script>"], ids=ascii
)
async def test_what_a_crawler_calls_itself_is_text_and_nothing_else(door, origin, kit, agent):
    """G15: a control octet is refused; the rest is remembered as it came and passed on as it came."""
    received = await door.send(kit.get("/x", f"User-Agent: {agent}"))
    if "\x1b" in agent:
        assert kit.statuses(received) == [400]
        assert origin.requests == door.journal.noted == []
        return
    assert kit.statuses(received) == [200]
    assert origin.requests[0].values("user-agent") == [agent]
    (record,) = door.journal.noted
    assert agent not in repr(record)
