"""A site that tells its license by every channel of RSL: what a crawler gets, what a person gets, and `licet rsl lint`."""

from __future__ import annotations

import hashlib
import json
import re
import ssl

import aiohttp
import pytest
from aiohttp import web

from gateway.terms.rsl import parse_rsl
from gateway.terms.rsl_channels import in_html, in_link, in_robots
from gateway.terms.rsl_evaluation import evaluate
from gateway.uses import Use

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BROWSING = {"User-Agent": FIREFOX, "Accept": "text/html,*/*;q=0.8", "Accept-Language": "de,en;q=0.3"}
PAGE = "<!doctype html>\n<!-- <head> -->\n<html><head><title>&lt;head></title></head><body>" + "words " * 400
PUBLISH = "[publish]\nhtml_link = true\nhtml_script = true\nfeeds = true\nattest = true\nlicense_days = 2\n"
POLICY = (
    """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["127.0.0.1", "localhost"]
origin = "{origin}"
mode = "{mode}"
currency = "USD"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = {{ per_fetch = "0.005" }}
territory = ["DE", "FR"]
max_fetches = 3
[[rules]]
when = {{ purpose = "search" }}
then = "serve"
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""
    + PUBLISH
)
TLS = '[tls]\ncertificate = "own.crt"\nkey = "own.key"\n'


@pytest.fixture
async def pages():
    """A creator's server with pages in pieces, a feed whose items are on *front*, and no robots.txt."""
    told = {"front": ""}

    async def answer(request):
        if request.path == "/feed":
            items = "".join(
                f"<item><link>{told['front']}{path}</link></item>"
                for path in ("/essays/1", "/podcast/1", "//else")
            )
            feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>{items}</channel></rss>'
            return web.Response(body=feed.encode(), content_type="application/rss+xml")
        if request.path == "/robots.txt":
            return web.Response(status=404)
        response = web.StreamResponse(headers={"Content-Type": "text/html", "ETag": '"v1"'})
        await response.prepare(request)
        for at in range(0, len(PAGE), 97):
            await response.write(PAGE[at : at + 97].encode())
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    told["url"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield told
    await runner.cleanup()


async def test_every_channel_leads_to_the_same_license(licet, pages, certify) -> None:
    data = licet.write_site(pages["url"], policy=POLICY)
    (data / "licet.toml").write_text((data / "licet.toml").read_text() + TLS)
    trusted, _ = certify("127.0.0.1", "localhost", stem="own", folder=data)
    one = await licet.serve()
    front = pages["front"] = one.front
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=trusted))
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as http:

        async def get(path, **headers):
            async with http.get(front + path, headers={"X-Country": "DE", **headers}) as answer:
                return answer, await answer.read()

        _, robots = await get("/robots.txt")
        told, document = await get("/license.xml")
        assert told.content_type == "application/rsl+xml"
        license = parse_rsl(document, origin=front)
        assert license.breaches == () and license.max_age_days == 2

        page, body = await get("/essays/1", **{"User-Agent": "curl/8.14"})
        link, script = in_html(body, front)
        named = [*in_robots(robots, f"{front}/robots.txt"), *in_link(page.headers["Link"], front), link]
        assert [each.url for each in named] == [f"{front}/license.xml"] * 3
        assert not any(each.breaches for each in named)
        inline = parse_rsl(script.document, origin=front, placed="/essays/1$")
        assert inline.breaches == ()
        for use in (Use.SEARCH, Use.AI_INPUT, Use.AI_TRAIN):
            here, there = (evaluate([each], "/essays/1", use, country="DE") for each in (inline, license))
            assert {(each.uses, each.payment, each.amount) for each in here.licenses} == {
                (each.uses, each.payment, each.amount) for each in there.licenses
            }
        assert re.sub(rb"<link rel=\"license\".*?</script>", b"", body).decode() == PAGE
        assert "ETag" not in page.headers and page.headers["Cache-Control"] == "private"

        _, feed = await get("/feed", **{"User-Agent": "curl/8.14"})
        items = parse_rsl(feed, origin=front)
        assert [each.url for each in items.contents] == [f"{front}/essays/1", f"{front}/podcast/1"]

        for path, whole in (("/essays/1", PAGE.encode()), ("/feed", None)):
            seen, body = await get(path, **BROWSING)
            assert whole is None or (body == whole and seen.headers["ETag"] == '"v1"')
            assert b"rsl" not in body, "people get the origin's octets"

    checked = await licet("rsl", "lint", f"{front}/essays/1", "--allow", front.removeprefix("https://"),
                          "--authorities", trusted, "--json")  # fmt: skip
    assert [(each["channel"], each["verdict"], each["breaches"]) for each in checked.json] == [
        (channel, "clean", []) for channel in ("robots.txt", "Link", "link", "script")
    ]
    assert await one.stop() == 0


async def test_the_record_of_a_page_has_the_digest_of_what_was_sent(world, pages) -> None:
    here = await world(policy=POLICY.replace("{origin}", pages["url"]))
    _, client, secret = await here.licensee()
    bought = await here.token(client, secret)
    answer = await here.get("/essays/1", GPTBOT, token=bought["access_token"])
    body = await answer.read()
    assert answer.status == 200 and b'<script type="application/rsl+xml">' in body
    assert answer.headers["Cache-Control"] == "private, no-store"
    again = await here.get("/essays/1", GPTBOT, token=bought["access_token"])
    assert await again.read() == body
    records = {each["id"]: each for each in await here.records()}
    first, second = (records[one.headers["Licet-Record"]] for one in (answer, again))
    assert first["digest"] == second["digest"] == hashlib.sha256(body).hexdigest()
    assert first["bytes_sent"] == len(body)
    assert (first["charged_micros"], second["charged_micros"]) == (5_000, 0), (
        "the same octets are paid for once"
    )


async def test_files_are_checked_by_hand(licet, tmp_path) -> None:
    good = '<rsl xmlns="https://rslstandard.org/rsl">\n<content url="/"><license><permits type="usage">search</permits>{}</license></content></rsl>'
    for name, text in {
        "clean.xml": good.format('<payment type="free"/>'),
        "warned.xml": good.format(""),
        "wrong.xml": good.format('\n<payment type="royalty"/>'),
        "robots.txt": "User-agent: *\nLicense: /license.xml\n",
        "none.txt": "User-agent: *\n",
        "page.html": f'<html><head><script type="application/rsl+xml">{good.format("<payment/>" * 2)}</script>',
        "bomb.xml": '<!DOCTYPE r [<!ENTITY a "x">]><r/>',
    }.items():
        (licet.folder / name).write_text(text)
    assert "clean" in (await licet("rsl", "lint", "clean.xml")).out
    assert "section 3.7" in (await licet("rsl", "lint", "clean.xml", "warned.xml")).out
    said = (await licet("rsl", "lint", "wrong.xml", code=1)).out
    assert "wrong.xml:3: error: there is no payment royalty (RSL 1.0, section 3.7)" in said
    for name in ("robots.txt", "none.txt", "page.html", "bomb.xml"):
        (found,) = json.loads((await licet("rsl", "lint", name, "--json", code=1)).out)
        assert found["verdict"] == ("refused" if name in {"none.txt", "bomb.xml"} else "linted")
    missing = await licet("rsl", "lint", "missing.xml", code=2)
    assert "missing.xml" in missing.err and missing.out == ""
    for url in ("http://a.example/", "https://127.0.0.1/", "https://localhost/x"):
        refused = await licet("rsl", "lint", url, code=2)
        assert "url" in refused.err
