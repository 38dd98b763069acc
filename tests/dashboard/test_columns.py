"""Which columns a table shows: by its address, on the page and in every form of it."""

from __future__ import annotations

import csv
import io
import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dashboard.columns import LOG_COLUMNS, NUMBERS, USUAL, columns_of
from gateway.dashboard.filters import read_view

NOW = 1_795_000_000_000_000


def test_what_is_shown_is_known():
    assert set(USUAL) | NUMBERS <= LOG_COLUMNS.keys()


@given(st.text(max_size=100))
def test_any_text_is_columns_or_a_mistake(text):
    found = columns_of(text, LOG_COLUMNS)
    assert isinstance(found, str) or (len(set(found)) == len(found) and set(found) <= LOG_COLUMNS.keys())


def test_boxes_of_a_form_and_names_between_commas_are_the_same():
    boxes = read_view([("columns", "path"), ("columns", "time"), ("crawler", "GPTBot")], NOW)
    words = read_view([("columns", "path,time"), ("crawler", "GPTBot")], NOW)
    assert boxes.columns == words.columns == ("path", "time")
    assert boxes.query() == words.query()
    assert dict(parse_qsl(words.query())) == {"columns": "path,time", "crawler": "GPTBot"}
    assert "columns" not in words.filter.query(), "another page has other columns"
    wrong = read_view([("columns", "path"), ("columns", "nowhere")], NOW)
    assert dict(wrong.mistakes).keys() == {"columns"}
    assert read_view([("columns", "anything")], NOW, columns=None).columns == ("anything",)


async def test_the_log_shows_what_is_asked_for_in_that_order_and_keeps_it(board):
    page = (await board.get("/log?columns=rule,time,country&limit=5")).text
    head = page[page.index("<thead") : page.index("</thead>")]
    assert head.index("Rule") < head.index("Time (UTC)") < head.index("Country")
    assert "Status" not in head
    assert "columns=rule%2Ctime%2Ccountry" in page[page.index('class="periods"') :]
    assert "<img src=x" not in page
    every = "&".join(f"columns={name}" for name in LOG_COLUMNS)
    assert (await board.get(f"/log?{every}")).status == 200


@pytest.mark.parametrize("path", ["/log", "/crawlers", "/content", "/overview"])
async def test_every_form_has_those_columns_alone(board, path):
    names = {
        "/log": "path,time",
        "/crawlers": "fetches,crawler",
        "/content": "bytes_sent,work",
        "/overview": "licensed,time",
    }[path]
    rows = json.loads((await board.get(f"{path}.json?last=7d&columns={names}")).text)["rows"]
    assert rows
    assert {tuple(row) for row in rows} == {tuple(names.split(","))}
    table = csv.reader(io.StringIO((await board.get(f"{path}.csv?last=7d&columns={names}")).text))
    assert next(table) == names.split(",")


@pytest.mark.parametrize(
    "path",
    ["/log", "/log.csv", "/crawlers", "/crawlers.json", "/content.parquet", "/overview.jsonl", "/people.csv"],
)
async def test_a_column_that_is_none_is_said(board, path):
    answer = await board.get(f"{path}?columns=nowhere")
    assert answer.status == 400
    assert "nowhere" in answer.text


async def test_the_table_of_crawlers_leaves_out_what_is_not_asked_for(board):
    page = (await board.get("/crawlers?last=24h&columns=fetches,charged")).text
    head = page[page.index("<thead") : page.index("</thead>")]
    assert "Fetches" in head
    assert "Charged" in head
    assert "Proof" not in head
    assert 'data-name="Quoted"' not in page
    assert 'data-name="Charged"' in page
