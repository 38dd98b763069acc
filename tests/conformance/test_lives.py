"""`Lives`: versions of licenses, one after the other, and how each ends, once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.licenses.exclusivity import Conflict
from gateway.licenses.life import DAY, amended, cut, renewed
from gateway.licenses.life_events import followed, revoked
from gateway.outbox.events import About
from gateway.paths import PathScope
from gateway.terms.license_terms import Exclusivity, Scope

WIDER = Scope(("essays", "notes"), (PathScope("/essays/"), PathScope("/notes/")))


async def first_of(ports, make, **changes):
    await ports.register.add_licensee(*make.enrolled(1))
    license = make.license_of("li_1", **changes)
    assert await ports.register.grant(license) == license
    return license


def changed(license, now, scope=WIDER):
    return amended(license, replace(license.terms, scope=scope), policy="p2", now=now)


async def told(ports):
    return [each.event.type for each in await ports.events.after(0, 99, About(subject="li_1"))]


async def test_an_amendment_takes_the_place_of_what_it_follows(ports, make):
    license = await first_of(ports, make)
    now = license.starts_at + 5
    new = changed(license, now)
    assert await ports.lives.put_version(new, "ag_1", events=[followed(license, new, now)]) == new
    assert await ports.lives.versions("li_1") == (cut(license, new), new)
    assert await ports.lives.versions("li_9") == ()
    assert await ports.register.license("li_1") == new
    assert await ports.register.licenses_of("le_1") == (new, cut(license, new))
    assert (await ports.register.revocations()).superseded == {("li_1", license.terms.hash)}
    assert await told(ports) == ["license.amended"]


async def test_terms_that_come_back_hold_again(ports, make):
    license = await first_of(ports, make)
    second = changed(license, license.starts_at + 1)
    await ports.lives.put_version(second, "ag_1")
    third = changed(second, license.starts_at + 2, license.terms.scope)
    await ports.lives.put_version(third, "ag_2")
    assert third.terms.hash == license.terms.hash
    assert (await ports.register.revocations()).superseded == {("li_1", second.terms.hash)}


async def test_one_agreement_makes_one_version_and_of_two_at_once_one_is_kept(ports, make):
    license = await first_of(ports, make)
    new = changed(license, license.starts_at + 5)
    made = await asyncio.gather(
        *(ports.lives.put_version(replace(new, starts_at=new.starts_at + nth), "ag_1") for nth in range(4))
    )
    assert len(set(map(repr, made))) == 1, "asked again it is what was made"
    assert await ports.lives.made_by("ag_1") == made[0]
    assert await ports.lives.made_by("ag_9") is None
    others = await asyncio.gather(
        *(
            ports.lives.put_version(replace(new, version=3, starts_at=new.starts_at + 9), f"ag_1{nth}")
            for nth in range(4)
        )
    )
    assert sum(each is not None for each in others) == 1
    assert [each.version for each in await ports.lives.versions("li_1")] == [1, 2, 3]


async def test_what_does_not_follow_is_not_kept(ports, make):
    license = await first_of(ports, make)
    new = changed(license, license.starts_at + 5)
    event = followed(license, new, 1)
    for odd in (
        replace(new, version=3),
        replace(new, id="li_9"),
        replace(new, starts_at=license.ends_at + 1),
    ):
        assert await ports.lives.put_version(odd, "ag_1", events=[event]) is None
    await ports.register.revoke("license", "li_1", 20, events=[revoked(license, 20)])
    assert await ports.lives.put_version(new, "ag_1", events=[event]) is None
    assert await ports.lives.versions("li_1") == (license,)
    assert await told(ports) == ["license.revoked"]


async def test_a_version_is_shut_out_by_somebody_elses_exclusive_license(ports, make):
    license = await first_of(ports, make)
    await ports.register.add_licensee(*make.enrolled(2))
    notes = replace(
        make.TERMS, scope=Scope(("notes",), (PathScope("/notes/"),)), exclusivity=Exclusivity(True)
    )
    sole = make.license_of("li_2", licensee="le_2", terms=notes)
    assert await ports.register.grant(sole) == sole
    refused = await ports.lives.put_version(changed(license, license.starts_at + 5), "ag_1")
    assert isinstance(refused, Conflict)
    assert refused.license == "li_2"
    assert await ports.lives.versions("li_1") == (license,)


async def test_an_exclusive_version_shuts_others_out_from_its_first_second_to_its_last(ports, make):
    license = await first_of(ports, make)
    await ports.register.add_licensee(*make.enrolled(2))
    sole = renewed(license, replace(license.terms, exclusivity=Exclusivity(True)), policy="p2")
    assert await ports.lives.put_version(sole, "ag_1") == sole
    rival = make.license_of("li_2", licensee="le_2", ends_at=sole.starts_at)
    assert await ports.register.in_the_way(rival) is None
    assert (await ports.register.in_the_way(replace(rival, ends_at=sole.starts_at + 1))).license == "li_1"
    assert (
        await ports.register.in_the_way(replace(rival, starts_at=sole.ends_at, ends_at=sole.ends_at + 9))
        is None
    )


async def test_a_renewal_holds_when_the_term_before_it_is_over(ports, make):
    license = await first_of(ports, make)
    new = renewed(license, replace(license.terms, scope=WIDER), policy="p2")
    await ports.lives.put_version(new, "ag_1")
    assert await ports.register.license("li_1") == license
    assert (await ports.register.revocations()).superseded == frozenset()
    again = replace(license, id="li_5")
    assert (await ports.register.grant(again)).id == "li_1", "the term in force says the same"
    coming = replace(new, id="li_5", starts_at=license.starts_at, ends_at=license.ends_at, version=1)
    assert (await ports.register.grant(coming)).id == "li_5", "a term that has not begun does not"
    assert await ports.lives.expire(license.ends_at, 9) == (license, coming)
    assert await ports.register.license("li_1") == new
    assert ("li_1", license.terms.hash) in (await ports.register.revocations()).superseded
    assert await told(ports) == [], "something follows"


async def test_an_end_is_told_once_and_so_is_the_notice(ports, make):
    license = await first_of(ports, make, ends_at=make.license_of("li_1").starts_at + 400 * DAY)
    end = license.ends_at
    assert await ports.lives.warn(end - 30 * DAY - 1, 9) == ()
    assert await ports.lives.warn(end - 30 * DAY, 9) == (license,)
    assert await ports.lives.warn(end - 1, 9) == ()
    assert await ports.lives.expire(end - 1, 9) == ()
    at_once = await asyncio.gather(*(ports.lives.expire(end, 9) for _ in range(4)))
    assert sorted(map(len, at_once)) == [0, 0, 0, 1]
    assert (await ports.register.revocations()).superseded == {("li_1", license.terms.hash)}
    assert await ports.register.license("li_1") == license
    assert await told(ports) == ["license.expiring", "license.expired"]


async def test_what_was_revoked_or_goes_on_is_not_told_of_its_end(ports, make):
    license = await first_of(ports, make, ends_at=make.license_of("li_1").starts_at + 400 * DAY)
    await ports.lives.put_version(renewed(license, license.terms, policy="p2"), "ag_1")
    assert await ports.lives.warn(license.ends_at - 1, 9) == ()
    await ports.register.revoke("license", "li_1", 20)
    assert [each.version for each in await ports.lives.expire(license.ends_at * 2, 9)] == [1, 2]
    assert await told(ports) == []


async def test_a_renewal_has_duties_of_its_own_and_an_amendment_those_of_its_term(ports, make):
    license = await first_of(ports, make)
    assert await ports.duties.unplanned(9) == (license,)
    await ports.duties.plan(license, ())
    second = changed(license, license.starts_at + 5)
    await ports.lives.put_version(second, "ag_1")
    assert await ports.duties.unplanned(9) == ()
    third = renewed(second, second.terms, policy="p3")
    await ports.lives.put_version(third, "ag_2")
    assert await ports.duties.unplanned(9) == (third,)
    await ports.duties.plan(third, ())
    assert await ports.duties.unplanned(9) == ()
