"""The look at what the operator should hear of, on a real database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.app.alert_round import AlertRound, Stale
from gateway.clock import HandClock
from gateway.config import read_config
from gateway.licenses.enrollment import enroll
from gateway.licenses.license import Standing
from gateway.provenance.keeper import FoldBatch, SealedDetail, SealedEntry
from gateway.provenance.record import FetchDetail, FetchRecord
from gateway.store.postgres.folding import PostgresFolding
from gateway.store.sqlite.alerts import AT_ONCE, SqliteAlerts
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import SqliteEvents
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.register import SqliteRegister
from tests.dashboard.conftest import BASE, SALT

DAY_US = 86_400_000_000


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request, tmp_path):
    if request.param == "postgres":
        yield request.getfixturevalue("emptied")
        return
    opened = await Database.open(tmp_path / "licet.db")
    yield opened
    await opened.close()


async def insert(database, *records: tuple[FetchRecord, FetchDetail]) -> None:
    folding = SqliteFolding(database) if isinstance(database, Database) else PostgresFolding(database)
    entries = tuple(SealedEntry(record, SALT, record.canonical(), "front") for record, _ in records)
    details = tuple(SealedDetail(record.id, SALT, record.time_us, detail) for record, detail in records)
    await folding.fold(FoldBatch(entries, details, ()))


def came(number: int, clock: HandClock, agent: str = "x/1", **changes):
    id = f"019ab0aa-0000-7000-8000-{number:012d}"
    return replace(BASE, id=id, time_us=clock.now_us(), **changes), FetchDetail(
        "203.0.113.9", "", agent, "", "", ()
    )


def rounds(tmp_path, database, clock, ages=None) -> AlertRound:
    return AlertRound(
        read_config(tmp_path), SqliteAlerts(database, database), clock, ages=lambda _: dict(ages or {})
    )


async def told(database) -> list[tuple[str, str]]:
    return [(each.event.type, each.event.subject) for each in await SqliteEvents(database).after(0, 99)]


async def test_each_case_is_told_once_a_day_whoever_looks(tmp_path, database):
    clock = HandClock()
    look = rounds(tmp_path, database, clock)
    await look.act()
    assert await told(database) == []
    refused = {"crawler": "Bytespider", "verdict": "refuse", "identity": "none"}
    await insert(database, came(1, clock, **refused), came(2, clock, crawler="Googlebot", identity="spoofed"))
    await insert(database, came(3, clock, "HarborBot/2", crawler="", identity="none", verdict="serve"))
    await look.act()
    first = await told(database)
    assert sorted(first) == [
        ("crawler.ignored", "Bytespider"), ("crawler.newcomer", "HarborBot"), ("crawler.spoofed", "Googlebot"),
    ]  # fmt: skip
    await insert(
        database, came(4, clock, **refused), came(5, clock, "HarborBot/3", crawler="", identity="none")
    )
    await look.act()
    # A process that was killed looks through the day again.
    await rounds(tmp_path, database, clock).act()
    assert await told(database) == first
    clock.advance(86_400)
    await insert(
        database, came(6, clock, **refused), came(7, clock, "HarborBot/3", crawler="", identity="none")
    )
    await look.act()
    assert (await told(database))[len(first) :] == [("crawler.ignored", "Bytespider")]


async def test_what_was_before_today_is_not_told(tmp_path, database):
    clock = HandClock()
    await insert(database, came(1, clock, crawler="Googlebot", identity="spoofed"))
    clock.advance(2 * 86_400)
    await rounds(tmp_path, database, clock).act()
    assert await told(database) == []


async def test_old_lists_are_told_once_a_day_and_a_full_disk_is(tmp_path, database):
    clock = HandClock()
    (tmp_path / "licet.toml").write_text("[store]\nreserve_mb = 1000000\n[feeds]\nupdate = false\n")
    look = rounds(tmp_path, database, clock, {"openai-gptbot": 40})
    await look.act()
    expected = [("list.stale", "openai-gptbot"), ("disk.low", "disk")]
    assert await told(database) == expected
    clock.advance(1000)
    await look.act()
    assert await told(database) == expected
    clock.advance(86_400)
    await look.act()
    assert await told(database) == expected * 2


async def test_lists_have_time_to_be_fetched_before_they_count_as_old(tmp_path, database):
    clock = HandClock()
    look = rounds(tmp_path, database, clock, {"openai-gptbot": 40})
    await look.act()
    assert await told(database) == []
    clock.advance(3601)
    await look.act()
    assert await told(database) == [("list.stale", "openai-gptbot")]


def test_shipped_lists_grow_stale_with_time(tmp_path):
    stale = Stale(read_config(tmp_path))
    assert stale(0) == {} or all(days == 0 for days in stale(0).values())
    found = stale(2**33)
    assert found
    assert min(found.values()) > 1000


async def test_a_long_log_is_looked_through_in_parts(database):
    alerts = SqliteAlerts(database, database)
    assert await alerts.came(5) == ((), (), 5)
    assert AT_ONCE > 0
    assert await alerts.first_of(0) == 0


async def test_a_budget_that_is_nearly_spent_is_told_to_its_holder_too(tmp_path, database):
    clock = HandClock()
    now = clock.now_us() // 1_000_000

    made = enroll("Example AI Labs", now=now, standing=Standing.ACTIVE)
    await SqliteRegister(database).add_licensee(made.licensee, made.client)
    holder = made.licensee.id

    def spend(db):
        for id, ends_at, spent in (("li_1", now + 60, 85), ("li_2", now + 60, 79), ("li_3", now - 60, 99)):
            db.execute(
                "INSERT INTO licenses (id, licensee, site, offer, terms_hash, terms, policy, starts_at, ends_at,"
                " budget_micros, budget_fetches, crawlers) VALUES (?, ?, 'journal', 'o', 'h', '{}', 'p', 0, ?, 100, NULL, '[]')",
                (id, holder, ends_at),
            )
            db.execute("INSERT INTO license_spend VALUES (?, 'USD', ?, 3)", (id, spent))

    await database.write(spend)
    look = rounds(tmp_path, database, clock)
    await look.act()
    (happening,) = await SqliteEvents(database).after(0, 9)
    assert (happening.event.type, happening.event.licensee, happening.event.body["spent_percent"]) == (
        "budget.low", holder, 85,
    )  # fmt: skip
