"""Other people's programs against a real `licet serve`; each test skips, and says so, where its program is absent.

One table of who did what stands at the end of the run. A test adds its rows by
the fixture `interop`::

    def test_x402_pays(interop, ...):
        interop("PyPI x402", "2.25.0", "pay a fetch", "402, then 200 with PAYMENT-RESPONSE")

A row is client, version, step, outcome: four short texts of what was seen, added
after the assertion that saw it. Where a test that has `interop` among its
fixtures skips or fails, the table says that by itself.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from loadtests.processes import free_port, running
from loadtests.serving import LicetSite

_ROWS = pytest.StashKey[list[tuple[str, str, str, str]]]()
_COLUMNS = ("client", "version", "step", "outcome")


@pytest.fixture
def interop(request: pytest.FixtureRequest) -> Callable[[str, str, str, str], None]:
    """`interop(client, version, step, outcome)`: one row of the table at the end of the run."""
    rows = request.config.stash.setdefault(_ROWS, [])

    def add(client: str, version: str, step: str, outcome: str) -> None:
        rows.append((client, version, step, outcome))

    return add


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note what was skipped or failed of the tests that have rows in the table."""
    report = yield
    if not report.passed and "interop" in getattr(item, "fixturenames", ()):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        outcome = f"skipped: {why.removeprefix('Skipped: ')}" if report.skipped else "FAILED"
        item.config.stash.setdefault(_ROWS, []).append(
            (item.name, "", report.when, " ".join(outcome.split()))
        )
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    rows = config.stash.get(_ROWS, [])
    if not rows:
        return
    widths = [max(len(row[at]) for row in [_COLUMNS, *rows]) for at in range(3)]
    terminalreporter.section("other people's clients against a live gateway")
    for row in [_COLUMNS, *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)]
        terminalreporter.write_line("  ".join([*cells, row[3]]))


@pytest.fixture
def needs() -> Callable[[str, str], str]:
    """`needs("curl", "apt install curl")`: the program's path, beside Python's own or in PATH, or a skip."""

    def find(name: str, how: str) -> str:
        beside = Path(sys.executable).parent / name
        found = str(beside) if beside.exists() else shutil.which(name)
        if not found:
            pytest.skip(f"{name} is absent ({how})")
        return found

    return find


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[str]:
    """A server whose every page is `loadtests.raw_origin.PAGE`."""
    port = free_port()
    command = [sys.executable, "-m", "loadtests.raw_origin", "--port", str(port)]
    with running(command, None, port, tmp_path / "origin.log"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def licet(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """`licet(origin)`: a gateway that enforces in front of it; returns its address."""
    with ExitStack() as stack:

        def serve(origin: str) -> str:
            site = stack.enter_context(LicetSite.serving(tmp_path, origin, cpu=None))
            return f"http://127.0.0.1:{site.port}"

        yield serve
