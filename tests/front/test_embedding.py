"""The license inside what automata fetch, octet by octet: who gets it, and what an answer says of itself then."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from gateway.ask import Ask
from gateway.front.embedding import embeds, uncoded
from gateway.policy.rules import Mode
from gateway.terms.publishing import USUAL, Publishing

PAGE = b"<!doctype html>\n<html><head>\n<title>x</title></head><body>" + b"word " * 50 + b"</body></html>"
LINK = b'<link rel="license" type="application/rsl+xml" href="http://a.example/license.xml">'
FEED = b'<rss version="2.0"><channel><item><link>http://a.example/1</link></item></channel></rss>'
BOT = "User-Agent: GPTBot/1.3"


def chosen(door, **channels):
    door.site = replace(door.site, publishing=Publishing(**channels))


def whole(body, *lines, status="200 OK", media="text/html; charset=utf-8"):
    head = [f"HTTP/1.1 {status}", f"Content-Type: {media}", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def split(raw):
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")[1:]
    fields = {}
    for name, value in (line.split(": ", 1) for line in lines):
        fields.setdefault(name.lower(), []).append(value)
    if fields.get("transfer-encoding") == ["chunked"]:
        decoded, rest = b"", body
        while size := int(rest.partition(b"\r\n")[0], 16):
            rest = rest.partition(b"\r\n")[2]
            decoded, rest = decoded + rest[:size], rest[size + 2 :]
        body = decoded
    return fields, body


async def test_an_automaton_gets_the_link_and_the_record_has_the_digest_of_what_was_sent(kit, door, origin):
    chosen(door, html_link=True)
    origin.reply = whole(
        PAGE, 'ETag: "v1"', "Accept-Ranges: bytes", "Content-Digest: sha-256=:x:", "Cache-Control: max-age=60"
    )
    fields, body = split(await door.send(kit.get("/", BOT)))
    assert body == PAGE.replace(b"<head>", b"<head>" + LINK)
    assert fields["content-length"] == [str(len(body))] and fields["etag"] == ['W/"v1"']
    assert fields["accept-ranges"] == ["none"] and "content-digest" not in fields
    assert fields["cache-control"] == ["max-age=60", "private"]
    record = await door.journal.one()
    assert record.digest == hashlib.sha256(body).hexdigest() and record.bytes_sent == len(body)


async def test_a_person_gets_the_origins_octets(kit, door, origin):
    chosen(door, html_link=True, html_script=True, feeds=True)
    origin.reply = whole(PAGE, 'ETag: "v1"', "Accept-Ranges: bytes")
    raw = await door.send(kit.get("/", "User-Agent: Firefox"))
    fields, body = split(raw)
    assert body == PAGE and fields["etag"] == ['"v1"'] and fields["accept-ranges"] == ["bytes"]
    door.site = replace(door.site, site=replace(door.site.site, mode=Mode.OBSERVE))
    assert split(await door.send(kit.get("/", BOT)))[1] == PAGE, "and so does everybody who is only observed"


@pytest.mark.parametrize("size", [1, 3, 7, 64, 4096])
async def test_a_page_in_pieces_is_the_same(kit, door, origin, size):
    chosen(door, html_link=True, html_script=True)

    async def pieces(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(PAGE), size):
            piece = PAGE[at : at + size]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    origin.reply = pieces
    _fields, body = split(await door.send(kit.get("/", BOT)))
    assert b"<head>" + LINK + b'<script type="application/rsl+xml"><rsl ' in body
    assert re.sub(rb"<link rel=\"license\".*?</script>", b"", body) == PAGE
    record = await door.journal.one()
    assert record.digest == hashlib.sha256(body).hexdigest() and record.bytes_sent == len(body)


async def test_a_page_whose_length_is_announced_before_all_of_it_is_there(kit, door, origin):
    chosen(door, html_link=True)

    async def slowly(request, reader, writer):
        writer.write(whole(PAGE)[: -len(PAGE)])
        await writer.drain()
        for at in range(0, len(PAGE), 40):
            writer.write(PAGE[at : at + 40])
            await writer.drain()

    origin.reply = slowly
    fields, body = split(await door.send(kit.get("/", BOT)))
    assert body == PAGE.replace(b"<head>", b"<head>" + LINK)
    assert fields.get("content-length", [str(len(body))]) == [str(len(body))]


@pytest.mark.parametrize(
    "reply",
    [
        whole(PAGE, status="404 Not Found"),
        whole(PAGE[:40], "Content-Range: bytes 0-39/400", status="206 Partial Content"),
        whole(PAGE, "Content-Encoding: gzip"),
        whole(PAGE, "Cache-Control: public, no-transform"),
        whole(PAGE, "Signature-Input: sig=()"),
        whole(PAGE, 'Content-Disposition: attachment; filename="x.html"'),
        whole(PAGE, media="text/plain"),
        whole(PAGE, media="application/xhtml+xml"),
        whole(b"<p>no head</p>", 'ETag: "v1"'),
        whole(b"", 'ETag: "v1"'),
    ],
)  # fmt: skip
async def test_what_must_stay_as_it_is(kit, door, origin, reply):
    chosen(door)
    origin.reply = reply
    plain = await door.send(kit.get("/", BOT))
    chosen(door, html_link=True, html_script=True, feeds=True)
    assert await door.send(kit.get("/", BOT)) == plain
    chosen(door, html_link=True)
    assert (
        b'license.xml">' not in (await door.send(kit.get("/", BOT, method="POST"))).partition(b"\r\n\r\n")[2]
    )


async def test_a_page_that_holds_the_license_cannot_be_called_unchanged(kit, door, origin):
    chosen(door, html_script=True)
    origin.reply = whole(PAGE, 'ETag: "v1"', "Last-Modified: Mon, 02 Nov 2026 10:00:00 GMT")
    fields, body = split(await door.send(kit.get("/", BOT)))
    assert b"<script" in body and not {"etag", "last-modified"} & set(fields)
    assert (await door.journal.one()).etag == ""
    chosen(door, html_link=True)
    fields, _ = split(await door.send(kit.get("/", BOT)))
    assert fields["etag"] == ['W/"v1"'] and "last-modified" in fields


async def test_a_head_request_is_told_the_fields_of_the_page_it_would_get(kit, door, origin):
    chosen(door, html_link=True)
    origin.reply = whole(PAGE, 'ETag: "v1"')[: -len(PAGE)]
    origin.hang_up = True
    fields, body = split(await door.send(kit.get("/", BOT, method="HEAD")))
    assert body == b"" and fields["etag"] == ['W/"v1"'] and "content-length" not in fields


async def test_under_a_license_it_stays_private_and_is_durable_before_its_end(kit, door, origin):
    chosen(door, html_link=True)
    origin.reply = whole(PAGE)
    fields, body = split(await door.send(kit.get("/", BOT, "X-Pay: 1")))
    assert LINK in body and fields["cache-control"] == ["private, no-store"]
    (record,) = door.journal.kept
    assert record.digest == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("media", ["application/rss+xml", "text/xml; charset=utf-8"])
async def test_a_feed_tells_the_license_of_its_items(kit, door, origin, media):
    chosen(door, feeds=True)
    origin.reply = whole(FEED, media=media)
    fields, body = split(await door.send(kit.get("/feed", BOT)))
    assert b'<rsl:content url="http://a.example/1">' in body
    assert fields["content-length"] == [str(len(body))]
    assert split(await door.send(kit.get("/feed", "User-Agent: Firefox")))[1] == FEED


def test_a_site_that_chose_nothing_pays_nothing_for_it():
    assert not embeds(USUAL)
    assert all(embeds(Publishing(**{name: True})) for name in ("html_link", "html_script", "feeds"))


def packing(coding):
    """A server that packs its pages for whoever takes *coding*, and whom it was asked by."""
    asked = []

    async def answer(request, reader, writer):
        del reader
        accepted = [value.lower() for value in request.values("accept-encoding")]
        asked.append(accepted)
        packed = any(coding in value for value in accepted)
        body = gzip.compress(PAGE) if packed else PAGE
        writer.write(
            whole(body, *([f"Content-Encoding: {coding}"] if packed else []), "Vary: Accept-Encoding")
        )
        await writer.drain()

    return answer, asked


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
async def test_a_server_that_packs_pages_is_asked_for_plain_ones_where_they_are_changed(
    kit, door, origin, coding
):
    origin.reply, asked = packing(coding)
    wanting = f"Accept-Encoding: deflate;q=0.5, {coding}"
    chosen(door, html_link=True)
    fields, body = split(await door.send(kit.get("/", BOT, wanting)))
    assert LINK in body and "content-encoding" not in fields
    fields, body = split(await door.send(kit.get("/", BOT)))
    assert LINK in body
    assert asked == [["identity"], ["identity"]]
    person, octets = split(await door.send(kit.get("/", "User-Agent: Firefox", wanting)))
    assert person["content-encoding"] == [coding] and gzip.decompress(octets) == PAGE
    assert asked[-1] == [wanting.partition(": ")[2].lower()]
    chosen(door)
    fields, body = split(await door.send(kit.get("/", BOT, wanting)))
    assert fields["content-encoding"] == [coding], (
        "where nothing is put in, everybody gets what the server packs"
    )


@pytest.mark.parametrize(
    ("accepted", "plain"),
    [
        ("gzip, identity;q=0", False),
        ("gzip, *;q=0.000", False),
        ("gzip;q=0, identity;q=0.1", True),
        ("gzip, xidentity;q=0", True),
        ("", True),
        ("\xff\x00;q=0", True),
    ],
)
def test_whoever_takes_no_plain_octets_is_left_what_the_server_packs(kit, accepted, plain):
    judged = SimpleNamespace(
        visitor=SimpleNamespace(is_person=False),
        policy=SimpleNamespace(site=SimpleNamespace(mode=Mode.ENFORCE)),
    )
    fields = (("host", "a.example"), ("accept-encoding", accepted), ("user-agent", "x"))
    ask = Ask("id", 0, "a", "http://a.example", "GET", "/", "/", headers=fields)
    sent = uncoded(ask, judged)
    assert [name for name, _ in sent.headers][:3] == ["host", "accept-encoding", "user-agent"]
    assert ("identity" in sent.all("accept-encoding")) is plain
    assert uncoded(replace(ask, method="POST"), judged) == replace(ask, method="POST")
