"""A small DNS server on loopback that tells the truth, lies, is late, cuts answers short or talks nonsense."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.reversename
import dns.rrset

#: What a question gets besides records: nothing at all, an error, half an answer, octets that are no message.
SILENT, SERVFAIL, REFUSED, CUT, CUT_FOR_EVER, NONSENSE, OTHER_QUESTION, REFERRAL = (
    "silent", "servfail", "refused", "cut", "cut for ever", "nonsense", "other question", "referral",
)  # fmt: skip


@dataclass
class DnsServer:
    """Answers from *records*, (name, type) to texts; *moods* say how. *asked* is every question, in order."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    moods: dict[tuple[str, str], str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    port: int = 0
    hold: asyncio.Event | None = None

    @property
    def address(self) -> str:
        """What the settings call it."""
        return f"127.0.0.1:{self.port}"

    def names(self, address: str, *names: str) -> None:
        """Let *address* be called *names*."""
        self.records[pointer(address), "PTR"] = [f"{name}." for name in names]

    def leads(self, name: str, *addresses: str) -> None:
        """Let *name* lead to *addresses*."""
        for address in addresses:
            kind = "A" if ip_address(address).version == 4 else "AAAA"
            self.records.setdefault((f"{name}.", kind), []).append(address)

    def answer(self, octets: bytes, over: str) -> bytes:
        """The answer to a question that came *over* udp or tcp; b"" for none."""
        question = dns.message.from_wire(octets)
        (asked,) = question.question
        key = (asked.name.to_text().lower(), dns.rdatatype.to_text(asked.rdtype))
        self.asked.append((*key, over))
        mood = self.moods.get(key, "")
        if mood == SILENT:
            return b""
        if mood == NONSENSE:
            return octets[:2] + b"\xff" * 30
        answer = dns.message.make_response(question, recursion_available=mood != REFERRAL)
        if mood == REFERRAL:
            return answer.to_wire()
        if mood == OTHER_QUESTION:
            answer = dns.message.make_response(dns.message.make_query("evil.example.", "A", id=question.id))
        if mood in {SERVFAIL, REFUSED}:
            answer.set_rcode(dns.rcode.SERVFAIL if mood == SERVFAIL else dns.rcode.REFUSED)
        elif mood == CUT_FOR_EVER or (mood == CUT and over == "udp"):
            answer.flags |= dns.flags.TC
        elif key in self.records:
            answer.answer.append(dns.rrset.from_text(asked.name, 300, "IN", key[1], *self.records[key]))
        elif not any(name == key[0] for name, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire(max_size=65535)


def pointer(address: str) -> str:
    """The name under which DNS keeps the names of *address*."""
    return dns.reversename.from_address(address).to_text()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self.server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, octets: bytes, sender: tuple[str, int]) -> None:
        answer = self.server.answer(octets, "udp")

        def send() -> None:
            if answer and not self.transport.is_closing():
                self.transport.sendto(answer, sender)

        if self.server.hold is None:
            send()
        else:
            waiting = asyncio.ensure_future(self.server.hold.wait())
            waiting.add_done_callback(lambda _: send())


@asynccontextmanager
async def serving() -> AsyncIterator[DnsServer]:
    """A server on a free port of loopback, over UDP and TCP."""
    server = DnsServer()

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            answer = server.answer(await reader.readexactly(length), "tcp")
            if answer:
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    tcp = await asyncio.start_server(stream, "127.0.0.1", 0)
    server.port = tcp.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    udp, _ = await loop.create_datagram_endpoint(lambda: _Udp(server), local_addr=("127.0.0.1", server.port))
    try:
        yield server
    finally:
        if server.hold is not None:
            server.hold.set()
        udp.close()
        tcp.close()
        await tcp.wait_closed()
