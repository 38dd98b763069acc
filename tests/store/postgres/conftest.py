"""A primary and its standby, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.store.postgres.two_servers import Two


@pytest.fixture
def two(postgres_cluster) -> Iterator[Two]:
    """With a synchronous standby."""
    with postgres_cluster.pair() as (primary, standby):
        yield Two(primary, standby)


@pytest.fixture
def loose(postgres_cluster) -> Iterator[Two]:
    """With a standby that nobody waits for."""
    with postgres_cluster.pair(synchronous=False) as (primary, standby):
        yield Two(primary, standby)
