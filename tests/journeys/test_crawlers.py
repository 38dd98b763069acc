"""Every way HTTP has to ask for bytes, through the whole gateway: who gets what, and what it costs."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PRICE = 5_000
LARGE = 4_000_000
#: What the rule of `admission.owed` calls early: neither more than this nor more than a tenth.
EARLY = 64 * 1024

POLICY = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "{mode}"
currency = "USD"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[[works]]
id = "few"
paths = ["/few/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = {{ per_fetch = "0.005" }}
[offers.twenty]
uses = ["ai-train"]
works = ["few"]
price = {{ per_fetch = "0.005" }}
max_fetches = 20
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training", "twenty"] }}
[[rules]]
then = "serve"
"""


@dataclass
class Files:
    """A creator's server that knows ranges and conditions, uploads and web sockets."""

    folder: Path
    url: str = ""
    tagged: bool = True
    percent: int = 100
    asked: Counter[str] = field(default_factory=Counter)
    sent: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def page(self, request: web.Request) -> web.StreamResponse:
        """A file of the folder, or a short page for every other name."""
        self.asked[request.method] += 1
        file = self.folder / request.match_info["name"]
        if not file.is_file():
            return web.Response(text=f"<h1>{request.path}</h1>", content_type="text/html")
        return web.FileResponse(file)

    async def part(self, request: web.Request) -> web.StreamResponse:
        """Announce `LARGE`, send *percent* of it, and then wait until nobody listens."""
        percent = self.percent
        try:
            if percent < 0:  # not even a head
                self.sent.set()
                await asyncio.Event().wait()
            response = web.StreamResponse(
                headers={"Content-Length": str(LARGE), "ETag": '"large"', "Content-Type": "video/mp2t"}
            )
            await response.prepare(request)
            await response.write(_large()[: LARGE * percent // 100])
            self.sent.set()
            if percent < 100:
                await asyncio.Event().wait()
            return response
        finally:
            self.left.set()

    async def upload(self, request: web.Request) -> web.Response:
        """Say how much came, and its digest."""
        digest, size = hashlib.sha256(), 0
        async for piece in request.content.iter_any():
            digest.update(piece)
            size += len(piece)
        framing = request.headers.get("Transfer-Encoding", "length")
        return web.json_response({"size": size, "digest": digest.hexdigest(), "framing": framing})

    async def echo(self, request: web.Request) -> web.WebSocketResponse:
        """Send back what comes, until told to end."""
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        async for message in socket:
            if message.data == "end":
                await socket.close(code=4001, message=b"as you wish")
            elif message.type is aiohttp.WSMsgType.TEXT:
                await socket.send_str(message.data)
            else:
                await socket.send_bytes(message.data)
        return socket


def _large() -> bytes:
    return hashlib.shake_128(b"large").digest(LARGE)


async def _no_more(_: web.Request) -> None:
    raise web.HTTPRequestEntityTooLarge(max_size=1, actual_size=2)


@pytest.fixture
async def origin(tmp_path: Path) -> AsyncIterator[Files]:
    """The creator's server of this module, on a port of its own."""
    files = Files(tmp_path / "www")
    files.folder.mkdir()
    app = web.Application(client_max_size=1 << 30)

    @app.on_response_prepare.append
    async def untagged(_: web.Request, answer: web.StreamResponse) -> None:
        if not files.tagged:
            answer.headers.popall("ETag", None)

    app.router.add_get("/essays/part", files.part)
    app.router.add_get("/{shelf:essays|few}/{name}", files.page)
    app.router.add_post("/upload", files.upload)
    app.router.add_post("/full", files.upload, expect_handler=_no_more)
    app.router.add_get("/echo", files.echo)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    files.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield files
    await runner.cleanup()


async def _bought(one: Any, resource: str = "/essays/", credit: str = "10 USD") -> tuple[str, str]:
    """A funded licensee's id, and its token."""
    licensee, client, secret = await one.licensee(credit)
    bought = await one.token(client, secret, resource=resource)
    assert bought["status"] == 200, bought
    return licensee, bought["access_token"]


async def _recorded(one: Any, count: int) -> list[dict[str, Any]]:
    """The journal's records, once there are *count*."""
    async with asyncio.timeout(20):
        while len(records := await one.records()) < count:
            await asyncio.sleep(0.01)
    assert len(records) == count
    return records


def _money(records: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(record["charged_micros"], record["charge_reason"]) for record in records]


async def test_head_tells_what_get_would_and_costs_nothing(world, origin: Files) -> None:
    one = await world(policy=POLICY)
    (origin.folder / "tides").write_bytes(b"The moon leads. " * 1000)
    _, token = await _bought(one)
    person = await one.get("/essays/tides", method="HEAD")
    head = await one.get("/essays/tides", GPTBOT, token=token, method="HEAD")
    got = await one.get("/essays/tides", GPTBOT, token=token)
    for answer in (person, head):
        assert (answer.status, answer.headers["Content-Length"], await answer.read()) == (200, "16000", b"")
        assert answer.headers["ETag"] == got.headers["ETag"]
    assert origin.asked == {"HEAD": 2, "GET": 1}
    assert _money(await _recorded(one, 2)) == [(0, "no-content"), (PRICE, "fetch")]


@pytest.mark.parametrize("tagged", [True, False], ids=["with entity tag", "without"])
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "one by one"])
async def test_parts_cost_what_the_whole_costs(world, origin: Files, tagged: bool, at_once: bool) -> None:
    origin.tagged = tagged
    one = await world(policy=POLICY)
    body = hashlib.shake_128(b"page").digest(100_000)
    (origin.folder / "tides").write_bytes(body)
    _, token = await _bought(one)

    async def part(at: int) -> bytes:
        span = {"Range": f"bytes={at}-{at + 19_999}"}
        answer = await one.get("/essays/tides", GPTBOT, token=token, headers=span)
        assert answer.status == 206
        assert answer.headers["Content-Range"] == f"bytes {at}-{at + 19_999}/100000"
        assert ("ETag" in answer.headers) == tagged
        return await answer.read()

    starts = range(0, 100_000, 20_000)
    parts = await asyncio.gather(*map(part, starts)) if at_once else [await part(at) for at in starts]
    assert b"".join(parts) == body
    money = _money(await _recorded(one, 5))
    assert sorted(money) == [*[(0, "read-before")] * 4, (PRICE, "fetch")]
    again = await one.get("/essays/tides", GPTBOT, token=token, headers={"Range": "bytes=200000-"})
    assert again.status == 416
    assert _money(await _recorded(one, 6))[-1] == (0, "not-delivered")
    if tagged:
        whole = await one.get("/essays/tides", GPTBOT, token=token)
        assert await whole.read() == body
        assert _money(await _recorded(one, 7))[-1] == (0, "read-before")


