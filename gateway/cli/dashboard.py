"""`licet dashboard`: a way back in for the operator."""

from __future__ import annotations

import os

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, stop, tell


def dashboard(data: Data = DATA, as_json: AsJson = False) -> None:
    """Print a one-time link to the dashboard.

    It works once, for 30 minutes, and sets a new password in place of the one
    there may be; a link made before ends. The gateway may be running or not.
    """
    from gateway.app import running
    from gateway.clock import SystemClock
    from gateway.config import read_config
    from gateway.dashboard.sessions import LINK_US, Sessions

    if not data.is_dir():
        raise stop(f"{data} is no data folder of licet; `licet serve --upstream …` makes one")
    config = read_config(data, environ=os.environ)
    if not config.dashboard.enabled:
        raise stop("the dashboard is switched off ([dashboard] enabled)", 1)
    token = Sessions.open(data / "operator.json", SystemClock()).sign_in_link(anew=True)
    at = config.dashboard
    host = f"[{at.host}]" if ":" in at.host else at.host
    told = running(data)
    base = (told or {}).get("dashboard") or f"http://{host}:{at.port}"
    link = f"{base}/sign-in?token={token}"
    if as_json:
        emit({"sign_in": link, "minutes": LINK_US // 60_000_000})
        return
    typer.echo(link)
    tell(f"It works once, for {LINK_US // 60_000_000} minutes, and replaces the password.")
    if told is None:
        tell(f"No gateway runs on {data}; start it first.")
