"""The log's queries on a real file, held against the same questions asked of a list."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from gateway.app.stores import folding_of
from gateway.dashboard.filters import WORDS, Cursor, Decision, LogFilter, decision
from gateway.dashboard.queries import Counted
from gateway.money import Money
from gateway.problems import StoreUnavailable
from gateway.provenance.audience import AudienceRow
from gateway.provenance.keeper import FoldBatch, SealedDetail, SealedEntry
from gateway.provenance.record import FetchDetail, FetchRecord, FloodNote, ShedNote
from gateway.store.postgres.database import Postgres
from gateway.store.sqlite.access_log import SqliteAccessLog
from gateway.store.sqlite.audience import SqliteAudience
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.totals import SqliteTotals

SALT = bytes(32)
HOUR = 3_600_000_000
START = 1_795_000_000_000_000 // HOUR * HOUR
COPIED = [
    "id", "time_us", "site", "crawler", "operator", "visitor_class", "identity", "licensee", "license", "outcome",
    "verdict", "rule", "problem", "would", "status", "method", "host", "path", "country", "currency",
    "charged_micros", "quote_micros", "bytes_sent", "duration_us",
]  # fmt: skip
BASE = FetchRecord(
    id="", time_us=0, duration_us=1, site="journal", host="journal.example", method="GET", path="/", policy="p",
    visitor_class="ai", identity="claimed", identity_method="none", verdict="serve", rule="", mode="enforce",
    outcome="free", status=200, bytes_sent=1, ended="complete", detail="d", currency="USD",
)  # fmt: skip


def records() -> list[FetchRecord]:
    dice = random.Random(7)
    made = []
    for number in range(2500):
        outcome, status = dice.choice(
            [
                ("licensed", 200),
                ("refused", 402),
                ("refused", 403),
                ("free", 200),
                ("open", 200),
                ("failed", 502),
            ]
        )
        paid = outcome == "licensed"
        made.append(
            replace(
                BASE,
                id=f"{number:08d}",
                time_us=START + dice.randrange(48 * HOUR),
                outcome=outcome,
                status=status,
                crawler=dice.choice(["", "GPTBot", "ClaudeBot", "O'Brien%_"]),
                visitor_class=dice.choice(["ai", "search-engine", "automation"]),
                path=f"/{dice.choice(['essays', 'videos', '100%', 'a_b'])}/{dice.randrange(20)}",
                currency=dice.choice(["USD", "EUR"]),
                charged_micros=dice.randrange(50_000) if paid else 0,
                quote_micros=0 if paid else dice.randrange(3) * 1000,
            )
        )
    return made


RECORDS = records()


@pytest.fixture(params=["sqlite", "postgres"])
async def database(tmp_path, request):
    if request.param == "postgres":
        made = await Postgres.open(request.getfixturevalue("emptied").url, lines=2)
    else:
        made = await Database.open(tmp_path / "licet.db")
    yield made
    await made.close()


@pytest.fixture(params=[0, 700], ids=["no-sums", "blocks-of-700"])
async def log(database, request):

    notes = [ShedNote(f"shed-{count}", START + count * HOUR, 0, count, "disk") for count in (5, 7)]
    detail = FetchDetail("203.0.113.9", "", "Bot/1", "", "q", ("ua_claim:x",))
    entries = tuple(SealedEntry(entry, SALT, entry.canonical(), "front") for entry in (*RECORDS, *notes))
    details = (SealedDetail(RECORDS[3].id, SALT, RECORDS[3].time_us, detail),)
    await folding_of(database).fold(FoldBatch(entries, details, ()))
    hours = [AudienceRow(START // 1_000_000 + hour * 3600, "journal", "/", 200, "", 1) for hour in range(48)]
    await SqliteAudience(database).add(hours)
    if request.param:
        await SqliteTotals(database, block=request.param).keep_up()
    return SqliteAccessLog(database)


FILTERS = [
    LogFilter(),
    LogFilter(from_us=START + 7 * HOUR),
    LogFilter(to_us=START + 7 * HOUR),
    LogFilter(from_us=START + 3 * HOUR, to_us=START + 9 * HOUR, crawler="GPTBot"),
    LogFilter(crawler=""),
    LogFilter(crawler="O'Brien%_"),
    *(LogFilter(decision=word) for word in Decision),
    LogFilter(from_us=START + 3 * HOUR + 5, to_us=START + 30 * HOUR + 7),
    LogFilter(from_us=START + 3 * HOUR + 5, to_us=START + 3 * HOUR + 900),
    LogFilter(from_us=START - 900 * HOUR, to_us=START + 20 * HOUR),
    LogFilter(words=(("class", "ai"), ("site", "journal"))),
    LogFilter(words=(("licensee", ""),), from_us=START + 24 * HOUR),
    LogFilter(words=(("site", "elsewhere"),)),
    LogFilter(words=(("problem", ""),), decision=Decision.REFUSED),
    LogFilter(path="/essays/"),
    LogFilter(path="/a_b/7", crawler="GPTBot"),
    LogFilter(path="/essay/"),
    LogFilter(text="100%"),
    LogFilter(text="a_b", decision=Decision.QUOTED),
    LogFilter(text="nowhere"),
    LogFilter(text="' OR 1=1 --"),
]


def meant(filter: LogFilter) -> list[FetchRecord]:
    """The same question, asked of the list; newest (last inserted) first."""
    return [
        record
        for record in reversed(RECORDS)
        if (filter.from_us is None or record.time_us >= filter.from_us)
        and (filter.to_us is None or record.time_us < filter.to_us)
        and (filter.crawler is None or record.crawler == filter.crawler)
        and (filter.decision is None or decision(record.outcome, record.status) is filter.decision)
        and all(getattr(record, WORDS[key]) == word for key, word in filter.words)
        and (
            record.path.startswith(filter.path)
            if filter.path.endswith("/")
            else filter.path in {"", record.path}
        )
        and any(filter.text in text for text in (record.path, record.host, record.licensee, record.id))
    ]


async def test_pages_and_stream_hold_the_same_rows_in_the_same_order(log):
    for filter in FILTERS:
        expected = [record.id for record in meant(filter)]
        assert [row.id async for row in log.stream(filter)] == expected
        seen: list[str] = []
        after: Cursor | None = None
        while True:
            page = await log.page(filter, after, 397)
            assert len(page.rows) <= 397
            seen += [row.id for row in page.rows]
            after = page.next
            if after is None:
                break
        assert seen == expected


async def test_the_overview_adds_up(log):
    for filter in FILTERS:
        rows = meant(filter)
        found = await log.overview(filter)
        counts = Counter(decision(row.outcome, row.status) for row in rows)
        assert dict(found.decisions) == {word: counts[word] for word in Decision}
        assert found.fetches == len(rows)
        assert found.licensed == counts[Decision.LICENSED]
        assert found.ai_fetches == sum(row.visitor_class == "ai" or row.outcome == "licensed" for row in rows)
        assert found.charged == sums(rows, "charged_micros")
        assert found.quoted == sums(rows, "quote_micros")
        top = Counter(row.crawler for row in rows).most_common()
        assert sorted((item.value, item.count) for item in found.crawlers) == sorted(top)
        for item in found.crawlers:
            assert item.charged == sums([row for row in rows if row.crawler == item.value], "charged_micros")
        assert sum(sum(bar.counts.values()) for bar in found.bars) == len(rows)
        step = filter.step_us
        assert [bar.time_us for bar in found.bars] == sorted({row.time_us // step * step for row in rows})
        assert found.newest_us == RECORDS[-1].time_us


def sums(rows: list[FetchRecord], column: str) -> tuple[Money, ...]:
    total: Counter[str] = Counter()
    for row in rows:
        total[row.currency] += getattr(row, column)
    return tuple(Money(total[currency], currency) for currency in sorted(total) if total[currency])


async def test_people_and_what_was_shed_follow_the_time_alone(log):
    whole = await log.overview(LogFilter(crawler="GPTBot"))
    assert (whole.people, whole.shed) == (48, 12)
    some = await log.overview(LogFilter(from_us=START + 6 * HOUR + 1, to_us=START + 8 * HOUR))
    assert (some.people, some.shed) == (2, 7)


async def test_facets_ignore_their_own_part_of_the_filter(log):
    for filter in FILTERS:
        found = await log.facets(filter)
        crawlers = Counter(row.crawler for row in meant(replace(filter, crawler=None)))
        decisions = Counter(
            decision(row.outcome, row.status) for row in meant(replace(filter, decision=None))
        )
        assert {item.value: item.count for item in found.crawlers} == crawlers
        assert {item.value: item.count for item in found.decisions} == decisions
        for key in ("site", "class", "identity", "licensee", "problem", "rule"):
            words = Counter(getattr(row, WORDS[key]) for row in meant(filter.without(key)))
            assert {item.value: item.count for item in found.words[key]} == words
        assert found.among == found.rare_among == 0


async def test_crawlers_and_works_add_up(log):
    for filter in FILTERS:
        rows = meant(filter)
        crawlers = {row.name: row for row in await log.crawlers(filter)}
        assert {name: row.fetches for name, row in crawlers.items()} == Counter(row.crawler for row in rows)
        for name, row in crawlers.items():
            own = [record for record in rows if record.crawler == name]
            counts = Counter(decision(record.outcome, record.status) for record in own)
            assert dict(row.decisions) == {word: counts[word] for word in Decision}
            assert row.identities == {"claimed": len(own)}
            assert row.charged == sums(own, "charged_micros")
            assert row.bytes_sent == len(own)
            assert row.newest_us == max(record.time_us for record in RECORDS if record.crawler == name)
            steps = Counter(record.time_us // filter.step_us * filter.step_us for record in own)
            assert row.steps == tuple(sorted(steps.items()))
        works = {(row.site, row.work): row for row in await log.works(filter)}
        assert {key: row.fetches for key, row in works.items()} == Counter(
            (row.site, row.work) for row in rows
        )
        for key, work in works.items():
            own = [record for record in rows if (record.site, record.work) == key]
            assert work.charged == sums(own, "charged_micros")
        paths = Counter(row.path for row in rows)
        assert {item.value: item.count for item in await log.paths(filter)} == paths
        assert await log.paths_in(filter) == await log.paths(filter)


async def test_the_paths_of_a_period_are_of_every_entry_of_it_or_are_not_told(log):
    few = SqliteAccessLog(log._database, looked_at=2502, counted=600)
    day = LogFilter(from_us=START, to_us=START + 24 * HOUR)
    paths = Counter(row.path for row in meant(day))
    assert {item.value: item.count for item in await few.paths(day)} != paths, "some are too old for it"
    assert {item.value: item.count for item in await few.paths_in(day)} == paths
    assert await SqliteAccessLog(log._database, looked_at=2501).paths_in(LogFilter()) is None
    empty = await few.paths_in(LogFilter(from_us=START - 9 * HOUR, to_us=START - HOUR))
    assert empty == ()


async def test_a_page_looks_through_so_many_entries_and_then_says_where_to_go_on(log):
    few = SqliteAccessLog(log._database, looked_at=600, counted=600)
    wanted = [record.id for record in meant(LogFilter(text="00000")) if record.id.startswith("00000")]
    seen: list[str] = []
    after: Cursor | None = None
    pages = []
    while True:
        page = await few.page(LogFilter(text="0000000"), after, 50)
        pages.append(page)
        seen += [row.id for row in page.rows]
        after = page.next
        if after is None:
            break
    assert seen == [name for name in wanted if "0000000" in name]
    # Without sums all that is not summed is one block.
    if len(pages) > 1:
        assert all(page.looked >= 600 for page in pages[:-1])
        assert pages[0].rows == ()
    found = await few.facets(LogFilter(text="essays"))
    newest = [row for row in RECORDS[2502 - 600 :] if "essays" in row.path]
    assert sum(item.count for item in found.decisions) == len(newest)
    assert (found.among, found.rare_among) == (600, 600)
    assert (await few.overview(LogFilter())).paths_among == 600
    assert (await few.overview(LogFilter())).among == 0
    assert [row.id async for row in few.stream(LogFilter(text="0000000"))] == seen


async def test_sums_go_on_where_they_stopped(log):
    """What comes in between is counted once, whichever block it falls into."""
    totals = SqliteTotals(log._database, block=4)
    for number in range(30):
        record = replace(BASE, id=f"later-{number}", time_us=START + 60 * HOUR, crawler="Later")
        await folding_of(log._database).fold(
            FoldBatch((SealedEntry(record, SALT, record.canonical(), "front"),), (), ())
        )
        await totals.advance()
        assert (await log.overview(LogFilter(crawler="Later"))).fetches == number + 1
    assert (await log.overview(LogFilter())).fetches == len(RECORDS) + 30


async def test_since_tells_the_next_rows_oldest_first(log):
    rows = await log.since(2490, 5)
    assert [row.id for row in rows] == [record.id for record in RECORDS[2490:2495]]
    assert [row.seq for row in rows] == [2491, 2492, 2493, 2494, 2495]
    assert await log.since(2500, 5) == ()


async def test_one_record_by_its_id(log):
    wanted = RECORDS[3]
    row = await log.row(wanted.id)
    assert {name: getattr(row, name) for name in COPIED} == {name: getattr(wanted, name) for name in COPIED}
    assert await log.record(wanted.id) == wanted
    assert await log.detail(wanted.id) == FetchDetail("203.0.113.9", "", "Bot/1", "", "q", ("ua_claim:x",))
    assert await log.detail(RECORDS[4].id) is None
    assert (await log.row("shed-5"), await log.record("shed-5"), await log.row("none")) == (None, None, None)


async def test_a_closed_store_is_said(log):
    await log._database.close()
    with pytest.raises(StoreUnavailable):
        await log.page(LogFilter(), None, 1)
    with pytest.raises(StoreUnavailable):
        await anext(log.stream(LogFilter()))


async def test_a_flood_is_one_row_that_counts_for_all_it_stands_for(log) -> None:
    before = await log.overview(LogFilter())
    note = FloodNote(
        "flood-1", START + 900 * HOUR, START + 899 * HOUR, 4_000, "journal", "FloodBot", "ai",
        "license-required", 402, "0" * 64,
    )  # fmt: skip
    sealed = SealedEntry(note, SALT, note.canonical(), "front")
    await folding_of(log._database).fold(FoldBatch((sealed,), (), ()))
    [row] = (await log.page(LogFilter(), None, 1)).rows
    assert (row.id, row.count, row.path, row.crawler) == ("flood-1", 4_000, "", "FloodBot")
    assert row.decision is Decision.QUOTED
    assert await log.row("flood-1") == row
    assert await log.record("flood-1") is None
    after = await log.overview(LogFilter())
    assert after.fetches == before.fetches + 4_000
    assert after.ai_fetches == before.ai_fetches + 4_000
    assert after.decisions[Decision.QUOTED] == before.decisions[Decision.QUOTED] + 4_000
    assert after.paths == before.paths
    assert after.crawlers[0] == Counted("FloodBot", 4_000, ())
    assert after.bars[-1].counts[Decision.QUOTED] == 4_000
    facets = await log.facets(LogFilter(decision=Decision.QUOTED))
    assert Counted("FloodBot", 4_000) in facets.crawlers
    assert all(each.count == 1 for each in (await log.page(LogFilter(), None, 50)).rows[1:])
