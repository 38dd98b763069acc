"""What PostgreSQL says went wrong, in words for people, and whether an act may be tried again."""

from __future__ import annotations

from typing import Final

import asyncpg


class Unfit(ConnectionError):
    """A server that answers and is not to be used; the message is a clause for people."""


#: Another act was in the way: this one left nothing, and may begin again.
#: A key that is there already may be of an act that ended since this one began to look.
AGAIN: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UniqueViolationError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.LockNotAvailableError,
)
#: The line is gone, and with it whatever was not committed.
GONE: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    # What it prepared is no more what the server has: a new line prepares it anew.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
_SENTENCES: Final[tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...]] = (
    (asyncpg.DiskFullError, "the disk that holds the database is full"),
    (asyncpg.ReadOnlySQLTransactionError, "the database cannot be written"),
    (asyncpg.TooManyConnectionsError, "the database has no connection left"),
    (asyncpg.InsufficientPrivilegeError, "the database's user may not do that"),
    (
        (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError),
        "the database does not accept the user or password",
    ),
    (asyncpg.InvalidCatalogNameError, "there is no such database on the server"),
    (
        (asyncpg.DataCorruptedError, asyncpg.IndexCorruptedError),
        "the database is damaged; restore a backup",
    ),
    (asyncpg.QueryCanceledError, "the database took too long"),
    (asyncpg.UniqueViolationError, "the database has another row of that key"),
    (AGAIN, "others have kept the database busy for too long"),
    (GONE, "the database does not answer"),
)


def told(error: BaseException) -> str:
    """A clause for people about what the server, or the way to it, said; no value of a row is in it."""
    if isinstance(error, Unfit):
        return str(error)
    if isinstance(error, asyncpg.ProtocolViolationError) and "startup parameter" in str(error):
        return "a connection pooler stands in between, which refuses licet's settings: name the server itself"
    for kinds, sentence in _SENTENCES:
        if isinstance(error, kinds):
            return sentence
    code = getattr(error, "sqlstate", None) or type(error).__name__
    return f"the database failed: {code}"
