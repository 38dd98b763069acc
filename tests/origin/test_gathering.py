"""Reading a whole site from its own server: sitemaps of any sort, digests of what is sent, and what is no page."""

from __future__ import annotations

import asyncio
import gzip
import hashlib

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from gateway.origin.gathering import Content, Gathering, Page, path_of, read_sitemap
from gateway.problems import Refusal

PUBLIC = "https://journal.example"
HEAD = '<?xml version="1.0"?>'
NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://journal.example/essays/tides", "/essays/tides"),
        ("http://journal.example/a", "/a"),
        ("/essays/", "/essays/"),
        (" /a ", "/a"),
        ("https://journal.example", "/"),
        ("https://other.example/a", ""),
        ("//other.example/a", ""),
        ("/a?b=1", ""),
        ("/a/../b", ""),
        ("mailto:a@journal.example", ""),
        ("essays", ""),
        (" ", ""),
        ("http://[", ""),
    ],
)
def test_an_address_of_the_site_is_a_path(address, path):
    assert path_of(address, PUBLIC) == path


def test_a_sitemap_tells_pages_and_an_index_sitemaps():
    pages = f"""{HEAD}<urlset {NS}><!-- one --><?x y?>
    <url><loc>{PUBLIC}/b</loc><lastmod>2026-03-01T10:00:00Z</lastmod></url>
    <url><loc>https://other.example/c</loc></url><url><loc> {PUBLIC}/a </loc></url><url/></urlset>"""
    assert read_sitemap(pages.encode(), PUBLIC) == ((Page("/b", "2026-03-01"), Page("/a")), ())
    index = f"<sitemapindex {NS}><sitemap><loc>{PUBLIC}/s1.xml</loc></sitemap></sitemapindex>"
    assert read_sitemap(index.encode(), PUBLIC) == ((), ("/s1.xml",))


def test_an_entity_is_not_resolved(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("/secret")
    text = f'<!DOCTYPE u [<!ENTITY x SYSTEM "file://{secret}">]><urlset><url><loc>&x;</loc></url></urlset>'
    assert read_sitemap(text.encode(), PUBLIC) == ((), ())


@given(st.binary(max_size=60) | st.text(alphabet="<>/urlsetoc&;! -?", max_size=60).map(str.encode))
def test_no_input_makes_a_sitemap_raise(text):
    read_sitemap(text, PUBLIC)


@pytest.fixture
async def server():
    """A creator's server and its address; *files* are octets by path."""
    files = {}

    async def answer(request):
        if request.path == "/moved":
            return web.Response(status=302, headers={"Location": "/a"})
        if request.path == "/packed":
            return web.Response(body=gzip.compress(b"x"), headers={"Content-Encoding": "gzip"})
        if request.path == "/cut":
            response = web.StreamResponse(headers={"Content-Length": "100"})
            await response.prepare(request)
            await response.write(b"x")
            request.transport.close()
            return response
        if request.path not in files:
            return web.Response(status=404)
        return web.Response(body=files[request.path])

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", files
    await runner.cleanup()


async def test_what_is_sent_whole_is_hashed_and_counted(server):
    url, files = server
    files["/a"], files["/film"] = b"words", b"y" * 3_000_000
    async with Gathering(url, PUBLIC) as site:
        found = await asyncio.gather(*(site.content(path) for path in ("/a", "/film")))
        assert found == [Content(hashlib.sha256(files[path]).hexdigest(), len(files[path])) for path in ("/a", "/film")]  # fmt: skip
        for path in ("/gone", "/moved", "/packed", "/cut"):
            assert isinstance(await site.content(path), Refusal), path


async def test_pages_of_an_index_are_read_once_though_it_names_itself(server):
    url, files = server
    files["/sitemap.xml"] = f"<sitemapindex>{_map('/sitemap.xml')}{_map('/s1.xml')}{_map('/s1.xml')}</sitemapindex>".encode()  # fmt: skip
    files["/s1.xml"] = f"<urlset><url><loc>{PUBLIC}/b</loc></url><url><loc>{PUBLIC}/a</loc></url></urlset>".encode()  # fmt: skip
    async with Gathering(url, PUBLIC) as site:
        assert await site.pages() == (Page("/a"), Page("/b"))
        files.pop("/s1.xml")
        assert isinstance(await site.pages(), Refusal)


async def test_a_server_that_is_not_there_is_a_refusal():
    async with Gathering("http://127.0.0.1:9", PUBLIC) as site:
        assert isinstance(await site.pages(), Refusal)
        assert isinstance(await site.content("/a"), Refusal)


def _map(path):
    return f"<sitemap><loc>{PUBLIC}{path}</loc></sitemap>"
