"""What every test may lean on: the shared data, a clock that stands still, a repository root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.clock import HandClock

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The labelled real data, or a skip that says where it was looked for."""
    folder = Path(os.environ.get("LICET_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no labelled data at {folder}; set LICET_TEST_DATA")
    return folder


@pytest.fixture
def clock() -> HandClock:
    """A clock that moves only when told."""
    return HandClock()


_seconds: dict[str, float] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add a test's set-up, call and tear-down to its folder."""
    parts = report.nodeid.split("::")[0].split("/")
    folder = "/".join(parts[:2]) if len(parts) > 2 else parts[0]
    _seconds[folder] = _seconds.get(folder, 0.0) + report.duration


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print where the time went, folder by folder."""
    if len(_seconds) < 2:
        return
    terminalreporter.section("seconds by folder")
    for folder, seconds in sorted(_seconds.items(), key=lambda item: -item[1]):
        terminalreporter.write_line(f"{seconds:8.1f}  {folder}")
