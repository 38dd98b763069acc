"""The first screen over time: the rows that its charts are drawn from, and both periods of a comparison."""

from __future__ import annotations

import csv
import io
import json

import pytest

from gateway.dashboard.pages import money
from gateway.money import Money


async def rows(board, path: str) -> list[dict]:
    answer = await board.get(path)
    assert answer.status == 200, answer.text
    return json.loads(answer.text)["rows"]


async def test_the_rows_are_what_the_page_sums(board):
    found = await rows(board, "/overview.json?last=24h")
    page = (await board.get("/?last=24h")).text
    assert f"<strong>{sum(row['licensed'] for row in found)}</strong>" in page
    charged = Money(sum(row["charged_USD_micros"] for row in found), "USD")
    assert f"<dd>{money(charged)}" in page.replace("<dd>\n", "<dd>")
    assert 'data-source="/overview.json?last=24h"' in page
    assert sum(row["fetches"] for row in found) == sum(
        row[word] for row in found for word in ("licensed", "quoted", "open", "refused", "free", "failed")
    )


async def test_what_was_taken_who_paid_and_what_is_left_to_do_stand_before_the_charts(board):
    page = (await board.get("/?last=24h")).text
    order = ("<dt>AI fetches</dt>", "<dt>Charged</dt>", 'id="left"', 'id="crawlers"', 'id="over-time"')
    found = [page.index(each) for each in order if each != 'id="left"' or each in page]
    assert found == sorted(found) and len(found) >= 4


async def test_a_crawlers_rows_are_its_own(board):
    of_one = await rows(board, "/overview.json?last=24h&crawler=GPTBot")
    everyone = await rows(board, "/overview.json?last=24h")
    assert 0 < sum(row["fetches"] for row in of_one) < sum(row["fetches"] for row in everyone)
    page = (await board.get("/crawlers/GPTBot?last=24h")).text
    assert 'data-source="/overview.json?last=24h&amp;crawler=GPTBot"' in page


@pytest.mark.parametrize("path", ["/overview", "/overview/compared"])
async def test_both_periods_stand_in_every_form(board, path):
    query = "?last=24h&compare=2020-01-01..2020-01-02"
    found = await rows(board, f"{path}.json{query}")
    lines = (await board.get(f"{path}.jsonl{query}")).text.splitlines()
    assert [json.loads(line) for line in lines] == found
    cells = list(csv.DictReader(io.StringIO((await board.get(f"{path}.csv{query}")).text)))
    assert [list(row) for row in cells] == [list(row) for row in found]


async def test_a_comparison_says_the_difference(board, filled, make_fetch, clock):
    before = clock.now_us() - 30 * 3_600_000_000
    await filled.insert((make_fetch(800, "licensed", before), None))
    page = (await board.get("/?last=24h&compare=previous")).text
    assert "Compared with" in page
    assert "more" in page
    found = {
        row["figure"]: row for row in await rows(board, "/overview/compared.json?last=24h&compare=previous")
    }
    assert found["Fetches licensed"]["before"] == "1"
    assert found["Fetches licensed"]["percent"].startswith("+")
    assert {row["period"] for row in await rows(board, "/overview.json?last=24h&compare=previous")} == {
        "this", "compared",
    }  # fmt: skip
    crawlers = {row["crawler"]: row for row in await rows(board, "/crawlers.json?last=24h&compare=previous")}
    assert crawlers["GPTBot"]["fetches_before"] == 1
    assert crawlers["ClaudeBot"]["fetches_before"] == 0
    works = await rows(board, "/content.json?last=24h&compare=previous")
    assert works[0]["difference"].endswith("more")
    assert "more" in (await board.get("/crawlers?last=24h&compare=previous")).text


async def test_a_comparison_that_cannot_be_made_shows_nothing(board):
    for path in ("/", "/crawlers", "/content", "/overview.json", "/overview/compared.csv", "/content.jsonl"):
        answer = await board.get(f"{path}?last=all&compare=previous")
        assert answer.status == 400, path
        assert "needs a period that begins" in answer.text, path
