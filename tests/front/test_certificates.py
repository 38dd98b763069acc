"""Which certificate who connects is shown, what is wrong with files, and how renewed ones are taken up."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time

import licet_tests_front_kit as kit
import pytest
from licet_tests_front_kit import on_both_loops

from gateway.front.certificates import CertificateFiles, Certificates
from gateway.front.limits import Limits
from gateway.problems import ConfigurationError

NOW = int(time.time())


def client(*trusted, **changes):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for path in trusted:
        context.load_verify_locations(path)
    if not trusted:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, value in changes.items():
        setattr(context, name, value)
    return context


def of(writer):
    """The serial number of the certificate that a client was shown."""
    return writer.get_extra_info("peercert")["serialNumber"]


async def secured(start, origin, certify, certificates=None, **kept):
    """A door in TLS, with *certificates* or one for a.example."""
    if certificates is None:
        certificates = Certificates.read("t", [CertificateFiles("tls", *certify("a.example"))])
    return await start(kit.Door(origin.url, tls=certificates.context, **kept))


async def fetched(door, context, name="a.example", host="a.example"):
    reader, writer = await door.connect(ssl=context, server_hostname=name)
    writer.write(kit.get("/", host=host))
    received = await reader.read()
    return kit.statuses(received), writer


@on_both_loops
async def test_each_name_is_shown_its_own(certify, origin, start):
    files = {
        "default": certify("a.example"),
        "b": certify("b.example"),
        "wild": certify("*.c.example"),
    }
    names = {"default": (), "b": ("b.example",), "wild": ("*.c.example",)}
    certificates = Certificates.read(
        "t", [CertificateFiles(each, *files[each], names[each]) for each in files]
    )
    door = await secured(start, origin, certify, certificates)
    trusting = client(*(pair[0] for pair in files.values()))
    shown = {}
    for name in ("a.example", "b.example", "B.Example", "one.c.example", "two.c.example"):
        status, writer = await fetched(door, trusting, name)
        assert status == [200]
        shown[name] = of(writer)
    assert len({shown[name] for name in ("a.example", "b.example", "one.c.example")}) == 3
    assert shown["one.c.example"] == shown["two.c.example"]
    # Two labels are not one: the default is shown, and the client refuses it.
    with pytest.raises(ssl.SSLCertVerificationError):
        await door.connect(ssl=trusting, server_hostname="a.b.c.example")
    assert [ask.origin for ask in door.asks] == ["https://a.example"] * 5


@on_both_loops
async def test_another_name_is_refused_where_there_is_no_default(certify, origin, start):
    pair = certify("b.example")
    door = await secured(
        start,
        origin,
        certify,
        Certificates.read("t", [CertificateFiles("tls.hosts[0]", *pair, ("b.example",))]),
    )
    assert (await fetched(door, client(pair[0]), "b.example"))[0] == [200]
    for name in ("a.example", None):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await door.connect(ssl=client(), server_hostname=name or "127.0.0.1")
    assert door.listener.connections == 0


@on_both_loops
async def test_what_is_spoken(certify, origin, start):
    door = await secured(start, origin, certify)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = client(minimum_version=version, maximum_version=version)
        context.set_alpn_protocols(["h2", "http/1.1"])
        status, writer = await fetched(door, context)
        tls = writer.get_extra_info("ssl_object")
        assert (status, tls.selected_alpn_protocol(), tls.compression()) == ([200], "http/1.1", None)
        name, _, bits = tls.cipher()
        assert "GCM" in name or "CHACHA20" in name
        assert bits >= 128
    plain = client(maximum_version=ssl.TLSVersion.TLSv1_2)
    for ciphers in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256"):
        plain.set_ciphers(ciphers)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await door.connect(ssl=plain, server_hostname="a.example")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@on_both_loops
async def test_old_versions_are_refused(certify, origin, start):
    old = client(minimum_version=ssl.TLSVersion.TLSv1_1, maximum_version=ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await (await secured(start, origin, certify)).connect(ssl=old, server_hostname="a.example")
    files = [CertificateFiles("tls", *certify("a.example"))]
    door = await secured(start, origin, certify, Certificates.read("t", files, minimum="1.3"))
    second = client(maximum_version=ssl.TLSVersion.TLSv1_2)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await door.connect(ssl=second, server_hostname="a.example")
    assert (await fetched(door, client()))[0] == [200]


@on_both_loops
async def test_plain_http_ends_cleanly_and_a_handshake_on_a_plain_port_is_400(certify, door, origin, start):
    tls = await secured(start, origin, certify)
    assert await tls.send(kit.get()) == b"" or not kit.statuses(await tls.send(kit.get()))
    assert (await fetched(tls, client()))[0] == [200]
    assert tls.listener.faults == 0
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client().wrap_bio(incoming, outgoing, server_hostname="a.example").do_handshake()
    assert kit.statuses(await door.send(outgoing.read())) == [400]
    assert door.listener.refusals["bad-request"] == 1


@on_both_loops
async def test_a_slow_handshake_is_cut(certify, origin, start):
    door = await secured(start, origin, certify, limits=Limits(handshake=0.05))
    reader, _ = await door.connect()
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    assert door.listener.connections == 0


@on_both_loops
async def test_a_refusal_is_read_though_the_body_was_not(certify, origin, start):
    door = await secured(start, origin, certify, limits=Limits(linger=0.2))
    reader, writer = await door.connect(ssl=client(), server_hostname="a.example")
    writer.write(kit.get("/", "Content-Length: 5000000", host="elsewhere.example", method="POST"))
    writer.write(b"x" * 300_000)
    async with asyncio.timeout(10):
        assert kit.statuses(await reader.read()) == [421]
    writer.transport.abort()


@on_both_loops
async def test_an_answer_that_breaks_off_ends_in_a_reset(certify, origin, start):
    async def breaks(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.transport.abort()

    origin.reply = breaks
    door = await secured(start, origin, certify)
    reader, writer = await door.connect(ssl=client(), server_hostname="a.example")
    writer.write(kit.get("/"))
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        async with asyncio.timeout(10):
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(100)
    assert door.listener.faults == 0


@on_both_loops
async def test_a_drain_ends_quiet_connections_and_lets_others_finish(certify, origin, start):
    go_on = asyncio.Event()

    async def slow(request, reader, writer):
        await go_on.wait()
        writer.write(kit.OK)

    origin.reply = slow
    door = await secured(start, origin, certify, limits=Limits(idle_in_drain=0.0))
    quiet, writer = await door.connect(ssl=client(), server_hostname="a.example")
    busy, asking = await door.connect(ssl=client(), server_hostname="a.example")
    asking.write(kit.get("/", close=False))
    while not origin.requests:
        await asyncio.sleep(0.01)
    draining = asyncio.ensure_future(door.listener.drain(10))
    async with asyncio.timeout(10):
        assert await quiet.read() == b""
        writer.close()
        go_on.set()
        assert b"Connection: close" in await busy.read()
        asking.close()
        await draining
    assert door.listener.connections == 0


@on_both_loops
async def test_renewed_files_are_for_new_connections_and_broken_ones_change_nothing(certify, origin, start):
    pair = certify("a.example")
    certificates = Certificates.read("t", [CertificateFiles("tls", *pair)])
    door = await secured(start, origin, certify, certificates)
    first_ca = pair[0].read_bytes()
    trusted = pair[0].with_name("first.pem")
    trusted.write_bytes(first_ca)
    context = client(trusted)
    old_reader, old = await door.connect(ssl=context, server_hostname="a.example")
    assert not certificates.changed

    stop = asyncio.Event()

    async def load():
        done = 0
        while not stop.is_set():
            assert (await fetched(door, client()))[0] == [200]
            done += 1
        return done

    loading = [asyncio.ensure_future(load()) for _ in range(3)]
    certify("a.example")
    assert certificates.changed
    assert certificates.reload() == ()
    assert not certificates.changed
    renewed = client(pair[0])
    status, new = await fetched(door, renewed)
    assert status == [200]
    assert of(new) != of(old)
    with pytest.raises(ssl.SSLCertVerificationError):
        await door.connect(ssl=context, server_hostname="a.example")

    pair[1].write_bytes(b"-----BEGIN PRIVATE KEY-----\nno\n")
    assert certificates.changed
    [mistake] = certificates.reload()
    assert mistake.key == "tls.key"
    assert not certificates.changed
    assert of((await fetched(door, renewed))[1]) == of(new)

    old.write(kit.get("/"))
    assert kit.statuses(await old_reader.read()) == [200]
    stop.set()
    assert min(await asyncio.gather(*loading)) > 0
    assert door.listener.faults == 0


@on_both_loops
async def test_a_session_is_taken_up_again_and_a_renewal_breaks_none(certify, origin, start):
    files = [
        CertificateFiles("tls", *certify("a.example")),
        CertificateFiles("tls.hosts[0]", *certify("b.example"), ("b.example",)),
    ]
    certificates = Certificates.read("t", files)
    door = await secured(start, origin, certify, certificates)

    def ask(context, name, session=None):
        with (
            socket.create_connection((door.host, door.port), kit.PATIENCE) as bare,
            context.wrap_socket(bare, server_hostname=name, session=session) as tls,
        ):
            tls.sendall(kit.get())
            received = b""
            while piece := tls.recv(65536):
                received += piece
            return kit.statuses(received), tls.session_reused, tls.session

    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = client(maximum_version=version, minimum_version=version)
        for name in ("a.example", "b.example"):
            status, reused, session = await asyncio.to_thread(ask, context, name)
            assert (status, reused) == ([200], False)
            assert (await asyncio.to_thread(ask, context, name, session))[:2] == ([200], True)
            certificates.reload()
            assert (await asyncio.to_thread(ask, context, name, session))[0] == [200]


@on_both_loops
async def test_a_page_arrives_whole_however_late_it_is_read(certify, origin, start):
    page = b"y" * 32_000_000  # more than the kernel holds for both ends
    origin.reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(page), page)
    door = await secured(start, origin, certify)
    reader, writer = await door.connect(ssl=client(), server_hostname="a.example", limit=1024)
    writer.write(kit.get("/"))
    while not (door.listener.connected and any(each.full for each in door.listener.connected)):
        await asyncio.sleep(0.005)
    async with asyncio.timeout(kit.PATIENCE):
        received = await reader.read()
    assert received.endswith(b"\r\n\r\n" + page)
    assert door.people.counted == [("/", 200)]


@on_both_loops
async def test_another_protocol_passes_in_tls_until_either_side_ends(certify, origin, start):
    async def echo(request, reader, writer):
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
        while piece := await reader.read(1024):
            writer.write(piece)

    origin.reply = echo
    door = await secured(start, origin, certify)
    reader, writer = await door.connect(ssl=client(), server_hostname="a.example")
    writer.write(kit.get("/", "Upgrade: echo", "Connection: Upgrade", close=False))
    assert b" 101 " in await kit.read_head(reader)
    for word in (b"one", b"two" * 100_000):
        writer.write(word)
        async with asyncio.timeout(kit.PATIENCE):
            assert await reader.readexactly(len(word)) == word
    writer.close()
    await origin.all_gone()
    assert door.listener.faults == 0


@on_both_loops
async def test_a_connection_can_be_reset_in_tls(certify, origin, start):
    door = await secured(start, origin, certify)
    reader, writer = await door.connect(ssl=client(), server_hostname="a.example")
    writer.write(kit.get("/", close=False))
    assert kit.statuses(await kit.read_head(reader)) == [200]
    await reader.readexactly(2)
    [connection] = door.listener.connected
    assert connection.secure
    connection.abort()
    with pytest.raises(ConnectionResetError):
        async with asyncio.timeout(10):
            if await reader.read() == b"":
                # Some loops tell a reset only to who writes.
                sock = writer.get_extra_info("socket")
                assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
                raise ConnectionResetError


def test_every_mistake_is_told_at_once(certify, tmp_path):
    good, other = certify("a.example"), certify("other.example")
    locked = certify("locked.example", passphrase=b"secret")
    open_key = certify("open.example")
    open_key[1].chmod(0o644)
    (tmp_path / "text.crt").write_text("no certificate")
    files = [
        CertificateFiles("tls", tmp_path / "absent.crt", None),
        CertificateFiles("tls.hosts[0]", good[0], other[1], ("a.example", "b.example")),
        CertificateFiles("tls.hosts[1]", *locked, ("locked.example",)),
        CertificateFiles("tls.hosts[2]", *open_key, ("open.example", "A.example")),
        CertificateFiles("tls.hosts[3]", tmp_path / "text.crt", good[1], ("c.example",)),
    ]
    with pytest.raises(ConfigurationError) as caught:
        Certificates.read("licet.toml", files)
    told = {(mistake.key, mistake.expected.replace(f"{tmp_path}/", "")) for mistake in caught.value.mistakes}
    assert told == {
        ("tls.certificate", "absent.crt cannot be read: No such file or directory"),
        ("tls.key", "is needed: the path of a PEM file"),
        ("tls.hosts[0].key", "other.example.key is not the key of a.example.crt"),
        ("tls.hosts[0].names[1]", "must be a name of a.example.crt"),
        ("tls.hosts[1].key", "locked.example.key must be without a passphrase"),
        ("tls.hosts[2].key", "open.example.key may be read by its owner and group alone (chmod 600 or 640)"),
        ("tls.hosts[2].names[1]", "must be a name of open.example.crt"),
        ("tls.hosts[2].names[1]", "is given in tls.hosts[0] already"),
        ("tls.hosts[3].certificate", "text.crt is no certificate in PEM"),
    }


def test_an_ended_certificate_is_used_with_a_warning(certify):
    [held] = Certificates.read("t", [CertificateFiles("tls", *certify("a.example", days=-1.5))]).held
    assert "ended on" in held.warning(NOW)
    assert held.days(NOW) == -2
    [held] = Certificates.read("t", [CertificateFiles("tls", *certify("a.example", days=400))]).held
    assert "begins to hold on" in held.warning(NOW)
    [held] = Certificates.read("t", [CertificateFiles("tls", *certify("a.example", days=20.5))]).held
    assert (held.warning(NOW), held.days(NOW)) == ("", 20)


def test_which_hosts_are_covered(certify):
    files = [
        CertificateFiles("tls", *certify("a.example")),
        CertificateFiles("tls.hosts[0]", *certify("*.c.example", "c.example"), ("*.c.example",)),
    ]
    certificates = Certificates.read("t", files)
    covered = {
        host: certificates.covering(host) is not None for host in ("a.example", "b.c.example", "c.example")
    }
    # c.example stands in the second, but who asks for it is shown the default.
    assert covered == {"a.example": True, "b.c.example": True, "c.example": False}
