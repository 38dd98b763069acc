"""`licet doctor`: is everything in order on this machine?"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, emit


def doctor(
    fetch: Annotated[
        bool,
        typer.Option(
            "--fetch",
            help="Also buy and fetch one page in test mode: a gateway of its own, nothing is billed.",
        ),
    ] = False,
    only_fetch: Annotated[bool, typer.Option("--only-fetch", help="That fetch and nothing else.")] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Is everything in order on this machine?

    Looks at the machine, the data folder, the settings, the policies and your
    own server, and says what to do about what it finds. Exit 1 if something is
    bad; a warning alone is none. The dashboard shows the same list.
    """
    from gateway.app.checkup import examined

    found = () if only_fetch else asyncio.run(examined(data, os.environ))
    if fetch or only_fetch:
        import structlog

        from gateway.app.checkup.paid_fetch import paid_fetches

        # What the gateway of the test says of itself is of no gateway that anybody runs.
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        found += asyncio.run(paid_fetches(data, os.environ))
    if as_json:
        emit([each.as_json() for each in found])
    else:
        for each in found:
            print(f"{each.state:<5} {each.what:<12} {each.fact}")
            if each.step:
                print(f"{'':<18} -> {each.step}")
    raise typer.Exit(1 if any(each.state == "bad" for each in found) else 0)