async def test_what_is_not_modified_costs_nothing(world, origin: Files) -> None:
    one = await world(policy=POLICY)
    (origin.folder / "tides").write_bytes(b"The moon leads.")
    _, token = await _bought(one)
    tag = (await one.get("/essays/tides")).headers["ETag"]
    for agent, shown in ((FIREFOX, ""), (GPTBOT, token)):
        kept = await one.get("/essays/tides", agent, token=shown, headers={"If-None-Match": tag})
        assert (kept.status, await kept.read(), kept.headers["ETag"]) == (304, b"", tag)
    assert _money(await _recorded(one, 1)) == [(0, "not-delivered")]
    bare = await one.get("/essays/tides", GPTBOT, headers={"If-None-Match": tag})
    assert bare.status == 402


async def test_unchanged_bytes_are_free_again_and_changed_ones_are_not(world, origin: Files) -> None:
    one = await world(policy=POLICY)
    _, token = await _bought(one)
    file = origin.folder / "tides"
    for body in (b"first", b"first", b"second", b"second", b"first"):
        if not file.is_file() or file.read_bytes() != body:
            file.write_bytes(body)
        answer = await one.get("/essays/tides", GPTBOT, token=token)
        assert await answer.read() == body
    free, paid = (0, "read-before"), (PRICE, "fetch")
    assert _money(await _recorded(one, 5)) == [paid, free, paid, free, free]
    _, stranger = await _bought(one)
    await one.get("/essays/tides", GPTBOT, token=stranger)
    assert _money(await _recorded(one, 6))[-1] == paid


