"""Two ends of real sockets around a gateway: a raw origin that records octets, a door, a raw client.

Loaded by the conftest files of this folder, of `tests/origin` and of
`tests/hostile`. Nothing here understands more HTTP than it must.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from gateway.admission.admit import Grant
from gateway.admission.credentials import Shown
from gateway.admission.owed import Owed
from gateway.admission.spending import Charge
from gateway.clock import HandClock
from gateway.front.auth_door import AuthDoor
from gateway.front.exchange import Gate
from gateway.front.listener import Limits, Listener, boot_checks  # noqa: F401
from gateway.money import Money
from gateway.origin.forwarding import HttpOrigin, OriginLimits
from gateway.paths import PathScope
from gateway.policy.published import publish
from gateway.policy.rules import Match, Mode, Policy, Rule, Site, Verdict
from gateway.provenance.floods import Floods
from gateway.visitors.client_address import TrustedProxies
from gateway.visitors.visitor import PERSON, Crawler, Visitor, VisitorClass

GPTBOT = Crawler("GPTBot", "OpenAI", ("training",), frozenset({"ai-train"}), VisitorClass.AI)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#: Long enough for a busy machine, short enough to tell a hang.
PATIENCE = 20.0


@dataclass
class Request:
    """One request as it stood on the origin's socket."""

    line: str
    headers: list[tuple[str, str]]
    head: bytes
    body: bytes = b""

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]


