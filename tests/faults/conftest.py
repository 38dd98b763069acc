"""`loadtests.faults` for this folder, and its table at the end of the run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from loadtests.faults.shop import Said, Shop
from loadtests.faults.table import ROWS, lines, told


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where this is one of several processes (``-n``), hand over the rows that its tests added."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["faults"] = [asdict(row) for row in ROWS.values()]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add what a process handed over."""
    for row in getattr(node, "workeroutput", {}).get("faults", ()):
        told(row["fault"], row["times"], wrong=row["wrong"], control=row["control"], **row["notes"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the fault table."""
    if ROWS:
        terminalreporter.section("faults")
        for line in lines():
            terminalreporter.write_line(line)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that is not there yet."""
    return tmp_path / "data"


@pytest.fixture
def said() -> Said:
    """What the world was told."""
    return Said()


@pytest.fixture
async def begun(data: Path, said: Said):
    """`begun(count)`: a gateway in *data* that sold, folded and signed that many; open."""

    async def open_(count: int) -> Shop:
        shop = await Shop.open(data, said)
        await shop.pay_in()
        await shop.sell(count)
        await shop.fold()
        assert await shop.publish() == ""
        return shop

    return open_
