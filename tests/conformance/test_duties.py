"""`Duties`: planned once, changed by version, and whatever comes of a change is kept with it or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.event import event
from gateway.licenses.duties import plan_what_is_not
from gateway.licenses.obligations import (
    Evidence,
    Kind,
    State,
    Stated,
    accepted,
    delivered,
    rejected,
    schedule,
)
from gateway.licenses.transparency import TransparencyReport
from gateway.problems import StoreUnavailable
from gateway.store.sqlite.database import Database
from gateway.terms.license_terms import Attribution, Audit

YEAR = 365 * 86_400


def licensed(make, id="li_1", licensee="le_1", **changes):
    terms = replace(make.TERMS, audit=Audit("quarterly"), attribution=Attribution("", "", 30))
    return make.license_of(id, licensee=licensee, terms=terms, ends_at=make.NOW + YEAR, **changes)


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
