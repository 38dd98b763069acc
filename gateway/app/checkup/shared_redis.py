"""The Redis or Valkey that workers and machines share: whether it is there, and whether it keeps what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gateway.config import read_config
from gateway.finding import Finding
from gateway.problems import ConfigurationError

_WHAT: Final = "redis"
_AWAY: Final = "until it is there, pace and used proofs are each process's own; people do not notice"


async def looked_at(data: Path, environ: Mapping[str, str]) -> list[Finding]:
    """What is found of the server that the settings of *data* name; nothing where they name none."""
    from gateway.app.spreading import rules_of

    try:
        config = read_config(data, environ=environ)
    except ConfigurationError:
        return []  # `listening` says what is wrong with the settings
    try:
        rules = rules_of(config)
    except ConfigurationError as error:
        return [Finding(_WHAT, "bad", str(each)) for each in error.mistakes]
    if rules is None:
        return []
    from gateway.store.redis.line import FAILURES, RedisLine, told_of
    from gateway.store.redis.looking import looked_at as noted

    try:
        notes = list(noted(*await RedisLine(rules).told()))
    except FAILURES as error:
        return [Finding(_WHAT, "bad", f"{rules.at}: {told_of(error)}", _AWAY)]
    return [Finding(_WHAT, each.state, each.fact, each.step) for each in notes]
