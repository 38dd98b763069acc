"""`licet deploy`: the configuration of a server in front, a service or a container, for the site at hand."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from gateway.cli.recipes import SERVERS, Facts, near, recipe
from gateway.cli.say import DATA, AsJson, Data, emit, stop, tell
from gateway.cli.sites import Site, chosen

if TYPE_CHECKING:
    from gateway.config import Config
    from gateway.policy.rules import Policy

_AUTH = "127.0.0.1:8404"
#: Seen from a container, the machine it runs on.
_INSIDE = 8402


_Server = Annotated[str, typer.Argument(metavar="SERVER", help=f"One of {', '.join(SERVERS)}.")]
_Way = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="WAY",
        help="Of a web server: proxy (everything passes through Licet) or auth (it asks Licet and serves the site itself).",
    ),
]
_Behind = Annotated[
    bool,
    typer.Option(
        "--behind-proxy",
        help="Another proxy or a CDN stands in front of it, and is named in trust.proxies.",
    ),
]
_Cache = Annotated[
    str, typer.Option(metavar="FOLDER", help="nginx --as auth: keep for seconds what is said of a person.")
]
_Port = Annotated[
    int | None,
    typer.Option(metavar="PORT", min=1, max=65535, help="Where the public comes in; 443, or 80 if plain."),
]
_Certificate = Annotated[
    str,
    typer.Option(metavar="FILE", help="Certificate chain; else where certbot puts it, or Caddy's own."),
]

_Machines = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HOST:PORT", help="haproxy: a gateway, once for each machine of `licet store share`."
    ),
]
_Spoe = Annotated[
    bool, typer.Option("--spoe", help="haproxy --as auth: print its second file, that of its SPOE filter.")
]


def deploy(
    server: _Server,
    data: Data = DATA,
    site: Site = "",
    way: _Way = "proxy",
    port: _Port = None,
    plain: Annotated[bool, typer.Option("--plain", help="Speak http: TLS ends before it.")] = False,
    certificate: _Certificate = "",
    key: Annotated[str, typer.Option(metavar="FILE", help="Its private key.")] = "",
    behind: _Behind = False,
    open: Annotated[
        bool, typer.Option("--open-when-down", help="While Licet is down, serve everybody instead of nobody.")
    ] = False,
    cache: _Cache = "",
    log: Annotated[str, typer.Option(metavar="FILE", help="With --as auth: the access log.")] = "",
    machine: _Machines = None,
    spoe: _Spoe = False,
    as_json: AsJson = False,
) -> None:
    """Print a correct configuration for the site.

    What else is to be done is said on stderr. Print it again after a change.

    \b
    licet deploy nginx > /etc/nginx/conf.d/licet.conf
    licet deploy caddy --as auth > /etc/caddy/Caddyfile
    licet deploy haproxy --as auth --spoe > /etc/haproxy/licet-journal.spoe
    licet deploy haproxy --machine 10.0.0.1:8402 --machine 10.0.0.2:8402
    licet deploy systemd > /etc/systemd/system/licet.service

    As proxy, Licet sees every answer and bills what was delivered. As auth, it
    says yes or no beforehand and bills what it lets through; `licet
    reconcile-access` gives back what the access log says never came.
    """
    from gateway.config import read_config

    _check(server, way, open=open, cache=cache, spoe=spoe, certified=(certificate, key))
    machines = _machines(server, way, machine or [])
    config = read_config(data, environ=os.environ)
    policy = chosen(data, site)
    asks = bool(SERVERS[server]) and way == "auth"
    missing = _missing(config, asks=asks) if SERVERS[server] else ()
    web = Facts(
        id=policy.site.id,
        name=", ".join(policy.site.hosts),
        hosts=policy.site.hosts,
        front="",
        origin=policy.site.origin,
        port=port or (80 if plain else 443),
        plain=plain,
        certificate=certificate,
        key=key,
        log=log or f"/var/log/{server}/licet-{policy.site.id}.log",
        cache=cache,
        ahead=behind,
        open=open,
        missing=missing,
        machines=machines,
        more=_more(server, config, port),
    )
    facts = _with_gateway(web, config, policy, asks=asks)
    text = recipe(server, "spoe" if spoe else way if SERVERS[server] else "", facts)
    if as_json:
        emit(
            {"server": server, "as": way if SERVERS[server] else "", "text": text, "settings": list(missing)}
        )
        return
    print(text, end="")
    _say(server, data, policy, missing, asks=asks and not spoe)


def _with_gateway(web: Facts, config: Config, policy: Policy, *, asks: bool) -> Facts:
    """*web* with what is known of the gateway behind it."""
    return replace(
        web,
        front=near(config.listen.host, config.listen.port),
        auth=near(*config.listen.auth_at) if config.listen.auth else _AUTH,
        secret=_secret(config) if asks else "",
        own=_own(policy),
        passed=_passed(),
    )


def _say(server: str, data: Path, policy: Policy, missing: tuple[str, ...], *, asks: bool) -> None:
    """What else is to be done."""
    if missing:
        tell(f"add to {data / 'licet.toml'}:")
        for line in missing:
            tell(f"  {line}")
    if server in {"compose", "kubernetes"} and urlsplit(policy.site.origin).hostname in {
        "127.0.0.1",
        "localhost",
        "::1",
    }:
        tell(
            f"inside a container {policy.site.origin} is the container itself; give the site's server another name in"
        )
        tell(f"  {policy.file}, such as http://host.docker.internal:8000 or that of its own service")
    if asks and sys.stdout.isatty():
        tell("this holds a secret: let nobody else read the file you put it in")


def _check(server: str, way: str, *, open: bool, cache: str, spoe: bool, certified: tuple[str, str]) -> None:
    """Stop at what does not go together."""
    if server not in SERVERS:
        raise stop(f"SERVER is one of {', '.join(SERVERS)}, not {server!r}")
    if SERVERS[server] and way not in SERVERS[server]:
        raise stop(f"--as is one of {', '.join(SERVERS[server])}, not {way!r}")
    if open and (server, way) in {("traefik", "auth"), ("traefik", "proxy"), ("envoy", "proxy")}:
        raise stop(f"{server} as {way} cannot serve everybody while Licet is down")
    if cache and (server, way) != ("nginx", "auth"):
        raise stop("--cache is for nginx --as auth")
    if spoe and (server, way) != ("haproxy", "auth"):
        raise stop("--spoe is for haproxy --as auth")
    if bool(certified[0]) != bool(certified[1]):
        raise stop("--certificate and --key go together")


def _machines(server: str, way: str, given: list[str]) -> tuple[str, ...]:
    """Where the gateways are, each as ``HOST:PORT``."""
    if given and (server, way) != ("haproxy", "proxy"):
        raise stop("--machine is for haproxy as proxy")
    for each in given:
        if not re.fullmatch(r"([0-9a-z.-]+|\[[0-9a-f:.]+\]):[0-9]{1,5}", each):
            raise stop(f"--machine is HOST:PORT, such as 10.0.0.1:8402, not {each!r}")
    return tuple(given)


def _missing(config: Config, *, asks: bool) -> tuple[str, ...]:
    """What ``licet.toml`` lacks for a web server in front."""
    lines = []
    if asks and not config.listen.auth:
        lines.append(f'[listen]  auth = "{_AUTH}"')
    if not config.trust.proxies:
        lines.append('[trust]   proxies = ["loopback"]')
    return tuple(lines)


def _secret(config: Config) -> str:
    from gateway.app.front import caller_secret

    return caller_secret(config)


def _own(policy: Policy) -> tuple[str, ...]:
    from gateway.desk.metadata import OWNED, PREFIX
    from gateway.front.notices import told_paths

    return (PREFIX, f"{PREFIX}/*", *sorted(OWNED), *told_paths(policy))


def _passed() -> tuple[str, ...]:
    from gateway.front.auth import PASSED

    return PASSED


def _more(server: str, config: Config, port: int | None) -> dict[str, object]:
    """What only services and containers are told."""
    from gateway import __version__

    data = config.folder.resolve()
    if server == "systemd":
        state = (
            data.relative_to("/var/lib")
            if data.is_relative_to("/var/lib") and data != Path("/var/lib")
            else None
        )
        public = [config.listen.port, *([config.listen.auth_at[1]] if config.listen.auth else [])]
        return {
            "data": data,
            "state": state,
            "user": _owner(data),
            "command": shutil.which("licet") or f"{sys.executable} -m gateway",
            "low": any(0 < each < 1024 for each in public),
            "home": "yes" if not data.is_relative_to("/home") and not data.is_relative_to("/root") else "no",
        }
    if server == "compose":
        return {
            "data": data,
            "version": __version__,
            "uid": f"{data.stat().st_uid}:{data.stat().st_gid}" if data.exists() else "10402:10402",
            "inside": _INSIDE,
            "dashboard": config.dashboard.port or 8403,
            "port": port or config.listen.port or _INSIDE,
        }
    if server == "kubernetes":
        files = [data / "licet.toml", *sorted((data / "sites").glob("*.toml"))]
        texts = [(file.name, file.read_text(encoding="utf-8")) for file in files if file.is_file()]
        auth = config.listen.auth_at[1] if config.listen.auth else 0
        return {"files": texts, "version": __version__, "asks": bool(auth), "auth_port": auth}
    return {}


def _owner(data: Path) -> str:
    import pwd

    try:
        return pwd.getpwuid((data if data.exists() else Path.cwd()).stat().st_uid).pw_name
    except KeyError:
        return "licet"
