"""What is demanded of a server, from what it says of itself. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

#: The first version whose scripts may read the clock before they write, and whose streams trim as these do.
OLDEST: Final = (6, 2)


class Noted(NamedTuple):
    """One thing about a server: *state* is ok, warn or bad, *step* what to do about it."""

    state: str
    fact: str
    step: str = ""


def looked_at(known: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[Noted]:
    """What stands out in INFO and in CONFIG GET, {} where a server hides its settings."""
    name = str(known.get("server_name") or ("valkey" if "valkey_version" in known else "redis"))
    version = str(known.get("valkey_version") or known.get("redis_version") or "")
    found = re.match(r"(\d+)\.(\d+)", version)
    old = found is None or (int(found[1]), int(found[2])) < OLDEST
    role = str(known.get("role", "master"))
    yield Noted(
        "bad" if old else "ok",
        f"{name} {version}, {role}",
        f"needs version {OLDEST[0]}.{OLDEST[1]} or later" if old else "",
    )
    if role != "master":
        yield Noted("bad", "is a replica, which takes no writes", "name the primary in store.redis")
    yield from _memory(known, settings)
    yield from _disk(known, settings)
    yield from _replicas(known, settings)


def _memory(known: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[Noted]:
    policy = str(known.get("maxmemory_policy") or settings.get("maxmemory-policy") or "noeviction")
    most = int(known.get("maxmemory") or settings.get("maxmemory") or 0)
    if most and policy != "noeviction":
        yield Noted(
            "warn",
            f"maxmemory-policy is {policy}: a mark that it evicts could be used again",
            "maxmemory-policy noeviction; everything of licet's lapses by itself",
        )
    elif not most:
        yield Noted("warn", "maxmemory is not set", "set maxmemory, 256mb is plenty")


def _disk(known: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[Noted]:
    if int(known.get("aof_enabled") or 0) or settings.get("appendonly") == "yes":
        how = settings.get("appendfsync", "everysec")
        lost = {"always": "nothing", "everysec": "the last second or two"}.get(str(how), "anything")
        yield Noted("ok", f"appends to a file: a power cut loses {lost}")
    else:
        yield Noted(
            "warn",
            "appendonly is off: a restart forgets marks and pace",
            "appendonly yes; no money rests there either way",
        )


def _replicas(known: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[Noted]:
    count = int(known.get("connected_slaves") or 0)
    if not count:
        return
    waits = int(settings.get("min-replicas-to-write") or 0)
    told = f"{count} replica{'' if count == 1 else 's'}"
    if waits:
        yield Noted("ok", f"{told}; a write needs {waits}: a promoted one lacks little")
    else:
        yield Noted(
            "warn",
            f"{told}, written to without waiting: one that is promoted may lack marks of the last moments",
            "min-replicas-to-write 1; no lease, revocation or payment is lost either way",
        )
