"""`licet ingest`, `licet report --past`: what machines took before there was a gate."""

from __future__ import annotations

import asyncio
import gzip
import html
import json
import re

import aiohttp
import apsw

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
LINES = [
    f'132.196.86.7 - - [24/Nov/2026:10:05:03 +0000] "GET /essays/tides?key=hidden&x HTTP/1.1" 200 1000 "-" "{GPTBOT}"',
    f'132.196.86.7 - - [24/Nov/2026:10:05:03 +0000] "GET /essays/tides?key=hidden&x HTTP/1.1" 200 1000 "-" "{GPTBOT}"',
    f'203.0.113.99 - - [24/Nov/2026:10:06:03 +0000] "GET /robots.txt HTTP/1.1" 200 60 "-" "{GPTBOT}"',
    f'2001:db8:1:2::3 - - [24/Nov/2026:10:07:03 +0000] "GET /<b>x HTTP/1.1" 502 5 "-" "{GPTBOT}"',
    f'192.0.2.77 - - [24/Nov/2026:10:08:03 +0000] "GET /essays/tides?me=anna HTTP/1.1" 200 7 "https://chatgpt.com/" "{CHROME}"',
    f'192.0.2.78 - - [24/Nov/2026:10:09:03 +0000] "GET /essays/reefs HTTP/1.1" 200 7 "-" "{CHROME}"',
    '192.0.2.78 - - [24/Nov/2026:10:09:03 +0000] "GET /essays/reefs HTTP/1.1" 200 7',
    "not a line of a log",
]
LOG = "".join(line + "\n" for line in LINES)


def _kept(licet) -> apsw.Connection:
    return apsw.Connection(str(licet.folder / "licet-data" / "past" / "licet.db"))


def _people(licet) -> int:
    return _kept(licet).execute("SELECT coalesce(sum(count), 0) FROM audience").get


async def test_a_log_becomes_records_and_totals(licet) -> None:
    (licet.folder / "access.log").write_text(LOG)
    told = (await licet("ingest", "access.log", "--json")).json
    assert {key: told[key] for key in ("lines", "not_understood", "no_user_agent", "people", "machines", "new")} == {
        "lines": 8, "not_understood": 1, "no_user_agent": 1, "people": 2, "machines": 4, "new": 4,
    }  # fmt: skip
    assert {row["identity"] for row in told["crawlers"]} == {"verified", "spoofed"}
    db = _kept(licet)
    rows = list(db.execute("SELECT path, outcome, status, rule, quote_micros > 0 FROM entries ORDER BY seq"))
    assert [row[:3] for row in rows] == [
        ("/essays/tides", "open", 200),
        ("/essays/tides", "open", 200),
        ("/robots.txt", "free", 200),
        ("/%3Cb%3Ex", "failed", 502),
    ]
    assert rows[0][4] == 1
    assert rows[2][3] == "control-file robots.txt"
    assert {row[0] for row in db.execute("SELECT address FROM details")} == {
        "132.196.86.0/24", "203.0.113.0/24", "2001:db8:1::/48",
    }  # fmt: skip
    assert {row[0] for row in db.execute("SELECT query FROM details")} == {"key=", ""}
    assert list(db.execute("SELECT path_group, referring, count FROM audience ORDER BY referring")) == [
        ("/essays/", "", 1),
        ("/essays/", "ChatGPT", 1),
    ]
    folder = licet.folder / "licet-data"
    octets = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    for secret in (b"hidden", b"anna", b"132.196.86.7", b"192.0.2.7", b"2001:db8:1:2"):
        assert secret not in octets
    # Nothing of it reaches the journal or the books.
    assert sorted(file.name for file in folder.iterdir()) == ["past"]
    assert db.execute("SELECT count(*) FROM postings").get == 0


async def test_read_again_packed_or_grown_adds_what_is_new(licet) -> None:
    (licet.folder / "access.log").write_text(LOG)
    await licet("ingest", "access.log")
    (licet.folder / "access.log.1.gz").write_bytes(gzip.compress(LOG.encode()))
    again = (await licet("ingest", "access.log", "access.log.1.gz", "--json")).json
    assert (again["machines"], again["new"]) == (8, 0)
    assert _people(licet) == 2
    (licet.folder / "access.log").write_text(
        LOG + LINES[0].replace("10:05", "11:05") + "\n" + LINES[5] + "\n"
    )
    grown = (await licet("ingest", "access.log", "--json")).json
    assert grown["new"] == 1
    assert _people(licet) == 3


