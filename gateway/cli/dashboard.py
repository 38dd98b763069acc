"""`licet dashboard`: a way back in for the operator, and who else may come in."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from gateway.cli import api_keys, people
from gateway.cli.say import DATA, AsJson, Data, emit, stop, tell

app = typer.Typer(
    help="""A one-time link to the dashboard; and who may sign in.

    Alone it prints a link that works once, for 30 minutes, and sets a new
    password of the first owner in place of the one there may be; a link made
    before ends. The gateway may be running or not.
    """,
    invoke_without_command=True,
)
app.add_typer(people.app, name="people")
app.add_typer(api_keys.app, name="keys")


@app.callback()
def dashboard(context: typer.Context, data: Data = DATA, as_json: AsJson = False) -> None:
    """Print a link, where nothing else was asked for."""
    if context.invoked_subcommand is not None:
        return
    from gateway.clock import SystemClock
    from gateway.dashboard.sessions import LINK_US, Sessions

    base, runs = address(data)
    token = Sessions.open(data / "operator.json", SystemClock()).sign_in_link(anew=True)
    link = f"{base}/sign-in?token={token}"
    if as_json:
        emit({"sign_in": link, "minutes": LINK_US // 60_000_000})
        return
    typer.echo(link)
    tell(f"It works once, for {LINK_US // 60_000_000} minutes, and replaces the first owner's password.")
    if not runs:
        tell(f"No gateway runs on {data}; start it first.")


def address(data: Path) -> tuple[str, bool]:
    """Where the dashboard of a data folder is, and whether it runs."""
    from gateway.app import running
    from gateway.config import read_config

    if not data.is_dir():
        raise stop(f"{data} is no data folder of licet; `licet serve --upstream …` makes one")
    config = read_config(data, environ=os.environ)
    if not config.dashboard.enabled:
        raise stop("the dashboard is switched off ([dashboard] enabled)", 1)
    at, told = config.dashboard, running(data)
    host = f"[{at.host}]" if ":" in at.host else at.host
    return str((told or {}).get("dashboard") or f"http://{host}:{at.port}"), told is not None