async def test_a_person_uploads_five_megabytes_in_chunks(world) -> None:
    one = await world(policy=POLICY)
    piece = hashlib.shake_128(b"piece").digest(1 << 20)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield piece

    answer = await one.get("/upload", method="POST", data=pieces())
    assert json.loads(await answer.read()) == {
        "size": 5 << 20,
        "digest": hashlib.sha256(piece * 5).hexdigest(),
        "framing": "chunked",
    }


async def test_a_body_is_sent_only_after_the_server_agreed(world) -> None:
    one = await world(policy=POLICY)

    async def expecting(path: str) -> tuple[bytes, bytes]:
        """What is answered before the body is sent, and after."""
        reader, writer = await _said(
            one,
            f"POST {path} HTTP/1.1\r\n{{host}}User-Agent: {FIREFOX}\r\nContent-Length: 5\r\n"
            "Expect: 100-continue\r\nConnection: close\r\n\r\n",
        )
        first = await reader.readuntil(b"\r\n\r\n")
        if first.startswith(b"HTTP/1.1 100 "):
            writer.write(b"tides")
        rest = await reader.read()
        writer.close()
        return first, rest

    first, rest = await expecting("/upload")
    assert first.startswith(b"HTTP/1.1 100 ")
    assert rest.startswith(b"HTTP/1.1 200 ")
    assert hashlib.sha256(b"tides").hexdigest().encode() in rest
    first, rest = await expecting("/full")
    assert first.startswith(b"HTTP/1.1 413 ")
    assert b"HTTP/1.1" not in rest


async def test_a_person_talks_through_a_web_socket_and_a_crawler_does_not(world) -> None:
    one = await world(policy=POLICY)
    large = hashlib.shake_128(b"large").digest(1 << 20)
    async with one.http.ws_connect(
        f"{one.front}/echo", headers={"User-Agent": FIREFOX}, max_msg_size=0
    ) as socket:
        await socket.send_str("ahoy")
        assert await socket.receive_str(timeout=10) == "ahoy"
        await socket.send_bytes(large)
        assert await socket.receive_bytes(timeout=10) == large
        await socket.send_str("end")
        ended = await socket.receive(timeout=10)
    assert (ended.type, ended.data, ended.extra) == (aiohttp.WSMsgType.CLOSE, 4001, "as you wish")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await one.http.ws_connect(f"{one.front}/echo", headers={"User-Agent": GPTBOT})
    assert refused.value.status in {402, 403}
    (record,) = await _recorded(one, 1)
    assert record["outcome"] == "refused"


