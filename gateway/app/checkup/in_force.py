"""The policies in force: those of files, else the one of a gateway that runs with ``--upstream``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.problems import ConfigurationError, Mistake, StoreUnavailable

if TYPE_CHECKING:
    from gateway.policy.rules import Policy


async def in_force(data: Path) -> tuple[tuple[Policy, ...], tuple[Mistake, ...]]:
    """The policies of the data folder *data* that can be read, and every mistake in its files."""
    from gateway.policy.reload import read_all

    files = sorted((data / "sites").glob("*.toml"))
    if files:
        policies, mistakes = read_all(files)
        return tuple(policies), mistakes
    return await _of_upstream(data), ()


async def _of_upstream(data: Path) -> tuple[Policy, ...]:
    from gateway.app.channel import asked
    from gateway.app.folder import RunFolder, running
    from gateway.policy.reading import default_policy
    from gateway.policy.rules import Mode

    run = (running(data) or {}).get("run")
    if not run:
        return ()
    try:
        told = await asked(RunFolder(Path(str(run))).office, "sites")
        return tuple(
            default_policy(str(each["origin"]), mode=Mode(each["mode"]), stance=str(each["stance"]))
            for each in told
        )
    except (StoreUnavailable, ConfigurationError, ValueError, KeyError, TypeError):
        return ()
