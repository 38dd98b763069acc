"""What tests of a primary and its standby have in common."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any


@dataclass
class Two:
    """The servers, and what names both."""

    primary: Any
    standby: Any

    @property
    def url(self) -> str:
        return f"postgresql://licet@/postgres?host={self.primary.folder},{self.standby.folder}&target_session_attrs=read-write"


def put(source: str):
    return lambda db: (
        db.execute("INSERT INTO fold_positions (source, position) VALUES (?, 1)", (source,)) and source
    )


def sources(db):
    return {source for (source,) in db.execute("SELECT source FROM fold_positions")}


def listed(cluster: Any) -> list[str]:
    return str(cluster.ask("SELECT string_agg(source, ' ') FROM licet.fold_positions")).split()


async def cut_off(two: Two) -> None:
    """Let the standby have everything so far, and nothing from now on."""
    now = two.primary.ask("SELECT pg_current_wal_flush_lsn()::text")
    async with asyncio.timeout(20):
        while not two.standby.ask(f"SELECT pg_last_wal_replay_lsn() >= '{now}'"):
            await asyncio.sleep(0.02)
        two.standby.ask("ALTER SYSTEM SET primary_conninfo = ''")
        two.standby.ask("SELECT pg_reload_conf()")
        while two.primary.ask("SELECT count(*) FROM pg_stat_replication"):
            await asyncio.sleep(0.02)
