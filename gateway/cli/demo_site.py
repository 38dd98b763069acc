"""The creator's site of `licet demo`: a real small server with articles, a podcast and a video.

Everything is made here: the pages from text, the MP3 from silent frames, the
video playlist with segments of filler. It knows nothing of the gateway.
"""

from __future__ import annotations

import hashlib
from html import escape

from aiohttp import web

ARTICLES = {
    "tides": (
        "Why the tide is late",
        "The moon leads, the water follows, and the harbor decides by how much.",
    ),
    "reefs": (
        "A reef is a city",
        "Rent is paid in shade, streets are made by eating, and everybody knows everybody.",
    ),
    "knots": (
        "Four knots are enough",
        "A bowline, a cleat hitch, a sheet bend and patience tie down most of the sea.",
    ),
    "charts": ("How a chart lies", "Every sounding was true once, on one day, at the end of one line."),
}

# One MPEG-1 Layer III frame, 128 kbit/s at 44.1 kHz, that decodes to silence.
_SILENCE = b"\xff\xfb\x90\x00" + bytes(413)


def demo_site() -> web.Application:
    """Return the site as an application; start it on a port of its own."""
    app = web.Application()
    app.router.add_get("/", _front)
    app.router.add_get("/robots.txt", _robots)
    app.router.add_get("/articles/{name}", _article)
    app.router.add_get("/podcast/feed.xml", _feed)
    app.router.add_get("/podcast/1.mp3", _episode)
    app.router.add_get("/videos/harbor.m3u8", _playlist)
    app.router.add_get("/videos/{number:[0-9]+}.ts", _segment)
    return app


def _page(title: str, body: str, request: web.Request) -> web.Response:
    html = f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><h1>{escape(title)}</h1>{body}"
    tag = hashlib.sha256(html.encode()).hexdigest()[:16]
    if request.headers.get("If-None-Match") == f'"{tag}"':
        return web.Response(status=304, headers={"ETag": f'"{tag}"'})
    return web.Response(text=html, content_type="text/html", headers={"ETag": f'"{tag}"'})


async def _front(request: web.Request) -> web.Response:
    links = "".join(
        f'<li><a href="/articles/{name}">{escape(title)}</a>' for name, (title, _) in ARTICLES.items()
    )
    return _page(
        "The Harbor Journal", f"<ul>{links}</ul><p><a href=/podcast/feed.xml>Podcast</a></p>", request
    )


async def _robots(_: web.Request) -> web.Response:
    return web.Response(text="User-agent: *\nDisallow: /drafts/\n")


async def _article(request: web.Request) -> web.Response:
    found = ARTICLES.get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    title, text = found
    return _page(title, f"<p>{escape(text)}</p>" * 12, request)


async def _feed(request: web.Request) -> web.Response:
    url = f"{request.scheme}://{request.host}/podcast/1.mp3"
    item = f'<item><title>Fog</title><enclosure url="{escape(url)}" length="{len(_SILENCE) * 200}" type="audio/mpeg"/></item>'
    xml = (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>Harbor Radio</title>{item}</channel></rss>'
    )
    return web.Response(text=xml, content_type="application/rss+xml")


async def _episode(_: web.Request) -> web.Response:
    return web.Response(body=_SILENCE * 200, content_type="audio/mpeg")


async def _playlist(_: web.Request) -> web.Response:
    lines = [
        "#EXTM3U",
        "#EXT-X-TARGETDURATION:4",
        "#EXTINF:4,",
        "/videos/1.ts",
        "#EXTINF:4,",
        "/videos/2.ts",
        "#EXT-X-ENDLIST",
    ]
    return web.Response(text="\n".join(lines) + "\n", content_type="application/vnd.apple.mpegurl")


async def _segment(request: web.Request) -> web.Response:
    filler = hashlib.sha256(request.match_info["number"].encode()).digest() * 512
    return web.Response(body=filler, content_type="video/mp2t")
