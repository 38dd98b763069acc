"""`Events`: kept with the change or not at all, each once, and read in the order in which they were kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.event import event
from gateway.licenses.bargaining import Accept
from gateway.licenses.negotiation import Negotiation, Side, proposed, terminated
from gateway.licenses.negotiation_events import events_of
from gateway.outbox.events import About
from gateway.terms.license_terms import Offer


def blank(make, id, licensee="le_1", site="journal"):
    return Negotiation(id, Offer("training", site, make.TERMS, "sha-256:p", 1), licensee, "cl_1", make.NOW)


async def begin(ports, make, id, **of):
    empty = blank(make, id, **of)
    begun = proposed(empty, make.TERMS, {}, Accept(make.TERMS), now=make.NOW, patience=60)
    assert await ports.negotiations.put("", begun, events=events_of(empty, begun))
    return begun


@pytest.fixture
async def enrolled(ports, make):
    for number in (1, 2):
        await ports.register.add_licensee(*make.enrolled(number))
    return ports


async def test_what_was_kept_is_read_in_order_and_whole(enrolled, make):
    assert (await enrolled.events.last(), await enrolled.events.after(0, 9)) == (0, ())
    begun = await begin(enrolled, make, "ne_1")
    read = await enrolled.events.after(0, 9)
    assert [each.event for each in read] == list(events_of(blank(make, "ne_1"), begun))
    assert [each.event.type for each in read] == ["negotiation.requested", "negotiation.offered"]
    assert read[0].nth < read[1].nth == await enrolled.events.last()
    assert await enrolled.events.after(0, 1) == read[:1]
    assert await enrolled.events.after(read[0].nth, 9) == read[1:]
    assert await enrolled.events.after(read[1].nth, 9) == ()


async def test_the_newest_are_read_backwards_from_any_place(enrolled, make):
    assert await enrolled.events.before(0, 9) == ()
    for id in ("ne_1", "ne_2"):
        await begin(enrolled, make, id)
    every = await enrolled.events.after(0, 9)
    assert await enrolled.events.before(0, 9) == every[::-1]
    assert await enrolled.events.before(0, 1) == every[-1:]
    assert await enrolled.events.before(every[2].nth, 9) == every[1::-1]
    assert await enrolled.events.before(every[2].nth, 1) == every[1:2]
    assert await enrolled.events.before(every[0].nth, 9) == ()


async def test_each_reader_reads_what_is_meant_for_it(enrolled, make):
    await begin(enrolled, make, "ne_1")
    await begin(enrolled, make, "ne_2", licensee="le_2")
    await begin(enrolled, make, "ne_3", site="magazine")

    async def of(**about):
        return {each.event.subject for each in await enrolled.events.after(0, 99, About(**about))}

    assert await of() == {"ne_1", "ne_2", "ne_3"}
    assert await of(licensee="le_1") == {"ne_1", "ne_3"}
    assert await of(licensee="le_1", site="journal") == {"ne_1"}
    assert await of(site="journal") == {"ne_1", "ne_2"}
    assert await of(subject="ne_2") == {"ne_2"}
    assert await of(subject="ne_2", licensee="le_1") == set()


async def test_what_is_of_no_site_a_licensee_is_told_on_every_site_and_nobody_elses_site_is(enrolled):
    bill = event("invoice.due", at=1, site="", subject="in_1", licensee="le_1", body={})
    await enrolled.documents.tell([bill])

    async def of(**about):
        return [each.event.id for each in await enrolled.events.after(0, 99, About(**about))]

    assert await of(licensee="le_1", site="journal") == await of(licensee="le_1") == await of() == [bill.id]
    assert await of(site="journal") == await of(licensee="le_2", site="journal") == []
    place = await enrolled.events.last()
    assert await enrolled.events.place(bill.id, About(licensee="le_1", site="journal")) == place
    assert await enrolled.events.place(bill.id, About(site="journal")) is None
    assert await enrolled.events.place(bill.id, About(licensee="le_2", site="journal")) is None


async def test_nothing_is_told_of_what_was_not_kept(enrolled, make):
    begun = await begin(enrolled, make, "ne_1")
    before = await enrolled.events.after(0, 99)
    ended = terminated(begun, Side.BUYER, "no", now=make.NOW + 1)
    assert not await enrolled.negotiations.put("sha-256:x", ended, events=events_of(begun, ended))
    assert await enrolled.events.after(0, 99) == before


async def test_the_same_event_kept_again_is_one(enrolled, make):
    begun = await begin(enrolled, make, "ne_1")
    ended = terminated(begun, Side.BUYER, "no", now=make.NOW + 1)
    told = events_of(blank(make, "ne_1"), ended)
    assert await enrolled.negotiations.put(begun.version, ended, events=(*told, *told))
    read = await enrolled.events.after(0, 99)
    assert [each.event.id for each in read] == [each.id for each in told]


async def test_whoever_goes_on_from_the_last_that_was_read_misses_nothing(enrolled, make):
    """Read while others write: no event may appear before one that was read."""
    names = [f"ne_{number}" for number in range(60)]
    read = []

    async def reading():
        while len(read) < 2 * len(names):
            read.extend(await enrolled.events.after(read[-1].nth if read else 0, 7))
            await asyncio.sleep(0)

    await asyncio.gather(reading(), *(begin(enrolled, make, name) for name in names))
    assert read == list(await enrolled.events.after(0, 999))
    assert {each.event.subject for each in read} == set(names)


async def test_a_body_comes_back_as_it_was(enrolled, make):
    begun = await begin(enrolled, make, "ne_1")
    ended = terminated(begun, Side.BUYER, "no", now=make.NOW + 1)
    (told,) = events_of(begun, ended)
    told = replace(told, body={"a": [1, None, {"ü": True}], "b": "\u2028"})
    await enrolled.negotiations.put(begun.version, ended, events=(told,))
    assert (await enrolled.events.after(0, 99))[-1].event == told


async def test_an_event_is_found_by_its_id_by_whom_it_concerns(enrolled, make):
    await begin(enrolled, make, "ne_1")
    await begin(enrolled, make, "ne_2", licensee="le_2")
    for each in await enrolled.events.after(0, 99):
        found, other = each.event, "le_2" if each.event.licensee == "le_1" else "le_1"
        assert await enrolled.events.place(found.id) == each.nth
        mine = About(found.licensee, found.site, found.subject)
        assert await enrolled.events.place(found.id, mine) == each.nth
        assert await enrolled.events.place(found.id, About(licensee=other)) is None
        assert await enrolled.events.place(found.id, About(site="magazine")) is None
        assert await enrolled.events.place(found.id, About(subject="ne_9")) is None
    assert await enrolled.events.place("ev_0") is None


async def test_events_are_read_at_their_places(enrolled, make):
    for number in range(1, 5):
        await begin(enrolled, make, f"ne_{number}")
    every = await enrolled.events.after(0, 99)
    wanted = [every[-1], every[0], every[1]]
    assert await enrolled.events.at([each.nth for each in wanted]) == (every[0], every[1], every[-1])
    assert await enrolled.events.at([]) == await enrolled.events.at([every[-1].nth + 1]) == ()
    assert await enrolled.events.at(range(1, 1_200)) == every
