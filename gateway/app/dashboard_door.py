"""The dashboard's own listener: loopback unless told otherwise, never the front's port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from aiohttp import web

from gateway.app.addresses import bound, shown
from gateway.app.identity_provider import identity_provider
from gateway.clock import Clock
from gateway.config import Config
from gateway.dashboard.asking import Explainer
from gateway.dashboard.queries import AccessLog
from gateway.dashboard.rooms import Rooms
from gateway.dashboard.routes import dashboard_app
from gateway.dashboard.sessions import Sessions


async def open_dashboard(
    config: Config,
    access_log: AccessLog,
    who: Explainer,
    status: Callable[[], dict[str, str]],
    rooms: Rooms,
    clock: Clock,
    closing: list[Callable[[], Awaitable[None]]],
) -> tuple[str, str]:
    """Open the operator's pages; returns their URL and the one-time link, or "" for what there is not.

    What ends them is put into *closing*. Raises `ConfigurationError` where the
    address cannot be had.
    """
    sessions = Sessions.open(config.folder / "operator.json", clock)
    hosts = (config.dashboard.host, *config.dashboard.hosts)
    rooms = replace(rooms, oidc=identity_provider(config))
    app = dashboard_app(access_log, sessions, hosts=hosts, status=status, who=who, clock=clock, rooms=rooms)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    closing.append(runner.cleanup)

    async def start(host: str, port: int) -> tuple[str, int]:
        site = web.TCPSite(runner, host, port)
        await site.start()
        at = runner.addresses[0]
        return at[0], at[1]

    host, port = await bound(start, config.dashboard.host, config.dashboard.port, "dashboard.port")
    base = f"http://{shown(host)}:{port}"
    link = sessions.sign_in_link()
    return base, f"{base}/sign-in?token={link}" if link else ""