async def test_other_rules_leave_what_was_read_as_it_was(licet) -> None:
    (licet.folder / "access.log").write_text(LOG)
    await licet("ingest", "access.log", "--keep-queries")
    assert b"hidden" in (licet.folder / "licet-data" / "past" / "licet.db").read_bytes()
    licet.write_site("http://localhost:8000")
    assert (await licet("ingest", "access.log", "--json")).json["new"] == 0


async def test_hostile_files_are_counted(licet) -> None:
    packed = gzip.compress(LOG.encode() * 2000)
    (licet.folder / "broken.gz").write_bytes(packed[: len(packed) // 2])
    (licet.folder / "wide.log").write_bytes(
        LINES[0].encode() + b"\n" + b"x" * (1 << 20) + b"\n\xff\xfe\x00\n" + LINES[2].encode()
    )
    done = await licet("ingest", "broken.gz", "wide.log", "--json")
    assert done.json["not_understood"] >= 3
    assert done.json["machines"] > 2
    assert "broken.gz is broken" in done.err
    assert "no line was one" in (await licet("ingest", "-", stdin="nonsense\n", code=1)).err
    assert "there is no nowhere.log" in (await licet("ingest", "nowhere.log", code=2)).err


async def test_the_report_of_the_past_can_be_read(licet) -> None:
    assert "licet ingest" in (await licet("report", "--past", "--json", code=2)).err
    await licet("ingest", "-", stdin=LOG)
    done = await licet("report", "--past", "--html", "past.html", "--json")
    assert done.json["fetches"] == 4
    assert done.json["people"] == 2
    assert done.json["proofs"] == {"verified": 2, "spoofed": 2}
    assert float(done.json["would_cost"]["USD"]) > 0
    page = (licet.folder / "past.html").read_text()
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.partition("</style>")[2]))
    assert "AI fetches 4 of 4 by machines" in words
    assert re.search("GPTBot ?OpenAI ?, ai", words)
    assert "/essays/tides 2" in words
    assert "192.0.2" not in page
    assert "say where to" in (await licet("report", "--past", code=2)).err
    assert "--last must be one of" in (await licet("report", "--past", "--json", "--last", "1y", code=2)).err


async def test_the_past_is_looked_at_on_the_pages_about_the_log(licet) -> None:
    assert "licet ingest" in (await licet("past", code=2)).err
    await licet("ingest", "-", stdin=LOG)
    process = await licet._spawn(("past", "--json"))
    try:
        async with asyncio.timeout(30):
            told = json.loads(await process.stdout.readline())
        base, link = told["past"], told["sign_in"]
        assert base.startswith("http://127.0.0.1:")
        headers = {"Accept": "text/html", "Origin": base, "Sec-Fetch-Site": "same-origin"}
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), headers=headers
        ) as browser:
            async with browser.get(f"{base}/log.json?last=all") as shut:
                assert "rows" not in await shut.text()
            async with browser.get(f"{base}/look/{'x' * 43}", allow_redirects=False) as wrong:
                assert wrong.status == 303, "another link leads to the door"
                assert "Set-Cookie" not in wrong.headers
            async with browser.get(link) as entered:
                assert entered.status == 200
                assert str(entered.url) == f"{base}/?last=all"
            async with aiohttp.ClientSession(headers=headers) as second, second.get(link) as spent:
                assert "Sign in" in await spent.text()
            async with browser.get(link, headers={"Host": "evil.example"}) as rebound:
                assert rebound.status in {400, 403, 421}
            pages = {}
            for path in (
                "/?last=all",
                "/crawlers?last=all",
                "/content?last=all",
                "/log?last=all",
                "/crawlers",
            ):
                async with browser.get(base + path) as page:
                    assert page.status == 200
                    pages[path] = await page.text()
            assert "GPTBot" in pages["/crawlers?last=all"]
            assert "GPTBot" in pages["/crawlers"], "the last week of the log, however long ago"
            assert "read only" in pages["/?last=all"]
            async with browser.get(f"{base}/log.json?last=all") as view:
                rows = (await view.json())["rows"]
            assert len(rows) == 4
            async with browser.get(f"{base}/records/{rows[0]['id']}") as record:
                assert record.status == 200
                shown = await record.text()
            again = html.unescape(re.search(r'href="(/who\?[^"]+)"', shown)[1])
            async with browser.get(base + again) as who:
                assert who.status == 200
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(30):
            await process.wait()
    assert process.returncode == 0
    assert sorted(file.name for file in (licet.folder / "licet-data").iterdir()) == ["past"]
