"""Giving the disk back what a database file does not need any more: rows that left leave room in it, and no less of it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import apsw

from gateway.problems import StoreUnavailable
from gateway.store.sqlite.database import told


def unused(db: apsw.Connection) -> int:
    """Octets of the file that hold nothing and are written next."""
    free, page = db.pragma("freelist_count"), db.pragma("page_size")
    assert isinstance(free, int)
    assert isinstance(page, int)
    return free * page


def shrink(path: Path) -> tuple[int, int]:
    """Write the file at *path* anew, as small as what it holds; its octets before and after.

    Nobody may have it open. As much again of the disk is taken meanwhile; what
    is killed leaves the file as it was. Raises `StoreUnavailable`.
    """
    before = path.stat().st_size
    stat = os.statvfs(path.parent)
    if stat.f_bavail * stat.f_frsize < 2 * before:
        raise StoreUnavailable(
            f"writing the database anew takes up to {2 * before} octets of the disk for a while, and less is free"
        )
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(1000)
        connection.pragma("synchronous", "FULL")
        connection.pragma("secure_delete", True)
        connection.execute("VACUUM")
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.Error as error:
        raise StoreUnavailable(told(error)) from error
    finally:
        with contextlib.suppress(apsw.Error):
            connection.close()
    return before, path.stat().st_size
