"""A table that is read page by page: what is asked of its store, and that no row is left out or comes twice."""

from __future__ import annotations

import json

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer, make_mocked_request

from gateway.dashboard.long_tables import LongTable

CELLS = {"id": lambda row: row, "tens": lambda row: int(row) // 10}


class Shelf:
    """Numbers as words, the greatest first, and what was asked of it."""

    def __init__(self, rows: int) -> None:
        self.rows = [f"{nth:05}" for nth in range(rows, 0, -1)]
        self.asked: list[int] = []

    async def opened(self):
        async def read(most: int, after: str):
            self.asked.append(most)
            if after and after not in self.rows:
                return ()
            begin = self.rows.index(after) + 1 if after else 0
            return self.rows[begin : begin + most]

        return read

    @property
    def table(self) -> LongTable:
        return LongTable("/t", CELLS, str, self.opened)


def at(query: str = "") -> web.Request:
    return make_mocked_request("GET", f"/t?{query}")


@pytest.mark.parametrize("rows", [0, 1, 99, 100, 101, 200, 201, 500, 501, 1000, 1203])
@pytest.mark.parametrize("sort", ["", "tens", "-tens"])
async def test_every_row_stands_on_one_page(rows, sort):
    shelf, seen, after = Shelf(rows), [], ""
    while True:
        shown, view = await shelf.table.page(at(f"sort={sort}&after={after}"))
        assert not view.mistakes
        seen += shown
        if not view.next:
            break
        assert len(shown) == 100
        after = view.next
    assert sorted(seen, reverse=True) == shelf.rows
    if not sort:
        assert seen == shelf.rows
    assert [row async for row in shelf.table.keyed.each(None)] == shelf.rows


async def test_a_page_asks_for_no_more_than_it_shows_and_one():
    """However many there are; the order of another cell reads all."""
    shelf = Shelf(1203)
    await shelf.table.page(at())
    await shelf.table.page(at("after=00400"))
    assert shelf.asked == [101, 101]
    assert await shelf.table.newest(10) == (shelf.rows[:10], True)
    assert shelf.asked.pop() == 11
    assert await Shelf(10).table.newest(10) == (Shelf(10).rows, False)
    shelf.asked.clear()
    await shelf.table.page(at("sort=tens"))
    assert shelf.asked == [500, 500, 500]


@pytest.mark.parametrize("query", ["after=x", "after=00001", "sort=nothing", "sort=tens&after=x"])
async def test_a_page_that_is_none_is_a_mistake(query):
    shown, view = await Shelf(3).table.page(at(query))
    assert shown == []
    assert len(view.mistakes) == 1


async def test_a_form_holds_every_row_in_the_order_of_the_page():
    app = web.Application()
    shelf = Shelf(1203)
    shelf.table.add_forms(app.router)
    async with TestServer(app) as server, ClientSession() as client:
        for query, wanted in (
            ("", shelf.rows),
            ("sort=-tens", sorted(shelf.rows, key=lambda row: int(row) // 10)),
        ):
            async with client.get(server.make_url(f"/t.json?{query}")) as answer:
                rows = json.loads(await answer.read())["rows"]
            assert [row["tens"] for row in rows] == [int(row) // 10 for row in wanted]
            assert {row["id"] for row in rows} == {*shelf.rows}
        async with client.get(server.make_url("/t.csv?sort=floor")) as answer:
            assert answer.status == 400
