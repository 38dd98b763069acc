"""The shipped catalog and networks, and asks to identify."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.ask import Ask
from gateway.visitors.catalog import Catalog
from gateway.visitors.networks import Networks

#: A day on which every long-lived list is fresh and every volatile one is not.
DAY = int(datetime(2026, 11, 24, tzinfo=UTC).timestamp())


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The catalog as shipped."""
    return Catalog.shipped()


@pytest.fixture(scope="session")
def networks() -> Networks:
    """The networks as shipped."""
    return Networks.shipped()


@pytest.fixture(scope="session")
def ask_as() -> Callable[..., Ask]:
    """Make an ask from a User-Agent and an address."""

    def make(
        user_agent: str | None,
        address: str = "203.0.113.9",
        at: int = DAY,
        more: tuple[tuple[str, str], ...] = (),
    ) -> Ask:
        headers = more if user_agent is None else (("user-agent", user_agent), *more)
        return Ask(
            id="0197f0c0-0000-7000-8000-000000000001",
            asked_at_us=at * 1_000_000,
            site="journal",
            origin="https://journal.example",
            method="GET",
            target="/",
            path="/",
            headers=headers,
            peer=address,
            address=address,
        )

    return make


@pytest.fixture
async def dns_server() -> AsyncIterator[Any]:
    """A DNS server on loopback (`dns_server.py`) that says what it is told to."""
    name = "licet_tests_visitors_dns_server"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("dns_server.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    async with sys.modules[name].serving() as server:
        yield server
