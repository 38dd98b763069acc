"""`licet restart`: new workers in place of the old, while the site is served."""

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
        float, typer.Option(metavar="SECONDS", min=0, help="How long the old workers may take to end.")
    ] = 120.0,
    as_json: AsJson = False,
) -> None:
    """Replace the workers without losing a request.

    One after the other: the new worker listens before the old one stops, and
    downloads under way end first. Done after an upgrade of licet, or when a worker has grown. Office
    and settings stay as they are; for those stop the gateway and start it.
    """
    from gateway.app import running

    told = running(data)
    if told is None:
        raise stop(f"no gateway runs on {data}")
    run, pid = told.get("run"), told.get("pid")
    if not run or not isinstance(pid, int):
        raise stop(f"the gateway on {data} has no workers to replace, or is just starting")
    old = asyncio.run(_workers(Path(str(run))))
    os.kill(pid, signal.SIGUSR2)
    until = time.monotonic() + wait
    while any(map(_lives, old)):
        if time.monotonic() > until:
            raise stop(f"not all workers were replaced within {wait:g} s; the gateway's log says why", 1)
        time.sleep(0.05)
    if as_json:
        emit({"replaced": len(old)})
    else:
        print(f"replaced {counted(len(old), 'worker')}")


async def _workers(run: Path) -> list[int]:
    from gateway.app.channel import asked
    from gateway.app.folder import RunFolder

    found = await asked(RunFolder(run).office, "processes")
    return [each["pid"] for each in found if each["role"] != "office"]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
