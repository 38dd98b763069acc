from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
from aiohttp import web

from gateway.egress import KEPT, LIMIT, Egress, Fetched, Posted, Unfetched, is_public, read_url
from gateway.problems import ConfigurationError


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True),
        ("127.0.0.1", False), ("127.9.9.9", False), ("10.0.0.1", False), ("172.16.0.1", False),
        ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False),
        ("255.255.255.255", False), ("224.0.0.1", False), ("240.0.0.1", False), ("192.0.2.1", False),
        ("::", False), ("::1", False), ("fe80::1", False), ("fe80::1%eth0", False), ("fc00::1", False),
        ("ff02::1", False), ("::ffff:127.0.0.1", False), ("2002:7f00:1::", False), ("2002:0a00:1::", False),
        ("64:ff9b::7f00:1", False), ("64:ff9b::a9fe:a9fe", False), ("2001:db8::1", False),
        ("fec0::1", False), ("feff::1", False),
        ("", False), ("localhost", False),
    ],
)  # fmt: skip
def test_public_addresses(address, public) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://bot.example", ("bot.example", 443)),
        ("https://bot.example:8443/a?b=c", ("bot.example", 8443)),
        ("https://[2606:2800:220:1::1]/", ("2606:2800:220:1::1", 443)),
        ("http://bot.example/", None), ("https://u@bot.example/", None), ("https://bot.example/#f", None),
        ("https://bot.example:0/", None), ("https://bot.example:99999/", None), ("https://bot.example/a b", None),
        ("https://bot.example\\.evil.example/", None), ("https://bot..example/", None), ("https:///a", None),
        ("https://bot.example/\r\nHost: a", None), ("file:///etc/passwd", None), ("https://" + "a" * 600, None),
        ("https://BOT.example/", None),
    ],
)  # fmt: skip
def test_urls(url, place) -> None:
    assert read_url(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "http://bot.example/", "https://127.0.0.1/", "https://[::1]/", "https://localhost/", "https://bot.example:22/",
        "https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://metadata/", "https://10.0.0.1/keys",
    ],
)  # fmt: skip
async def test_places_that_are_not_asked(url) -> None:
    found = await Egress().get(url)
    assert isinstance(found, Unfetched)
    assert found.why == "url"


class Site:
    """An https server on the loopback; *seen* is every request that came, *act* answers them."""

    def __init__(self, certificate: tuple[Path, Path]) -> None:
        self.seen: list[web.BaseRequest] = []
        self.act = lambda request: web.Response(body=b"{}", headers={"Cache-Control": "max-age=9"})
        self._certificate = certificate
        self.authorities = certificate[0]
        self.port = 0

    async def start(self) -> None:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            self.seen.append(request)
            found = self.act(request)
            return await found if asyncio.iscoroutine(found) else found

        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*self._certificate)
        self._runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=tls).start()
        self.port = self._runner.addresses[0][1]

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def egress(self, **kept) -> Egress:
        return Egress(exempt=[self.place], authorities=self.authorities, **kept)


@pytest.fixture
async def site(certify):
    made = Site(certify("127.0.0.1", "localhost"))
    await made.start()
    yield made
    await made._runner.cleanup()


async def test_a_document_comes_with_its_headers(site) -> None:
    egress = site.egress(agent="licet-test", sign=lambda url: {"X-Signed": url})
    found = await egress.get(f"https://{site.place}/keys?a=b", accept="application/json")
    assert isinstance(found, Fetched)
    assert (found.body, found.header("cache-control"), found.header("absent")) == (b"{}", "max-age=9", "")
    (request,) = site.seen
    assert request.headers["User-Agent"] == "licet-test"
    assert request.headers["X-Signed"] == f"https://{site.place}/keys?a=b"
    assert request.headers["Accept-Encoding"] == "identity"
    assert "Cookie" not in request.headers


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda _: web.Response(status=302, headers={"Location": "https://169.254.169.254/"}), "redirect"),
        (lambda _: web.Response(status=304), "redirect"),
        (lambda _: web.Response(status=404), "status"),
        (lambda _: web.Response(status=201, body=b"{}"), "status"),
        (lambda _: web.Response(status=500), "status"),
        (lambda _: web.Response(body=b"x" * (LIMIT + 1)), "too_large"),
        (lambda _: web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}), "coding"),
    ],
)
async def test_answers_that_are_not_taken(site, answer, why) -> None:
    site.act = answer
    found = await site.egress().get(f"https://{site.place}/")
    assert isinstance(found, Unfetched)
    assert found.why == why
    assert len(site.seen) == 1, "a redirect is not followed"


