"""Acts on duties, with everything that comes of them, over stores in memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from gateway.licenses.duties import plan_what_is_not
from gateway.licenses.duty_book import DutyBook
from gateway.licenses.license import Client, License, Licensee, Standing
from gateway.licenses.obligations import DAY, WEEK, Evidence, Kind, State, schedule
from gateway.licenses.transparency import TransparencyReport
from gateway.problems import Problem
from gateway.store.memory.duties import MemoryDuties
from gateway.store.memory.evidence import MemoryEvidence
from gateway.store.memory.register import MemoryRegister
from gateway.terms.license_terms import (
    Attribution,
    Audit,
    Compensation,
    Liability,
    LicenseTerms,
    Purpose,
    Scope,
)

START = 1_767_225_600
TERMS = LicenseTerms(
    Scope((), ()), Purpose(frozenset()), Compensation("USD"), audit=Audit("quarterly", output_samples=1),
    attribution=Attribution(model_card_days=30), liability=Liability(insurance=True),
)  # fmt: skip
LICENSE = License("li_1", "le_1", "journal", "", TERMS, "p", START, START + 365 * DAY)


class Desk:
    def __init__(self):
        self.register = MemoryRegister()
        self.duties = MemoryDuties(self.register)
        self.shelf = MemoryEvidence()
        self.book = DutyBook(self.duties, self.register, self.shelf)

    async def open(self):
        licensee = Licensee("le_1", "Example AI", Standing.ACTIVE, START)
        await self.register.add_licensee(licensee, Client("cl_1", "le_1", "", START))
        await self.register.grant(LICENSE)
        await plan_what_is_not(self.duties)

    async def first(self, kind):
        return next(each for each in await self.duties.of_license("li_1") if each.kind is kind)

    async def hand_in(self, duty, octets=b"x", now=0, holds_until=0, **more):
        now = now or duty.ends
        evidence = Evidence(
            hashlib.sha256(octets).hexdigest(), "text/plain", len(octets), now, "", holds_until
        )
        return await self.book.hand_in(duty, duty.version, octets, evidence, now, **more)

    @property
    def told(self):
        return [each.event.type for each in self.register.happened.kept()]

    async def suspended(self):
        return (await self.register.revocations()).suspended


@pytest.fixture
async def desk():
    made = Desk()
    await made.open()
    return made


def report_of(duty, released_on=None):
    model = {"name": "Summarizer", "version": "2", "datasets": [], "released_on": released_on}
    return TransparencyReport.model_validate(
        {
            "duty": duty.id, "license": "li_1", "period": {"begins": duty.begins, "ends": duty.ends}, "datasets": [],
            "models": [model], "inferences": [], "revenue": [], "statement": {"by": "Eve", "role": "CEO"},
        }
    )  # fmt: skip


async def test_a_report_brings_the_duty_to_hand_in_a_model_card_once(desk):
    duty = await desk.first(Kind.REPORT)
    report = report_of(duty, "2026-02-01")
    came = await desk.hand_in(duty, report.document, report=report)
    assert came.state is State.DELIVERED
    card = await desk.first(Kind.MODEL_CARD)
    assert card.asked == "The model card of Summarizer 2, which names the works as a source."
    second = next(
        each
        for each in await desk.duties.of_license("li_1")
        if each.kind is Kind.REPORT and each.begins > duty.begins
    )
    await desk.hand_in(
        second, report_of(second, "2026-02-01").document, report=report_of(second, "2026-02-01")
    )
    cards = [each for each in await desk.duties.of_license("li_1") if each.kind is Kind.MODEL_CARD]
    assert cards == [card], "a release that is told again is the same one"
    assert desk.told == ["duty.delivered", "duty.delivered"]


async def test_a_proof_of_insurance_brings_the_next_one(desk):
    duty = await desk.first(Kind.INSURANCE)
    await desk.hand_in(duty, holds_until=START + 200 * DAY)
    dues = [each.due_at for each in await desk.duties.of_license("li_1") if each.kind is Kind.INSURANCE]
    assert dues == [START + 30 * DAY, START + 200 * DAY]
    late = next(each for each in await desk.duties.of_license("li_1") if each.due_at == START + 200 * DAY)
    await desk.hand_in(late, b"y", holds_until=START + 500 * DAY)
    assert len([each for each in await desk.duties.of_license("li_1") if each.kind is Kind.INSURANCE]) == 2


async def test_the_same_document_again_is_the_same_act(desk):
    duty = await desk.first(Kind.REPORT)
    came = await desk.hand_in(duty)
    assert await desk.hand_in(duty) == came
    other = await desk.hand_in(duty, b"other")
    assert other.problem is Problem.VERSION_OUTDATED
    assert dict(other.facts) == {"version": came.version, "state": "delivered"}
    assert desk.told == ["duty.delivered"]


async def test_a_document_is_on_the_shelf_before_anything_names_it(desk):
    duty = await desk.first(Kind.REPORT)

    class Down(MemoryEvidence):
        async def keep(self, octets):
            raise OSError("full")

    desk.book = replace(desk.book, shelf=Down())
    with pytest.raises(OSError, match="full"):
        await desk.hand_in(duty)
    assert await desk.first(Kind.REPORT) == duty


async def test_late_means_suspended_and_handed_in_means_resumed_at_once(desk):
    duty = await desk.first(Kind.REPORT)
    late = duty.due_at + 30 * DAY
    assert await desk.book.remind_and_suspend(late - 1) == 0
    assert await desk.suspended() == ()
    assert [await desk.book.remind_and_suspend(late + nth) for nth in range(3)] == [1, 0, 0]
    assert await desk.suspended() == (
        ("li_1", f"Overdue since 2026-05-01: {duty.asked}"),
    )  # fmt: skip
    await desk.hand_in(duty, now=late + 5)
    assert await desk.suspended() == ()
    assert await desk.book.remind_and_suspend(late + 6) == 0
    assert desk.told.count("license.suspended") == desk.told.count("license.resumed") == 1


async def test_turned_back_late_is_suspended_again_after_time_to_mend_it(desk):
    duty = await desk.first(Kind.REPORT)
    late = duty.due_at + 40 * DAY
    await desk.book.remind_and_suspend(late)
    await desk.hand_in(duty, now=late)
    back = await desk.book.reject(duty.id, "It names no model.", late + DAY)
    assert (back.state, back.why) == (State.REJECTED, "It names no model.")
    assert await desk.book.remind_and_suspend(back.deadline + 30 * DAY - 1) == 0
    assert await desk.book.remind_and_suspend(back.deadline + 30 * DAY) == 1
    await desk.book.excuse(duty.id, "The product was never launched.", back.deadline + 31 * DAY)
    assert await desk.suspended() == ()
    assert desk.told.count("license.resumed") == 2


async def test_each_reminder_is_told_once_however_often_the_clock_ticks(desk):
    duty = await desk.first(Kind.REPORT)
    for days in (-20, -14, -13, -14, -3, -2, -3, 0, 1, 0, 8, 9, 14):
        await desk.book.remind_and_suspend(duty.due_at + days * DAY)
    mine = [each.event for each in desk.register.happened.kept() if each.event.subject == duty.id]
    assert [each.type for each in mine] == ["duty.due_soon", "duty.due_soon", *["duty.overdue"] * 3]
    assert [each.at - duty.due_at for each in mine] == [-14 * DAY, -3 * DAY, 0, 8 * DAY, 14 * DAY]
    assert mine[0].body["path"] == f"/.licet/duties/{duty.id}"
    assert mine[0].licensee == "le_1"


async def test_who_was_away_hears_the_latest_alone(desk):
    duty = await desk.first(Kind.INSURANCE)
    await desk.book.remind_and_suspend(duty.due_at + 5 * WEEK)
    assert desk.told == ["duty.overdue"]


async def test_a_veto_is_kept_with_the_duty_to_answer_it(desk):
    duty = await desk.first(Kind.OUTPUT_SAMPLES)
    octets = json.dumps({"samples": [{"output": "x", "works": ["/a"]}] * 2}).encode()
    came = await desk.hand_in(duty, octets, now=duty.due_at)
    assert (await desk.book.reject(duty.id, "no", duty.due_at)).problem is Problem.DUTY_OVER
    assert (await desk.book.veto(duty.id, [3], "no", duty.due_at)).problem is Problem.DOCUMENT_INVALID
    assert (
        await desk.book.veto(duty.id, [1], "no", duty.due_at, version="x")
    ).problem is Problem.VERSION_OUTDATED
    veto = await desk.book.veto(duty.id, [2], "It denies the tides.", duty.due_at + DAY, version=came.version)
    assert veto.state is State.VETOED
    answer = await desk.first(Kind.ANSWER)
    assert answer.due_at == duty.due_at + 31 * DAY
    assert "It denies the tides." in answer.asked
    assert desk.told == ["duty.delivered", "duty.vetoed"]
    await desk.hand_in(answer, b"We filter it.", now=duty.due_at + 2 * DAY)
    assert (await desk.book.accept(answer.id, duty.due_at + 3 * DAY)).state is State.ACCEPTED


@pytest.mark.parametrize("why", ["", "  ", "x" * 501, "a\x1b[2Jb"])
async def test_a_reason_is_a_text(desk, why):
    duty = await desk.first(Kind.REPORT)
    assert (await desk.book.excuse(duty.id, why, START)).problem is Problem.DOCUMENT_INVALID
    await desk.hand_in(duty)
    assert (await desk.book.reject(duty.id, why, START)).problem is Problem.DOCUMENT_INVALID


async def test_a_period_is_reported_after_its_end(desk):
    duty = await desk.first(Kind.REPORT)
    early = await desk.hand_in(duty, now=duty.ends - 1)
    assert early.problem is Problem.DUTY_OVER
    assert "Its period ends on 2026-04-01" in early.detail
    assert await desk.first(Kind.REPORT) == duty
    assert (await desk.hand_in(duty, now=duty.ends)).state is State.DELIVERED


async def test_what_is_not_there_is_refused(desk):
    assert (await desk.book.accept("du_9", START)).problem is Problem.NOT_FOUND
    assert schedule(LICENSE)[0].id != "du_9"
