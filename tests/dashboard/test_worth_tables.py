"""The tables of memo, calculator and dossier for other programs: the numbers of their paper, whole, to whoever may read it."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from dataclasses import replace
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.dashboard.exports import FORMATS
from gateway.dashboard.permissions import ALLOWED, Permission, Role
from gateway.dashboard.worth_tables import TABLES
from gateway.licenses.dossier import MOST_DAYS, MOST_NETWORKS, MOST_PAGES, Dossier
from gateway.licenses.estimating import calculated
from gateway.licenses.pricing_guide import SHIPPED, Expected
from gateway.licenses.traffic import Crawled, Fetched, OwnDeal, Traffic, Wanted
from gateway.licenses.value_memo import (
    MOST_COMPARABLES,
    MOST_CRAWLERS,
    MOST_DEALS,
    MOST_WORKS,
    About,
    Comparable,
    Figure,
    Figures,
    Memo,
)
from gateway.money import Money
from tests.dashboard.conftest import TERMS

DAY = date(2026, 10, 1)
ASKED = {"memo": "", "calculator": "files=10", "dossier": "crawler=GPTBot"}
WHOLE = [(paper, name) for paper, tables in TABLES.items() for name in tables]


async def status(board, path: str) -> int:
    """What any form answers, of which Parquet is no text."""
    async with board.client.get(board.base + path, headers={"Accept": "text/html"}) as answer:
        return answer.status


async def rows(board, path: str) -> list[dict]:
    answer = await board.get(path)
    assert answer.status == 200, (path, answer.text)
    return json.loads(answer.text)["rows"]


def big_memo() -> Memo:
    """More of everything than a page has room for."""
    traffic = Traffic(
        "journal", 0, 86_400,
        tuple(Crawled(f"Bot{n}", "Co", "ai", 90_000 - n, 2, 1, 1, 1_500_000) for n in range(MOST_CRAWLERS + 1)),
        tuple(Wanted(f"/{n}", 9, 9) for n in range(MOST_WORKS + 1)),
    )  # fmt: skip
    deals = tuple(OwnDeal(86_400 * n, replace(TERMS, term=replace(TERMS.term, months=n + 1))) for n in range(MOST_DEALS + 1))  # fmt: skip
    other = tuple(Comparable(f"deal {n}", "1 USD", "a paper", DAY) for n in range(MOST_COMPARABLES + 1))
    entered = Figures((Figure(About.VIEWS, "views", "9", "our own", DAY),), other)
    return Memo("", DAY, traffic, {"Bot0": ("training", "search")}, entered, deals)


def big_dossier() -> Dossier:
    found = [
        Fetched(
            n * 86_400_000_000, f"/{n}", "GET", 200, 1_500_000, "GPTBot", "OpenAI", "ai", "claimed", "free",
            network=f"10.0.{n}.0/24",
        )
        for n in range(max(MOST_PAGES, MOST_DAYS, MOST_NETWORKS) + 1)
    ]  # fmt: skip
    counted = Fetched(0, "", "GET", 402, 0, "GPTBot", "OpenAI", "ai", "claimed", "refused", count=2_000)
    return Dossier(
        "OpenAI", ("GPTBot",), "journal", "", DAY, "journal", "x", (counted, *found), memo=big_memo()
    )


def read(paper: str, name: str, of: object) -> list[dict]:
    cells, found = TABLES[paper][name]
    return [{key: cell(row) for key, cell in cells.items()} for row in found(of)]


def test_every_table_of_a_paper_has_an_address_and_every_address_a_table():
    expected = Expected("USD", files=10)
    written = [calculated(SHIPPED, expected, site="journal"), big_dossier().writing()]
    shown = [table.name for each in written for section in each.sections for table in section.tables]
    # A site of which no version of the terms is known has no such table.
    assert sorted([*shown, "versions"]) == sorted(name for tables in TABLES.values() for name in tables)
    assert [table.name for section in big_memo().writing().sections for table in section.tables] == [
        *TABLES["memo"]
    ]


def test_a_table_is_whole_where_its_paper_has_no_room():
    memo, dossier = big_memo(), big_dossier()
    for name, most in {
        "crawlers": MOST_CRAWLERS, "works": MOST_WORKS, "deals": MOST_DEALS, "comparables": MOST_COMPARABLES,
    }.items():  # fmt: skip
        assert len(read("memo", name, memo)) == most + 1, name
    assert len(read("dossier", "pages", dossier)) == len(dossier.fetches) - 1
    assert len(read("dossier", "days", dossier)) == MOST_DAYS + 1
    assert len(read("dossier", "networks", dossier)) == len(dossier.fetches) - 1


def test_numbers_are_numbers_and_times_are_times():
    assert read("memo", "crawlers", big_memo())[0] == {
        "crawler": "Bot0", "operator": "Co", "class": "ai", "purposes": "training, search", "fetches": 90_000,
        "delivered": 2, "licensed": 1, "verified": 1, "bytes_sent": 1_500_000,
    }  # fmt: skip
    deal = read("memo", "deals", big_memo())[-1]
    assert (deal["signed"], deal["months"], deal["exclusive"]) == ("1970-01", MOST_DEALS + 1, "no")
    assert read("dossier", "days", big_dossier())[0] == {
        "day": "1970-01-01", "requests": 2_001, "delivered": 1,
    }  # fmt: skip
    page = next(row for row in read("dossier", "pages", big_dossier()) if row["path"] == "/1")
    assert (page["first"], page["bytes_sent"]) == ("1970-01-02T00:00:00.000000Z", 1_500_000)
    assert next(row["requests"] for row in read("dossier", "senders", big_dossier())) > 2_000


def test_amounts_stand_exact_and_in_micro_units_and_what_is_not_known_is_empty():
    priced = (SHIPPED, Expected("USD", files=10))
    per_file = read("calculator", "frameworks", priced)[1]
    assert (per_file["low"], per_file["low_micros"]) == ("50 USD", 50_000_000)
    engagement = read("calculator", "frameworks", priced)[0]
    assert (engagement["low"], engagement["low_micros"], engagement["missing"]) == ("", None, "revenue")
    signing, share, *_ = read("calculator", "tiers", priced)
    assert (signing["part"], signing["ask"], signing["ask_micros"]) == ("upfront", "250 USD", 250_000_000)
    assert (share["part"], share["ask"], share["ask_micros"]) == ("revenue_share", "10 %", 100_000)
    lacking = read("calculator", "tiers", (SHIPPED, Expected("USD")))
    assert (lacking[0]["ask"], lacking[0]["ask_micros"]) == ("", None)
    assert lacking[0]["missing"] == "revenue, or files"
    # Its own range is known.
    assert lacking[1]["missing"] == ""
    inference = Money(lacking[3]["floor_micros"], "USD")
    assert lacking[3]["floor"] == str(inference)


async def test_they_say_what_the_paper_says(valued):
    told = json.loads((await valued.board.get("/memo.json?period=1d")).text)["measured"]
    crawlers = await rows(valued.board, "/memo/crawlers.json?period=1d")
    assert [(row["crawler"], row["fetches"], row["bytes_sent"]) for row in crawlers] == [
        (each["crawler"], each["fetches"], each["bytes"]) for each in told["crawlers"]
    ]
    works = await rows(valued.board, "/memo/works.json?period=1d")
    assert [(row["work"], row["fetches"]) for row in works] == [
        (each["work"], each["fetches"]) for each in told["works"]
    ]
    assert crawlers
    assert works
    # It is of one site, and of one period.
    assert await rows(valued.board, "/memo/crawlers.json?site=videos") == []
    assert await rows(valued.board, "/memo/crawlers.json?period=2026-01") == []
    dossier = json.loads((await valued.board.get("/dossier.json?crawler=CCBot&period=2d")).text)
    pages = await rows(valued.board, "/dossier/pages.json?crawler=CCBot&period=2d")
    assert [(row["path"], row["requests"]) for row in pages] == [
        (each["path"], each["requests"]) for each in dossier["pages"] if each["path"]
    ]
    assert len(pages) > 1
    reckoned = json.loads((await valued.board.get("/calculator.json?files=10")).text)
    frameworks = await rows(valued.board, "/calculator/frameworks.json?files=10")
    assert [row["high_micros"] for row in frameworks] == [
        each["high_micros"] for each in reckoned["frameworks"]
    ]
    tiers = await rows(valued.board, "/calculator/tiers.json?files=10")
    assert [row["floor_micros"] for row in tiers] == [
        part["floor"] for each in reckoned["tiers"] for part in each["parts"]
    ]


async def test_deals_that_the_memo_leaves_out_are_no_rows(start, filled, owed, worth):
    for nth in range(MOST_DEALS + 1):
        await owed.license(f"Lab {nth}")
    board = await start(filled, worth=worth)
    await board.set_password()
    assert len(await rows(board, "/memo/deals.json")) == MOST_DEALS + 1
    assert await rows(board, "/memo/deals.json?deals=no") == []
    assert "Lab" not in (await board.get("/memo/deals.csv")).text


async def test_the_page_leads_to_the_forms_of_the_same_question(valued):
    for page, table, query in (
        ("/memo?period=1d&deals=no", "/memo/crawlers", {"period": ["1d"], "deals": ["no"]}),
        ("/calculator?files=10&exclusive=yes", "/calculator/tiers", {"files": ["10"], "exclusive": ["yes"]}),
        ("/dossier?crawler=GPTBot&period=2d", "/dossier/days", {"crawler": ["GPTBot"], "period": ["2d"]}),
        # The memo in a dossier is of the same days, and of no crawler.
        ("/dossier?crawler=GPTBot&period=2d", "/memo/crawlers", {"period": ["2d"]}),
    ):
        text = html.unescape((await valued.board.get(page)).text)
        for ending in (*FORMATS, "html"):
            (link,) = re.findall(rf'href="({table}\.{ending}\?[^"]*)"', text)
            assert parse_qs(urlsplit(link).query) == {"site": ["journal"], **query}, (page, link)
            assert await status(valued.board, link) == 200


async def test_the_page_of_a_table_leads_back_to_the_same_paper(valued):
    page = (await valued.board.get("/dossier/days.html?crawler=GPTBot&period=2d&sort=day&columns=day")).text
    (back,) = re.findall(r'<p class="crumb"><a href="([^"]+)">', page)
    assert html.unescape(back) == "/dossier?crawler=GPTBot&period=2d"
    assert "Dossier: OpenAI" in (await valued.board.get(html.unescape(back))).text


@pytest.mark.parametrize(("paper", "name"), WHOLE)
async def test_a_mistake_in_the_question_is_a_400_that_names_it(valued, paper, name):
    for ending in (*FORMATS, "html"):
        at = f"/{paper}/{name}.{ending}"
        for query, said in (
            ("period=yesterday", "cannot be read"),
            ("site=elsewhere", "is none of yours"),
            ("sort=nosuch", "nosuch"),
            ("columns=nosuch", "nosuch"),
        ):
            answer = await valued.board.get(f"{at}?{ASKED[paper]}&{query}")
            assert (answer.status, said in html.unescape(answer.text)) == (400, True), (at, query)


async def test_what_a_paper_alone_refuses_its_tables_refuse(valued):
    for at, said in (
        ("/calculator/tiers.{}?files=x", "whole number"),
        ("/calculator/tiers.{}?fame=1", "no figure of this calculator"),
        ("/dossier/days.{}", "is missing"),
        ("/dossier/days.{}?crawler=" + "x" * 129, "longer than any name"),
    ):
        for ending in (*FORMATS, "html"):
            answer = await valued.board.get(at.format(ending))
            assert (answer.status, said in html.unescape(answer.text)) == (400, True), (at, ending)
    name = (await valued.board.get("/calculator/tiers.html?%3Cb%3E%E2%80%AE=1")).text
    assert "<b>" not in name
    assert "\u202e" not in name
    file = valued.figures.file("journal")
    file.parent.mkdir(exist_ok=True)
    file.write_text("[[figures]]\nabout = 'views'\n")
    for ending in (*FORMATS, "html"):
        answer = await valued.board.get(f"/memo/crawlers.{ending}")
        assert (answer.status, "figures[0].source" in answer.text) == (400, True)
    # What an operator did is known all the same.
    assert await rows(valued.board, "/dossier/days.json?crawler=GPTBot")


@pytest.mark.parametrize("role", [each.value for each in Role])
async def test_whoever_may_read_the_paper_may_read_its_tables(start, filled, worth, role):
    board = await start(filled, worth=worth)
    board.become(role)
    for paper, name in WHOLE:
        paper_says = (await board.get(f"/{paper}.json?{ASKED[paper]}")).status
        for ending in (*FORMATS, "html"):
            found = await status(board, f"/{paper}/{name}.{ending}?{ASKED[paper]}")
            assert found == paper_says, (paper, name, ending)
    assert paper_says == (200 if Permission.WORTH_READ in ALLOWED[Role(role)] else 403)


async def test_a_formula_is_none_in_a_spreadsheet(valued):
    valued.figures.keep("journal", Figures((Figure(About.OTHER, "=1+1", "@SUM(A1)", "-cmd", DAY),)))
    (row,) = csv.DictReader(io.StringIO((await valued.board.get("/memo/figures.csv")).text, newline=""))
    assert (row["what"], row["figure"], row["source"]) == ("'=1+1", "'@SUM(A1)", "'-cmd")
    (row,) = await rows(valued.board, "/memo/figures.json")
    assert row["what"] == "=1+1"


async def test_the_document_of_the_api_names_them(valued):
    paths = json.loads((await valued.board.get("/api/openapi.json")).text)["paths"]
    for paper, name in WHOLE:
        for ending in FORMATS:
            scope = "floor.see" if paper == "calculator" else "worth.read"
            told = paths[f"/api/v1/{paper}/{name}.{ending}"]["get"]
            assert told["description"] == f"Scope: `{scope}`."