async def _said(one: Any, head: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which *head* was said."""
    host, port = one.front.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head.format(host=f"Host: {host}:{port}\r\n").encode())
    return reader, writer


@pytest.mark.parametrize("percent", [-1, 0, 1, 50, 99], ids=["before the head", "0 %", "1 %", "50 %", "99 %"])
async def test_a_client_that_leaves_pays_for_what_it_took(world, origin: Files, percent: int) -> None:
    one = await world(policy=POLICY)
    licensee, token = await _bought(one)
    origin.percent = percent
    reader, writer = await _said(
        one,
        f"GET /essays/part HTTP/1.1\r\n{{host}}User-Agent: {GPTBOT}\r\n"
        f"Authorization: License {token}\r\n\r\n",
    )
    async with asyncio.timeout(20):
        if percent >= 0:
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
        # The gate holds one piece back until the record is durable; the rest must arrive.
        taken = await reader.readexactly(max(0, LARGE * percent // 100 - (1 << 20)))
        await origin.sent.wait()
        writer.transport.abort()
        await origin.left.wait()
    (record,) = await _recorded(one, 1)
    assert (record["ended"], record["status"]) == ("client-abort", 0 if percent < 0 else 200)
    assert len(taken) <= record["bytes_sent"] <= max(0, LARGE * percent // 100)
    sent = record["bytes_sent"]
    paid = sent > EARLY or sent * 10 > LARGE
    assert paid == (percent >= 50)
    reason = "fetch" if paid else "not-delivered" if percent < 0 else "client-left-early"
    assert _money([record]) == [(PRICE if paid else 0, reason)]
    assert record["digest"] == ("" if percent < 0 else hashlib.sha256(_large()[:sent]).hexdigest())

    origin.percent = 100
    whole = await one.get("/essays/part", GPTBOT, token=token)
    assert await whole.read() == _large()
    assert _money(await _recorded(one, 2))[-1] == ((0, "read-before") if paid else (PRICE, "fetch"))
    await one.folded(whole.headers["Licet-Record"])
    assert await _left(one, licensee) == 10_000_000 - PRICE


async def _left(one: Any, licensee: str) -> int:
    await one.licet.front.till.close()
    return (await one.licet.book.available(licensee, "USD")).micros


@pytest.mark.parametrize(
    ("shelf", "credit", "code"),
    [("few", "10 USD", "budget-spent"), ("essays", "0.1 USD", "credit-spent")],
    ids=["a budget of 20 fetches", "credit for 20 fetches"],
)
async def test_of_two_hundred_fetches_at_once_exactly_twenty_are_sold(
    world, shelf: str, credit: str, code: str
) -> None:
    one = await world(policy=POLICY)
    licensee, token = await _bought(one, f"/{shelf}/", credit)
    credited = await _left(one, licensee)
    seen = [credited]
    ended = asyncio.Event()

    async def watch() -> None:
        while not ended.is_set():
            seen.append(await _left(one, licensee))

    async def fetch(number: int) -> tuple[int, str]:
        answer = await one.get(f"/{shelf}/{number}", GPTBOT, token=token)
        body = await answer.read()
        return answer.status, "" if answer.status == 200 else json.loads(body)["code"]

    watching = asyncio.create_task(watch())
    got = Counter(await asyncio.gather(*(fetch(number) for number in range(200))))
    ended.set()
    await watching
    assert got == {(200, ""): 20, (402, code): 180}
    records = await _recorded(one, 200)
    assert sum(record["charged_micros"] for record in records) == 20 * PRICE
    await one.licet.keeper.catch_up()
    assert await _left(one, licensee) == credited - 20 * PRICE
    assert min(seen) >= 0
    report = _reconciled(await one.licet.ledger.books())
    assert report.ok, report.faults


def _reconciled(books: Any) -> Any:
    from gateway.billing.reconcile import reconcile

    return reconcile(books)


async def test_a_token_of_one_site_never_opens_the_other(world, origin: Files, tmp_path: Path) -> None:
    sites = tmp_path / "data" / "sites"
    sites.mkdir(parents=True)
    other = POLICY.replace('id = "journal"', 'id = "review"').replace("127.0.0.1", "localhost", 1)
    (sites / "review.toml").write_text(other.format(origin=origin.url, mode="enforce"))
    one = await world(policy=POLICY)
    port = one.front.rpartition(":")[2]
    review = {"Host": f"localhost:{port}"}
    _, client, secret = await one.licensee()
    tokens = {}
    for host, resource in (("127.0.0.1", one.front), ("localhost", f"http://localhost:{port}")):
        async with one.http.post(
            f"{one.front}/.licet/token",
            data={"grant_type": "client_credentials", "resource": f"{resource}/essays/"},
            headers={"Host": f"{host}:{port}", "Authorization": aiohttp.encode_basic_auth(client, secret)},
        ) as answer:
            assert answer.status == 200, await answer.text()
            tokens[host] = (await answer.json(content_type=None))["access_token"]

    async def shown(token: str, **headers: str) -> tuple[int, str]:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await one.get("/essays/tides", GPTBOT, token=token, headers=fields)
        body = await answer.read()
        return answer.status, "" if answer.status == 200 else json.loads(body)["code"]

    journal, localhost = tokens["127.0.0.1"], tokens["localhost"]
    assert await shown(journal) == (200, "")
    assert await shown(localhost, **review) == (200, "")
    assert await shown(localhost) == (401, "token-other-site")
    assert await shown(journal, **review) == (401, "token-other-site")
    # Loopback is a trusted proxy here; even so a site is what Host says and nothing else.
    assert await shown(journal, X_Forwarded_Host=review["Host"]) == (200, "")
    assert await shown(localhost, X_Forwarded_Host=review["Host"]) == (401, "token-other-site")
    assert origin.asked == {"GET": 3}
    records = await _recorded(one, 6)
    licensed = [record["site"] for record in records if record["outcome"] == "licensed"]
    assert licensed == ["journal", "review", "journal"]
