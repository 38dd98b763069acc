"""The report: the figures of the log, in one file that loads and runs nothing whatever the visitors wrote."""

from __future__ import annotations

import json
from html.parser import HTMLParser

from gateway.dashboard.filters import LogFilter
from gateway.dashboard.report import gather, report_page
from gateway.store.sqlite.access_log import SqliteAccessLog


class Marks(HTMLParser):
    """Every tag of a page and every name of an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names.update(name for name, _ in attrs)


async def made(log, clock, *, past: bool = False, filter: LogFilter | None = None):
    reader = SqliteAccessLog(log.database)
    return await gather(reader, filter or LogFilter(last="all"), made_us=clock.now_us(), past=past)


async def test_the_page_loads_and_runs_nothing(filled, clock):
    page = report_page(await made(filled, clock))
    head, _, body = page.partition("</head>")
    assert "default-src 'none'; style-src 'unsafe-inline'" in head
    assert "--accent:" in head
    assert page.count("<style>") == page.count("</style>") == 1
    marks = Marks()
    marks.feed(page)
    assert {"svg", "table", "bdi"} <= marks.tags
    assert not marks.tags & {"script", "link", "img", "iframe", "object", "embed", "form", "a", "base"}
    assert not {name for name in marks.names if name in {"href", "src", "style"} or name.startswith("on")}
    assert "url(" not in page.partition("<style>")[2].partition("</style>")[0]
    assert "GPTBot" in body
    assert "4,321" in body


async def test_the_figures_add_up(filled, clock):
    report = await made(filled, clock)
    told = json.loads(json.dumps(report.as_json()))
    assert (
        sum(told["decisions"].values()) == told["fetches"] == sum(row["fetches"] for row in told["crawlers"])
    )
    assert sum(told["proofs"].values()) == told["fetches"]
    assert told["people"] == 4321
    assert set(told["charged"]) == {"USD"}
    assert told["proofs"]["claimed"] == sum(
        row["fetches"] for row in told["crawlers"] if row["crawler"] == "Bytespider"
    )


async def test_of_the_past_it_says_what_would_have_been(filled, clock):
    assert "Would have cost" in report_page(await made(filled, clock, past=True))
    assert "Would have cost" not in report_page(await made(filled, clock))


async def test_nothing_in_the_period_is_said(database, clock):
    report = await made(database, clock)
    assert report.span[0] <= report.span[1]
    assert "No machine came in this period" in report_page(report)
    assert "<code>licet ingest access.log</code>" in report_page(await made(database, clock, past=True))
