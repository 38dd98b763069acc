"""An origin that keeps what it was sent, three independent readers of it, and a driver that asks through a door.

A *driver* takes the octets of one client connection and says what came of them:
`Outcome`, the octets that the client got and those that the origin got,
connection by connection. `SocketDriver` does it over real sockets, and
`in_memory.MemoryDriver` without any.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import h11
import httptools
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParserPy

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HEAD_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
#: Far above every limit of the gateway: what it forwards, each of the readers takes.
_ROOM = 1 << 22
#: Inputs that differ often leave the gateway as the same octets: those are read once.
_READ = 1024


@dataclass(frozen=True)
class Message:
    """One whole request. Names of headers are in lower case."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def line(self) -> bytes:
        return self.method + b" " + self.target + b" HTTP/1.1"

    @property
    def host(self) -> bytes:
        return b"|".join(value for name, value in self.headers if name == b"host")


@dataclass(frozen=True)
class Reading:
    """What one reader makes of a connection's octets: whole requests, and "" or why it read no further.

    *rest* is "part" where the octets end in the middle of a request.
    """

    messages: tuple[Message, ...]
    rest: str


@dataclass(frozen=True)
class Outcome:
    """What came of one client connection.

    *ended*: the gateway closed it, sooner or later. *judged* is method and target
    of every request that the gateway decided to forward, as it read them. *broke*
    tells of faults of ours and of an origin that could not read what it got.
    """

    client: bytes
    origin: tuple[bytes, ...]
    ended: bool = True
    judged: tuple[tuple[bytes, bytes], ...] = ()
    broke: tuple[str, ...] = ()

    @property
    def statuses(self) -> list[int]:
        """Final statuses by their status lines, in order."""
        codes = re.findall(rb"HTTP/1\.1 ([0-9]{3}) [^\r\n]*\r\n", self.client)
        return [int(code) for code in codes if code != b"100"]

    def messages(self) -> tuple[Message, ...]:
        """Every whole request that the origin got."""
        return tuple(message for raw in self.origin for message in llhttp(raw).messages)


class _Reader:
    """What httptools calls; *each* hears of every whole message, *head* of every whole head."""

    def __init__(self, each: Callable[[Message], None], head: Callable[[bool], None]) -> None:
        self.each, self.head = each, head
        self.parser = httptools.HttpRequestParser(self)
        self.within = False
        self._clear()

    def _clear(self) -> None:
        self.target, self.headers, self.body = b"", [], bytearray()

    def on_message_begin(self) -> None:
        self.within = True
        self._clear()

    def on_url(self, piece: bytes) -> None:
        self.target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        self.head(any(name == b"expect" for name, _ in self.headers))

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.within = False
        self.each(Message(self.parser.get_method(), self.target, tuple(self.headers), bytes(self.body)))


@lru_cache(maxsize=_READ)
def llhttp(raw: bytes) -> Reading:
    """Read as httptools does."""
    found: list[Message] = []
    reader = _Reader(found.append, lambda _: None)
    while raw:
        try:
            reader.parser.feed_data(raw)
        except httptools.HttpParserUpgrade as upgrade:
            # Nobody switches here: what follows is the next request.
            raw = raw[upgrade.args[0] :]
            reader = _Reader(found.append, lambda _: None)
            continue
        except httptools.HttpParserError as error:
            return Reading(tuple(found), f"llhttp: {error!r}")
        break
    return Reading(tuple(found), "part" if reader.within else "")


@lru_cache(maxsize=_READ)
def hyper(raw: bytes) -> Reading:
    """Read as h11 does."""
    found: list[Message] = []
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_ROOM)
    connection.receive_data(raw)
    request, body = None, b""
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                request, body = event, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                headers = tuple(
                    (bytes(name).lower(), bytes(value)) for name, value in request.headers.raw_items()
                )
                found.append(Message(bytes(request.method), bytes(request.target), headers, body))
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                connection.start_next_cycle()
                request = None
            else:
                break
    except h11.ProtocolError as error:
        return Reading(tuple(found), f"h11: {error!r}")
    return Reading(tuple(found), "part" if request is not None or connection.trailing_data[0] else "")


@lru_cache(maxsize=_READ)
def python(raw: bytes, loop: asyncio.AbstractEventLoop) -> Reading:
    """Read as aiohttp's parser in Python does."""
    found: list[Message] = []
    parser, rest = _python_parser(loop), ""
    while raw and not rest:
        try:
            pairs, upgraded, raw = parser.feed_data(raw)
        except HttpProcessingError as error:
            return Reading(tuple(found), f"python: {error!r}")
        for message, payload in pairs:
            if payload.exception() is not None:
                return Reading(tuple(found), f"python: {payload.exception()!r}")
            if not payload.is_eof():
                rest = "part"
                break
            body = b"".join(getattr(payload, "_buffer", ()))
            headers = tuple((name.lower(), value) for name, value in message.raw_headers)
            target = message.path.encode("utf-8", "surrogateescape")
            found.append(Message(message.method.encode(), target, headers, body))
        if upgraded:
            parser = _python_parser(loop)
    return Reading(tuple(found), rest)


