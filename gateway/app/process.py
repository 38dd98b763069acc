"""One process of a gateway, as its supervisor holds it: what it was told, the channel to it, and its end."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any, Final

import structlog

from gateway.app.boot import BOOT, MISTAKES, Boot
from gateway.app.channel import Channel
from gateway.app.zygote import Forked, Zygote, executed
from gateway.problems import ConfigurationError, StoreUnavailable

log = structlog.get_logger("licet")

#: Seconds that a process may take to start: a journal may have to be folded first.
STARTING: Final = 600.0
#: Seconds beyond the drain in which a process must have ended.
CLOSING: Final = 15.0


class Process:
    """One process of ours, and the channel it hangs by."""

    def __init__(
        self,
        name: str,
        process: Forked | asyncio.subprocess.Process,
        channel: Channel,
        inherited: tuple[int, ...],
    ) -> None:
        """Watch *process*, which knows what it *inherited* by these numbers; use `spawn`."""
        self.name, self.inherited = name, inherited
        self.since = time.monotonic()
        self.told: dict[str, Any] = {}
        self._started = False
        self._process, self.channel = process, channel
        self._speaking = asyncio.create_task(channel.run())

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @classmethod
    async def spawn(
        cls, role: str, name: str, inherited: tuple[int, ...], zygote: Zygote | None = None
    ) -> Process:
        """Start one as *role* that has the descriptors *inherited*: forked from *zygote*, or executed. Raises `OSError`."""
        ours, theirs = socket.socketpair()
        process: Forked | asyncio.subprocess.Process
        try:
            if zygote is None:
                process = await executed(role, theirs, inherited)
            else:
                with theirs:
                    process, numbers = await zygote.born(role, (theirs.fileno(), *inherited))
                inherited = numbers[1:]
        except BaseException:
            ours.close()
            raise
        return cls(name, process, Channel(*await asyncio.open_connection(sock=ours)), inherited)

    async def boot(self, boot: Boot) -> None:
        """Tell it what it is, and wait until it has started.

        Raises `ConfigurationError` with what it found wrong, `StoreUnavailable`
        where it ended instead.
        """
        told = await self.channel.call("boot", BOOT.dump_python(boot, mode="json"), seconds=STARTING)
        if "mistakes" in told:
            raise ConfigurationError(MISTAKES.validate_python(told["mistakes"]))
        self.told = told
        self._started = True

    async def stop(self, seconds: float) -> None:
        """Have it drain for *seconds* and end; one that does not is killed, one that is starting hangs up."""
        if not self._started:
            await self.end(CLOSING)
            return
        try:
            await self.channel.call("stop", seconds, seconds=seconds + CLOSING)
        except StoreUnavailable as error:
            if self._process.returncode is None:
                log.warning("a process did not stop well", process=self.name, reason=str(error))
        await self.end(CLOSING)

    async def end(self, seconds: float) -> None:
        """Hang up, and kill it if it has not ended after *seconds*."""
        self.channel.close()
        try:
            async with asyncio.timeout(seconds):
                await self.ended()
        except TimeoutError:
            log.warning("a process had to be killed", process=self.name)
            self._process.kill()
            await self.ended()

    async def ended(self) -> int:
        """Wait for its end; returns the exit code, negative for a signal."""
        code = await self._process.wait()
        self.channel.close()
        await asyncio.gather(self._speaking, return_exceptions=True)
        return code
