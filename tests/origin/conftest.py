"""Real sockets for this folder: `kit` of the front's tests, and servers that are stopped afterwards."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest

from gateway.origin.connections import OriginLimits
from gateway.origin.forwarding import HttpOrigin
from gateway.problems import Refusal

_KIT = Path(__file__).resolve().parent.parent / "front" / "kit.py"


@pytest.fixture(scope="session")
def kit():
    """The module of raw origins, doors and clients."""
    name = "licet_tests_front_kit"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, _KIT)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


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
async def forward(origin):
    """Forwards an ask to `origin` and reads the whole answer."""
    http = HttpOrigin(OriginLimits(first_byte=5, idle=5, continue_seconds=0.05))

    async def send(asked, body=None, *, ours=-1, upgrade=False, url=origin.url):
        opened = await http.open(asked, url, body, ours=ours, upgrade=upgrade)
        if isinstance(opened, Refusal):
            return opened
        return opened.status, b"".join([piece async for piece in opened.body()])

    send.http = http
    yield send
    await http.close()
    await asyncio.sleep(0)