def _python_parser(loop: asyncio.AbstractEventLoop) -> HttpRequestParserPy:
    return HttpRequestParserPy(
        BaseProtocol(loop),
        loop,
        _ROOM,
        max_line_size=_ROOM,
        max_field_size=_ROOM,
        max_headers=1 << 16,
        auto_decompress=False,
    )


@dataclass
class Recorder:
    """A server that keeps the octets of every connection and answers each whole request with 200."""

    received: list[tuple[bytearray, asyncio.Transport]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    async def start(self) -> Recorder:
        loop = asyncio.get_running_loop()
        self.open: set[asyncio.Transport] = set()
        self.server = await loop.create_server(lambda: Connection(self), "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def stop(self) -> None:
        self.server.close()
        for transport in list(self.open):
            transport.abort()
        await asyncio.sleep(0)

    def take(self) -> tuple[bytes, ...]:
        """What came since the last time."""
        taken = tuple(bytes(raw) for raw, _ in self.received if raw)
        for raw, _ in self.received:
            raw.clear()
        self.received = [(raw, transport) for raw, transport in self.received if transport in self.open]
        return taken


class Connection(asyncio.Protocol):
    """One connection to a `Recorder`."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.raw = bytearray()
        self.reader = _Reader(self._answer, self._agree)

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.recorder.open.add(transport)
        self.recorder.received.append((self.raw, transport))

    def connection_lost(self, error) -> None:
        self.recorder.open.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.raw += data
        while data:
            try:
                self.reader.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                self.reader = _Reader(self._answer, self._agree)
                continue
            except httptools.HttpParserError as error:
                self.recorder.faults.append(f"{error!r}: {bytes(self.raw)!r}")
                self.transport.abort()
            return

    def _agree(self, expects: bool) -> None:
        if expects:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _answer(self, message: Message) -> None:
        self.transport.write(HEAD_OK if message.method == b"HEAD" else OK)


class SocketDriver:
    """Asks through a `Door` of its own before a `Recorder` of its own, one client connection at a time."""

    def __init__(self, kit, **limits: float) -> None:
        """*limits* are the door's; a client that is to be cut off soon needs short ones."""
        self.kit = kit
        self.limits = {"linger": 0.05, **limits}

    async def start(self) -> SocketDriver:
        self.recorder = await Recorder().start()
        self.door = await self.kit.Door(self.recorder.url, limits=self.kit.Limits(**self.limits)).start()
        return self

    async def stop(self) -> None:
        await self.door.stop()
        await self.recorder.stop()

    async def __call__(self, *pieces: bytes) -> Outcome:
        """Send *pieces*, one turn of the loop after another, and listen until the gateway closes."""
        client = await _Client.connect(self.door.host, self.door.port)
        for piece in pieces:
            client.transport.write(piece)
            if len(pieces) > 1:
                # Out here, and in over there, before the next.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        ended = True
        try:
            async with asyncio.timeout(self.kit.PATIENCE):
                await client.gone
        except TimeoutError:
            ended = False
        client.transport.abort()
        # A connection that the gateway made last is accepted in the next turns.
        for _ in range(4):
            await asyncio.sleep(0)
        return Outcome(
            bytes(client.received),
            self.recorder.take(),
            ended,
            judged(self.door),
            broke(self.recorder, self.door),
        )


def judged(door) -> tuple[tuple[bytes, bytes], ...]:
    """Method and target of what *door* decided to forward since the last time."""
    asks, door.asks[:] = list(door.asks), []
    return tuple((ask.method.encode(), ask.target.encode("utf-8", "surrogateescape")) for ask in asks)


def broke(recorder: Recorder, door) -> tuple[str, ...]:
    """What broke in *door* or could not be read by *recorder* since the last time."""
    told = [*recorder.faults, *["something of ours broke"] * door.listener.faults]
    recorder.faults.clear()
    door.listener.faults = 0
    return tuple(told)


class _Client(asyncio.Protocol):
    def __init__(self) -> None:
        self.received = bytearray()
        self.gone = asyncio.get_running_loop().create_future()

    @staticmethod
    async def connect(host: str, port: int) -> _Client:
        _, client = await asyncio.get_running_loop().create_connection(_Client, host, port)
        return client

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data

    def eof_received(self) -> bool:
        self._end()
        return True

    def connection_lost(self, error) -> None:
        self._end()

    def _end(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)
