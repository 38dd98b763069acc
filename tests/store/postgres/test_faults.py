"""What is said of the server's errors: a sentence for people, and nothing of what stood in a row."""

from __future__ import annotations

import asyncpg
import pytest

from gateway.store.postgres.faults import told


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (asyncpg.DiskFullError("x"), "the disk that holds the database is full"),
        (asyncpg.ReadOnlySQLTransactionError("x"), "the database cannot be written"),
        (asyncpg.TooManyConnectionsError("x"), "the database has no connection left"),
        (asyncpg.InvalidPasswordError("x"), "the database does not accept the user or password"),
        (asyncpg.InvalidCatalogNameError("x"), "there is no such database on the server"),
        (asyncpg.SerializationError("x"), "others have kept the database busy for too long"),
        (asyncpg.AdminShutdownError("x"), "the database does not answer"),
        (ConnectionRefusedError(), "the database does not answer"),
        (TimeoutError(), "the database does not answer"),
    ],
)
def test_a_sentence(error, sentence):
    assert told(error) == sentence


def test_an_unknown_error_is_its_code_alone():
    error = asyncpg.CheckViolationError("le_secret violates check")
    assert told(error) == "the database failed: 23514"
