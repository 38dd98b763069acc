"""What `licet doctor` says of retention: how long what is about people stays, and settings that forget evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.spoken import with_data

if TYPE_CHECKING:
    from gateway.app.checkup.outbox import Told
    from gateway.config import Config


async def retention(config: Config, data: Path) -> list[Told]:
    """The longest that anything about a crawler's visitor stays, or every setting that is too short."""
    from gateway.app.retention import days_of
    from gateway.app.stores import has_store, open_store
    from gateway.clock import SystemClock
    from gateway.licenses.retention import mistakes, table
    from gateway.store.sqlite.audit_windows import audit_windows

    if not has_store(data):
        return []
    try:
        database = await open_store(data)
    except ConfigurationError:
        return []  # told elsewhere
    try:
        windows = await audit_windows(database)
    except StoreUnavailable:
        return []  # told elsewhere
    finally:
        await database.close()
    days, now = days_of(config), SystemClock().now_us() // 1_000_000
    wrong = mistakes(days, windows, now, str(data / "licet.toml"))
    if wrong:
        return [("retention", "bad", str(each), "change that setting") for each in wrong]
    step = with_data("licet retention", data)
    return [
        (
            "retention",
            "ok",
            f"details of fetches: {table(days, windows, now)[0].how_long}",
            f"all of it: {step}",
        )
    ]
