"""`AudienceBook`: totals, added up."""

from __future__ import annotations

from dataclasses import replace

from gateway.provenance.audience import AudienceRow


async def test_counts_are_added_to_their_totals(ports):
    row = AudienceRow(3600, "journal", "/essays/", 200, "ChatGPT", 2)
    await ports.audience.add([row, replace(row, status=404, count=1)])
    await ports.audience.add(iter([replace(row, count=5)]))
    await ports.audience.add(())
    assert await ports.audience.totals(0, 3601) == (replace(row, count=7), replace(row, status=404, count=1))
    assert await ports.audience.totals(0, 3600) == ()
