"""From the public's door to the desk's own socket and back."""

from __future__ import annotations

import asyncio

import pytest

from gateway.front.desk_way import DeskWay
from gateway.origin.forwarding import HttpOrigin, OriginLimits
from gateway.visitors.territory import Place


@pytest.fixture
async def way(origin):
    http = HttpOrigin(OriginLimits(first_byte=5))
    yield DeskWay(http, origin.url, patience=0.5)
    await http.close()


class Counted:
    """An origin that counts how often it was asked; no subclass, as it may be compiled."""

    def __init__(self) -> None:
        self.asked, self._http = 0, HttpOrigin(OriginLimits(first_byte=5))

    async def open(self, *given, **named):
        self.asked += 1
        return await self._http.open(*given, **named)

    async def close(self) -> None:
        await self._http.close()


async def test_the_desk_is_told_what_only_the_front_knows(kit, started, origin, way):
    door = await started(kit.Door("http://127.0.0.1:1", desk=way, trusted=("loopback",)))
    spoofed = (
        "Licet-Site: b",
        "Licet-Origin: http://b.example",
        "Licet-Address: 8.8.8.8",
        "Licet-Country: US",
    )
    received = await door.send(
        kit.get("/.licet/token?a", "X-Forwarded-For: 192.0.2.7", *spoofed, "Authorization: Basic eA==")
    )
    assert received.endswith(b"\r\n\r\nok")
    (request,) = origin.requests
    assert request.target == "/.licet/token?a"
    assert request.values("licet-site") == ["a"]
    assert request.values("licet-origin") == ["http://a.example"]
    assert request.values("licet-address") == ["192.0.2.7"]
    assert request.values("licet-country") == [], "it is not known"
    assert request.values("authorization") == ["Basic eA=="]


async def test_the_desk_is_told_the_country_whoever_logs_in_by_a_form(kit, started, origin, way):
    door = await started(
        kit.Door("http://127.0.0.1:1", desk=way, place_of=lambda _: Place("FR", "mmdb:test@2026-11-01"))
    )
    for fields in ((), ("Licet-Country: US",), ("Authorization: Basic eA==",)):
        await door.send(kit.get("/.licet/key", *fields))
    assert [request.values("licet-country") for request in origin.requests] == [["FR"]] * 3


async def test_a_long_answer_is_streamed(kit, started, origin, way):
    page = b"a" * 3_000_000
    origin.reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(page), page)
    door = await started(kit.Door("http://127.0.0.1:1", desk=way))
    assert (await door.send(kit.get("/.licet/offers"))).endswith(b"\r\n\r\n" + page)


async def test_a_desk_that_is_away_is_a_503(kit, started, origin, way):
    await origin.stop()
    door = await started(kit.Door(origin.url, desk=way))
    received = await door.send(kit.get("/.licet/offers"))
    assert kit.statuses(received) == [503]
    assert b"Retry-After: 5\r\n" in received
    assert str(origin.port).encode() not in received


async def test_who_asks_while_the_desk_is_replaced_gets_its_answer(kit, started, way, tmp_path):
    """Also whoever sends a body, which is the desk's as a whole."""

    class Away(Counted):
        """Makes the desk listen once it was asked for in vain."""

        async def open(self, *given, **named):
            opened = await super().open(*given, **named)
            if self.asked == 2:
                served.append(await asyncio.create_task(asyncio.start_unix_server(desk, path)))
            return opened

    async def desk(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(5) if b"content-length: 5" in head.lower() else b""
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (3 + len(body), b"it " + body))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    path, served = tmp_path / "desk", []
    away = Away()
    door = await started(kit.Door("http://127.0.0.1:1", desk=DeskWay(away, f"unix:{path}", patience=60)))
    received = await door.send(kit.get("/.licet/token", "Content-Length: 5", method="POST") + b"hello")
    assert received.endswith(b"\r\n\r\nit hello")
    assert away.asked == 3
    served[0].close()
    await served[0].wait_closed()
    await away.close()


async def test_a_desk_that_stays_away_is_waited_for_once(kit, started, origin):
    await origin.stop()

    http = Counted()
    door = await started(kit.Door("http://127.0.0.1:1", desk=DeskWay(http, origin.url, patience=0.5)))
    assert kit.statuses(await door.send(kit.get("/.licet/offers"))) == [503]
    before = http.asked
    assert before > 1
    assert kit.statuses(await door.send(kit.get("/.licet/offers"))) == [503]
    assert http.asked == before + 1
    await http.close()


async def test_a_body_that_breaks_off_is_the_clients_fault(kit, started, origin, way):
    door = await started(kit.Door(origin.url, desk=way))
    head = kit.get("/.licet/token", "Transfer-Encoding: chunked", method="POST")
    assert kit.statuses(await door.send(head + b"zz\r\n")) == [400]
