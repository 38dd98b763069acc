"""What arrives at the creator's server, octet for octet, and what is sent a second time."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import ssl
from ipaddress import IPv4Address

import h11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.ask import Ask
from gateway.origin.connections import OriginLimits
from gateway.origin.forwarding import BodyBroken, HttpOrigin
from gateway.origin.small import fetch_small
from gateway.problems import Problem, Refusal


def ask(*headers, method="GET", target="/"):
    return Ask("", 0, "a", "http://a.example", method, target, "", headers=(("host", "a.example"), *headers))


async def pieces(*parts):
    for part in parts:
        yield part


async def test_bodies(forward, origin):
    await forward(ask(("content-length", "5"), method="POST"), pieces(b"he", b"", b"llo"))
    await forward(ask(method="POST"), pieces(b"he", b"", b"llo"))
    await forward(ask(("content-length", "0"), method="POST"))
    await forward(ask(method="POST"))
    assert [request.body for request in origin.requests] == [b"hello", b"hello", b"", b""]
    assert [request.values("content-length") for request in origin.requests] == [["5"], [], ["0"], []]
    assert origin.raw.count(b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n") == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_spare_connection_that_died_is_replaced(forward, origin, method):
    """R14: the origin closes without a word what it seemed to keep."""
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    origin.reply = ok
    assert await forward(ask(method=method)) == (200, b"")

    async def dead(request, reader, writer):
        origin.reply = ok
        writer.transport.abort()

    origin.reply = dead
    assert await forward(ask(method=method)) == (200, b"")
    assert [request.line.split()[0] for request in origin.requests] == [method] * 3
    assert origin.connections == 2


async def test_nothing_is_sent_twice_on_a_new_connection(forward, origin):
    async def dead(request, reader, writer):
        writer.transport.abort()

    origin.reply = dead
    refusal = await forward(ask())
    assert refusal.problem is Problem.ORIGIN_FAILED
    assert len(origin.requests) == 1


async def test_nothing_is_sent_twice_once_an_answer_began(forward, origin):
    await forward(ask())
    origin.reply, origin.hang_up = b"HTTP/1.1 200", True
    refusal = await forward(ask())
    assert refusal.problem is Problem.ORIGIN_FAILED
    assert len(origin.requests) == 2


async def test_what_changes_something_gets_a_new_connection_and_one_try(forward, origin):
    await forward(ask())

    async def dead(request, reader, writer):
        writer.transport.abort()

    origin.reply = dead
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        refusal = await forward(ask(method=method))
        assert refusal.problem is Problem.ORIGIN_FAILED
    assert len(origin.requests) == 6
    assert origin.connections == 6


@pytest.mark.parametrize(
    ("url", "problem"),
    [("http://127.0.0.1:1", Problem.ORIGIN_UNREACHABLE), ("nonsense", Problem.ORIGIN_UNREACHABLE),
     ("http://nowhere.invalid", Problem.ORIGIN_UNREACHABLE)],
)  # fmt: skip
async def test_what_cannot_be_reached_is_a_refusal_without_details(forward, url, problem):
    refusal = await forward(ask(), url=url)
    assert refusal.problem is problem
    assert url not in refusal.detail
    assert url in refusal.private
    assert refusal.retry_after > 0


async def test_an_origin_that_speaks_plainly_where_tls_is_expected(forward):
    async def plain(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        refusal = await forward(ask(), url=f"https://127.0.0.1:{port}")
    assert refusal.problem is Problem.ORIGIN_UNREACHABLE


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    day = dt.timedelta(days=1)
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return file


async def test_tls_to_the_origin_is_checked(kit, started, certificate):
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    origin = await started(kit.RawOrigin(tls=server))
    trusting = HttpOrigin(tls=ssl.create_default_context(cafile=str(certificate)))
    opened = await trusting.open(ask(), origin.url, None, ours=-1, upgrade=False)
    assert b"".join([piece async for piece in opened.body()]) == b"ok"
    refusal = await trusting.open(
        ask(), origin.url.replace("127.0.0.1", "localhost"), None, ours=-1, upgrade=False
    )
    assert refusal.problem is Problem.ORIGIN_UNREACHABLE
    refusal = await HttpOrigin().open(ask(), origin.url, None, ours=-1, upgrade=False)
    assert refusal.problem is Problem.ORIGIN_UNREACHABLE
    assert len(origin.requests) == 1
    await trusting.close()
    await asyncio.sleep(0)


async def test_a_body_that_breaks_off_is_the_clients_fault(forward, origin):
    stalled = Refusal(Problem.REQUEST_TIMEOUT, "It stalled.")

    async def broken():
        yield b"he"
        raise BodyBroken(stalled)

    assert await forward(ask(("content-length", "5"), method="POST"), broken()) is stalled
    await origin.all_gone()
    assert origin.requests[0].body == b""


async def test_an_origin_that_does_not_take_a_body_is_late(origin):
    go = asyncio.Event()

    async def deaf(request, reader, writer):
        await go.wait()

    origin.read_bodies, origin.reply = False, deaf
    http = HttpOrigin(OriginLimits(idle=0.1))
    opened = await http.open(
        ask(method="POST"), origin.url, pieces(*[b"a" * (1 << 20)] * 64), ours=-1, upgrade=False
    )
    assert opened.problem is Problem.ORIGIN_TIMEOUT
    go.set()
    await http.close()


_VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=20)
_NAMES = st.sampled_from(
    ["accept", "connection", "te", "x-a", "x_a", "upgrade", "cookie", "cdn-loop", "forwarded"]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    target=st.text("abc/%.;?=~@:!$&'()*+,-_09", max_size=30),
    headers=st.lists(st.tuples(_NAMES, _VALUES.filter(lambda v: "\x7f" not in v)), max_size=8),
    body=st.none() | st.lists(st.binary(max_size=50), max_size=4),
)
def test_another_parser_reads_what_we_read(kit, target, headers, body):
    """Egress equivalence: h11 finds one request, ours, and nothing behind it."""

    async def run():
        origin = await kit.RawOrigin().start()
        http = HttpOrigin()
        asked = ask(*headers, method="POST", target="/" + target)
        sent = None if body is None else pieces(*body)
        opened = await http.open(asked, origin.url, sent, ours=-1, upgrade=False)
        assert opened.status == 200
        opened.close()
        await http.close()
        await origin.stop()
        return bytes(origin.raw), origin.requests[0].body

    raw, _ = asyncio.run(run())
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(raw)
    request = parser.next_event()
    assert (request.method, request.target) == (b"POST", ("/" + target).encode())
    read = b""
    while isinstance(event := parser.next_event(), h11.Data):
        read += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert read == b"".join(body or [])
    assert parser.trailing_data[0] == b""
    names = [name for name, _ in request.headers]
    assert names.count(b"host") == 1
    assert not {b"te", b"upgrade", b"connection"} & set(names)
    assert not any(b"_" in name for name in names)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("secure", [False, True])
async def test_the_clients_address_goes_before_it_and_no_connection_is_anothers(
    kit, started, origin, certify, version, secure
):
    certificate, key = certify("127.0.0.1")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate, key)
    door = await started(
        kit.Door(origin.url, proxied=True, trusted=("loopback",), tls=server if secure else None)
    )
    http = HttpOrigin(tls=ssl.create_default_context(cafile=certificate), proxied=version)
    seen = []
    for address in ("192.0.2.7", "192.0.2.7", "2001:db8::7", ""):
        asked = dataclasses.replace(ask(), address=address)
        opened = await http.open(asked, door.url, None, ours=-1, upgrade=False)
        seen += door.listener.connected - set(seen)
        assert b"".join([piece async for piece in opened.body()]) == b"ok"
    # What is trusted here is the gateway, so its X-Forwarded-For would be believed; the peer is what was told.
    assert [each.peer for each in door.asks] == ["192.0.2.7", "192.0.2.7", "2001:db8::7", ""]
    assert len(set(map(id, seen))) == 4
    found = await fetch_small(door.url, "/robots.txt", public="http://a.example", proxied=version)
    assert (found.status if not secure else found.problem) == (Problem.ORIGIN_UNREACHABLE if secure else 200)
    await http.close()
    await asyncio.sleep(0)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_switch_to_nothing_is_a_failure(forward, origin, method):
    origin.reply = b"HTTP/1.1 101 Go\r\n\r\n"
    async with asyncio.timeout(5):
        opened = await forward.http.open(ask(method=method), origin.url, None, ours=-1, upgrade=False)
    assert opened.problem is Problem.ORIGIN_FAILED
    await origin.all_gone()
