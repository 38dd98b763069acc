"""The machine: its parser, its clock, how many files may be open."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from typing import Final

from gateway.finding import Finding
from gateway.problems import ConfigurationError

#: 2026-11-01T00:00:00Z: a clock before the release is wrong.
RELEASED: Final = 1_793_491_200


def looked_at() -> Iterator[Finding]:
    """What is found of the machine."""
    from gateway.front.listener import boot_checks

    try:
        yield Finding("HTTP parser", "ok", "; ".join(boot_checks()))
    except ConfigurationError as error:
        yield Finding("HTTP parser", "bad", str(error), "install licet again: pip install 'licet[server]'")
    now = time.time()
    sane = now > RELEASED
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
