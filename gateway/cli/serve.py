"""`licet serve`: run the gate in front of a site."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, counted, emit, stop, tell, with_data
from gateway.problems import ConfigurationError, Mistake

if TYPE_CHECKING:
    from gateway.app import Addresses, Licet
    from gateway.app.boot import Upstream
    from gateway.app.supervisor import Site, Supervisor
    from gateway.config import Config

_Redis = Annotated[
    str | None,
    typer.Option(
        metavar="WHERE",
        help="Redis or Valkey that workers and machines share: a redis:// or unix:// URL, or embedded.",
    ),
]
_Proxies = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ADDRESS",
        help="Believe what this proxy or network says of visitors (trust.proxies); also `loopback`.",
    ),
]


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
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", help="How many processes serve pages; one for each core is plenty."),
    ] = None,
    redis: _Redis = None,
    behind_proxy: _Proxies = None,
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
    once. `licet restart`, or SIGUSR2, replaces all processes without losing
    a request. --json prints where it listens, as one line, when it does.
    """
    _say_what_ends_a_start()
    flags: dict[str, object] = {"listen.host": host, "listen.port": port, "dashboard.port": dashboard_port}
    flags["workers.count"], flags["store.redis"] = workers, redis
    flags["trust.proxies"] = tuple(behind_proxy) if behind_proxy else None
    from gateway.app.memory import uncollected

    with uncollected():
        from gateway.app.sharing import joined

        config = _settings(data, flags)
    # What other machines have in common with this one has to be here before anything is read.
    try:
        asyncio.run(joined(config))
        _run(config, _without_files(config, upstream, mode, stance), drain, as_json=as_json)
    except BrokenPipeError:
        # What parses commands takes it for the end of a pager, and would end without a word.
        raise stop("nobody reads what is told here any more (broken pipe)", code=1) from None


def _say_what_ends_a_start() -> None:
    """Until the loop listens for them, have signals that end this process say so first; it ends by them all the same."""

    def end(number: int, _frame: object) -> None:
        tell(f"licet: ended by {signal.Signals(number).name} before anything was served")
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end)


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


def _without_files(config: Config, upstream: str, mode: str, stance: str) -> Upstream | None:
    from gateway.app.boot import Upstream
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
        default_policy(upstream, mode=Mode(mode), stance=stance)
    except ConfigurationError as error:
        told = [replace(mistake, file="--upstream", key="") for mistake in error.mistakes]
        raise ConfigurationError(told) from None
    return Upstream(upstream, Mode(mode), stance)


def _run(config: Config, upstream: Upstream | None, drain: float, *, as_json: bool) -> None:
    from gateway.app.memory import uncollected

    with uncollected():
        from gateway.app.service_manager import told as manager
        from gateway.app.supervisor import Supervisor
        from gateway.app.zygote import Zygote

        zygote = Zygote.forked()

    async def main() -> None:
        supervisor = Supervisor(config, upstream=upstream, drain=drain, zygote=zygote)
        told, at_once = _listen_for_signals(supervisor)
        try:
            await serving(supervisor, told)
        finally:
            if at_once.is_set():
                await asyncio.Event().wait()  # whoever stops at once ends this process

    async def serving(supervisor: Supervisor, told: asyncio.Event) -> None:
        addresses = await supervisor.start()
        manager("READY=1")
        _greet(config, supervisor.sites, addresses, files=upstream is None)
        if as_json:
            emit(
                {
                    "front": addresses.front,
                    "dashboard": addresses.dashboard,
                    "sign_in": addresses.sign_in,
                    "data": str(config.folder),
                    "pid": os.getpid(),
                    "sites": {site.id: site.mode for site in supervisor.sites},
                }
            )
        await told.wait()
        manager("STOPPING=1")
        _say_draining(await supervisor.connections(), drain)
        await supervisor.stop(drain)
        tell("stopped")

    # Nothing is served in this process: the plain loop is enough.
    asyncio.run(main())


def _listen_for_signals(supervisor: Supervisor) -> tuple[asyncio.Event, asyncio.Event]:
    """As `listen_for_signals`, and SIGUSR2 replaces office and workers; the second event says "at once"."""
    at_once = asyncio.Event()
    loop = asyncio.get_running_loop()
    acts: set[asyncio.Task[object]] = set()

    def begin(act: Callable[[], Coroutine[object, object, object]]) -> None:
        task: asyncio.Task[object] = loop.create_task(act())
        acts.add(task)
        task.add_done_callback(acts.discard)

    async def stop_now() -> None:
        at_once.set()
        await supervisor.stop_now()
        os._exit(130)

    loop.add_signal_handler(signal.SIGHUP, lambda: begin(supervisor.reload))
    loop.add_signal_handler(signal.SIGUSR2, lambda: begin(supervisor.restart))
    return _end_twice(lambda: begin(stop_now)), at_once


def _end_twice(stop_now: Callable[[], None]) -> asyncio.Event:
    """From now on the first SIGTERM or SIGINT sets the event, a second calls *stop_now*."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        if told.is_set():
            tell("stopping at once")
            stop_now()
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    return told


def listen_for_signals(licet: Licet) -> asyncio.Event:
    """From now on the first SIGTERM or SIGINT sets the event, a second stops at once, SIGHUP reloads."""

    def reload() -> None:
        if hasattr(licet, "shelf"):
            licet.reload()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
    # What was acknowledged is on disk already; the next start folds it.
    return _end_twice(lambda: os._exit(130))


async def until_told(licet: Licet, drain: float, told: asyncio.Event) -> None:
    """Wait for *told*, then let requests in flight take *drain* seconds, and close."""
    await told.wait()
    _say_draining(licet.listener.connections, drain)
    await licet.stop(drain)
    tell("stopped")


def _say_draining(waiting: int, drain: float) -> None:
    if waiting:
        tell(f"draining {counted(waiting, 'connection')}, at most {drain:g} s; once more stops at once")


def _greet(config: Config, sites: tuple[Site, ...], addresses: Addresses, *, files: bool) -> None:
    from gateway import __version__
    from gateway.app.lost import database_note, restored_note

    data = config.folder
    tell(f"licet {__version__}")
    for site in sites:
        hosts = ", ".join("any host" if host == "*" else host for host in site.hosts)
        tell(f"site       {site.id} ({hosts}) -> {site.origin}, mode {site.mode}")
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
    note = database_note(data)
    if note:
        tell(f"DATABASE   {note}")
    if not any(site.mode == "observe" for site in sites):
        return
    explain = with_data("licet policy explain / --as GPTBot", data)
    doctor = with_data("licet doctor", data)
    tell("\nOnly watching: nothing is blocked, nothing is charged. To go on:\n")
    tell(f"  curl -i -A GPTBot {addresses.front}/")
    tell("      come as an AI crawler; the dashboard shows what it would have been charged")
    tell(f"  {explain}\n      what the rules say to it, and why")
    tell(f"  {doctor}\n      is everything in order on this machine?")
    if files:
        names = ", ".join(site.file for site in sites if site.mode == "observe")
        tell(f'  mode = "offer" or "enforce" in {names}\n      taken up by itself, as every change')
    else:
        init = with_data(f"licet init --upstream {sites[0].origin}", data)
        serve = with_data("licet serve", data)
        tell(f"  {init}\n      write rules of your own; then stop this and start `{serve}`")
