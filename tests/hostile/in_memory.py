"""A driver without sockets: octets into a real listener, and out of a real forwarder into the recording origin.

Nothing waits here. What would be a segment of the network is a call in the
loop's next turn, and where everybody waits for a clock, the clock that comes
first is told that it has run out: so a deadline that was lost shows as a
connection that is never closed.
"""

from __future__ import annotations

import asyncio

#: A write buffer that is fuller than this pauses its writer, as asyncio's own does.
_HIGH = 64 * 1024
#: More clocks than one client connection can run out of, and more turns than it can take.
_CLOCKS, _TURNS = 64, 200_000


class End(asyncio.Transport):
    """One end of a connection: what is written is handed to the other end's protocol in the next turn."""

    def __init__(self, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self.protocol = protocol
        self.loop = asyncio.get_running_loop()
        self.other: End | None = None
        #: What the other end wrote and this one has not read.
        self.waiting = bytearray()
        self.paused = self.closing = self.gone = self.finished = self.full = self.due = False
        self.heard = self.aborted = False

    def get_extra_info(self, name, default=None):
        return ("127.0.0.1", 4) if name == "peername" else default

    def is_closing(self) -> bool:
        return self.closing

    def can_write_eof(self) -> bool:
        return True

    def write(self, data: bytes) -> None:
        if self.closing or self.finished or not data:
            return
        other = self.other
        if other.closing:
            return
        other.waiting += data
        other.arrive()
        if len(other.waiting) > _HIGH and not self.full:
            self.full = True
            self.protocol.pause_writing()

    def write_eof(self) -> None:
        self.finished = True
        self.other.arrive()

    def pause_reading(self) -> None:
        assert not self.paused, "paused twice"
        self.paused = True

    def resume_reading(self) -> None:
        assert self.paused, "resumed without a pause"
        self.paused = False
        self.arrive()

    def close(self) -> None:
        """Close once the other end has taken what was written."""
        if not self.closing:
            self.closing = self.finished = True
            self.other.arrive()
            if not self.other.waiting or self.other.closing:
                self.loop.call_soon(self._lost, None)

    def abort(self) -> None:
        self.aborted = self.aborted or not self.closing
        self.closing = self.finished = True
        self.other.arrive()
        self.loop.call_soon(self._lost, None)

    def arrive(self) -> None:
        """Something for this end is there."""
        if not self.due:
            self.due = True
            self.loop.call_soon(self._arrived)

    def _arrived(self) -> None:
        self.due = False
        if self.paused or self.closing:
            return
        if self.waiting:
            data = bytes(self.waiting)
            self.waiting.clear()
            other = self.other
            if other.closing:
                self.loop.call_soon(other._lost, None)
            elif other.full:
                other.full = False
                self.loop.call_soon(other.protocol.resume_writing)
            self.protocol.data_received(data)
            if other.finished:
                self.arrive()
        elif self.other.finished and not self.heard:
            self.heard = True
            if not self.protocol.eof_received():
                self.close()

    def _lost(self, error: Exception | None) -> None:
        if not self.gone:
            self.gone = True
            if self.other.closing:
                self.loop.call_soon(self.other._lost, None)
            self.protocol.connection_lost(error)


def joined(one: asyncio.BaseProtocol, two: asyncio.BaseProtocol) -> tuple[End, End]:
    """Connect two protocols and return their ends."""
    here, there = End(one), End(two)
    here.other, there.other = there, here
    one.connection_made(here)
    two.connection_made(there)
    return here, there


class Client(asyncio.Protocol):
    """Keeps what it hears; *over* once the gateway says no more."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.over = False

    def data_received(self, data: bytes) -> None:
        self.received += data

    def eof_received(self) -> bool:
        self.over = True
        return True

    def connection_lost(self, error) -> None:
        self.over = True


async def settled() -> None:
    """Return when nothing is left that could run without a clock."""
    ready = asyncio.get_running_loop()._ready
    for _ in range(_TURNS):
        if not ready:
            return
        await asyncio.sleep(0)
    raise AssertionError("it never comes to rest")


class MemoryDriver:
    """What `recording.SocketDriver` does, without sockets; alone on its loop."""

    def __init__(self, kit, recording, answering=None, **limits: float) -> None:
        """*answering* makes the origin's protocols, else they are those of `recording.Recorder`."""
        self.kit, self.recording = kit, recording
        self.limits = {"linger": 0.05, **limits}
        self.answering = answering
        #: Whether the gateway broke the last connection off.
        self.reset = False

    async def start(self) -> MemoryDriver:
        self.recorder = self.recording.Recorder()
        self.recorder.open = set()
        self.door = await self.kit.Door("http://127.0.0.1:1", limits=self.kit.Limits(**self.limits)).start()
        pool = self.door.origin._connections
        pool.make = self._made
        self.watches = (self.door.listener._watch, pool._watch)
        return self

    async def stop(self) -> None:
        await self.door.stop()
        await settled()

    async def _made(self, upstream, client):
        from gateway.origin.connections import OriginConnection

        pool = self.door.origin._connections
        connection = OriginConnection(pool._limits, pool._watch)
        make = self.answering or self.recording.Connection
        joined(connection, make(self.recorder))
        return connection

    def connect(self) -> tuple[Client, End]:
        """A client of the door's, and its end."""
        client = Client()
        _, end = joined(self.door.listener._accepted(), client)
        return client, end

    async def __call__(self, *pieces: bytes) -> object:
        """Send *pieces*, each once all that follows from the one before is done, and listen to the end."""
        client, end = self.connect()
        for piece in pieces:
            end.write(piece)
            await settled()
        for _ in range(_CLOCKS):
            if client.over or not self.pass_time():
                break
            await settled()
        ended, self.reset = client.over, end.other.aborted
        end.abort()
        await settled()
        return self.recording.Outcome(
            bytes(client.received),
            self.recorder.take(),
            ended,
            self.recording.judged(self.door),
            self._broke(),
        )

    def pass_time(self) -> bool:
        """Let the clock that comes first run out; False where none runs."""
        clocks = [one for watch in self.watches for one in watch.watched]
        first = min(clocks, key=lambda one: one.deadline, default=None)
        if first is None or first.deadline == float("inf"):
            return False
        first.late()
        return True

    def _broke(self) -> tuple[str, ...]:
        left = [f"{len(self.door.listener.connected)} connections are left"] * bool(
            self.door.listener.connected
        )
        return (*self.recording.broke(self.recorder, self.door), *left)
