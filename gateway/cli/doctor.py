"""`licet doctor`: is everything in order on this machine?"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gateway.cli.say import DATA, AsJson, Data, counted, emit, with_data
from gateway.problems import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from gateway.config import Config
    from gateway.front.certificates import Certificates
    from gateway.policy.rules import Policy

#: 2026-11-01T00:00:00Z: a clock before the release is wrong.
_RELEASED = 1_793_491_200
#: From so many connections on, what each takes can be told from what a process takes anyway.
_ENOUGH = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. *state* is ``ok``, ``warn`` or ``bad``; *step* says what to do about it."""

    what: str
    state: str
    fact: str
    step: str = ""


def doctor(data: Data = DATA, as_json: AsJson = False) -> None:
    """Is everything in order on this machine?

    Looks at the machine, the data folder, the settings, the policies and your
    own server, and says what to do about what it finds. Exit 1 if something is
    bad; a warning alone is none.
    """
    found = [*_machine(), *_folder(data), *_settings(data), *asyncio.run(_sites(data))]
    if as_json:
        emit(
            [{"what": each.what, "state": each.state, "fact": each.fact, "step": each.step} for each in found]
        )
    else:
        for each in found:
            print(f"{each.state:<5} {each.what:<12} {each.fact}")
            if each.step:
                print(f"{'':<18} -> {each.step}")
    raise typer.Exit(1 if any(each.state == "bad" for each in found) else 0)


def _machine() -> Iterator[Finding]:
    from gateway.front.listener import boot_checks

    try:
        yield Finding("HTTP parser", "ok", "; ".join(boot_checks()))
    except ConfigurationError as error:
        yield Finding("HTTP parser", "bad", str(error), "install licet again: pip install 'licet[server]'")
    now = time.time()
    sane = now > _RELEASED
    yield Finding(
        "clock",
        "ok" if sane else "bad",
        time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now)),
        "" if sane else "set the clock; tokens and bills depend on it",
    )
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    yield Finding(
        "open files",
        "ok" if files >= 4096 else "warn",
        f"at most {files}",
        "" if files >= 4096 else "ulimit -n 65536",
    )


def _folder(data: Path) -> Iterator[Finding]:
    from gateway.cli.backup import restored_note

    if not data.is_dir():
        state = "bad" if data.exists() else "warn"
        fact = "is no folder" if data.exists() else "is not there yet"
        yield Finding("data folder", state, f"{data} {fact}", "licet serve --upstream http://localhost:8000")
        return
    mode = stat.S_IMODE(data.stat().st_mode)
    private = not mode & 0o077
    yield Finding(
        "data folder",
        "ok" if private else "bad",
        f"{data}, mode {mode:04o}",
        "" if private else f"chmod 700 {data}",
    )
    writable = os.access(data, os.W_OK)
    if not writable:
        yield Finding("data folder", "bad", "cannot be written", "give it to the user licet runs as")
    free = shutil.disk_usage(data).free >> 20
    yield Finding(
        "disk",
        "ok" if free > 512 else "warn",
        f"{free} MB free",
        "" if free > 512 else "crawlers are refused when the reserve is reached",
    )
    note = restored_note(data)
    if note:
        yield Finding(
            "restored",
            "warn",
            note,
            "what happened in between is missing; the folder set aside and crawlers' receipts show it",
        )
    yield from _keys(data / "keys" / "tokens")
    yield from _database(data)


def _database(data: Path) -> Iterator[Finding]:
    from gateway.store.sqlite.database import Database

    async def look() -> int:
        database = await Database.open(data / "licet.db")
        try:
            return await database.read(lambda db: int(str(db.execute("SELECT count(*) FROM journal").get)))
        finally:
            await database.close()

    if not (data / "licet.db").is_file():
        yield Finding("database", "warn", "none yet; serve makes it")
        return
    try:
        entries = counted(asyncio.run(look()), "entry", "entries")
        yield Finding("database", "ok", f"{entries}; `{with_data('licet journal audit', data)}` checks them")
    except (ConfigurationError, StoreUnavailable) as error:
        yield Finding("database", "bad", str(error), "restore a backup: licet restore licet.tar")