async def test_the_limit_itself_is_taken(site) -> None:
    site.act = lambda _: web.Response(body=b"x" * LIMIT)
    found = await site.egress().get(f"https://{site.place}/")
    assert isinstance(found, Fetched)


async def test_a_server_without_end_is_left(site) -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"y" * 65536)

    site.act = endless
    found = await site.egress().get(f"https://{site.place}/")
    assert isinstance(found, Unfetched)
    assert found.why == "too_large"


async def test_a_slow_server_is_left(site) -> None:
    gone = asyncio.Event()

    async def silent(request: web.BaseRequest) -> web.StreamResponse:
        await gone.wait()
        return web.Response()

    site.act = silent
    found = await site.egress().get(f"https://{site.place}/", seconds=0.2)
    gone.set()
    assert isinstance(found, Unfetched)
    assert found.why == "timeout"


async def test_a_name_that_leads_into_the_house_is_refused_at_the_socket(site, monkeypatch) -> None:
    """The address counts that is connected to, not the one that was looked up before."""
    real = socket.getaddrinfo

    def lying(host, *args, **kept):
        return real("127.0.0.1" if host == "bot.example" else host, *args, **kept)

    monkeypatch.setattr(socket, "getaddrinfo", lying)
    found = await Egress(authorities=site.authorities).get("https://bot.example/")
    assert isinstance(found, Unfetched)
    assert (found.why, found.detail) == ("private_address", "127.0.0.1")
    assert site.seen == []


async def test_an_unknown_authority_is_refused(site) -> None:
    found = await Egress(exempt=[site.place]).get(f"https://{site.place}/")
    assert isinstance(found, Unfetched)
    assert found.why == "tls"


async def test_nobody_there(certify) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
        found = await Egress(exempt=[place]).get(f"https://{place}/")
    assert isinstance(found, Unfetched)
    assert found.why == "unreachable"


def test_authorities_that_are_none(tmp_path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for file in ("ca.pem", "absent.pem"):
        with pytest.raises(ConfigurationError, match=file):
            Egress(authorities=tmp_path / file)


async def test_what_is_posted_comes_back_whatever_the_status(site) -> None:
    async def echo(request: web.BaseRequest) -> web.Response:
        return web.Response(status=402, body=await request.read())

    site.act = echo
    found = await site.egress().post(f"https://{site.place}/settle", b'{"a":1}', headers={"X-Kept": "yes"})
    assert found == Posted(402, b'{"a":1}')
    (request,) = site.seen
    assert (request.method, request.headers["Content-Type"]) == ("POST", "application/json")
    assert (request.headers["X-Kept"], request.headers["Accept-Encoding"]) == ("yes", "identity")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda _: web.Response(status=307, headers={"Location": "https://169.254.169.254/"}), "redirect"),
        (lambda _: web.Response(body=b"x" * (LIMIT + 1)), "too_large"),
        (lambda _: web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}), "coding"),
    ],
)
async def test_answers_to_a_post_that_are_not_taken_may_have_done_something(site, answer, why) -> None:
    site.act = answer
    found = await site.egress().post(f"https://{site.place}/", b"{}")
    assert isinstance(found, Unfetched)
    assert (found.why, found.sent, len(site.seen)) == (why, True, 1)


@pytest.mark.parametrize(
    "url",
    [
        "http://bot.example/", "https://127.0.0.1/", "http://127.0.0.1/", "https://localhost/", "https://bot.example:22/",
        "http://169.254.169.254/latest", "http://[::1]/", "ftp://bot.example/", "http://", "https://u@bot.example/", "",
    ],
)  # fmt: skip
async def test_places_that_nothing_is_posted_to(url) -> None:
    egress = Egress(exempt=["127.0.0.1:8402"], plain=True)
    for found in (await egress.post(url, b"{}"), await egress.tell(url, b"{}", headers={})):
        assert isinstance(found, Unfetched)
        assert (found.why, found.sent) == ("url", False)