Reply = Callable[[Request, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawOrigin:
    """A server that keeps every octet it was sent, and answers with `reply` (octets, or a coroutine function)."""

    reply: bytes | Reply = OK
    requests: list[Request] = field(default_factory=list)
    raw: bytearray = field(default_factory=bytearray)
    connections: int = 0
    open: int = 0
    #: Hang up after the reply without saying so before.
    hang_up: bool = False
    read_bodies: bool = True
    tls: ssl.SSLContext | None = None

    async def start(self) -> RawOrigin:
        self.gone = asyncio.Condition()
        self._tasks: set[asyncio.Task] = set()
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"
        return self

    async def stop(self) -> None:
        self.server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def all_gone(self) -> None:
        """Wait until every connection has ended."""
        async with asyncio.timeout(PATIENCE), self.gone:
            await self.gone.wait_for(lambda: self.open == 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)
            self.open -= 1
            async with self.gone:
                self.gone.notify_all()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        self.raw += head
        lines = head.decode("utf-8", "surrogateescape").split("\r\n")
        fields = [tuple(line.split(": ", 1)) for line in lines[1:-2]]
        request = Request(lines[0], fields, head)
        self.requests.append(request)
        if self.read_bodies:
            request.body = await self._body(request, reader)
        if isinstance(self.reply, bytes):
            writer.write(self.reply)
            await writer.drain()
        else:
            await self.reply(request, reader, writer)
        return not self.hang_up

    async def _body(self, request: Request, reader: asyncio.StreamReader) -> bytes:
        if lengths := request.values("content-length"):
            body = await reader.readexactly(int(lengths[0]))
            self.raw += body
            return body
        body = b""
        if request.values("transfer-encoding"):
            while True:
                size = await reader.readuntil(b"\r\n")
                piece = await reader.readexactly(int(size, 16) + 2)
                self.raw += size + piece
                if not piece[:-2]:
                    break
                body += piece[:-2]
        return body


class Journal:
    """Remembers what it was told, in order."""

    def __init__(self) -> None:
        self.noted = []
        self.kept = []
        self.floods = Floods(0)
        self.changed = asyncio.Event()

    def room(self, *, paid: bool) -> bool:
        return True

    def note(self, record, detail, salt) -> None:
        self.noted.append(record)
        self.changed.set()

    async def keep(self, record, detail, salt) -> None:
        self.kept.append(record)
        self.changed.set()

    async def one(self):
        """The first record, as soon as there is one."""
        async with asyncio.timeout(PATIENCE):
            while not self.noted and not self.kept:
                self.changed.clear()
                await self.changed.wait()
        return (self.noted + self.kept)[0]


class People:
    def __init__(self) -> None:
        self.counted: list[tuple[str, int]] = []

    def count(self, ask, status: int) -> None:
        self.counted.append((ask.target, status))


class _Till:
    """Charges whatever says ``x-pay``; takes nothing from anybody."""

    def take(self, grant, ask, evidence):
        if ask.header("x-pay"):
            return Grant(charge=Charge(ask.id, "acme", "lic", Money(10, "USD"), None))
        return grant

    async def settled(self, charge, ask, delivery) -> None:
        pass

    def owed(self, charge, ask, delivery):
        return Owed(charge.price, "fetch")

    def give_back(self, charge) -> None:
        pass


class _Credentials:
    def of(self, ask):
        position = next((at for at, (_, value) in enumerate(ask.headers) if value.startswith("License ")), -1)
        return Shown(None, position)


class _Notices:
    def find(self, policy, ask, evidence):
        return None


def policy(upstream: str, hosts: tuple[str, ...] = ("a.example",)) -> Policy:
    """Serves everybody, but crawlers below /closed."""
    closed = Match(paths=(PathScope("/closed"),), classes=frozenset({VisitorClass.AI}))
    return Policy(
        site=Site("a", hosts, upstream, Mode.ENFORCE, "USD"),
        works=(),
        offers=(),
        rules=(
            Rule("rules[0]", closed, Verdict.REFUSE),
            Rule("rules[1]", Match(), Verdict.SERVE),
        ),
        digest="0" * 64,
    )


def identify(ask, evidence) -> Visitor:
    if "GPTBot" in ask.user_agent:
        return Visitor(VisitorClass.AI, GPTBOT)
    return PERSON


@dataclass
class Door:
    """A listener in front of one upstream, and everything it was handed."""

    upstream: str
    limits: Limits = field(default_factory=Limits)
    origin_limits: OriginLimits = field(default_factory=OriginLimits)
    trusted: tuple[str, ...] = ()
    country_header: str = ""
    place_of: Callable | None = None
    desk: Callable | None = None
    tls: ssl.SSLContext | None = None
    proxied: bool = False

    async def start(self) -> Door:
        self.journal, self.people = Journal(), People()
        self.site = policy(self.upstream)
        self.asks = []
        self.clients = []
        self.origin = HttpOrigin(self.origin_limits)
        door = self

        class Origin:
            async def open(self, ask, upstream, body, **rest):
                door.asks.append(ask)
                door.opened = await door.origin.open(ask, upstream, body, **rest)
                return door.opened

        self.opened = None
        self.gate = Gate(
            policy_of=lambda site: self.site,
            identify=identify,
            notices=_Notices(),
            credentials=_Credentials(),
            till=_Till(),
            origin=Origin(),
            journal=self.journal,
            people=self.people,
            published=lambda policy, origin: publish(policy, origin, {}),
            sources={},
            clock=HandClock(),
        )
        self.listener = Listener(
            self.gate,
            hosts=lambda host: self.site if host in self.site.site.hosts else None,
            desk=self.desk,
            desk_owns=lambda path: self.desk is not None and path.startswith("/.licet/"),
            trusted=TrustedProxies.read(self.trusted),
            clock=HandClock(),
            limits=self.limits,
            country_header=self.country_header,
            place_of=self.place_of,
            tls=self.tls,
            proxied=self.proxied,
        )
        self.host, self.port = await self.listener.start("127.0.0.1", 0)
        self.url = f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"
        return self

    async def stop(self) -> None:
        for client in self.clients:
            client.transport.abort()
        await self.listener.stop()
        await self.origin.close()
        await asyncio.sleep(0)

    async def connect(self, **tls) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(self.host, self.port, **tls)
        self.clients.append(writer)
        return reader, writer

    async def send(self, *pieces: bytes) -> bytes:
        """Send *pieces* on a new connection and return all that comes until the gateway closes it."""
        reader, writer = await self.connect()
        received = b""
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                # Let the gateway see this piece by itself.
                await asyncio.sleep(0)
            async with asyncio.timeout(PATIENCE):
                while piece := await reader.read(65536):
                    received += piece
        except ConnectionError:
            with contextlib.suppress(ConnectionError):
                received += await reader.read(1 << 20)
        finally:
            writer.transport.abort()
        return received


class Stage:
    """What an `on_both_loops` test may name: origin, door, and `start` for more, all stopped at the end."""

    def __init__(self) -> None:
        self._running = []

    async def start(self, thing):
        await thing.start()
        self._running.append(thing)
        return thing

    async def play(self, test, **given) -> None:
        try:
            origin = await self.start(RawOrigin())
            given |= {"start": self.start, "origin": origin, "door": await self.start(Door(origin.url))}
            await test(**{name: given[name] for name in inspect.signature(test).parameters})
        finally:
            for thing in reversed(self._running):
                await thing.stop()


def on_both_loops(test):
    """Run the coroutine function *test* on asyncio's own loop and on uvloop, which a gateway runs on."""

    @pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
    def run(loop, certify):
        factory = pytest.importorskip("uvloop").new_event_loop if loop == "uvloop" else None
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(Stage().play(test, certify=certify))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def statuses(raw: bytes) -> list[int]:
    """The status codes of final answers in *raw*, by their status lines."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", raw) if code != b"100"]


async def read_head(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await reader.readuntil(b"\r\n\r\n")


def get(
    path: str = "/", *headers: str, host: str = "a.example", method: str = "GET", close: bool = True
) -> bytes:
    """A request without a body; the connection is to be closed after it unless *close* is False."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers]
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


#: The secret of `AskedDoor`.
SAID = "s" * 43


class AskedDoor(Door):
    """A door whose listener is asked by the site's own proxy instead of passing requests on itself."""

    trusted = ("loopback",)

    async def start(self):
        await super().start()
        await self.listener.stop()
        self.listener = AuthDoor(
            self.gate,
            secret=SAID,
            hosts=lambda host: self.site if host in self.site.site.hosts else None,
            desk=None,
            desk_owns=lambda path: path.startswith("/.licet/"),
            trusted=TrustedProxies.read(self.trusted),
            clock=HandClock(),
            limits=self.limits,
        )
        self.host, self.port = await self.listener.start("127.0.0.1", 0)
        return self
