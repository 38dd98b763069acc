"""The settings, where the gateway listens, its certificates, its processes, and what places are known by."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.finding import Finding
from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.spoken import counted

if TYPE_CHECKING:
    from gateway.config import Config
    from gateway.front.certificates import Certificates

#: From so many connections on, what each takes can be told from what a process takes anyway.
_ENOUGH: Final = 100


async def looked_at(data: Path, environ: Mapping[str, str]) -> list[Finding]:
    """What is found of the settings in *data* and of what they set up."""
    from gateway.app import running
    from gateway.app.listening import check_listening
    from gateway.config import read_config

    try:
        config = read_config(data, environ=environ)
    except ConfigurationError as error:
        return [Finding("settings", "bad", str(mistake)) for mistake in error.mistakes]
    found: list[Finding] = []
    try:
        certificates = check_listening(config)
    except ConfigurationError as error:
        found += [Finding("settings", "bad", str(mistake)) for mistake in error.mistakes]
    else:
        named = str(data / "licet.toml") if (data / "licet.toml").is_file() else "defaults"
        found += [Finding("settings", "ok", named), *_certificates(certificates, data)]
    found += [*_places(config, data), *_signing(config)]
    told = running(data)
    if told is None:
        found.append(_address("gateway", config.listen.host, config.listen.port, "listen.port"))
    else:
        found.append(Finding("gateway", "ok", f"runs at {told.get('front', 'an address not known yet')}"))
        found += await _processes(told)
    if config.dashboard.host not in {"127.0.0.1", "::1", "localhost"}:
        step = "put it behind TLS and a login of your own, or back on 127.0.0.1"
        found.append(Finding("dashboard", "warn", f"listens on {config.dashboard.host}", step))
    return found


def _signing(config: Config) -> Iterator[Finding]:
    """Whether pinned keys and authorities can be read, and by which key this gateway signs its own fetches."""
    from gateway.app.signing_agents import check_signatures
    from gateway.clock import SystemClock
    from gateway.keys.key_ring import KeyRing

    try:
        check_signatures(config)
        made = KeyRing.exists(config.identity_keys)
        fact = (
            f"signs as {KeyRing.open(config.identity_keys, SystemClock()).current.kid}"
            if made
            else "no key yet"
        )
    except ConfigurationError as error:
        for mistake in error.mistakes:
            yield Finding("signatures", "bad", str(mistake))
        return
    if config.signatures.test_keys:
        yield Finding("signatures", "warn", "the test keys of RFC 9421 are believed", "set test_keys = false")
    else:
        yield Finding("signatures", "ok", fact, "" if made else "`licet serve` makes it")


def _certificates(certificates: Certificates | None, data: Path) -> Iterator[Finding]:
    """Until when each certificate holds, and which sites' hosts none covers."""
    from gateway.front.certificates import RENEW_DAYS
    from gateway.policy.reload import read_all

    if certificates is None:
        return
    now = int(time.time())
    for each in certificates.held:
        until = time.strftime("%Y-%m-%d", time.gmtime(each.ends))
        fact = each.warning(now) or f"{each.title} holds until {until}, {counted(each.days(now), 'day')}"
        state = "bad" if each.warning(now) else "ok" if each.days(now) > RENEW_DAYS else "warn"
        step = "" if state == "ok" else "renew it; a renewed file is taken up within a minute"
        yield Finding("certificate", state, fact, step)
    for policy in read_all(sorted((data / "sites").glob("*.toml")))[0]:
        bare = [host for host in policy.site.hosts if host != "*" and certificates.covering(host) is None]
        if bare:
            fact = f"{policy.site.id}: no certificate covers {', '.join(bare)}"
            yield Finding("certificate", "warn", fact, "add one as [[tls.hosts]]")


async def _processes(told: dict[str, object]) -> list[Finding]:
    """Every process of the running gateway, with the memory it has to itself."""
    from gateway.app.channel import asked
    from gateway.app.folder import RunFolder
    from gateway.app.memory import proportional_bytes

    pid, run = told.get("pid"), told.get("run")
    if not isinstance(pid, int) or not run:
        return []
    found = [Finding("supervisor", "ok", f"process {pid}, {proportional_bytes(pid) / 1e6:.1f} MB")]
    try:
        parts = await asked(RunFolder(Path(str(run))).office, "processes")
    except StoreUnavailable as error:
        step = "the gateway's log says why; people are served meanwhile"
        return [*found, Finding("office", "bad", str(error), step)]
    for each in parts:
        octets = proportional_bytes(each["pid"])
        fact = f"process {each['pid']}, {octets / 1e6:.1f} MB"
        if "connections" in each:
            fact += f", {counted(each['connections'], 'connection')}"
        if each.get("connections", 0) >= _ENOUGH and octets > each["bytes_at_start"] > 0:
            grown = (octets - each["bytes_at_start"]) / each["connections"]
            fact += f", at most {grown / 1000:.0f} kB each"
        wrong = each.get("journal", "")
        found.append(Finding(each["role"], "bad" if wrong else "ok", f"{fact}. {wrong}" if wrong else fact))
    return found


def _address(what: str, host: str, port: int, key: str) -> Finding:
    """Whether the address could be listened on now."""
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, number) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
            tried.listen()
    except OSError as error:
        why = error.strerror or str(error)
        return Finding(what, "bad", f"{host}:{port}: {why}", f"free it, or set another {key}")
    return Finding(what, "ok", f"not running; {host}:{port} is free")


def _places(config: Config, data: Path) -> Iterator[Finding]:
    """How old the files are that say where an address is, and which sites need one and have none."""
    from gateway.policy.reload import read_all
    from gateway.visitors.territory import OLD_DAYS, Locations

    trust = config.trust
    files = [data / each if each else None for each in (trust.country_database, trust.asn_database)]
    try:
        editions = Locations(*files).editions
    except ConfigurationError as error:
        for mistake in error.mistakes:
            yield Finding("places", "bad", str(mistake))
        return
    for key, edition in editions.items():
        days = edition.age_days(int(time.time()))
        old = days > OLD_DAYS
        step = "get a new one; it is taken up within a minute" if old else ""
        fact = f"trust.{key} is {edition.basis}, {counted(days, 'day')} old"
        yield Finding("places", "warn" if old else "ok", fact, step)
    if files[0] or (trust.country_header and trust.proxies):
        return
    for policy in read_all(sorted((data / "sites").glob("*.toml")))[0]:
        if policy.by_place:
            fact = f"{policy.site.id}: a rule or an offer depends on the country, and every place is unknown here"
            step = "name trust.country_database or a trusted proxy's country_header, or set site.territory"
            yield Finding("places", "warn", fact, step)
