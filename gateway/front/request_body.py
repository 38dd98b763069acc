"""The body of a request as its reader wants it: piece by piece, under the client's clocks."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from gateway.front.limits import Limits
from gateway.origin.forwarding import BodyBroken
from gateway.problems import Problem, Refusal
from gateway.stepping import Signal


class Source(Protocol):
    """The connection that a body arrives on."""

    limits: Limits

    def now(self) -> float:
        """The event loop's time."""
        ...

    def write(self, data: bytes) -> None:
        """Send *data* to the client."""
        ...

    def pause_reading(self) -> None:
        """Let the client wait."""
        ...

    def resume_reading(self) -> None:
        """Read on."""
        ...

    def set_clock(self) -> None:
        """Start the clock of what the client is waited for, if for anything."""
        ...


class RequestBody:
    """One request's body, fed by its connection and iterated once by whoever sends it on.

    ``100 Continue`` is sent with the first piece wanted, where the client
    expects it (*expected*). Raises `BodyBroken` for a body that stalls, crawls,
    or is not framed as announced.
    """

    __slots__ = (
        "_began", "_changed", "_ended", "_held", "_pieces", "_read", "_refusal", "_source", "_total",
        "_wire", "awaited", "expected",
    )  # fmt: skip

    def __init__(self, source: Source) -> None:
        """Hold nothing yet."""
        self.awaited = False
        self.expected = False
        self._source = source
        self._pieces: deque[bytes] = deque()
        self._held = self._total = self._wire = self._read = 0
        self._began = 0.0
        self._ended = False
        self._refusal: Refusal | None = None
        self._changed = Signal()

    @property
    def is_eof(self) -> bool:
        """Whether all of it has arrived."""
        return self._ended

    def feed(self, piece: bytes) -> None:
        """Hold *piece*, and read no more where enough is held."""
        self._pieces.append(piece)
        self._held += len(piece)
        self._total += len(piece)
        if self._held > self._source.limits.window:
            self._source.pause_reading()

    def passed(self, octets: int) -> None:
        """*octets* of the connection were read for it: wake the reader; mostly framing is no body."""
        self._wire += octets
        if self._wire - self._total > 16 * self._total + self._source.limits.overhead:
            self.fail(Refusal(Problem.BAD_REQUEST, "The framing of the body is broken."))
        self._changed.fire()

    def end(self) -> None:
        """All of it has arrived."""
        self._ended = True

    def fail(self, refusal: Refusal) -> None:
        """Give it up; its reader learns why once it has what came before."""
        if not self._ended and self._refusal is None:
            self._refusal = refusal
            self._changed.fire()

    def __aiter__(self) -> RequestBody:
        """Iterate once."""
        return self

    async def __anext__(self) -> bytes:
        """The next piece, as it arrived and still content-coded."""
        source, limits = self._source, self._source.limits
        self._began = self._began or source.now()
        if self.expected:
            self.expected = False
            source.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not self._pieces:
            if self._refusal is not None:
                raise BodyBroken(self._refusal)
            if self._ended:
                raise StopAsyncIteration
            self.awaited = True
            source.set_clock()
            source.resume_reading()
            try:
                await self._changed
            finally:
                self.awaited = False
                source.set_clock()
        piece = self._pieces.popleft()
        self._held -= len(piece)
        self._read += len(piece)
        if self._held <= limits.window // 2 and not self._ended:
            source.resume_reading()
        elapsed = source.now() - self._began
        if elapsed > limits.body_grace and self._read < limits.body_rate * elapsed:
            self.fail(Refusal(Problem.REQUEST_TIMEOUT, "The body of the request arrives too slowly."))
            if self._refusal is not None:
                raise BodyBroken(self._refusal)
        return piece
