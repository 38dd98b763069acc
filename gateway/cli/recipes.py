"""What a server in front needs to be told, filled in for one site: the templates of `policies/deploy`.

Nothing is written or started here. What a server cannot be set up for is a
sentence for whoever asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from gateway.problems import ConfigurationError, Mistake

#: What can be printed, and the ways of standing in front of which each has a template.
SERVERS: Final = {
    "nginx": ("proxy", "auth"),
    "caddy": ("proxy", "auth"),
    "haproxy": ("proxy", "auth"),
    "traefik": ("proxy", "auth"),
    "envoy": ("proxy", "auth"),
    "systemd": (),
    "compose": (),
    "kubernetes": (),
}
_ONE_FILE: Final = frozenset({"envoy"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the site, of the gateway and of the machine.

    *front*, *auth* and *dashboard* are ``HOST:PORT`` as a neighbor reaches them, *origin* the URL of the
    creator's server. *own* are paths that the gateway answers itself, with a ``*`` where everything below is
    meant. *ahead*: another proxy stands in front of this one. *missing* are lines that ``licet.toml`` lacks.
    *machines* are all gateways, where there are several, as the proxy reaches them. *more* are the values of one
    template alone.
    """

    id: str
    name: str
    hosts: tuple[str, ...]
    front: str
    origin: str
    auth: str = ""
    secret: str = ""
    own: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    port: int = 443
    plain: bool = False
    certificate: str = ""
    key: str = ""
    log: str = ""
    cache: str = ""
    ahead: bool = False
    open: bool = False
    missing: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    more: dict[str, object] = field(default_factory=dict)


def recipe(server: str, way: str, facts: Facts) -> str:
    """The configuration of *server*, one of `SERVERS`, that stands in front in that *way*, "" where it has none.

    Raises `ConfigurationError` where this server cannot be set up so.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from gateway.bundled import policies

    templates = Environment(
        loader=FileSystemLoader(policies("deploy")),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - no page: every value was checked as what it is
    )
    name = server if not way or server in _ONE_FILE else f"{server}-{way}"
    return templates.get_template(f"{name}.j2").render(**_values(server, way, facts))


def _values(server: str, way: str, facts: Facts) -> dict[str, object]:
    values: dict[str, object] = {name: getattr(facts, name) for name in facts.__dataclass_fields__}
    del values["more"]
    values |= facts.more
    values["asks"] = way == "auth" or bool(values.get("asks"))
    values["word"] = re.sub(r"[^a-z0-9]", "_", facts.id.lower())
    values["own_paths"] = facts.own
    values["settings"] = (
        "\n".join(f"#   {line}" for line in ("In licet.toml:", *facts.missing)) if facts.missing else "#"
    )
    if server == "nginx":
        anybody = "*" in facts.hosts
        values["hosts"] = ("_",) if anybody else facts.hosts
        values["own_regex"] = "|".join(_regex(path) for path in facts.own)
        values["certificate"] = facts.certificate or f"/etc/letsencrypt/live/{facts.hosts[0]}/fullchain.pem"
        values["key"] = facts.key or f"/etc/letsencrypt/live/{facts.hosts[0]}/privkey.pem"
    elif server == "haproxy":
        values["machines"] = facts.machines or (facts.front,)
        values["site"] = _site_of(facts.origin) if facts.open or way != "proxy" else ""
        values["spoe"] = f"/etc/haproxy/licet-{facts.id}.spoe"
    elif server == "caddy":
        values["addresses"] = [_caddy_address(host, facts) for host in facts.hosts]
    elif server == "traefik":
        values["rule"] = rule = _rule(facts.hosts)
        paths = [
            f"PathPrefix(`{path.rstrip('*')}`)" if path.endswith("*") else f"Path(`{path}`)"
            for path in facts.own
        ]
        values["own_rule"] = f"({rule}) && ({' || '.join(paths)})"
    elif server == "envoy":
        values |= _envoy(facts, asks=way == "auth")
    return values


def _envoy(facts: Facts, *, asks: bool) -> dict[str, object]:
    origin = urlsplit(facts.origin)
    if origin.scheme != "http":
        raise _cannot(
            "envoy", f"the recipe speaks plain http to the site's server, and that is {facts.origin}"
        )
    if not facts.plain and not (facts.certificate and facts.key):
        raise _cannot("envoy", "name --certificate and --key, or --plain where TLS ends before it")
    clusters = [("licet", *_host_port(facts.front))]
    if asks:
        clusters += [
            ("auth", *_host_port(facts.auth)),
            ("site", origin.hostname or "", str(origin.port or 80)),
        ]
    domains = ["*"] if "*" in facts.hosts else [each for host in facts.hosts for each in (host, f"{host}:*")]
    return {"clusters": clusters, "domains": domains}


def _site_of(url: str) -> str:
    origin = urlsplit(url)
    if origin.scheme != "http":
        raise _cannot("haproxy", f"the recipe speaks plain http to the site's server, and that is {url}")
    host = f"[{origin.hostname}]" if ":" in (origin.hostname or "") else origin.hostname
    return f"{host}:{origin.port or 80}"


def _cannot(server: str, why: str) -> ConfigurationError:
    return ConfigurationError([Mistake(f"deploy {server}", "", why)])


def _regex(path: str) -> str:
    if path.endswith("/*"):
        return re.escape(path[:-2]) + "(?:/|$)"
    return re.escape(path) + "$"


def _caddy_address(host: str, facts: Facts) -> str:
    name = "" if host == "*" else host
    if facts.plain:
        return f"http://{name}:{facts.port}"
    return (name or ":443") if facts.port == 443 else f"https://{name}:{facts.port}"


def _rule(hosts: tuple[str, ...]) -> str:
    return "PathPrefix(`/`)" if "*" in hosts else " || ".join(f"Host(`{host}`)" for host in hosts)


def _host_port(text: str) -> tuple[str, str]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), port


def near(host: str, port: int) -> str:
    """Where a neighbor on this machine reaches what listens on *host*, every address included.

    >>> near("0.0.0.0", 8402), near("::1", 1), near("10.0.0.7", 2)
    ('127.0.0.1:8402', '[::1]:1', '10.0.0.7:2')
    """
    try:
        at = ip_address(host)
    except ValueError:
        return f"{host}:{port}"
    if at.is_unspecified:
        return f"127.0.0.1:{port}"
    return f"[{at}]:{port}" if at.version == 6 else f"{at}:{port}"