def _keys(folder: Path) -> Iterator[Finding]:
    from gateway.clock import SystemClock
    from gateway.keys.key_ring import KeyRing

    if not KeyRing.exists(folder):
        yield Finding("keys", "warn", "none yet; serve makes them")
        return
    try:
        ring = KeyRing.open(folder, SystemClock())
    except ConfigurationError as error:
        for mistake in error.mistakes:
            yield Finding("keys", "bad", str(mistake))
        return
    yield Finding("keys", "ok", f"signing with {ring.current.kid}")


def _settings(data: Path) -> Iterator[Finding]:
    from gateway.app import running
    from gateway.app.listening import check_listening
    from gateway.config import read_config

    try:
        config = read_config(data, environ=os.environ)
    except ConfigurationError as error:
        for mistake in error.mistakes:
            yield Finding("settings", "bad", str(mistake))
        return
    public = config.dashboard.host not in {"127.0.0.1", "::1", "localhost"}
    try:
        certificates = check_listening(config)
        yield Finding(
            "settings", "ok", str(data / "licet.toml") if (data / "licet.toml").is_file() else "defaults"
        )
    except ConfigurationError as error:
        for mistake in error.mistakes:
            yield Finding("settings", "bad", str(mistake))
    else:
        yield from _certificates(certificates, data)
    yield from _places(config, data)
    yield from _signing(config)
    told = running(data)
    if told is None:
        yield from _address("gateway", config.listen.host, config.listen.port, "listen.port")
    else:
        yield Finding("gateway", "ok", f"runs at {told.get('front', 'an address not known yet')}")
        yield from _processes(told)
    if public:
        yield Finding(
            "dashboard",
            "warn",
            f"listens on {config.dashboard.host}",
            "put it behind TLS and a login of your own, or back on 127.0.0.1",
        )


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
    from gateway.cli.policy import read_all
    from gateway.front.certificates import RENEW_DAYS

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


def _processes(told: dict[str, object]) -> Iterator[Finding]:
    """Every process of the running gateway, with the memory it has to itself."""
    from gateway.app.channel import asked
    from gateway.app.folder import RunFolder
    from gateway.app.memory import proportional_bytes

    pid, run = told.get("pid"), told.get("run")
    if not isinstance(pid, int) or not run:
        return
    yield Finding("supervisor", "ok", f"process {pid}, {proportional_bytes(pid) / 1e6:.1f} MB")
    try:
        found = asyncio.run(asked(RunFolder(Path(str(run))).office, "processes"))
    except StoreUnavailable as error:
        yield Finding("office", "bad", str(error), "the gateway's log says why; people are served meanwhile")
        return
    for each in found:
        octets = proportional_bytes(each["pid"])
        fact = f"process {each['pid']}, {octets / 1e6:.1f} MB"
        if "connections" in each:
            fact += f", {counted(each['connections'], 'connection')}"
        if each.get("connections", 0) >= _ENOUGH and octets > each["bytes_at_start"] > 0:
            grown = (octets - each["bytes_at_start"]) / each["connections"]
            fact += f", at most {grown / 1000:.0f} kB each"
        wrong = each.get("journal", "")
        yield Finding(each["role"], "bad" if wrong else "ok", f"{fact}. {wrong}" if wrong else fact)


def _address(what: str, host: str, port: int, key: str) -> Iterator[Finding]:
    """Whether the address could be listened on now."""
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, number) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
            tried.listen()
    except OSError as error:
        why = error.strerror or str(error)
        yield Finding(what, "bad", f"{host}:{port}: {why}", f"free it, or set another {key}")
    else:
        yield Finding(what, "ok", f"not running; {host}:{port} is free")


