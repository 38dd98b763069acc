"""Real sockets for this folder: `kit` of the front's tests, and servers that are stopped afterwards."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_KIT = Path(__file__).resolve().parent.parent / "front" / "kit.py"


_NAME = "licet_tests_front_kit"
if _NAME not in sys.modules:
    # Before any test of this folder is imported: some import decorators from it.
    _spec = importlib.util.spec_from_file_location(_NAME, _KIT)
    sys.modules[_NAME] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_NAME])


@pytest.fixture(scope="session")
def kit():
    """The module of raw origins, doors and clients."""
    return sys.modules[_NAME]


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
