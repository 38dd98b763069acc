"""`Negotiations`: every act is on what stands there, and what comes back is what was said."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.licenses.bargaining import Accept, AskFacts, Person
from gateway.licenses.exclusivity import Conflict
from gateway.licenses.negotiation import (
    Negotiation,
    Side,
    State,
    accepted,
    agreed,
    proposed,
    terminated,
)
from gateway.licenses.negotiations import ORDERS, Place, Sought, Stand, place_of
from gateway.problems import StoreUnavailable
from gateway.store.sqlite.database import Database
from gateway.terms.license_terms import Basis, Exclusivity, Offer, Territory


def begun(make, id="ne_1", answer=None, licensee="le_1", at=0, **offer):
    terms = replace(make.TERMS, territory=Territory(frozenset({"DE"}), Basis.USE))
    about = Offer("training", "journal", terms, "sha-256:p", 1, 900, 7)
    blank = Negotiation(id, replace(about, **offer), licensee, "cl_1", make.NOW + at)
    return proposed(
        blank, make.TERMS, {"use_case": "x"}, answer or Accept(make.TERMS), now=make.NOW + at, patience=60
    )


async def enrolled(ports, make):
    for number in (1, 2):
        await ports.register.add_licensee(*make.enrolled(number))


async def test_a_negotiation_comes_back_as_it_was(ports, make):
    await enrolled(ports, make)
    one = begun(make)
    assert await ports.negotiations.put("", one)
    assert await ports.negotiations.get("ne_1") == one
    signed = {"licensee": {"name": "Example AI"}, "law": "of Ireland", "salt": "ab"}
    taken = accepted(one, make.TERMS.hash, "Yes.", now=make.NOW + 1, signed=signed)
    made = agreed(taken, "li_1", now=make.NOW + 2, contract='{"a":1}')
    assert await ports.negotiations.put(one.version, taken)
    assert await ports.negotiations.put(taken.version, made)
    assert await ports.negotiations.get("ne_1") == made
    assert await ports.negotiations.of_license("li_1") == made
    assert await ports.negotiations.of_license("") is None
    assert await ports.negotiations.get("ne_2") is None


async def test_an_act_on_what_no_longer_stands_changes_nothing(ports, make):
    await enrolled(ports, make)
    one = begun(make)
    ended = terminated(one, Side.BUYER, "no", now=make.NOW + 1)
    assert not await ports.negotiations.put("sha-256:x", one), "there is none yet"
    assert await ports.negotiations.put("", one)
    assert not await ports.negotiations.put("", ended), "there is one already"
    assert await ports.negotiations.put(one.version, ended)
    other = terminated(one, Side.BUYER, "other", now=make.NOW + 1)
    assert not await ports.negotiations.put(one.version, other)
    assert await ports.negotiations.get("ne_1") == ended


async def test_of_many_acts_at_once_on_one_version_one_is_kept(ports, make):
    await enrolled(ports, make)
    one = begun(make)
    await ports.negotiations.put("", one)
    ends = [terminated(one, Side.BUYER, f"reason {n}", now=make.NOW + n) for n in range(20)]
    kept = await asyncio.gather(*(ports.negotiations.put(one.version, each) for each in ends))
    assert kept.count(True) == 1
    assert await ports.negotiations.get("ne_1") == ends[kept.index(True)]


async def test_they_are_listed_by_licensee_and_site_and_by_whom_they_wait_for(ports, make):
    await enrolled(ports, make)
    person = Person(("it is exclusive",), Accept(make.TERMS))
    late, early = begun(make, "ne_1", person, at=9), begun(make, "ne_2", AskFacts(("products",)), at=5)
    for each in (late, early, begun(make, "ne_3", licensee="le_2"), begun(make, "ne_4", site="other")):
        assert await ports.negotiations.put("", each)
    assert await ports.negotiations.of("le_1", "journal") == (early, late)
    assert await ports.negotiations.of("le_9", "journal") == ()
    assert await ports.negotiations.pending(10) == (late,)
    ended = terminated(late, Side.CREATOR, "no", now=make.NOW + 10)
    await ports.negotiations.put(late.version, ended)
    assert await ports.negotiations.pending(10) == ()
    assert ended.state is State.TERMINATED


async def test_a_transcript_that_was_changed_is_not_told(make, tmp_path):
    database = await Database.open(tmp_path / "licet.db")
    ports = make.sqlite_ports(database)
    await enrolled(ports, make)
    await ports.negotiations.put("", begun(make))
    sql = "UPDATE negotiations SET document = replace(document, 'use_case', 'use_casd')"
    await database.write(lambda db: db.execute(sql).fetchall())
    with pytest.raises(StoreUnavailable):
        await ports.negotiations.get("ne_1")
    await database.close()


def exclusive(make, id, licensee, **changes):
    terms = replace(make.TERMS, exclusivity=Exclusivity(True))
    return make.license_of(id, licensee=licensee, terms=terms, **changes)


async def test_of_many_attempts_at_one_exclusive_right_exactly_one_is_kept(ports, make):
    for number in range(1, 9):
        await ports.register.add_licensee(*make.enrolled(number))
    wanted = [exclusive(make, f"li_{n}", f"le_{n}") for n in range(1, 9)]
    got = await asyncio.gather(*(ports.register.grant(each) for each in wanted))
    kept = [each for each in got if not isinstance(each, Conflict)]
    assert len(kept) == 1
    assert {each.license for each in got if isinstance(each, Conflict)} == {kept[0].id}
    held = [await ports.register.licenses_of(f"le_{n}") for n in range(1, 9)]
    assert sum(map(len, held)) == 1


async def test_an_exclusive_license_shuts_others_out_whichever_came_first(ports, make):
    await enrolled(ports, make)
    plain = make.license_of("li_1")
    await ports.register.grant(plain)
    sole = exclusive(make, "li_2", "le_2")
    meeting = Conflict("li_1", plain.starts_at, plain.ends_at)
    assert await ports.register.in_the_way(sole) == meeting
    assert await ports.register.grant(sole) == meeting
    assert await ports.register.licenses_of("le_2") == ()
    later = replace(sole, starts_at=plain.ends_at, ends_at=plain.ends_at + 60)
    assert await ports.register.grant(later) == later, "what ends in the second it begins is apart"
    again = make.license_of("li_3", starts_at=later.starts_at, ends_at=later.ends_at)
    assert (await ports.register.grant(again)).license == "li_2"
    assert await ports.register.in_the_way(replace(again, licensee="le_2")) is None, "one's own never is"
    await ports.register.revoke("license", "li_2", later.starts_at)
    assert await ports.register.grant(again) == again, "what was revoked shuts nobody out"


async def search(ports, *, most=50, skip=0, **sought):
    """The ids of what is found behind the first *skip*, which are read one by one."""
    place = None
    for _ in range(skip):
        for each in await ports.negotiations.search(Sought(**sought), most=1, behind=place):
            place = place_of(each, sought.get("order", ""))
    return [each.id for each in await ports.negotiations.search(Sought(**sought), most=most, behind=place)]


async def test_they_are_found_by_whom_they_wait_for_where_and_about_what(ports, make):
    await enrolled(ports, make)
    waits = Person(("tier 1",), Accept(make.TERMS))
    made = {
        "ne_1": begun(make, "ne_1", waits, at=3),
        "ne_2": begun(make, "ne_2", waits, at=1),
        "ne_3": begun(make, "ne_3", at=2, site="gazette"),
        "ne_4": begun(make, "ne_4", licensee="le_2", at=4),
        "ne_5": terminated(begun(make, "ne_5", at=5), Side.BUYER, "no", now=make.NOW + 6),
        "ne_6": terminated(begun(make, "ne_6", at=6), Side.BUYER, "no", now=make.NOW + 7),
    }
    for each in made.values():
        assert await ports.negotiations.put("", each)
    everything = ["ne_2", "ne_1", "ne_4", "ne_3", "ne_6", "ne_5"]
    assert await search(ports) == everything
    assert [await search(ports, most=1, skip=n) for n in range(6)] == [[id] for id in everything]
    assert await search(ports, skip=6) == []
    assert await search(ports, stand=Stand.WAITING) == everything[:2]
    assert await search(ports, stand=Stand.OPEN) == everything[2:4]
    assert await search(ports, stand=Stand.ENDED) == everything[4:]
    assert await search(ports, site="gazette") == ["ne_3"]
    assert await search(ports, offer="training") == everything
    assert await search(ports, offer="answers") == []
    assert await search(ports, text="ne_5") == ["ne_5"]
    assert await search(ports, text="Other", licensees=frozenset({"le_2"})) == ["ne_4"]
    assert await search(ports, text="%_'") == []
    assert await search(ports, licensees=frozenset({"le_2"})) == everything, "without a text all are meant"
    away = terminated(made["ne_1"], Side.CREATOR, "no", now=make.NOW + 9)
    assert await ports.negotiations.put(made["ne_1"].version, away)
    assert await search(ports, stand=Stand.WAITING) == ["ne_2"]


async def test_a_list_goes_on_behind_any_place_in_any_order_and_misses_none(ports, make):
    await enrolled(ports, make)
    waits = Person(("tier 1",), Accept(make.TERMS))
    for number in range(24):
        of = {"at": number // 4, "site": "gazette" if number % 5 else "journal"}
        made = begun(make, f"ne_{number * 7 % 24:02}", *([waits] if number % 3 == 0 else []), **of)
        if number % 4 == 1:
            made = terminated(made, Side.BUYER, "no", now=make.NOW + 30)
        assert await ports.negotiations.put("", made)
    for order in ("", *ORDERS):
        for more in (
            {},
            {"turned": True},
            {"site": "gazette"},
            {"stand": Stand.OPEN},
            {"stand": Stand.ENDED},
        ):
            sought = Sought(order=order, **more)
            every = await ports.negotiations.search(sought, most=99)
            for most in (1, 3, 7):
                paged, place = [], None
                while rows := await ports.negotiations.search(sought, most=most, behind=place):
                    paged += rows
                    place = place_of(rows[-1], order)
                assert paged == [*every], (order, more, most)
    gone = Place(Stand.WAITING, make.NOW + 3, "ne_gone")
    rest = await ports.negotiations.search(Sought(), most=99, behind=gone)
    every = await ports.negotiations.search(Sought(), most=99)
    assert rest == every[len(every) - len(rest) :], "a place stays where its row is gone"
    assert 0 < len(rest) < len(every)


async def test_they_are_listed_in_the_order_that_is_asked_for(ports, make):
    await enrolled(ports, make)
    one = begun(make, "ne_1", at=3, site="gazette")
    two = terminated(begun(make, "ne_2", at=1, site="Zeitung"), Side.BUYER, "no", now=make.NOW + 2)
    three = begun(make, "ne_3", Person(("tier 1",), Accept(make.TERMS)), at=2, site="gazette")
    three = replace(three, offer=replace(three.offer, id="answers"))
    for each in (one, two, three):
        assert await ports.negotiations.put("", each)
    assert await search(ports) == ["ne_3", "ne_1", "ne_2"]
    for order, wanted, turned in (
        ("started", ["ne_2", "ne_3", "ne_1"], ["ne_1", "ne_3", "ne_2"]),
        ("state", ["ne_1", "ne_3", "ne_2"], ["ne_2", "ne_3", "ne_1"]),
        ("site", ["ne_2", "ne_3", "ne_1"], ["ne_3", "ne_1", "ne_2"]),
        ("offer", ["ne_3", "ne_2", "ne_1"], ["ne_2", "ne_1", "ne_3"]),
    ):
        assert await search(ports, order=order) == wanted, order
        assert await search(ports, order=order, turned=True) == turned, order
        assert await search(ports, order=order, most=1, skip=1) == wanted[1:2], order
    assert await search(ports, order="site", site="gazette", turned=True) == ["ne_3", "ne_1"]
