"""What a process shares with the other workers and machines over Redis: pace, marks, and a line for news.

Without ``[store] redis`` there is none of it, and each process keeps pace and marks
for itself. A server that cannot be reached is no reason not to start: people come
first, and what holds without it is said in `store.redis`. Settings that are wrong are.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from gateway.admission.pace import Pace
from gateway.app.folder import running
from gateway.app.provider import read_secret
from gateway.app.timers import log
from gateway.clock import Clock
from gateway.config import Config
from gateway.desk.pacing import DeskPace
from gateway.problems import ConfigurationError, Mistake
from gateway.rails.unverified import AT_ONCE, PER_SECOND
from gateway.store.redis.address import EMBEDDED, RedisAt, read_address
from gateway.visitors.replays import SharedMarks

if TYPE_CHECKING:
    from gateway.store.redis.line import RedisLine, RedisRules
    from gateway.store.redis.looking import Noted

#: The socket of the embedded server, in the run folder.
SOCKET: Final = "valkey.sock"
#: Seconds that a process that starts waits for the server's first word.
_FIRST_WORD: Final = 1.5


class Paces(Protocol):
    """Limits of pace that several processes share. A port.

    Implemented by `store.memory` and `store.redis`; both pass `tests/conformance/test_paces.py`.
    """

    def pace(self, name: str, per_second: float, burst: int, *, keys: int = 50_000) -> Pace:
        """A limit that all who say *name* share, and say the same numbers; each decides at once.

        What one lets through before it has heard of the others goes above the
        limit, and is paid back by all of them.
        """
        ...


def desk_limit(paces: Paces, name: str, per_second: float, burst: int) -> Pace:
    """The limit of that name at the desk, of *paces*: `desk.pacing.Limits` for all machines."""
    return paces.pace(f"desk {name}", per_second, burst)


@dataclass(frozen=True, slots=True)
class Spreading:
    """One process's share; *line* carries it. Use `begun`."""

    line: RedisLine
    paces: Paces
    marks: SharedMarks
    _running: asyncio.Task[None]

    def license_pace(self, config: Config) -> Pace:
        """The limit of the fetches of one license."""
        pacing = config.pacing
        return self.paces.pace("license", pacing.license_per_second, pacing.license_burst)

    def desk_pace(self) -> DeskPace:
        """The limits of the desk, each with the numbers that its part of the desk says."""
        return DeskPace(partial(desk_limit, self.paces))

    def payment_pace(self) -> Pace:
        """The limit of payments that somebody else has to verify, by network."""
        return self.paces.pace("payments", PER_SECOND, AT_ONCE)

    async def close(self) -> None:
        """Let the line go."""
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)


async def begun(
    config: Config, clock: Clock, *, closing: Callable[[Callable[[], Awaitable[None]]], None] | None = None
) -> Spreading | None:
    """Begin to share as *config* says; None where it says nothing. Raises `ConfigurationError`.

    *closing* hears what is to be done at the end.
    """
    rules = rules_of(config)
    if rules is None:
        return None
    from gateway.store.redis.line import RedisLine
    from gateway.store.redis.marks import RedisMarks
    from gateway.store.redis.paces import RedisPaces

    line = RedisLine(rules)
    running_line = asyncio.create_task(line.run(), name="redis")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FIRST_WORD):
            await line.known.wait()
    spreading = Spreading(line, RedisPaces(line, clock), RedisMarks(line), running_line)
    if closing is not None:
        closing(spreading.close)
    return spreading


def rules_of(config: Config) -> RedisRules | None:
    """How to reach Redis by *config*, None where there is none to reach. Raises `ConfigurationError` with every mistake."""
    store = config.store
    at = _place(config)
    if at is None:
        return None
    mistakes: list[Mistake] = []
    place = str(config.folder / "licet.toml")
    password, authorities = store.redis_password, ""
    if store.redis_password_file:
        if password:
            mistakes.append(
                Mistake(
                    place, "store.redis_password", "say the password once: here or by redis_password_file"
                )
            )
        password = read_secret(
            config.folder, "store.redis_password_file", store.redis_password_file, mistakes
        )
    if store.redis_authorities:
        authorities = str(config.folder / store.redis_authorities)
        mistakes += _unread(authorities)
        if not at.tls:
            mistakes.append(Mistake(place, "store.redis_authorities", "needs store.redis to be rediss://"))
    if mistakes:
        raise ConfigurationError(mistakes)
    from gateway.store.redis.line import RedisRules

    return RedisRules(at, password, authorities, store.redis_name, store.redis_seconds)


def say_what_stands_out(notes: list[Noted]) -> None:
    """Say in the log what is not well about a server."""
    for note in notes:
        if note.state != "ok":
            log.warning("about redis", fact=note.fact, step=note.step)


def _place(config: Config) -> RedisAt | None:
    if config.store.redis != EMBEDDED:
        return read_address(config.store.redis) if config.store.redis else None
    # Beside a gateway that runs: it has told where its sockets are.
    run = str((running(config.folder) or {}).get("run", ""))
    return RedisAt(path=str(Path(run) / SOCKET)) if run else None


def _unread(authorities: str) -> list[Mistake]:
    import ssl

    try:
        ssl.create_default_context().load_verify_locations(authorities)
    except (OSError, ssl.SSLError) as error:
        why = getattr(error, "strerror", None) or "no certificate in it"
        return [Mistake(authorities, "", f"must be certificates in PEM: {why}")]
    return []
