"""The office's timer: what is personal is cut, then erased, and looks go when the settings say; nothing else changes."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from gateway.app.retention import check_retention, forget_in_time
from gateway.clock import HandClock
from gateway.config import read_config
from gateway.licenses.auditors import Look, invite
from gateway.licenses.enrollment import enroll
from gateway.licenses.license import License, Standing
from gateway.licenses.offers import months_after
from gateway.money import Money
from gateway.paths import PathScope
from gateway.problems import ConfigurationError
from gateway.provenance.append_file import AppendFile, Disk
from gateway.provenance.erasure import NO_SALT
from gateway.provenance.frames import SealedDetail, entry_frame
from gateway.provenance.keeper import FoldBatch, Keeper
from gateway.provenance.record import FetchDetail
from gateway.provenance.segments import segment_name, segments
from gateway.store.sqlite.audit_windows import audit_windows
from gateway.store.sqlite.auditors import SqliteAuditors
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.details import SqliteDetails
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.register import SqliteRegister
from gateway.store.sqlite.stored_rows import stored_rows
from gateway.terms.license_terms import Audit, Compensation, LicenseTerms, Purpose, Scope
from loadtests.recording import paid
from tests.store.sqlite.shelf_of_records import KEEP, entries, shelf

DAY = 86_400


@pytest.fixture
async def database(tmp_path):
    made = await Database.open(tmp_path / "licet.db")
    yield made
    await made.close()


def config_of(tmp_path, text):
    (tmp_path / "licet.toml").write_text(text)
    return read_config(tmp_path)


async def license_with(database, clock, months):
    now = clock.now_us() // 1_000_000
    made = enroll("Example AI Labs", now=now, standing=Standing.ACTIVE)
    register = SqliteRegister(database)
    await register.add_licensee(made.licensee, made.client)
    terms = LicenseTerms(
        Scope(("essays",), (PathScope("/essays/"),)), Purpose(frozenset()), Compensation("USD", per_fetch=Money(5000, "USD")),
        audit=Audit(audit_window_months=months),
    )  # fmt: skip
    license = License(
        "li_1", made.licensee.id, "journal", "training", terms, "sha-256:p", now, now + 365 * DAY
    )
    assert await register.grant(license) == license
    return license


async def test_a_setting_that_forgets_evidence_stops_the_start(tmp_path, database):
    clock = HandClock()
    short = config_of(tmp_path, "[retention]\nlooks_months = 6\n")
    await check_retention(short, database, clock)
    license = await license_with(database, clock, 24)
    (window,) = await audit_windows(database)
    assert (window.license, window.ends_at, window.months) == ("li_1", license.ends_at, 24)
    with pytest.raises(ConfigurationError) as raised:
        await check_retention(short, database, clock)
    (mistake,) = raised.value.mistakes
    assert str(mistake).startswith(f"{tmp_path / 'licet.toml'}: retention.looks_months: ")
    await check_retention(config_of(tmp_path, "[retention]\nlooks_months = 24\n"), database, clock)
    # Long after the end there is nothing left to audit.
    clock.advance((365 + 731) * DAY)
    await check_retention(short, database, clock)


async def test_the_timer_cuts_then_erases_and_leaves_the_rest(tmp_path, database):
    clock = HandClock()
    config = config_of(tmp_path, "[store]\ncut_days = 3\ndetail_days = 14\n[retention]\nlooks_months = 12\n")
    config.journal.mkdir()
    now = clock.now_us()
    details = [
        SealedDetail(
            f"r{days}",
            bytes(32),
            now - days * DAY * 1_000_000 - 1,
            FetchDetail("203.0.113.9", user_agent="x"),
        )
        for days in (1, 3, 14)
    ]
    await SqliteFolding(database).fold(FoldBatch((), tuple(details), ()))
    auditors, made = (
        SqliteAuditors(database),
        invite("Ada", site="journal", first="2026-10", last="2026-11", days=9, now=1),
    )
    await auditors.add(made.auditor)
    looks = [Look(made.auditor.id, now // 1_000_000 - days * DAY, "scope", "given") for days in (367, 300)]
    for each in looks:
        await auditors.looked(each)
    for _ in range(2):
        await forget_in_time(config, database, clock)
        kept = SqliteDetails(database)
        assert await kept.detail("r1") == (details[0].detail, bytes(32))
        assert await kept.detail("r3") == (FetchDetail("203.0.113.0/24"), NO_SALT)
        assert await kept.detail("r14") is None
        assert await auditors.looks("", 9) == (looks[1],)
    await forget_in_time(
        replace(config, store=config.store.model_copy(update={"detail_days": 0})), database, clock
    )
    assert await kept.detail("r1") is None


async def test_files_that_ended_an_hour_ago_are_packed_and_no_other(tmp_path, database):
    clock, config = HandClock(), config_of(tmp_path, "")
    config.journal.mkdir()
    fetch = paid(1).record
    ages = {1: 7200, 2: 3601, 3: 3500, 4: 0}
    for number, age in ages.items():
        file = AppendFile(config.journal / segment_name("w0", "0" * 24, number), Disk())
        made = replace(fetch, id=f"{fetch.id[:-1]}{number}")
        file.append(entry_frame("fetch", made.canonical(), bytes(32)), b"")
        file.close()
        when = clock.now_us() // 1_000_000 - age
        os.utime(file.path, (when, when))
    await Keeper(config.journal, SqliteFolding(database)).catch_up()
    await forget_in_time(config, database, clock)
    packed = [path.read_bytes().startswith(b"\x1f\x8b") for path in segments(config.journal)]
    assert packed == [True, True, False, False]
    assert [row.why for row in await database.read(stored_rows)] == [""] * 4


@pytest.mark.parametrize(
    ("months", "window", "text", "leave"),
    [
        (14, 0, "", True),
        (13, 0, "", False),
        (14, 24, "", False),
        (25, 24, "", True),
        (14, 0, "[retention]\nrows_months = 24\n", False),
        (3, 0, "[retention]\nrows_months = 2\n", True),
        (300, 0, "[retention]\nrows_months = 0\n", False),
    ],
)
async def test_rows_leave_in_time_and_never_before_an_audit_may_look(
    tmp_path, database, monkeypatch, months, window, text, leave
):
    monkeypatch.setattr("gateway.store.sqlite.shelving.COUNTED", KEEP)
    made = entries(500)
    await shelf(database, tmp_path / "journal", made)
    clock = HandClock(months_after(made[-1].time_us // 1_000_000, months) * 1_000_000)
    if window:
        await license_with(database, clock, window)
    config = config_of(tmp_path, text)
    await forget_in_time(config, database, clock)
    count = await database.read(lambda db: db.execute("SELECT count(*) FROM journal").get)
    assert (count < len(made)) is leave
    await check_retention(config, database, clock)
