"""`licet doctor`: is everything in order on this machine?"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from gateway.cli.say import DATA, AsJson, Data, emit
from gateway.problems import ConfigurationError

#: 2026-11-01T00:00:00Z: a clock before the release is wrong.
_RELEASED = 1_793_491_200


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. *state* is ``ok``, ``warn`` or ``bad``; *step* says what to do about it."""

    what: str
    state: str
    fact: str
    step: str = ""


def doctor(data: Data = DATA, as_json: AsJson = False) -> None:
    """Look at the machine, the data folder, the policies and your server. Exit 1 if something is bad."""
    found = [*_machine(), *_folder(data), *_settings(data), *asyncio.run(_sites(data))]
    if as_json:
        emit(
            [{"what": each.what, "state": each.state, "fact": each.fact, "step": each.step} for each in found]
        )
    else:
        for each in found:
            print(f"{each.state:<5} {each.what:<18} {each.fact}")
            if each.step:
                print(f"{'':<24} -> {each.step}")
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
        yield Finding(
            "data folder", "warn", f"{data} is not there yet", "licet serve --upstream http://localhost:8000"
        )
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
            "backup", "warn", note, "fetches made in between may be missing; crawlers' receipts show them"
        )
    yield from _keys(data / "keys" / "tokens")


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
    from gateway.config import read_config

    try:
        config = read_config(data, environ=os.environ)
    except ConfigurationError as error:
        for mistake in error.mistakes:
            yield Finding("settings", "bad", str(mistake))
        return
    public = config.dashboard.host not in {"127.0.0.1", "::1", "localhost"}
    yield Finding("settings", "ok", f"front {config.listen.host}:{config.listen.port}")
    if public:
        yield Finding(
            "dashboard",
            "warn",
            f"listens on {config.dashboard.host}",
            "put it behind TLS and a login of your own, or back on 127.0.0.1",
        )


async def _sites(data: Path) -> list[Finding]:
    from gateway.policy.reading import read_policy
    from gateway.policy.rules import Policy

    found: list[Finding] = []
    policies: list[Policy] = []
    for file in sorted((data / "sites").glob("*.toml")) if (data / "sites").is_dir() else []:
        try:
            policies.append(read_policy(file))
        except ConfigurationError as error:
            found.extend(Finding("policy", "bad", str(mistake)) for mistake in error.mistakes)
    for policy in policies:
        found.append(
            Finding("policy", "ok", f"{policy.file}: site {policy.site.id}, mode {policy.site.mode}")
        )
        found.append(await _upstream(policy.site.id, policy.site.origin))
    return found


async def _upstream(site: str, origin: str) -> Finding:
    import aiohttp

    try:
        timeout = aiohttp.ClientTimeout(total=5)
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(origin, allow_redirects=False) as answer,
        ):
            if "Licet-Record" in answer.headers or "application/problem+json" in answer.headers.get(
                "Content-Type", ""
            ):
                return Finding(
                    "origin",
                    "bad",
                    f"{site}: {origin} answers like a gateway",
                    "point origin at your own server, not at licet",
                )
            return Finding("origin", "ok", f"{site}: {origin} answers {answer.status}")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return Finding(
            "origin",
            "bad",
            f"{site}: {origin} cannot be reached: {error}",
            "start your server, or correct origin",
        )
