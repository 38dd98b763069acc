"""`licet serve`: run the gate in front of a site."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, counted, emit, stop, tell, with_data
from gateway.problems import ConfigurationError, Mistake

if TYPE_CHECKING:
    from gateway.app import Addresses, Licet
    from gateway.config import Config
    from gateway.policy.rules import Policy


def serve(
    upstream: Annotated[
        str,
        typer.Option(metavar="URL", help="Your own server; needed as long as there is no policy file."),
    ] = "",
    data: Data = DATA,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 for every one.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", help="Port to listen on; 0 takes a free one.")
    ] = None,
    dashboard_port: Annotated[
        int | None, typer.Option(metavar="PORT", help="Port of the dashboard, on loopback.")
    ] = None,
    mode: Annotated[
        str, typer.Option(metavar="MODE", help="With --upstream: observe, offer or enforce.")
    ] = "observe",
    stance: Annotated[
        str, typer.Option(metavar="NAME", help="With --upstream: the shipped rules to use.")
    ] = "search-free-training-paid",
    drain: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, help="What requests in flight may take when stopping."),
    ] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Serve a site behind the gate.

    The first time this is all, and nothing changes for anybody: mode observe
    only writes down every AI crawler and what it would have been charged.

    \b
    licet serve --upstream http://localhost:8000

    It makes the data folder with keys and database. Policy files in DATA/sites
    (`licet init` writes one) then take the place of --upstream. Settings stand
    in DATA/licet.toml, or in LICET_LISTEN_PORT and so on; options win.

    A change of a policy file, or SIGHUP, reloads all of them, whole or not at
    all. SIGTERM or Ctrl-C lets requests in flight end; a second one stops at
    once. --json prints where it listens, as one line, when it does.
    """
    flags: dict[str, object] = {"listen.host": host, "listen.port": port, "dashboard.port": dashboard_port}
    config = _settings(data, flags)
    policies = _without_files(config, upstream, mode, stance)
    _run(config, policies, drain, as_json=as_json)


def _settings(data: Path, flags: dict[str, object]) -> Config:
    """The settings; where they are wrong, what is wrong in the policies is said with it."""
    from gateway.config import read_config
    from gateway.policy.reload import PolicyShelf

    try:
        return read_config(data, environ=os.environ, flags=flags)
    except ConfigurationError as error:
        more: tuple[Mistake, ...] = ()
        if any((data / "sites").glob("*.toml")):
            try:
                PolicyShelf(data / "sites")
            except ConfigurationError as other:
                more = other.mistakes
        raise ConfigurationError((*error.mistakes, *more)) from None


def _without_files(config: Config, upstream: str, mode: str, stance: str) -> tuple[Policy, ...] | None:
    from gateway.policy.reading import default_policy, stances
    from gateway.policy.rules import Mode

    files = sorted(config.sites.glob("*.toml"))
    if files and upstream:
        raise stop(f"{files[0]} says where the site's server is; leave --upstream out, or remove the file")
    if files:
        return None
    if not upstream:
        raise stop(
            f"no policy file in {config.sites}; say --upstream http://localhost:8000, or write one with licet init"
        )
    if mode not in tuple(Mode):
        raise stop(f"--mode is one of {', '.join(Mode)}, not {mode!r}")
    if stance not in stances():
        raise stop(f"--stance is one of {', '.join(stances())}, not {stance!r}")
    try:
        return (default_policy(upstream, mode=Mode(mode), stance=stance),)
    except ConfigurationError as error:
        told = [replace(mistake, file="--upstream", key="") for mistake in error.mistakes]
        raise ConfigurationError(told) from None


def _run(config: Config, policies: tuple[Policy, ...] | None, drain: float, *, as_json: bool) -> None:
    from gateway.app import Licet

    licet = Licet(config, policies=(lambda: policies) if policies else None)

    async def main() -> None:
        told = listen_for_signals(licet)
        addresses = await licet.start()
        _greet(config, licet, addresses, files=policies is None)
        if as_json:
            emit(
                {
                    "front": addresses.front,
                    "dashboard": addresses.dashboard,
                    "sign_in": addresses.sign_in,
                    "data": str(config.folder),
                    "pid": os.getpid(),
                    "sites": {policy.site.id: str(policy.site.mode) for policy in licet.shelf.policies},
                }
            )
        await until_told(licet, drain, told)

    run_loop(main())


def run_loop(main: Coroutine[object, object, None]) -> None:
    """Run *main* on uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def listen_for_signals(licet: Licet) -> asyncio.Event:
    """From now on the first SIGTERM or SIGINT sets the event, a second stops at once, SIGHUP reloads."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop_now() -> None:
        if told.is_set():
            tell("stopping at once")
            # What was acknowledged is on disk already; the next start folds it.
            os._exit(130)
        told.set()

    def reload() -> None:
        if hasattr(licet, "shelf"):
            licet.reload()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_now)
    loop.add_signal_handler(signal.SIGHUP, reload)
    return told


async def until_told(licet: Licet, drain: float, told: asyncio.Event) -> None:
    """Wait for *told*, then let requests in flight take *drain* seconds, and close."""
    await told.wait()
    waiting = licet.listener.connections
    if waiting:
        tell(f"draining {counted(waiting, 'connection')}, at most {drain:g} s; once more stops at once")
    await licet.stop(drain)
    tell("stopped")


def _greet(config: Config, licet: Licet, addresses: Addresses, *, files: bool) -> None:
    from gateway import __version__
    from gateway.cli.backup import restored_note

    data = config.folder
    tell(f"licet {__version__}")
    for policy in licet.shelf.policies:
        hosts = ", ".join("any host" if host == "*" else host for host in policy.site.hosts)
        tell(f"site       {policy.site.id} ({hosts}) -> {policy.site.origin}, mode {policy.site.mode}")
    tell(f"gateway    {addresses.front}")
    if addresses.sign_in:
        tell(f"dashboard  {addresses.sign_in}")
        tell("           works once, within 30 minutes; `licet dashboard` makes another")
    elif addresses.dashboard:
        tell(f"dashboard  {addresses.dashboard}")
    tell(f"data       {data}")
    note = restored_note(data)
    if note:
        tell(f"RESTORED   {note}")
    if not any(policy.site.mode == "observe" for policy in licet.shelf.policies):
        return
    explain = with_data("licet policy explain / --as GPTBot", data)
    doctor = with_data("licet doctor", data)
    tell("\nOnly watching: nothing is blocked, nothing is charged. To go on:\n")
    tell(f"  curl -i -A GPTBot {addresses.front}/")
    tell("      come as an AI crawler; the dashboard shows what it would have been charged")
    tell(f"  {explain}\n      what the rules say to it, and why")
    tell(f"  {doctor}\n      is everything in order on this machine?")
    if files:
        names = ", ".join(policy.file for policy in licet.shelf.policies if policy.site.mode == "observe")
        tell(f'  mode = "offer" or "enforce" in {names}\n      taken up by itself, as every change')
    else:
        init = with_data(f"licet init --upstream {licet.shelf.policies[0].site.origin}", data)
        serve = with_data("licet serve", data)
        tell(f"  {init}\n      write rules of your own; then stop this and start `{serve}`")
