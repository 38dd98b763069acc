"""Copies that a site's own pages name."""

from __future__ import annotations

import pytest

from gateway.app.checkup.copies import copies, named_in, priced
from gateway.origin.small import SmallAnswer
from gateway.policy.reading import default_policy, read_policy_text
from gateway.problems import Problem, Refusal

POLICY = """
stance = "search-free-training-paid"
free_paths = ["/feed/", "/about/"]
otherwise = "serve"
[site]
hosts  = ["journal.example"]
origin = "http://127.0.0.1:8000"
[[works]]
id     = "essays"
paths  = ["/essays/", "/index.html"]
rights = "own"
people = "none"
"""
PAGE = b"""<html><head><link rel="alternate" type="application/rss+xml" href="/feed/">
<link rel="alternate" hreflang="fr" href="/fr/"><link rel=amphtml href="https://journal.example/amp/?p=1">
<link rel="https://api.w.org/" href="https://other.example/wp-json/"></head>
<body><img src="/a.jpg"><img srcset="https://cdn.example/b.jpg 2x, //pics.example/c.jpg 3x"><img src="data:x">
<video poster="http://[broken">"""


def test_a_page_names_copies_of_its_own_and_pictures_elsewhere():
    assert named_in(PAGE, "https://journal.example/", ["journal.example"]) == (
        ("/feed/", "/amp/?p=1"),
        ("cdn.example", "pics.example"),
    )


@pytest.mark.parametrize("page", [b"", b"\xff\xfe<link rel", b"<" * 5000, b"<link href=x rel>", b"<img src>"])
def test_no_page_breaks_it(page):
    assert named_in(page, "https://journal.example/", []) == ((), ())


def server(files: dict[str, bytes]):
    async def ask(target: str):
        body = files.get(target)
        if body is None:
            return Refusal(Problem.ORIGIN_UNREACHABLE, "no")
        return SmallAnswer(200, "text/plain", body)

    return ask


def locs(*paths: str, index: bool = False) -> bytes:
    root = "sitemapindex" if index else "urlset"
    return (
        f"<{root}>{''.join(f'<loc>https://journal.example{path}</loc>' for path in paths)}</{root}>".encode()
    )


async def test_a_free_feed_beside_priced_pages_is_a_leak():
    policy = default_policy("http://127.0.0.1:1", hosts=("journal.example",))
    found = await copies(policy, PAGE, server({}))
    assert [(each.what, each.state) for each in found] == [("copies", "ok"), ("pictures", "warn")]
    assert "cdn.example" in found[1].fact
    text = POLICY.replace('"/index.html"', '"/"')
    (leak, *_) = await copies(read_policy_text(text, "x.toml"), PAGE, server({}))
    assert (leak.what, leak.state) == ("copies", "warn")
    assert "/feed/" in leak.fact
    assert "/amp/" not in leak.fact


async def test_a_sitemap_is_followed_and_its_pages_are_put_to_the_rules():
    policy = read_policy_text(POLICY, "x.toml")
    files = {
        "/robots.txt": b"User-agent: *\nAllow: /\nSitemap: https://journal.example/maps/all.xml\n",
        "/maps/all.xml": locs("/maps/1.xml", "/maps/gone.xml", index=True),
        "/maps/1.xml": locs("/essays/tides", "/essays/knots", "/print/tides", "/about/us"),
    }
    (found,) = await copies(policy, b"", server(files))
    assert found.state == "warn"
    assert "of 4 pages in the sitemap 1 are in no work" in found.fact
    assert "/print/tides" in found.fact
    del files["/robots.txt"]
    assert await copies(policy, b"", server(files)) == []
    files["/sitemap.xml"] = locs("/essays/tides")
    (found,) = await copies(policy, b"", server(files))
    assert (found.state, "1 are not free" in found.fact) == ("ok", True)


async def test_a_sitemap_that_names_itself_ends():
    files = {"/sitemap.xml": locs("/sitemap.xml", index=True)}
    assert await copies(read_policy_text(POLICY, "x.toml"), b"", server(files)) == []


def test_a_site_that_is_free_everywhere_leaks_nothing():
    policy = default_policy("http://127.0.0.1:1", stance="open", hosts=("journal.example",))
    assert priced(policy, ["/a", "/b"]).state == "ok"
