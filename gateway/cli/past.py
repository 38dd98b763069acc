"""`licet past`: the pages about the log, of what `licet ingest` read."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, stop, tell


def past(
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="Where to listen on loopback; 0 is any.")
    ] = 0,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Look at the past in a browser, until Ctrl-C.

    The dashboard's pages about the log (overview, crawlers, content, access
    log, exports) over what `licet ingest` read, as if the newest line of it
    were of this moment. They listen on this machine
    alone and change nothing. The link signs in whoever opens it first, without
    a password, and works once; with the command ends what it opened.
    """
    from gateway.folders import Folders

    place = Folders(data).past
    if not place.is_file():
        raise stop(f"there is no {place}; `licet ingest access.log` makes it")
    asyncio.run(_look(place, data, port, as_json=as_json))


async def _look(place: Path, data: Path, port: int, *, as_json: bool) -> None:
    from aiohttp import web

    from gateway.app.explaining import Explaining
    from gateway.cli.one_look import OneLook
    from gateway.clock import HandClock, SystemClock
    from gateway.config import read_config
    from gateway.dashboard.filters import EVERYTHING
    from gateway.dashboard.rooms import Rooms
    from gateway.dashboard.routes import dashboard_app
    from gateway.dashboard.sessions import Sessions
    from gateway.store.sqlite.access_log import SqliteAccessLog
    from gateway.store.sqlite.database import Database

    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    clock, config = SystemClock(), read_config(data, environ=os.environ)
    database = await Database.open(place)
    with tempfile.TemporaryDirectory(prefix="licet-past-") as folder:
        sessions = Sessions.open(Path(folder) / "operator.json", clock)
        log = SqliteAccessLog(database)
        newest = (await log.page(EVERYTHING, None, 1)).rows
        # Where an address names no time, the last day of the log is meant, not today.
        end = HandClock(newest[0].time_us + 1) if newest else clock
        app = dashboard_app(
            log,
            sessions,
            hosts=(),
            status=lambda: {"the past": "read only"},
            who=Explaining(config, clock),
            clock=end,
            rooms=Rooms(),
        )
        door = OneLook(sessions, clock)
        # Behind the guard of host names, before everything that asks who somebody is.
        app.middlewares.insert(1, door.middleware)
        runner = web.AppRunner(app, access_log=None)
        try:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            base = f"http://127.0.0.1:{runner.addresses[0][1]}"
            link = f"{base}{door.path}"
            if as_json:
                emit({"past": base, "sign_in": link})
            else:
                print(link, flush=True)
                tell("The link works once and needs no password. Ctrl-C ends it.")
            await over.wait()
        finally:
            await runner.cleanup()
            await database.close()
