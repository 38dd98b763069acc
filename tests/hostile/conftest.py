"""Real sockets for this folder: `kit` of the front's tests, the table of rows, and servers that are stopped."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parent


def _module(name: str, path: Path):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def _rows():
    return _module("licet_tests_hostile_rows", _HERE / "rows.py")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`row` is every row that a person sends, `paying_row` every row that a paying crawler sends."""
    for name, table in (("row", "PERSON"), ("paying_row", "CRAWLER")):
        if name in metafunc.fixturenames:
            rows = getattr(_rows(), table)
            metafunc.parametrize(name, rows, ids=[each.id for each in rows])


def pytest_terminal_summary(terminalreporter) -> None:
    """Say how many cases of the checklist there are, and how many rows of raw octets."""
    checklist, rows = _module("licet_tests_hostile_checklist", _HERE / "checklist.py"), _rows()
    soon, cases = len(checklist.ELSEWHERE_SOON), sum(checklist.COUNTS.values())
    octets = len(rows.PERSON) + len(rows.CRAWLER)
    terminalreporter.write_line(
        f"checklist: {cases} cases, {cases - soon} of them held; {octets} rows of raw octets"
    )


@pytest.fixture(scope="session")
def kit():
    """The module of raw origins, doors and clients."""
    return _module("licet_tests_front_kit", _HERE.parent / "front" / "kit.py")


@pytest.fixture(scope="session")
def rows():
    """The module of the table of rows."""
    return _rows()


@pytest.fixture(scope="session")
def checklist():
    """The module that says where each case of the checklist is tested."""
    return _module("licet_tests_hostile_checklist", _HERE / "checklist.py")


@pytest.fixture(scope="session")
def recording():
    """The module of the recording origin, its readers and the driver."""
    return _module("licet_tests_hostile_recording", _HERE / "recording.py")


@pytest.fixture(scope="session")
def live_desk():
    """The module of a desk in a thread of its own."""
    return _module("licet_tests_hostile_live_desk", _HERE / "live_desk.py")


@pytest.fixture(scope="session")
def in_memory():
    """The module of the driver without sockets."""
    return _module("licet_tests_hostile_in_memory", _HERE / "in_memory.py")


@pytest.fixture
async def started():
    """Starts what has `start` and `stop`, and stops it in the reverse order."""
    running = []

    async def start(thing):
        await thing.start()
        running.append(thing)
        return thing

    yield start
    for thing in reversed(running):
        await thing.stop()


@pytest.fixture
async def origin(kit, started):
    """A raw origin that answers 200."""
    return await started(kit.RawOrigin())


@pytest.fixture
async def door(kit, started, origin):
    """A gateway before `origin`."""
    return await started(kit.Door(origin.url))


@pytest.fixture
async def driver(kit, recording, started):
    """Asks through a door of its own (`recording.SocketDriver`)."""
    return await started(recording.SocketDriver(kit))


@pytest.fixture
async def memory(kit, recording, in_memory, started):
    """Asks through a door of its own without sockets (`in_memory.MemoryDriver`)."""
    return await started(in_memory.MemoryDriver(kit, recording))
