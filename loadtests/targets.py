"""The proxies that are compared, and how each is started in front of one origin.

Each is given what its manual gives for a plain reverse proxy: keep-alive to the
origin, the client's Host, WebSockets, one worker. ``/402`` is an answer of its
own where it can give one. None of them is a dependency of anything: they come
from Debian, or into ``.bench/`` by `loadtests.installing`.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.installing import compiled, program, system_python
from loadtests.processes import PROXY_CPU, CannotRun, free_port, running
from loadtests.serving import LicetSite

ROOT = Path(__file__).resolve().parents[1]

NGINX = """
worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.err; worker_rlimit_nofile 20000;
events {{ worker_connections 16384; }}
http {{ access_log {log}; keepalive_requests 100000000; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; types {{ text/html html; }}
  {servers} }}
"""
_NGINX_PROXY = """upstream o {{ server 127.0.0.1:{origin}; keepalive 128; }}
  server {{ listen 127.0.0.1:{port} backlog=8192; location = /402 {{ return 402 "pay"; }}
    proxy_http_version 1.1; proxy_set_header Host $host; {buffers}
    location / {{ proxy_pass http://o; proxy_set_header Connection ""; proxy_set_header Host $host; }}
    location = /echo {{ proxy_pass http://o; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; }} }}"""

_HAPROXY = """
global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 75s
  timeout tunnel 600s
frontend f
  bind 127.0.0.1:{port} backlog 8192
  http-request return status 402 content-type text/plain string pay if {{ path /402 }}
  default_backend o
backend o
  http-reuse always
  server s 127.0.0.1:{origin}
"""

_ENVOY = """
static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: f
          upgrade_configs: [{{ upgrade_type: websocket }}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{ "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {{ path: /402 }}
                direct_response: {{ status: 402, body: {{ inline_string: pay }} }}
              - match: {{ prefix: / }}
                route: {{ cluster: o, timeout: 0s }}
  clusters:
  - name: o
    type: STATIC
    circuit_breakers: {{ thresholds: [{{ max_connections: 20000, max_pending_requests: 20000, max_requests: 20000 }}] }}
    load_assignment:
      cluster_name: o
      endpoints:
      - lb_endpoints:
        - endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {origin} }} }} }}
"""

_CADDY = """
{{
  admin off
  auto_https off
  persist_config off
}}
:{port} {{
  bind 127.0.0.1
  respond /402 pay 402
  reverse_proxy 127.0.0.1:{origin}
}}
"""

_TRAEFIK = """
http:
  routers:
    price: {{ rule: "Path(`/402`)", service: o, middlewares: [pay], priority: 1000 }}
    all: {{ rule: "PathPrefix(`/`)", service: o }}
  middlewares:
    pay: {{ ipAllowList: {{ sourceRange: ["192.0.2.1/32"], rejectStatusCode: 402 }} }}
  services:
    o: {{ loadBalancer: {{ servers: [{{ url: "http://127.0.0.1:{origin}" }}] }} }}
"""

_MITMPROXY = """
from mitmproxy import http
def request(flow):
    if flow.request.path == "/402":
        flow.response = http.Response.make(402, b"pay")
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a target finds its origin, and may write."""

    folder: Path
    origin: int


@dataclass
class Target:
    """A proxy that runs. *licet* is set where it is ours. *cannot* says by work why it is not asked for it."""

    name: str
    version: str
    pid: int
    port: int
    licet: LicetSite | None = None
    cannot: dict[str, str] = field(default_factory=dict)


def nginx(folder: Path, name: str, log: str, servers: str) -> list[str]:
    """The command of an nginx with *servers* in its ``http`` block."""
    path = folder / f"{name}.conf"
    path.write_text(NGINX.format(folder=folder, name=name, log=log, servers=servers))
    return [program("nginx"), "-c", str(path), "-e", f"{folder}/{name}.err"]


def _nginx_with(name: str, buffers: str) -> Callable[[Place, int], tuple[list[str], list[str]]]:
    def build(place: Place, port: int) -> tuple[list[str], list[str]]:
        servers = _NGINX_PROXY.format(port=port, origin=place.origin, buffers=buffers)
        return nginx(place.folder, name, f"{place.folder}/{name}-access.log", servers), [
            program("nginx"),
            "-v",
        ]

    return build


def _haproxy(place: Place, port: int) -> tuple[list[str], list[str]]:
    path = _written(place, "haproxy.cfg", _HAPROXY, port)
    return [program("haproxy"), "-db", "-f", path], [program("haproxy"), "-v"]


def _envoy(place: Place, port: int) -> tuple[list[str], list[str]]:
    path = _written(place, "envoy.yaml", _ENVOY, port)
    envoy = program("envoy")
    quiet = ["--disable-hot-restart", "--log-level", "error"]
    return [envoy, "-c", path, "--concurrency", "1", *quiet], [envoy, "--version"]


def _caddy(place: Place, port: int) -> tuple[list[str], list[str]]:
    path = _written(place, "Caddyfile", _CADDY, port)
    caddy = program("caddy")
    return [caddy, "run", "--adapter", "caddyfile", "--config", path], [caddy, "version"]


def _traefik(place: Place, port: int) -> tuple[list[str], list[str]]:
    path = _written(place, "routes.yaml", _TRAEFIK, port)
    flags = ["--global.checknewversion=false", "--global.sendanonymoususage=false", "--log.level=ERROR"]
    flags += [f"--entrypoints.web.address=127.0.0.1:{port}", f"--providers.file.filename={path}"]
    traefik = program("traefik")
    return [traefik, *flags], [traefik, "version"]


def _mitmproxy(place: Place, port: int) -> tuple[list[str], list[str]]:
    path = _written(place, "price_addon.py", _MITMPROXY, port)
    mitmdump = program("mitmdump")
    upstream = ["--mode", f"reverse:http://127.0.0.1:{place.origin}", "--set", "keep_host_header=true"]
    listen = ["--listen-host", "127.0.0.1", "-p", str(port), "--set", f"confdir={place.folder}/mitmproxy"]
    more = ["-q", "-s", path, "--set", "stream_large_bodies=1m", "--set", "connection_strategy=lazy"]
    return [mitmdump, *upstream, *listen, *more], [mitmdump, "--version"]


def _aiohttp(place: Place, port: int) -> tuple[list[str], list[str]]:
    upstream = f"http://127.0.0.1:{place.origin}"
    command = [sys.executable, "-m", "loadtests.plain_gateway", "--port", str(port), "--upstream", upstream]
    return command, [sys.executable, "-c", "import aiohttp; print(aiohttp.__version__)"]


def _x402(_: Place, port: int) -> tuple[list[str], list[str]]:
    python = program("x402")
    version = "from importlib.metadata import version; print(version('x402'), version('fastapi'))"
    return [python, str(ROOT / "loadtests" / "x402_shop.py"), str(port)], [python, "-c", version]


_SELLS_ONLY = "a shop, not a proxy: it only tells a price"
_BUILDERS: dict[str, Callable[[Place, int], tuple[list[str], list[str]]]] = {
    "nginx": _nginx_with("nginx", ""),
    "nginx-tuned": _nginx_with(
        "nginx-tuned", "proxy_buffers 32 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 512k;"
    ),
    "haproxy": _haproxy,
    "envoy": _envoy,
    "traefik": _traefik,
    "caddy": _caddy,
    "aiohttp": _aiohttp,
    "mitmproxy": _mitmproxy,
    "x402": _x402,
}
#: In the order of the table.
_LICET = ("licet", "licet-compiled", "licet-system")
NAMES = (*_LICET, *_BUILDERS)


def start(name: str, place: Place, stack: contextlib.ExitStack) -> Target:
    """Start the target of that name until *stack* is closed; raises `CannotRun`."""
    port = free_port()
    if name in _LICET:
        origin = f"http://127.0.0.1:{place.origin}"
        installed = compiled() if name == "licet-compiled" else None
        python = system_python() if name == "licet-system" else sys.executable
        site = stack.enter_context(
            LicetSite.serving(place.folder, origin, name=name, installed=installed, python=python)
        )
        return Target(name, site.version(python), site.pid, site.port, site)
    command, version = _BUILDERS[name](place, port)
    home = {
        "HOME": str(place.folder),
        "XDG_DATA_HOME": str(place.folder),
        "XDG_CONFIG_HOME": str(place.folder),
    }
    env = home | {"GOMAXPROCS": "1", "PYTHONPATH": "" if name in {"x402", "mitmproxy"} else str(ROOT)}
    pid = stack.enter_context(running(command, PROXY_CPU, port, place.folder / f"{name}.log", env))
    target = Target(name, _version(version), pid, port)
    if name == "x402":
        target.cannot = dict.fromkeys(_ALL_BUT_402, _SELLS_ONLY)
    return target


_ALL_BUT_402 = ("person", "person-100k", "person-10m", "licensed", "licensed-new", "websocket")


def _version(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotRun(f"says no version: {error}") from None
    found = re.search(r"(?<![\w.])v?\d+(?:\.\d+){2}[-+\w]*", done.stdout + done.stderr)
    return found[0] if found else "unknown"


def _written(place: Place, name: str, text: str, port: int) -> str:
    path = place.folder / name
    filled = text.format(port=port, origin=place.origin) if "{{" in text else text
    path.write_text(filled)
    return str(path)
