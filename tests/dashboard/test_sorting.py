"""``sort=`` of a table of sums: read, drawn in the headings, and the same for every form of it."""

from __future__ import annotations

import json
import re
from operator import itemgetter
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dashboard.sorting import BY_ITSELF, Order, by_cells, in_order, order_of

KNOWN = ("crawler", "fetches", "charged")


@pytest.mark.parametrize(
    ("said", "order"),
    [
        ("fetches", Order("fetches")),
        ("-fetches", Order("fetches", turned=True)),
        ("crawler", Order("crawler")),
        ("other", "has no 'other' here; there are crawler, fetches, charged"),
        ("--fetches", "has no '-fetches' here; there are crawler, fetches, charged"),
    ],
)
def test_an_order_is_read(said, order):
    assert order_of(said, KNOWN) == order


def test_a_table_without_columns_to_sort_says_so():
    assert order_of("time", ()) == "is not for this table"


@given(st.sampled_from(KNOWN), st.booleans())
def test_what_is_said_is_read_again(name, turned):
    order = Order(name, turned)
    assert order_of(order.said, KNOWN) == order
    assert order_of(order.next(name), KNOWN) == Order(name, turned=not turned)
    assert {order.aria(each) for each in KNOWN} >= {"none"}


ROWS = [{"crawler": "b", "fetches": 2}, {"crawler": "a", "fetches": 9}, {"crawler": "c", "fetches": 2}]


@pytest.mark.parametrize(
    ("said", "names", "aria"),
    [
        ("fetches", "abc", "descending"),  # the most first; b before c, as they stood
        ("-fetches", "bca", "ascending"),
        ("crawler", "abc", "ascending"),
        ("-crawler", "cba", "descending"),
    ],
)
def test_numbers_begin_with_the_most_and_words_with_a(said, names, aria):
    order = order_of(said, KNOWN)
    assert [row["crawler"] for row in in_order(ROWS, order, lambda row, name: row[name])] == list(names)
    assert order.aria(order.name) == aria


def test_a_table_keeps_its_own_order():
    assert in_order(ROWS, BY_ITSELF, lambda row, name: row[name]) == ROWS


async def test_page_and_exports_stand_in_the_same_order(board):
    for sort, values in (("crawler", str.casefold), ("-fetches", int)):
        query = f"last=7d&sort={sort}"
        rows = json.loads((await board.get(f"/crawlers.json?{query}")).text)["rows"]
        column = [values(row[sort.removeprefix("-")]) for row in rows]
        assert column == sorted(column)
        assert len(set(column)) > 1
        page = (await board.get(f"/crawlers?{query}")).text
        drawn = re.findall(r'<td class="who" role="cell"><a href="/crawlers/([^?]*)\?', page)
        assert list(map(unquote, drawn)) == [row["crawler"] or "-" for row in rows]
        assert page.count('aria-sort="ascending"') == 1
    by_sum = json.loads((await board.get("/crawlers.json?last=7d&sort=charged")).text)["rows"]
    assert by_sum[0]["crawler"] == "GPTBot"
    paths = json.loads((await board.get("/content/paths.json?last=7d&sort=path")).text)["rows"]
    assert [row["path"] for row in paths] == sorted(row["path"] for row in paths)


@pytest.mark.parametrize("path", ["/crawlers?sort=identities", "/log?sort=time", "/content?sort=operators"])
async def test_what_cannot_be_sorted_by_shows_nothing(board, path):
    answer = await board.get(path)
    assert answer.status == 400
    assert "sort" in answer.text


CELLS = {name: itemgetter(name) for name in ("cell",)}


@pytest.mark.parametrize(
    ("cells", "wanted", "words"),
    [
        (["b", "", "A", "c"], ["A", "b", "c", ""], True),
        ([2, 10, None, 3], [10, 3, 2, None], False),
        (["9 EUR", "10.5 EUR", "", "1 USD; 99 EUR"], ["1 USD; 99 EUR", "10.5 EUR", "9 EUR", ""], False),
        (["-3 EUR", "2 EUR"], ["2 EUR", "-3 EUR"], False),
        (
            ["2026-11-18T11:06:40.000000Z", "2026-11-19T01:00:00.000000Z", ""],
            ["2026-11-19T01:00:00.000000Z", "2026-11-18T11:06:40.000000Z", ""],
            False,
        ),
        ([1, "x"], [1, "x"], True),
        (["", None], ["", None], False),
        ([], [], False),
    ],
)
def test_cells_are_sorted_by_what_they_are_and_empty_ones_come_last(cells, wanted, words):
    rows = [{"cell": each} for each in cells]
    found, order = by_cells(rows, CELLS, Order("cell"))
    assert [row["cell"] for row in found] == wanted
    assert order == Order("cell", words=words)
    assert order.aria("cell") == ("ascending" if words else "descending")
    back, order = by_cells(rows, CELLS, Order("cell", turned=True))
    filled = [each for each in wanted if each not in {"", None}]
    assert [row["cell"] for row in back][: len(filled)] == filled[::-1]
    assert order.aria("cell") == ("descending" if words else "ascending")
    assert by_cells(rows, CELLS, BY_ITSELF) == (rows, BY_ITSELF)


@given(st.lists(st.one_of(st.text(), st.integers(), st.none())), st.booleans())
def test_no_cell_is_lost_by_sorting(cells, turned):
    rows = [{"cell": each} for each in cells]
    found, _ = by_cells(rows, CELLS, Order("cell", turned))
    assert sorted(map(repr, found)) == sorted(map(repr, rows))
