"""`licet restart`: a new office and new workers in place of the old, while the site is served."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, counted, emit, stop


def restart(
    data: Data = DATA,
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How long the old processes may take to end.")
    ] = 120.0,
    as_json: AsJson = False,
) -> None:
    """Replace office and workers without losing a request.

    After an upgrade of licet, or when a process has grown. The office first:
    who buys or fetches under a license waits a moment for the new one, or is
    told when to ask again, and the dashboard is away for as long. Then one
    worker after the other: the new one listens before the old one stops, and
    downloads under way end first. Settings stay as they are; for those stop
    the gateway and start it.
    """
    from gateway.app import running

    told = running(data)
    if told is None:
        raise stop(f"no gateway runs on {data}")
    run, pid = told.get("run"), told.get("pid")
    if not run or not isinstance(pid, int):
        raise stop(f"the gateway on {data} has no processes to replace, or is just starting")
    workers = asyncio.run(_processes(Path(str(run))))
    office = workers.pop("office")
    os.kill(pid, signal.SIGUSR2)
    until = time.monotonic() + wait
    while any(map(_lives, workers.values())):
        if time.monotonic() > until:
            raise stop(f"not all processes were replaced within {wait:g} s; the gateway's log says why", 1)
        time.sleep(0.05)
    # It goes first; where it goes on, the gateway was started by a version that replaces workers alone.
    replaced = not _lives(office)
    if as_json:
        emit({"replaced": len(workers), "office": replaced})
    elif replaced:
        print(f"replaced the office and {counted(len(workers), 'worker')}")
    else:
        print(
            f"replaced {counted(len(workers), 'worker')}; the office is of the version that the gateway was"
            " started with, until you stop it and start it again"
        )


async def _processes(run: Path) -> dict[str, int]:
    """Role to process id."""
    from gateway.app.channel import asked
    from gateway.app.folder import RunFolder

    found = await asked(RunFolder(run).office, "processes")
    return {each["role"]: each["pid"] for each in found}


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
