"""`licet serve`: run the gate in front of a site."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.say import DATA, Data, stop, tell

if TYPE_CHECKING:
    from gateway.app import Addresses, Licet
    from gateway.config import Config
    from gateway.policy.rules import Policy


def serve(
    upstream: Annotated[
        str, typer.Option(help="Your own server. Needed once, if there is no policy file yet.")
    ] = "",
    data: Data = DATA,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 for every one.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    dashboard_port: Annotated[int | None, typer.Option(help="Port of the dashboard, on loopback.")] = None,
    mode: Annotated[str, typer.Option(help="With --upstream: observe, offer or enforce.")] = "observe",
    stance: Annotated[
        str, typer.Option(help="With --upstream: the shipped rules to use.")
    ] = "search-free-training-paid",
    drain: Annotated[
        float, typer.Option(help="Seconds that requests in flight may take when stopping.")
    ] = 30.0,
) -> None:
    """Serve a site behind the gate.

    The first time, `licet serve --upstream http://localhost:8000` is all: it
    makes the data folder, keys and database and only watches (mode observe):
    nothing is blocked, every AI crawler is recorded with what it would have
    been charged. With policy files in DATA/sites those are served instead.

    SIGHUP and any change of a policy file reload it, whole or not at all.
    SIGTERM drains; a second one stops at once.
    """
    from gateway.config import read_config

    flags = {"listen.host": host, "listen.port": port, "dashboard.port": dashboard_port}
    config = read_config(data, environ=os.environ, flags=flags)
    policies = _without_files(config, upstream, mode, stance)
    _run(config, policies, drain)


def _without_files(config: Config, upstream: str, mode: str, stance: str) -> tuple[Policy, ...] | None:
    from gateway.policy.reading import default_policy
    from gateway.policy.rules import Mode

    files = sorted(config.sites.glob("*.toml")) if config.sites.is_dir() else []
    if files and upstream:
        raise stop(f"{files[0]} says where the site's server is; leave --upstream out, or the file")
    if files:
        return None
    if not upstream:
        raise stop(f"no policy in {config.sites}; say --upstream http://localhost:8000, or run licet init")
    if mode not in tuple(Mode):
        raise stop(f"--mode is one of {', '.join(Mode)}")
    return (default_policy(upstream, mode=Mode(mode), stance=stance),)


def _run(config: Config, policies: tuple[Policy, ...] | None, drain: float) -> None:
    from gateway.app import Licet

    licet = Licet(config, policies=(lambda: policies) if policies else None)

    async def main() -> None:
        addresses = await licet.start()
        _greet(config, licet, addresses)
        await until_told(licet, drain)

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


async def until_told(licet: Licet, drain: float) -> None:
    """Wait for a signal, then drain; a second one stops at once."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop_now() -> None:
        if told.is_set():
            tell("stopping at once")
            # What was acknowledged is on disk already; the next start folds it.
            os._exit(130)
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_now)
    loop.add_signal_handler(signal.SIGHUP, licet.reload)
    await told.wait()
    tell(f"draining, at most {drain:g} s; once more to stop at once")
    await licet.stop(drain)


def _greet(config: Config, licet: Licet, addresses: Addresses) -> None:
    for policy in licet.shelf.policies:
        hosts = ", ".join(policy.site.hosts)
        tell(f"site       {policy.site.id} ({hosts}) -> {policy.site.origin}, mode {policy.site.mode}")
    tell(f"gateway    {addresses.front}      people and crawlers come here")
    if addresses.dashboard:
        tell(
            f"dashboard  {addresses.sign_in or addresses.dashboard}"
            + ("      one-time sign-in link" if addresses.sign_in else "")
        )
    tell(f"data       {config.folder}")
    if any(policy.site.mode == "observe" for policy in licet.shelf.policies):
        tell("")
        tell("Only watching: nothing is blocked or charged. To go on:")
        tell(f"  curl -i -A GPTBot {addresses.front}/      what an AI crawler meets")
        tell(
            f"  licet init --data {config.folder}         write your own rules, then mode = offer or enforce"
        )
        tell("  licet policy explain / --as GPTBot        what the rules say, and why")
    sys.stderr.flush()
