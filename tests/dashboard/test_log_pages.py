"""The tables about machines: what they count, that each view has its export, and that narrowing narrows."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import shlex
from collections import Counter
from dataclasses import replace
from urllib.parse import quote

from gateway.dashboard.filters import DAY_US, rfc3339
from gateway.dashboard.log_pages import curl
from gateway.provenance.record import FetchDetail
from gateway.provenance.shelved import Places
from tests.dashboard.conftest import BASE, HOSTILE


async def rows(board, path: str) -> list[dict]:
    return json.loads((await board.get(path)).text)["rows"]


def cell_of(page: str, crawler: str) -> str:
    """The table row of *crawler*, without markup."""
    for row in re.findall(r"<tr role=\"row\">.*?</tr>", page, re.S):
        if f'href="/crawlers/{crawler}?' in row:
            return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", row)))
    raise AssertionError(crawler)


async def shelve(filled, since: int, until: int) -> None:
    """Have 1234 fetches from *since* to *until* have left the database."""
    none = Places.made([])
    row = (1, 1, 1, 1234, since, until, "[]", b"", none.write(), none.marks)
    await filled.database.write(
        lambda db: db.execute(f"INSERT INTO shelved VALUES ({', '.join('?' * len(row))})", row)
    )


async def test_crawlers_and_content_add_up_to_the_log(board):
    every = await rows(board, "/log.json?last=7d")
    crawlers = await rows(board, "/crawlers.json")
    assert Counter({row["crawler"]: row["fetches"] for row in crawlers}) == Counter(
        r["crawler"] for r in every
    )
    by_name = {row["crawler"]: row for row in crawlers}
    licensed = [row for row in every if row["crawler"] == "GPTBot"]
    assert by_name["GPTBot"]["licensed"] == len(licensed)
    assert by_name["GPTBot"]["charged"] == f"{len(licensed) * 2 / 100:g} USD"
    assert by_name["Bytespider"]["identities"] == f"{by_name['Bytespider']['fetches']} claimed"
    assert by_name["GPTBot"]["newest"] == max(row["time"] for row in licensed)
    [essays] = await rows(board, "/content.json?site=journal")
    assert (essays["fetches"], essays["site"], essays["work"]) == (len(every), "journal", "")
    paths = await rows(board, "/content/paths.json")
    assert {row["path"]: row["fetches"] for row in paths} == Counter(row["path"] for row in every)


async def test_each_export_is_the_view_beside_it(board):
    for path in ("/crawlers", "/content", "/content/paths"):
        query = "last=7d&class=ai"
        whole = await rows(board, f"{path}.json?{query}")
        lines = (await board.get(f"{path}.jsonl?{query}")).text
        sheet = await board.get(f"{path}.csv?{query}")
        assert [json.loads(line) for line in lines.splitlines()] == whole != []
        read = list(csv.DictReader(io.StringIO(sheet.text)))
        assert [row["fetches"] for row in read] == [str(row["fetches"]) for row in whole]
        assert not any(cell[:1] in "=+-@" for row in read for cell in row.values() if cell and len(cell) > 1)
        assert sheet.headers["Content-Disposition"].startswith('attachment; filename="licet-')
        page = (await board.get(f"{path.removesuffix('/paths')}?{query}")).text
        for ending in ("csv", "json", "jsonl"):
            assert f'href="{path}.{ending}?last=7d&amp;class=ai"' in page
        assert (await board.get(f"{path}.csv?last=never")).status == 400


async def test_paths_stand_beside_those_of_the_other_period(board, filled, clock):
    old = replace(BASE, time_us=clock.now_us() - 40 * 3_600_000_000)
    await filled.insert(*((replace(old, id=f"old-{nth}", path="/only/before"), None) for nth in range(3)))
    await filled.insert((replace(old, id="old-9", path="/essays/tides"), None))
    now = Counter(row["path"] for row in await rows(board, "/log.json?last=24h"))
    query = "last=24h&compare=previous"
    found = {row["path"]: row for row in await rows(board, f"/content/paths.json?{query}")}
    assert {path: row["fetches"] for path, row in found.items() if row["fetches"]} == now
    assert {path: row["fetches_before"] for path, row in found.items() if row["fetches_before"]} == {
        "/only/before": 3, "/essays/tides": 1,
    }  # fmt: skip
    assert (found["/only/before"]["fetches"], found["/only/before"]["difference"]) == (0, "3 less")
    page = html.unescape((await board.get(f"/content?{query}")).text)
    told = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))
    assert re.search(r" /only/before 0 3 less", told)
    assert "are not compared" not in page
    first = [row["path"] for row in await rows(board, f"/content/paths.json?{query}&sort=path")]
    assert first == sorted(found)


async def test_paths_of_a_period_that_left_the_database_are_compared_with_nothing(board, filled, clock):
    left = clock.now_us() - 30 * 3_600_000_000
    await shelve(filled, left, left)
    query = "last=24h&compare=previous"
    for row in await rows(board, f"/content/paths.json?{query}"):
        assert (row["fetches_before"], row["difference"]) == (None, "")
    assert "Paths are not compared" in (await board.get(f"/content?{query}")).text
    assert "Paths are not compared" not in (await board.get("/content?last=24h")).text


async def test_a_crawler_has_a_page(board):
    page = await board.get("/crawlers")
    row = cell_of(page.text, "Bytespider")
    assert "ByteDance" in row
    assert "claimed 12" in row
    one = await board.get("/crawlers/Bytespider?last=24h")
    assert one.status == 200
    assert "/log?last=24h&amp;crawler=Bytespider&amp;identity=claimed" in one.text
    assert "/crawlers/Bytespider?last=7d" in one.text
    assert (await board.get("/crawlers/-")).status == 200
    assert (await board.get("/crawlers/Nobody")).status == 404
    early = await board.get("/crawlers/Bytespider?from=2020-01-01&to=2020-01-02")
    assert "Not in this period" in early.text
    assert (await board.get("/crawlers/Bytespider?crawler=GPTBot")).status == 400
    for name in HOSTILE:
        assert (await board.get(f"/crawlers/{quote(name[:80], safe='')}?last=all")).status == 200, name


async def test_a_word_of_a_row_narrows_the_log(board):
    whole = await rows(board, "/log.json")
    for query, meant in (
        ("identity=claimed", lambda row: row["identity"] == "claimed"),
        ("class=search-engine", lambda row: row["class"] == "search-engine"),
        ("licensee=-", lambda row: not row["licensee"]),
        ("problem=refused-by-owner&crawler=Bytespider", lambda row: row["problem"] == "refused-by-owner"),
        ("path=/essays/", lambda row: row["path"].startswith("/essays/")),
        ("path=/videos/harbour.mp4", lambda row: row["path"] == "/videos/harbour.mp4"),
    ):
        assert await rows(board, f"/log.json?{query}") == [row for row in whole if meant(row)] != [], query
        assert (await board.get(f"/log?{query}")).status == 200
    assert await rows(board, "/log.json?path=/essay/") == []
    assert (await board.get("/log?path=essays")).status == 400


async def test_what_was_chosen_stands_on_the_page_and_can_be_taken_back(board):
    page = (await board.get("/log?last=24h&identity=verified&path=/essays/&decision=quoted")).text
    assert re.search(r'<li><span class="chip">.*Proof:.*verified', page)
    assert 'href="/log?last=24h&amp;decision=quoted&amp;path=%2Fessays%2F"' in page
    assert 'href="/log?last=24h&amp;decision=quoted&amp;identity=verified"' in page
    # The form keeps what has no field of its own.
    assert '<input type="hidden" name="identity" value="verified">' in page
    assert '<input type="hidden" name="path" value="/essays/">' in page
    # Every link to narrow further keeps what was chosen.
    offered = re.findall(r'href="(/log\?[^"]*problem=license-required[^"]*)"', page)
    assert offered == [
        "/log?last=24h&amp;decision=quoted&amp;identity=verified&amp;path=%2Fessays%2F&amp;problem=license-required"
    ]


def test_the_command_of_a_request_is_that_request():
    detail = FetchDetail("203.0.113.9", "", "Bot'/1 $(touch x)", "", "a=[1]&b={2}", ())
    words = shlex.split(curl(replace(BASE, method="HEAD", path="/-o/x"), detail))
    assert words == [
        "curl", "--include", "--head", "--user-agent", "Bot'/1 $(touch x)", "--globoff", "--",
        "https://journal.example/-o/x?a=[1]&b={2}",
    ]  # fmt: skip
    assert shlex.split(curl(replace(BASE, method="POST"), None)) == [
        "curl", "--include", "--request", "POST", "--globoff", "--", "https://journal.example/essays/tides",
    ]  # fmt: skip


async def test_the_record_offers_the_command(board):
    page = (await board.get("/records/019ab003-0000-7000-8000-000000000003")).text
    assert "curl --include --user-agent" in html.unescape(page)


async def test_the_log_says_where_rows_left(board, filled, clock):
    assert "left the database" not in (await board.get("/log")).text
    since, until = clock.now_us() - 90 * DAY_US, clock.now_us() - 60 * DAY_US
    await shelve(filled, since, until)
    first, last = rfc3339(since)[:10], rfc3339(until)[:10]
    for path in (
        "/log",
        "/log?last=all",
        f"/log?from={first}",
        "/log?text=nowhere",
        "/crawlers/GPTBot?last=all",
    ):
        page = (await board.get(path)).text
        assert "1,234 fetches from" in page, path
        assert f"licet journal bring-back --from {first} --to {last}</code>" in page, path
    for path in (
        "/log?last=24h",
        "/log?last=30d",
        f"/log?to={rfc3339(since - 2 * DAY_US)[:10]}",
        "/crawlers/GPTBot",
    ):
        assert "left the database" not in (await board.get(path)).text, path
