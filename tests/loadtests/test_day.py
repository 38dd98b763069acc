"""The day of traffic comes about, whole, and twice the same from one seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.day import make

pytestmark = pytest.mark.night


async def test_a_day_holds_what_it_promises(tmp_path: Path) -> None:
    told = await make(tmp_path / "one", 7, 0.1)
    assert {
        ("a person's report", 201), ("bargaining for films", 201), ("an objection", 201), ("licet withdraw podcast", 0),
        ("licet invoices issue", 0), ("GPTBot after the withdrawal", 403), ("token for film", 200), ("people", 200),
    } <= told.keys()  # fmt: skip
    assert {status for who, status in told if who == "GPTBot"} >= {200, 402}
    assert {who for who, status in told if status == 403} >= {"Bytespider", "Googlebot"}
    assert await make(tmp_path / "two", 7, 0.1) == told
