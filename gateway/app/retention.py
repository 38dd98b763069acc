"""Forgetting in time: what the office's timer forgets, and the settings that it must not be given."""

from __future__ import annotations

import asyncio

import structlog

from gateway.app.stores import folding_of
from gateway.clock import Clock
from gateway.config import Config
from gateway.desk.privacy_page import Recorded
from gateway.licenses.offers import months_after
from gateway.licenses.retention import Days, mistakes, rows_before, rows_months
from gateway.problems import ConfigurationError
from gateway.provenance.erasure import forget_details
from gateway.provenance.packing import pack_folded
from gateway.store.sqlite.audit_windows import audit_windows
from gateway.store.sqlite.auditors import SqliteAuditors
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.details import SqliteDetails
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.shelving import Shelving
from gateway.store.sqlite.slimming import slim

log = structlog.get_logger("licet")
_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
#: Journal files that are packed without asking whether to stop, and how often: in all more than are
#: filled in an hour by twenty thousand records a second.
_PACKED, _ROUNDS = 16, 50
#: Rows of an earlier version that are looked at each time.
_SLIMMED = 100_000
#: Blocks of rows that leave each time: more than come in an hour with eighty requests a second.
_BLOCKS = 30


def days_of(config: Config) -> Days:
    """The settings that say how long things are kept."""
    return Days(
        config.store.detail_days,
        config.store.cut_days,
        config.outbox.keep_days,
        config.retention.looks_months,
        config.people.report_days,
        config.retention.rows_months,
    )


def recorded_by(config: Config) -> Recorded:
    """What the privacy page is made of."""
    return Recorded(
        counted=config.people.counted,
        detail_days=config.store.detail_days,
        cut_days=config.store.cut_days,
        report_days=config.people.report_days,
        looks_months=config.retention.looks_months,
        access_log=bool(config.observe.access_log),
    )


async def check_retention(config: Config, database: Database, clock: Clock) -> None:
    """Refuse settings that forget what an audit may still ask for; raises `ConfigurationError`, `StoreUnavailable`."""
    now = clock.now_us() // 1_000_000
    found = mistakes(days_of(config), await audit_windows(database), now, str(config.folder / "licet.toml"))
    if found:
        raise ConfigurationError(list(found))


async def forget_in_time(config: Config, database: Database, clock: Clock) -> None:
    """Cut, then erase, what is personal and old enough, pack journal files that ended, slim old rows, let older ones leave.

    Asking again is harmless. Raises `StoreUnavailable`, `OSError`.
    """
    now_us, details = clock.now_us(), SqliteDetails(database)
    await forget_details(config.journal, details, now_us - config.store.detail_days * _DAY_US)
    if config.store.cut_days:
        await details.cut_before(now_us - config.store.cut_days * _DAY_US)
    months = config.retention.looks_months
    if months:
        await SqliteAuditors(database).forget_looks(months_after(now_us // 1_000_000, -months))
    positions = await SqliteFolding(database).positions()
    lately = (now_us - _HOUR_US) * 1000
    for _ in range(_ROUNDS):
        done = await asyncio.to_thread(pack_folded, config.journal, positions, before_ns=lately, most=_PACKED)
        if done.files < _PACKED:
            break
    await slim(database, _SLIMMED)
    before = await rows_leave_before(config, database, clock)
    if before:
        shelving = Shelving(folding_of(database), database)
        gone = await shelving.leave(before * 1_000_000, clock.now_us() // 1_000_000, most=_BLOCKS)
        if gone:
            log.info("rows left the database for the journal's packed files", rows=gone)


async def rows_leave_before(
    config: Config, database: Database, clock: Clock, months: int | None = None
) -> int:
    """The second before which rows without a licensee may leave the database; 0 where none may. Raises `StoreUnavailable`.

    *months* is said in place of the setting.
    """
    now = clock.now_us() // 1_000_000
    asked = config.retention.rows_months if months is None else months
    found = rows_months(asked, await audit_windows(database), now)
    return rows_before(found, now) if found else 0
