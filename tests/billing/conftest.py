"""Entries as the journal holds them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from gateway.provenance.record import BookEntry, FetchRecord
from tests.conformance.conftest import database

__all__ = ["database"]

AT = 1_795_000_000_000_000

_FETCH = FetchRecord(
    id="r0", time_us=AT, duration_us=1, site="journal", host="journal.example", method="GET", path="/essays/tides",
    visitor_class="ai", identity="claimed", identity_method="none", verdict="license", rule="rules[1]",
    policy="sha-256:p", mode="enforce", outcome="licensed", status=200, bytes_sent=9, ended="complete",
    detail="0" * 64, licensee="le_1", client="cl_1", license="lic_1", work="essays", currency="USD",
    price_micros=5_000, charged_micros=5_000, charge_reason="fetch", digest="d" * 64, etag='"1"',
)  # fmt: skip
_BOOK = BookEntry("b0", AT, "credit", "journal", "le_1", 100_000, "USD", memo="paid in", by="operator")


@pytest.fixture(params=["memory", "sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """What the ports of these tests rest on; every engine passes the suites of `conformance`."""
    return request.param


@pytest.fixture
def make() -> SimpleNamespace:
    """`fetch(**changes)` and `book(**changes)`."""
    return SimpleNamespace(
        AT=AT,
        fetch=lambda **changes: replace(_FETCH, **changes),
        book=lambda **changes: replace(_BOOK, **changes),
    )


@pytest.fixture
def fetched(make):
    """Fetches of some paths at seconds, each charged *micros*."""

    def fetches(*seconds, path="/essays/tides", micros=5_000, size=1_000, **changes):
        return [
            make.fetch(
                id=f"{path}@{second}", time_us=second * 1_000_000, path=path, charged_micros=micros,
                price_micros=micros, bytes_sent=size, **changes,
            )
            for second in seconds
        ]  # fmt: skip

    return fetches
