"""Lets rows leave and come back in processes that are killed before each statement, and tells what is left after each.

Usage: python shelf_killer.py FOLDER. Imported once, forked for each kill. Prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from shelf_of_records import BLOCK, HOUR_US, KEEP, START_US

from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.leaves import SqliteLeaves
from gateway.store.sqlite.shelving import Shelving

_LATE_US = START_US + 10_000 * HOUR_US


async def act(folder: Path, what: str, kill_at: int) -> None:
    """Do *what*, and be killed before the statement number *kill_at* of the writer."""
    database = await Database.open(folder / "licet.db")
    count = 0

    def traced(*_: Any) -> bool:
        nonlocal count
        count += 1
        if count == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    database._writer.exec_trace = traced
    shelving = Shelving(SqliteFolding(database), database, keep=KEEP)
    if what == "leave":
        await shelving.leave(_LATE_US, 0, most=1)
    else:
        for block in (await shelving.shelved())[:1]:
            await shelving.bring_back(block.seq, 0)
    await database.close()


async def look(folder: Path) -> tuple[list[str], list[int]]:
    """The leaves of everything, rows or not, and the blocks of which something left."""
    database = await Database.open(folder / "licet.db")
    leaves = await SqliteLeaves(database).leaves(0, 10 * BLOCK)
    both = await database.read(lambda db: db.execute("SELECT count(*) FROM journal").get)
    blocks = await Shelving(SqliteFolding(database), database, keep=KEEP).shelved()
    await database.close()
    assert both + sum(each.entries for each in blocks) == len(leaves)
    return [leaf.hex() for leaf in leaves], [each.seq for each in blocks]


def main(folder: Path) -> None:
    """Kill before the first statement, before a later one, and so on until nothing is left to kill."""
    first, _ = asyncio.run(look(folder))
    told: dict[str, list[list[int]]] = {"leave": [], "come": []}
    for what, seen in told.items():
        for kill_at in (1, 2, 3, 4, 5, 6, 7, 8, 9, *range(10, 1000, 30)):
            child = os.fork()
            if not child:
                asyncio.run(act(folder, what, kill_at))
                os._exit(0)
            _, status = os.waitpid(child, 0)
            leaves, blocks = asyncio.run(look(folder))
            assert leaves == first, f"after a kill before statement {kill_at} of {what}"
            seen.append(blocks)
            if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
                break
            assert os.WIFSIGNALED(status), f"it failed by itself at {kill_at} of {what}"
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
