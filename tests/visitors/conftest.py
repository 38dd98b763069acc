"""The shipped catalog and networks, and asks to identify."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

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
