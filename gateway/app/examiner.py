"""What the page of findings asks for: the command `licet doctor`, in a process of its own.

A process of its own, because looking reads files, opens the database anew and
asks servers that may be slow, and because the fetch that pays runs a whole
gateway: the office has revocations to tell of meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from gateway.config import Config
from gateway.finding import Finding, State

#: Seconds that a look may take.
SECONDS: Final = 90.0
#: Parts of a key's name by which its value is a secret, or could be one.
_SECRET: Final = ("token", "secret", "password")


class Doctor:
    """Runs the command for one data folder; see `dashboard.health_pages.Examiner`."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        """Look at *folder*, with the settings of *environ*, this process's own unless told."""
        self._folder, self._environ = folder, environ

    async def examined(self) -> tuple[Finding, ...]:
        """Everything that the command finds."""
        return await self._run()

    async def fetched(self) -> tuple[Finding, ...]:
        """What came of the fetch in test mode."""
        return await self._run("--only-fetch")

    async def _run(self, *more: str) -> tuple[Finding, ...]:
        command = (sys.executable, "-m", "gateway", "doctor", "--json", "--data", str(self._folder), *more)
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(os.environ if self._environ is None else self._environ),
        )
        try:
            async with asyncio.timeout(SECONDS):
                out, said = await process.communicate()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            return (_unread(f"took more than {SECONDS:g} seconds"),)
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise
        return read_findings(out) or (_unread(said.decode("utf-8", "replace").strip()[-300:]),)


def read_findings(told: bytes) -> tuple[Finding, ...]:
    """The findings that the command printed with ``--json``; none where it printed something else."""
    try:
        return tuple(
            Finding(str(each["what"]), State(each["state"]), str(each["fact"]), str(each["step"]))
            for each in orjson.loads(told)
        )
    except (ValueError, KeyError, TypeError):
        return ()


def _unread(why: str) -> Finding:
    return Finding("doctor", "bad", f"the check did not end: {why}", "run licet doctor in a terminal")


def set_otherwise(config: Config) -> tuple[tuple[str, str], ...]:
    """(key, value) of what *config* sets otherwise than by default; a value that could be a secret is not told."""
    found: list[tuple[str, str]] = []
    for name in config.__dataclass_fields__:
        value = getattr(config, name)
        tables = value if isinstance(value, tuple) else (value,)
        for nth, table in enumerate(tables):
            if not hasattr(table, "model_dump"):
                continue
            prefix = f"{name}.{nth}" if isinstance(value, tuple) else name
            changed: dict[str, Any] = table.model_dump(mode="json", exclude_defaults=True)
            found += [(f"{prefix}.{key}", _told(key, each)) for key, each in changed.items()]
    return tuple(found)


def _told(key: str, value: object) -> str:
    if any(part in key for part in _SECRET) and not key.endswith("_file"):
        return "set, and not shown"
    return value if isinstance(value, str) else orjson.dumps(value).decode()
