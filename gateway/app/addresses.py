"""Addresses to listen on: how they read in a URL, and how it is said that one cannot be had."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

from gateway.problems import ConfigurationError, Mistake


def shown(host: str) -> str:
    """*host* as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


async def bound(
    start: Callable[[str, int], Awaitable[tuple[str, int]]], host: str, port: int, key: str
) -> tuple[str, int]:
    """Call *start* and return where it listens; raises `ConfigurationError`, naming the setting *key*."""
    try:
        return await start(host, port)
    except OSError as error:
        raise unbound(error, host, port, key) from None


def unbound(error: OSError, host: str, port: int, key: str) -> ConfigurationError:
    """Say that *host* and *port* of the setting *key* cannot be listened on, and why."""
    # What the loop raises names the address once more; the number alone says why.
    why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
    return ConfigurationError([Mistake(f"{shown(host)}:{port}", key, f"cannot be listened on: {why}")])
