"""Answers HAProxy's SPOE filter on a connection of its own: several questions at once, each in its own run (`front.spop`)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from gateway.front.connection import ClientConnection
from gateway.front.spop import (
    Broken,
    Bye,
    Hello,
    Notify,
    ack,
    agent_disconnect,
    agent_hello,
    frame_of,
    length_of,
)
from gateway.stepping import Run

#: Variables of the transaction, by name.
Variables = tuple[tuple[str, str], ...]

_log = logging.getLogger("licet.spoe")
#: Questions of one connection that are answered at one time; HAProxy sends 20 unless told otherwise.
_MOST: Final = 256


class Greeted:
    """Waits for the first octet of *connection*: HTTP begins with a letter, a frame with nought, as none is 16 MiB long."""

    def __init__(self, connection: ClientConnection, agent: Agent) -> None:
        """Hand what comes to the connection's own parser, or to *agent*."""
        self.agent = agent
        self._connection = connection

    def feed(self, data: bytes) -> None:
        """Decide, and hand *data* on."""
        connection = self._connection
        if data[0]:
            connection.tunnel = None
            connection.data_received(data)
        else:
            connection.tunnel = self.agent
            self.agent.feed(data)

    def feed_eof(self) -> None:
        """Nobody will say anything."""
        self._connection.close()

    late = feed_eof


class Agent:
    """Speaks with HAProxy on *connection*; *decide* says what a question is answered, () for nothing."""

    def __init__(
        self,
        connection: ClientConnection,
        decide: Callable[[ClientConnection, Notify], Coroutine[Any, Any, Variables]],
    ) -> None:
        """Wait for HELLO."""
        self._connection = connection
        self._decide = decide
        self._held = bytearray()
        self._runs: dict[Run[Variables], Notify] = {}
        self._frame_bytes = 0
        self._over = self._reading = False

    def feed(self, data: bytes) -> None:
        """Take *data*, and answer what is whole."""
        self._held += data
        self._read()
        self._set_clock()

    def feed_eof(self) -> None:
        """HAProxy says no more, and reads no more."""
        self.lost()
        self._connection.close()

    def late(self) -> None:
        """HAProxy has asked nothing for too long."""
        self._end(2, "nothing was asked for a long time")

    def lost(self) -> None:
        """Nobody hears what is still being decided: it is decided for nobody, and owed by nobody."""
        self._over = True
        for run in list(self._runs):
            run.cancel()

    def _read(self) -> None:
        if self._reading:
            return  # what was decided at once reads on below
        self._reading = True
        try:
            while not self._over and self._next():
                pass
        finally:
            self._reading = False

    def _next(self) -> bool:
        """Take the next frame; False where none is whole, or enough is being decided."""
        if len(self._runs) >= _MOST:
            self._connection.pause_reading()
            return False
        length = length_of(self._held)
        if isinstance(length, Broken):
            self._end(*length)
            return False
        if length is None or len(self._held) < length:
            return False
        frame = frame_of(bytes(self._held[4:length]))
        del self._held[:length]
        self._take(frame)
        return True

    def _take(self, frame: Hello | Notify | Bye | Broken) -> None:
        match frame:
            case Hello() if not self._frame_bytes:
                self._frame_bytes = frame.frame_bytes
                self._write(agent_hello(frame.frame_bytes))
                if frame.healthcheck:
                    self._over = True
                    self._connection.close()
            case Notify() if self._frame_bytes:
                run = Run(self._decided)
                self._runs[run] = frame
                run.start(self._decide(self._connection, frame))
            case Broken():
                self._end(*frame)
            case Bye():
                self._end(0, "")
            case _:
                self._end(4, "a frame came out of its turn")

    def _decided(self, run: Run[Variables]) -> None:
        notify = self._runs.pop(run)
        if self._over or self._connection.gone:
            return
        if run.error is not None and not isinstance(run.error, asyncio.CancelledError):
            _log.error("a question could not be answered", exc_info=run.error)
        answer = ack(notify, run.result or () if run.error is None else ())
        # What is too long for HAProxy is no answer: what it asked about goes to the public listener.
        self._write(answer if len(answer) <= self._frame_bytes + 4 else ack(notify, ()))
        if not self._connection.full:
            self._connection.resume_reading()
        self._set_clock()
        self._read()

    def _write(self, octets: bytes) -> None:
        self._connection.write(octets)
        if self._connection.full:
            self._connection.pause_reading()

    def _end(self, status: int, why: str) -> None:
        if not self._over:
            self.lost()
            self._connection.write(agent_disconnect(status, why))
            self._connection.close()

    def _set_clock(self) -> None:
        connection = self._connection
        if not self._over:
            connection.quiet_since = connection.now()
            limits = connection.limits
            connection.deadline = connection.now() + (
                limits.write_idle if connection.full else limits.tunnel_idle
            )
