"""What a process does again and again beside its requests, and where it writes what it has to say."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Awaitable, Callable

import structlog

from gateway.problems import StoreUnavailable

log = structlog.get_logger("licet")


async def every(
    seconds: float, act: Callable[[], Awaitable[None]], bell: asyncio.Event | None = None
) -> None:
    """Do *act* again and again, *seconds* apart or as soon as the *bell* is set, until canceled."""
    while True:
        if bell is None:
            await asyncio.sleep(seconds)
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await bell.wait()
            bell.clear()
        try:
            await act()
        except StoreUnavailable as error:
            log.warning("the store cannot be reached", act=act.__name__, reason=str(error))
        except Exception:
            # One odd moment must not end what revocations, retention and counting rest on.
            log.exception("a timer's act failed and will be tried again", act=act.__name__)


def acting(act: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    """*act* as something to wait for."""

    async def run() -> None:
        act()

    return run


def log_to_stderr(level: int = logging.INFO) -> None:
    """Keep stdout for data: every log line from *level* on goes to stderr, as plain text."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="licet: %(levelname)s %(message)s")
    logging.addLevelName(logging.WARNING, "warning")
    logging.addLevelName(logging.ERROR, "error")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("%Y-%m-%dT%H:%M:%SZ", utc=True),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                pad_event_to=0,
                pad_level=False,
                # The prettier ones print the variables of every frame: tokens, secrets, addresses.
                exception_formatter=structlog.dev.plain_traceback,
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