def _places(config: Config, data: Path) -> Iterator[Finding]:
    """How old the files are that say where an address is, and which sites need one and have none."""
    from gateway.cli.policy import read_all
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


async def _sites(data: Path) -> list[Finding]:
    from gateway.cli.doctor_outbox import outbox
    from gateway.cli.doctor_payments import payments
    from gateway.cli.doctor_retention import retention
    from gateway.cli.policy import read_all
    from gateway.config import read_config

    found: list[Finding] = []
    files = sorted((data / "sites").glob("*.toml"))
    if not files:
        step = f"{with_data('licet init', data)} writes one"
        return [Finding("policy", "warn", "no file; only `licet serve --upstream …` can be run", step)]
    proxied = "off"
    with suppress(ConfigurationError):
        proxied = read_config(data, environ=os.environ).origin.proxy_protocol
    policies, mistakes = read_all(files)
    found.extend(Finding("policy", "bad", str(mistake)) for mistake in mistakes)
    for policy in policies:
        found.append(
            Finding("policy", "ok", f"{policy.file}: site {policy.site.id}, mode {policy.site.mode}")
        )
        found += await _upstream(policy, proxied)
        found += _content_keys(policy, data)
    with suppress(ConfigurationError):
        told = await payments(read_config(data, environ=os.environ), tuple(policies), data)
        found.extend(Finding(*each) for each in told)
        told = await outbox(read_config(data, environ=os.environ), data)
        told += await retention(read_config(data, environ=os.environ), data)
        found.extend(Finding(*each) for each in told)
    return found


def _content_keys(policy: Policy, data: Path) -> list[Finding]:
    """Works that the policy calls encrypted, and none of whose files has a key here."""
    from gateway.keys.content_keys import ContentKeys

    locked = [work for work in policy.works if work.encrypted]
    paths = ContentKeys(data / "keys" / "content").paths(policy.site.id) if locked else frozenset()
    return [
        Finding(
            "content keys", "warn",
            f'{policy.site.id}: the work "{work.id}" is encrypted, and there is no key of any file in it',
            "licet ems encrypt makes the files and keeps their keys; or take encrypted out",
        )
        for work in locked
        if not any(scope.covers(path) for scope in work.paths for path in paths)
    ]  # fmt: skip


async def _upstream(policy: Policy, proxied: str) -> list[Finding]:
    """Whether the site's own server answers, is no gateway, and does not free by a meta what the terms reserve."""
    from gateway.cli.doctor_leaks import leaks
    from gateway.origin.small import fetch_small
    from gateway.problems import Refusal
    from gateway.terms.tdmrep import contradicting_meta

    site, origin = policy.site.id, policy.site.origin
    desk = await fetch_small(origin, "/.licet/jwks.json", proxied=proxied)
    home = await fetch_small(origin, "/", proxied=proxied)
    if isinstance(home, Refusal):
        step = "start your server, or correct origin"
        why = home.private.removeprefix(f"{origin}: ") or home.detail
        return [Finding("origin", "bad", f"{site}: {origin} cannot be reached: {why}", step)]
    keys = not isinstance(desk, Refusal) and desk.status == 200 and desk.body.startswith(b'{"keys"')
    if keys or "application/problem+json" in home.content_type:
        step = "point origin at your own server, not at licet"
        return [Finding("origin", "bad", f"{site}: {origin} answers like a gateway", step)]
    found = [Finding("origin", "ok", f"{site}: {origin} answers {home.status}")]
    if policy.publishing.tdmrep and contradicting_meta(home.body):
        fact = (
            f"{site}: its pages say tdm-reservation 0 in a meta, which some readers believe before any header"
        )
        step = "take that meta out of your pages, or set tdmrep = false under [publish]"
        found.append(Finding("origin", "warn", fact, step))
    return [*found, *(Finding(*told) for told in leaks(policy, home.body))]