async def test_where_nobody_listens_nothing_was_sent(unused_tcp_port) -> None:
    place = f"127.0.0.1:{unused_tcp_port}"
    found = await Egress(exempt=[place], plain=True).post(f"http://{place}/", b"{}")
    assert isinstance(found, Unfetched)
    assert (found.why, found.sent) == ("unreachable", False)


async def test_http_is_spoken_with_exempted_hosts_where_that_is_allowed_and_with_nobody_else() -> None:
    place = "127.0.0.1:1"
    for egress, why in (
        (Egress(exempt=[place]), "url"),
        (Egress(plain=True), "url"),
        (Egress(exempt=[place], plain=True), "unreachable"),
    ):
        for found in (
            await egress.get(f"http://{place}/"),
            await egress.post(f"http://{place}/", b""),
            await egress.tell(f"http://{place}/", b"", headers={}),
        ):
            assert isinstance(found, Unfetched)
            assert found.why == why


@pytest.mark.parametrize("status", [200, 204, 302, 307, 410, 500, 503])
async def test_what_is_told_is_answered_by_its_status_and_leads_nowhere(site, status) -> None:
    site.act = lambda _: web.Response(
        status=status, headers={"Location": f"https://{site.place}/further", "Set-Cookie": "a=b"}
    )
    egress = site.egress(sign=lambda _: {"X-Signed": "yes"})
    for _ in range(2):
        found = await egress.tell(f"https://{site.place}/hook", b'{"a":1}', headers={"webhook-id": "ev_1"})
        assert isinstance(found, Posted)
        assert found.status == status
    assert [(each.method, each.path) for each in site.seen] == [("POST", "/hook")] * 2
    for request in site.seen:
        assert request.headers["Content-Type"] == "application/json"
        assert request.headers["webhook-id"] == "ev_1"
        assert "Cookie" not in request.headers
        assert "X-Signed" not in request.headers


async def test_of_a_receiver_that_answers_without_end_the_beginning_is_read(site) -> None:
    left = asyncio.Event()

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"y" * 65536)
        finally:
            left.set()

    site.act = endless
    assert await site.egress().tell(f"https://{site.place}/", b"{}", headers={}) == Posted(200, b"y" * KEPT)
    await left.wait()


async def test_a_body_that_never_comes_changes_nothing_about_the_status(site, monkeypatch) -> None:
    monkeypatch.setattr("gateway.egress.READING", 0.1)

    async def half(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(status=503)
        await response.prepare(request)
        await response.write(b"half")
        await asyncio.Event().wait()
        raise AssertionError

    site.act = half
    assert await site.egress().tell(f"https://{site.place}/", b"{}", headers={}) == Posted(503, b"half")


async def test_a_body_that_breaks_off_or_is_packed_changes_nothing_about_the_status(site) -> None:
    async def broken(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"part")
        assert request.transport is not None
        request.transport.close()
        return response

    site.act = broken
    found = await site.egress().tell(f"https://{site.place}/", b"{}", headers={})
    assert isinstance(found, Posted)
    assert (found.status, found.body in {b"", b"part"}) == (200, True)
    site.act = lambda _: web.Response(body=b"\x1f\x8b" * 99, headers={"Content-Encoding": "gzip"})
    assert await site.egress().tell(f"https://{site.place}/", b"{}", headers={}) == Posted(200, b"")


async def test_a_receiver_that_says_nothing_is_left(site) -> None:
    async def silent(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    site.act = silent
    found = await site.egress().tell(f"https://{site.place}/", b"{}", headers={}, seconds=0.2)
    assert isinstance(found, Unfetched)
    assert found.why == "timeout"


async def test_a_receiver_whose_name_leads_into_the_house_is_told_nothing(site, monkeypatch) -> None:
    real = socket.getaddrinfo

    def lying(host, *args, **kept):
        return real("127.0.0.1" if host == "bot.example" else host, *args, **kept)

    monkeypatch.setattr(socket, "getaddrinfo", lying)
    found = await Egress(authorities=site.authorities).tell("https://bot.example/", b"{}", headers={})
    assert isinstance(found, Unfetched)
    assert (found.why, found.detail) == ("private_address", "127.0.0.1")
    assert site.seen == []
