"""Feeds over the real way out, from a server with TLS on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from gateway.app.way_out import feed_fetch
from gateway.egress import Egress
from gateway.visitors.feed_updates import Fetch, Fetched, NotFetched

FEED = b'{"prefixes": [{"ipv4Prefix": "66.249.64.0/27"}]}'


@pytest.fixture
async def operator(
    certify: Callable[..., tuple[Path, Path]],
) -> AsyncIterator[Callable[[bytes], Awaitable[tuple[Fetch, str, list[bytes]]]]]:
    """`await operator(octets)`: a server that answers every request with *octets*; a fetch, its URL, what it heard."""
    certificate, key = certify("localhost")
    servers: list[asyncio.Server] = []

    async def start(octets: bytes) -> tuple[Fetch, str, list[bytes]]:
        heard: list[bytes] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(octets)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            writer.close()

        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate, key)
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
        servers.append(server)
        port = server.sockets[0].getsockname()[1]
        egress = Egress(exempt=[f"localhost:{port}"], authorities=certificate)
        return feed_fetch(egress), f"https://localhost:{port}/ips.json", heard

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


def http(status: str, body: bytes = b"", *fields: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *fields])
    return head.encode() + b"\r\n\r\n" + body


async def test_a_feed_comes_with_its_validator(operator) -> None:
    fetch, url, heard = await operator(http("200 OK", FEED, 'ETag: "v7"'))
    assert await fetch(url, etag="", limit=1000) == Fetched(FEED, '"v7"')
    assert b"user-agent: licet" in heard[0].lower()
    assert b"cookie" not in heard[0].lower()


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (http("404 Not Found", FEED), "it gives no list (status 404)"),
        (http("301 Moved", b"", "Location: https://elsewhere.example/"), "it redirects"),
        (http("200 OK", FEED, "Content-Encoding: gzip"), "it is compressed"),
        (http("200 OK", b" " * 5000), "it is too long"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nbroken off", "its host cannot be reached"),
        (b"not HTTP at all\r\n\r\n", "its host cannot be reached"),
    ],
)
async def test_what_is_no_feed_is_a_sentence(operator, octets: bytes, why: str) -> None:
    fetch, url, _ = await operator(octets)
    got = await fetch(url, etag="", limit=1000)
    assert isinstance(got, NotFetched)
    assert got.why.startswith(why)


async def test_no_private_host_is_asked(operator) -> None:
    _, url, heard = await operator(http("200 OK", FEED))
    got = await feed_fetch()(url, etag="", limit=1000)
    assert isinstance(got, NotFetched)
    assert heard == []
