"""`PersonReports`: what people say who were taken for machines, and what came of it."""

from __future__ import annotations

import sys
from dataclasses import replace

from gateway.provenance.keeper import SealedDetail
from gateway.provenance.record import FetchDetail
from gateway.visitors.person_reports import WEEK, PersonReport, Refused, Week, weekly

REPORT = PersonReport("pr_1", "journal", 1000, "f-1", "/essays/1", "203.0.113.0/24", "I am no robot")


async def test_those_that_wait_come_first_and_each_is_kept_once(ports):
    book = ports.person_reports
    assert await book.add(REPORT)
    assert await book.add(replace(REPORT, id="pr_2", at=1001)), "the same request again is no error"
    assert await book.add(replace(REPORT, id="pr_3", request="f-2", at=1002))
    assert [each.id for each in await book.all(9)] == ["pr_3", "pr_1"]
    assert await book.decide("pr_3", "exempted", "network:203.0.113.0/24", 2000)
    assert not await book.decide("pr_9", "dismissed", "", 2000)
    assert [each.id for each in await book.all(9)] == ["pr_1", "pr_3"]
    assert len(await book.all(1)) == 1
    assert (await book.get("pr_3")).exempted == "network:203.0.113.0/24"
    assert await book.get("pr_1") == REPORT
    assert await book.get("pr_2") is None
    assert [each.id for each in await book.since(1001)] == ["pr_3"]


async def test_the_list_goes_on_behind_any_place_and_misses_none(ports):
    book = ports.person_reports
    for nth in range(20):
        assert await book.add(replace(REPORT, id=f"pr_{nth * 7 % 20:02}", request=f"f-{nth}", at=nth // 4))
        if nth % 3:
            await book.decide(f"pr_{nth * 7 % 20:02}", "dismissed", "", 9)
    every = await book.all(99)
    assert [each.state for each in every] == ["open"] * 7 + ["dismissed"] * 13
    for most in (1, 3, 7, 8):
        found, behind = [], None
        while rows := await book.all(most, behind):
            found += rows
            behind = (rows[-1].state == "open", rows[-1].at, rows[-1].id)
        assert found == [*every], most
    gone = (every[3].state == "open", every[3].at, every[3].id)
    assert await book.decide(every[3].id, "exempted", "reason:x", 9)
    assert (await book.all(1, gone))[0] == every[4], "the place stays where its report went on"


async def test_the_inbox_has_an_end_and_old_reports_are_erased(monkeypatch, ports):
    book, MOST_OPEN = ports.person_reports, 5
    monkeypatch.setattr(sys.modules[type(book).__module__], "MOST_OPEN", MOST_OPEN)
    for nth in range(MOST_OPEN):
        assert await book.add(replace(REPORT, id=f"pr_{nth}", request=f"f-{nth}", at=nth))
    assert not await book.add(replace(REPORT, id="more", request="more"))
    await book.decide("pr_0", "dismissed", "", 5)
    assert await book.add(replace(REPORT, id="more", request="more", at=9_999))
    assert await book.forget(MOST_OPEN) == MOST_OPEN
    assert [each.id for each in await book.all(9)] == ["more"]


async def test_the_log_says_what_it_was_about_until_that_is_erased(ports, make):
    refused = make.fetch(
        "f-1", outcome="refused", problem="license-required", rule="rules[0]", visitor_class="automation",
        micros=0, crawler="",
    )  # fmt: skip
    detail = FetchDetail(address="203.0.113.9", evidence=("header_contradictions", "no_accept_language"))
    sealed = SealedDetail("f-1", b"s" * 32, refused.time_us, detail)
    await ports.folding.fold(make.batch(refused, make.fetch("f-2"), details=(sealed,)))
    told = Refused("license-required", "rules[0]", "automation", "", detail.address, detail.evidence)
    assert await ports.person_reports.refused("f-1") == told
    assert (await ports.person_reports.refused("f-2")).reasons == ()
    assert await ports.person_reports.refused("f-9") is None


def test_false_positives_are_counted_by_the_week():
    now = 10 * WEEK
    rows = [
        replace(REPORT, at=now), replace(REPORT, at=now - 1, state="exempted"), replace(REPORT, at=now - WEEK),
        replace(REPORT, at=now - 8 * WEEK), replace(REPORT, at=now + 1),
    ]  # fmt: skip
    found = weekly(rows, now)
    assert len(found) == 8
    assert found[-2:] == (Week(now - 2 * WEEK, 1, 0), Week(now - WEEK, 2, 1))
    assert sum(each.reported for each in found) == 3


async def test_each_report_is_told_once_and_the_first_of_an_hour_is_marked(ports):
    book, HOUR = ports.person_reports, 3_600
    for id, request, at, site in (
        ("pr_1", "f-1", 1000, "journal"),
        ("pr_2", "f-1", 1001, "journal"),
        ("pr_3", "f-3", 1002, "videos"),
        ("pr_4", "f-4", HOUR - 1, "journal"),
        ("pr_5", "f-5", HOUR, "journal"),
    ):
        await book.add(replace(REPORT, id=id, request=request, at=at, site=site))
    told = [each.event for each in await ports.events.after(0, 99) if each.event.type == "person.reported"]
    assert [(each.subject, each.site, each.body["first_in_hour"]) for each in told] == [
        ("pr_1", "journal", True),
        ("pr_3", "videos", False),
        ("pr_4", "journal", False),
        ("pr_5", "journal", True),
    ]
    assert {each.licensee for each in told} == {""}, "nobody but the operator hears it"
    assert "203.0.113" not in repr(told)
    assert REPORT.note not in repr(told)
