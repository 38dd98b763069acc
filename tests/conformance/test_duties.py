"""`Duties`: planned once, changed by version, and whatever comes of a change is kept with it or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.event import event
from gateway.licenses.duties import Part, Tally, plan_what_is_not
from gateway.licenses.obligations import (
    DAY,
    Evidence,
    Kind,
    State,
    Stated,
    accepted,
    delivered,
    excused,
    rejected,
    schedule,
)
from gateway.licenses.output_review import REVIEW_DAYS, WITHOUT_END, reviewed, waits_until
from gateway.licenses.transparency import TransparencyReport
from gateway.problems import StoreUnavailable
from gateway.store.sqlite.database import Database
from gateway.terms.license_terms import Attribution, Audit

YEAR = 365 * 86_400


def licensed(make, id="li_1", licensee="le_1", **changes):
    terms = replace(make.TERMS, audit=Audit("quarterly"), attribution=Attribution("", "", 30))
    return make.license_of(id, licensee=licensee, terms=terms, ends_at=make.NOW + YEAR, **changes)


def license_with_samples(make):
    terms = replace(make.TERMS, audit=Audit("quarterly", output_samples=2))
    return make.license_of("li_1", terms=terms, ends_at=make.NOW + YEAR)


async def granted(ports, make, *licenses):
    for number in (1, 2):
        await ports.register.add_licensee(*make.enrolled(number))
    for each in licenses or (licensed(make),):
        await ports.register.grant(each)


def report_of(duty, name="essays"):
    return TransparencyReport.model_validate(
        {
            "duty": duty.id,
            "license": duty.license,
            "period": {"begins": duty.begins, "ends": duty.ends},
            "datasets": [{"name": name, "content": ["/essays/tides"], "items": 1}],
            "models": [], "inferences": [], "revenue": [], "statement": {"by": "Eve", "role": "CEO"},
        }
    )  # fmt: skip


def met(duty, at, sha256="a" * 64):
    return delivered(duty, Evidence(sha256, "application/json", 9, at), at)


async def happened(ports):
    return [each.event for each in await ports.events.after(0, 999)]


async def test_duties_are_planned_once_and_come_back_as_they_were(ports, make):
    one, other = licensed(make), licensed(make, "li_2", "le_2", site="other")
    by_fetch = licensed(make, "pf_1", "le_2", offer="x", crawlers=frozenset({"x"}))
    await granted(ports, make, one, other, by_fetch)
    assert await ports.duties.unplanned(10) == (one, other)
    assert await ports.duties.unplanned(1) == (one,)
    assert await ports.duties.unplanned(10, licensee="le_2") == (other,)
    assert await plan_what_is_not(ports.duties, licensee="le_2") == 1
    assert await plan_what_is_not(ports.duties) == 1
    assert await plan_what_is_not(ports.duties) == 0
    assert await ports.duties.of("le_1", "journal") == schedule(one)
    assert await ports.duties.of_license("li_2") == schedule(other)
    assert await ports.duties.of("le_1", "other") == ()
    assert await ports.duties.get(schedule(one)[0].id) == schedule(one)[0]
    assert await ports.duties.get("du_9") is None
    assert len(await ports.duties.everything(100)) == 8
    assert len(await ports.duties.everything(3)) == 3


async def test_planning_again_adds_what_is_new_and_changes_nothing(ports, make):
    await granted(ports, make)
    license, at = licensed(make), make.NOW + 5
    assert await ports.duties.plan(license, schedule(license)) == 4
    first = schedule(license)[0]
    came = met(first, at)
    assert await ports.duties.put(first.version, came, at=at)
    more = schedule(license, Stated(releases=(("Summarizer 2", at),)))
    assert await ports.duties.plan(license, more) == 1
    assert await ports.duties.get(first.id) == came
    assert next(each.kind for each in await ports.duties.of_license("li_1")) is Kind.MODEL_CARD


async def test_of_many_changes_at_once_on_one_version_one_is_kept(ports, make):
    await granted(ports, make)
    await plan_what_is_not(ports.duties)
    first = schedule(licensed(make))[0]
    tries = [met(first, make.NOW, f"{nth:064x}") for nth in range(12)]
    kept = await asyncio.gather(*(ports.duties.put(first.version, each, at=make.NOW) for each in tries))
    assert kept.count(True) == 1
    assert await ports.duties.get(first.id) == tries[kept.index(True)]
    assert not await ports.duties.put("sha-256:x", tries[0], at=make.NOW)
    assert not await ports.duties.put(first.version, replace(first, id="du_9"), at=make.NOW), "there is none"


async def test_what_comes_of_a_delivery_is_kept_with_it_or_not_at_all(ports, make):
    await granted(ports, make)
    await plan_what_is_not(ports.duties)
    license, at = licensed(make), make.NOW + 9
    first = schedule(license)[0]
    card = next(
        each for each in schedule(license, Stated((("Summarizer 2", at),))) if each.kind is Kind.MODEL_CARD
    )
    told = event("duty.delivered", at=at, site="journal", subject=first.id, licensee="le_1", body={})
    await ports.register.suspend("li_1", first.id, "Late.", at - 1)
    await ports.register.suspend("li_1", "owner", "By hand.", at - 1)
    given = {"at": at, "report": report_of(first), "also": (card,), "events": (told,)}
    assert not await ports.duties.put("sha-256:x", met(first, at), **given)
    assert await ports.duties.reports("li_1") == ()
    assert await ports.duties.get(card.id) is None
    assert told.id not in {each.id for each in await happened(ports)}
    assert (await ports.register.revocations()).suspended

    assert await ports.duties.put(first.version, met(first, at), **given)
    (kept,) = await ports.duties.reports("li_1")
    assert (kept.duty, kept.at, kept.report) == (first.id, at, report_of(first))
    assert await ports.duties.get(card.id) == card
    assert [each.type for each in await happened(ports)][-2:] == ["duty.delivered", "license.resumed"]
    assert (await ports.register.revocations()).suspended == (("li_1", "By hand."),), "each cause by itself"


async def test_what_is_turned_back_lifts_nothing(ports, make):
    await granted(ports, make)
    await plan_what_is_not(ports.duties)
    first = schedule(licensed(make))[0]
    came = met(first, 5)
    await ports.duties.put(first.version, came, at=5)
    await ports.register.suspend("li_1", first.id, "Late.", 6)
    back = rejected(came, "No model is named.", 7)
    assert await ports.duties.put(came.version, back, at=7)
    assert (await ports.register.revocations()).suspended == (("li_1", "Late."),)
    assert (await ports.duties.get(first.id)).state is State.REJECTED


async def test_of_several_reports_for_one_duty_the_last_stands_last(ports, make):
    await granted(ports, make)
    await plan_what_is_not(ports.duties)
    first = schedule(licensed(make))[0]
    one, other = report_of(first, "one"), report_of(first, "other")
    came = met(first, 5, one.sha256)
    await ports.duties.put(first.version, came, at=5, report=one)
    again = met(came, 6, other.sha256)
    await ports.duties.put(came.version, again, at=6, report=other)
    assert [each.report for each in await ports.duties.reports("li_1")] == [one, other]
    assert await ports.duties.reports("li_2") == ()


async def test_what_is_unmet_is_listed_by_its_deadline(ports, make):
    other = licensed(make, "li_2", "le_2")
    await granted(ports, make, licensed(make), other)
    await plan_what_is_not(ports.duties)
    first, second = schedule(licensed(make))[:2]
    await ports.register.revoke("license", "li_2", make.NOW)
    assert await ports.duties.unmet(first.due_at - 1, 10) == ()
    assert await ports.duties.unmet(first.due_at, 10) == (first,), "nobody is reminded of what was revoked"
    assert await ports.duties.unmet(second.due_at, 10) == (first, second)
    assert await ports.duties.unmet(second.due_at, 1) == (first,)
    came = met(first, 5)
    await ports.duties.put(first.version, came, at=5)
    assert await ports.duties.unmet(second.due_at, 10) == (second,)
    back = rejected(came, "No.", first.due_at)
    await ports.duties.put(came.version, back, at=6)
    assert await ports.duties.unmet(back.deadline, 10) == (back,)
    assert await ports.duties.unmet(back.deadline - 1, 10) == ()
    assert len(await ports.duties.of_license("li_2")) == 4, "and it is still there to be read"


async def test_a_reminder_is_kept_once(ports, make):
    told = event("duty.due_soon", at=5, site="journal", subject="du_1", nth="14d", body={})
    await asyncio.gather(*(ports.duties.tell([told]) for _ in range(5)))
    await ports.duties.tell([replace(told, at=9)])
    assert await happened(ports) == [told]


async def test_a_duty_that_was_changed_in_the_file_is_not_told(make, tmp_path):
    database = await Database.open(tmp_path / "licet.db")
    ports = make.sqlite_ports(database)
    await granted(ports, make)
    await plan_what_is_not(ports.duties)
    sql = "UPDATE duties SET document = replace(document, 'due_at', 'duu_at')"
    await database.write(lambda db: db.execute(sql).fetchall())
    with pytest.raises(StoreUnavailable):
        await ports.duties.everything(9)
    await database.close()


async def test_accepted_stays_as_it_is(ports, make):
    await granted(ports, make)
    await plan_what_is_not(ports.duties)
    first = schedule(licensed(make))[0]
    came = met(first, 5)
    await ports.duties.put(first.version, came, at=5)
    assert await ports.duties.put(came.version, accepted(came), at=6)
    assert (await ports.duties.get(first.id)).state is State.ACCEPTED


async def test_a_license_is_suspended_for_a_duty_only_while_it_waits(ports, make):
    await granted(ports, make)
    await plan_what_is_not(ports.duties)
    first = schedule(licensed(make))[0]
    put = await asyncio.gather(*(ports.duties.suspend(first, "Late.", 100 + nth) for nth in range(6)))
    assert put.count(True) == 1
    came = met(first, 200)
    await ports.duties.put(first.version, came, at=200)
    assert not await ports.duties.suspend(first, "Late.", 300), "it was handed in meanwhile"
    assert (await ports.register.revocations()).suspended == ()
    types = [each.type for each in await happened(ports)]
    assert types == ["license.suspended", "license.resumed"]


async def test_they_are_listed_behind_a_place_of_everybody_or_of_one(ports, make):
    one, other = licensed(make), licensed(make, "li_2", "le_2", site="other")
    await granted(ports, make, one, other)
    assert await ports.duties.holders() == ()
    while await plan_what_is_not(ports.duties):
        pass
    assert await ports.duties.holders() == ("le_1", "le_2")
    every = sorted([*schedule(one), *schedule(other)], key=lambda duty: (duty.deadline, duty.id))
    for licensee, wanted in (("", every), ("le_2", [*schedule(other)]), ("le_9", [])):
        paged, behind = [], None
        while rows := await ports.duties.everything(3, behind, licensee=licensee):
            assert len(rows) <= 3
            paged += rows
            behind = rows[-1].place
        assert paged == wanted
    # Two of one deadline stand by their ids, and a place holds though its duty is elsewhere by now.
    assert len({duty.deadline for duty in every}) < len(every)
    gone = (every[2].deadline, f"{every[2].id}0")
    assert (await ports.duties.everything(1, gone))[0] == every[3]
    back = rejected(met(every[0], make.NOW), "no", make.NOW + 2 * YEAR)
    came = met(every[0], make.NOW)
    assert await ports.duties.put(every[0].version, came, at=make.NOW)
    assert await ports.duties.put(came.version, back, at=make.NOW + 2 * YEAR)
    assert (await ports.duties.everything(99))[-1] == back


async def test_each_stands_in_one_part_and_is_counted_there(ports, make):
    """Samples that nobody looked at in time wait no longer, to the second."""
    one = license_with_samples(make)
    await granted(ports, make, one, licensed(make, "li_2", "le_2"))
    while await plan_what_is_not(ports.duties):
        pass
    every = {duty.id: duty for duty in await ports.duties.everything(99)}
    mine = [duty for duty in every.values() if duty.license == "li_1"]
    samples = [duty for duty in mine if duty.kind is Kind.OUTPUT_SAMPLES]
    reports = [duty for duty in mine if duty.kind is Kind.REPORT]
    at = make.NOW + 5
    changed = {
        samples[0]: met(samples[0], at), samples[1]: rejected(met(samples[1], at), "no", at),
        reports[0]: met(reports[0], at), reports[1]: accepted(met(reports[1], at)), reports[2]: excused(reports[2], "x"),
    }  # fmt: skip
    for before, after in changed.items():
        if after.delivered_at and after.state is not State.DELIVERED:
            assert await ports.duties.put(before.version, met(before, at), at=at)
            before = met(before, at)
        assert await ports.duties.put(before.version, after, at=at)
        every[after.id] = after
    ordered = sorted(every.values(), key=lambda duty: duty.place)
    late = ordered[len(ordered) // 2].deadline
    for now in (at, at + REVIEW_DAYS * DAY - 1, at + REVIEW_DAYS * DAY, late, make.NOW + 3 * YEAR):
        for licensee in ("", "le_1", "le_2", "le_9"):
            whose = [duty for duty in ordered if licensee in {"", duty.licensee}]
            unmet = [duty for duty in whose if duty.unmet]
            waiting = [duty for duty in whose if reviewed(duty, now) is State.DELIVERED]
            done = [duty for duty in whose if duty not in unmet and duty not in waiting]
            for part, wanted in ((Part.UNMET, unmet), (Part.WAITING, waiting), (Part.DONE, done[::-1])):
                assert await ports.duties.part(part, now, 99, licensee=licensee) == (*wanted,), (part, now)
                assert await ports.duties.part(part, now, 1, licensee=licensee) == (*wanted[:1],)
            soon = now + 100 * DAY
            tally = await ports.duties.tally(now, soon, ["li_1", "li_9"], licensee=licensee)
            assert tally == Tally(
                sum(duty.state_at(now) is State.OVERDUE for duty in unmet),
                sum(now < duty.deadline <= soon for duty in unmet),
                sum(duty.deadline > soon for duty in unmet),
                len(waiting),
                int(licensee in {"", "le_1"}),
            )
            assert tally.unmet == len(unmet)
    assert waits_until(met(samples[0], at)) == at + REVIEW_DAYS * DAY
    assert waits_until(met(reports[0], at)) == WITHOUT_END
    assert waits_until(reports[0]) == 0
