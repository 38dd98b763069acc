"""Keeps the public log of a database in a folder, until it is killed; says what it signs. For `test_leading`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from gateway.app.log_keeping import LogKeeping
from gateway.clock import SystemClock
from gateway.keys.key_ring import KeyRing
from gateway.problems import StoreUnavailable
from gateway.store.postgres.database import Postgres
from gateway.store.postgres.leading import Leadership
from gateway.store.sqlite.leaves import SqliteLeaves


async def main(url: str, folder: Path, keys: Path, silent: float) -> None:
    database = await Postgres.open(url, lines=2, place=folder.name)
    ring = KeyRing.open(keys, SystemClock())
    leader = Leadership(database, silent_seconds=silent)
    keeping = LogKeeping(folder, ring, SqliteLeaves(database), "journal.example", leader)
    said = -1
    while True:
        try:
            await keeping.sign_news()
        except StoreUnavailable as error:
            print("trouble", error, flush=True)
        log = keeping.log
        if keeping.reason:
            print("refused", keeping.reason, flush=True)
        elif not keeping.leads and said != -1:
            said = -1
            print("follows", flush=True)
        elif log is None or not keeping.leads:
            print("waits", log.head.size if log else 0, flush=True)
        elif log.head.size != said:
            said = log.head.size
            print("signed", log.head.size, log.head.root.hex(), flush=True)
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4])))
