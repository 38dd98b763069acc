"""`Endpoints`: who is told, how far, and what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.event import event
from gateway.licenses.bargaining import Accept
from gateway.licenses.negotiation import Negotiation, proposed
from gateway.licenses.negotiation_events import events_of
from gateway.outbox.endpoints import Delivery, Endpoint, Reach
from gateway.terms.license_terms import Offer

NOW = 1_795_000_000


def endpoint(id="we_1", licensee="le_1", site="journal", **changes):
    made = Endpoint(
        id, licensee, site, "https://journal.example" if site else "", "https://ai.example/hook",
        ("negotiation.*",), NOW,
    )  # fmt: skip
    return replace(made, **changes)


def delivery(nth, id="we_1", **changes):
    return replace(Delivery(id, nth, f"ev_{nth}", "negotiation.offered", NOW + nth, 1), **changes)


@pytest.fixture
async def kept(ports, make):
    """Two licensees; each of them negotiates on two sites, in turn: eight events."""
    for number in (1, 2):
        await ports.register.add_licensee(*make.enrolled(number))
    for number, (licensee, site) in enumerate(
        (("le_1", "journal"), ("le_2", "journal"), ("le_1", "magazine"), ("le_2", "magazine"))
    ):
        blank = Negotiation(
            f"ne_{number}", Offer("training", site, make.TERMS, "sha-256:p", 1), licensee, "cl_1", NOW
        )
        begun = proposed(blank, make.TERMS, {}, Accept(make.TERMS), now=NOW + number, patience=60)
        await ports.negotiations.put("", begun, events=events_of(blank, begun))
    return ports.endpoints


async def test_an_endpoint_comes_back_as_it_was(kept):
    for each in (
        endpoint(),
        endpoint(
            "we_2", "", "", types=(), reach=Reach.ON, after=3, tries=2, next_at=9, why="x", generation=4
        ),
    ):
        assert await kept.get(each.id) is None
        assert await kept.add(each, 9)
        assert await kept.get(each.id) == each
    assert [each.id for each in await kept.all()] == ["we_1", "we_2"]
    assert await kept.of("le_1", "journal") == (endpoint(),)
    assert await kept.of("le_1", "magazine") == ()


async def test_of_many_added_at_once_no_more_are_kept_than_may_be(kept):
    made = [endpoint(f"we_{number}") for number in range(20)]
    assert (await asyncio.gather(*(kept.add(each, 3) for each in made))).count(True) == 3
    assert len(await kept.of("le_1", "journal")) == 3
    assert await kept.add(endpoint("we_other", site="magazine"), 3)
    mine = (await kept.of("le_1", "journal"))[0]
    assert await kept.add(replace(mine, url="https://other.example/"), 3), "it is there already"
    assert await kept.get(mine.id) == mine


async def test_due_is_who_is_on_and_has_not_heard_everything_that_concerns_it(kept):
    await kept.add(endpoint("we_1"), 9)
    await kept.add(endpoint("we_2", reach=Reach.ON), 9)
    await kept.add(endpoint("we_3", "le_3", reach=Reach.ON), 9)
    await kept.add(endpoint("we_4", "", "", reach=Reach.ON, next_at=NOW + 5), 9)
    await kept.add(endpoint("we_5", reach=Reach.OFF), 9)

    async def due(now, most=9, but=()):
        return [each.id for each in await kept.due(now, most, but)]

    assert await due(NOW) == ["we_2"]
    assert await kept.next_at(NOW) == NOW + 5
    assert await due(NOW + 5) == ["we_4", "we_2"], "the operator's own come first"
    assert await due(NOW + 5, most=1) == ["we_4"]
    assert await due(NOW + 5, but=("we_2", 'we_"')) == ["we_4"]
    assert await kept.next_at(NOW + 5) is None
    await kept.passed("we_2", 2)
    assert await due(NOW) == [], "the rest is of others, or of another site"
    await kept.passed("we_4", 7)
    assert await due(NOW + 5) == ["we_4"]
    await kept.passed("we_4", 8)
    assert await due(NOW + 5) == []


async def test_what_was_proven_hears_what_happens_from_then_on(kept):
    await kept.add(endpoint(), 9)
    proven = await kept.prove("we_1", 5)
    assert (proven.reach, proven.after) == (Reach.ON, 5)
    assert (await kept.prove("we_1", 8)).after == 5, "what is on goes on"
    assert await kept.switch_off("we_1", "gone")
    again = await kept.prove("we_1", 8)
    assert (again.reach, again.after, again.why) == (Reach.ON, 5, ""), "what was off goes on where it was"
    assert await kept.prove("we_9", 8) is None


async def test_places_only_go_forward_and_a_success_ends_a_row_of_failures(kept):
    await kept.add(endpoint(reach=Reach.ON), 9)
    await kept.failed(delivery(4, tries=3, status=500, why="status 500"), NOW + 60)
    found = await kept.get("we_1")
    assert (found.tries, found.next_at, found.why, found.after) == (3, NOW + 60, "status 500", 0)
    await kept.told(delivery(4, tries=4, status=200, done=True))
    found = await kept.get("we_1")
    assert (found.tries, found.next_at, found.why, found.after) == (0, 0, "", 4)
    await kept.told(delivery(2, done=True))
    await kept.passed("we_1", 3)
    assert (await kept.get("we_1")).after == 4


async def test_what_came_of_it_is_kept_once_an_event_and_read_newest_first(kept):
    await kept.add(endpoint(reach=Reach.ON), 9)
    await kept.add(endpoint("we_2", reach=Reach.ON), 9)
    for nth in (1, 2, 3):
        await kept.failed(delivery(nth, status=500, why="status 500"), NOW)
        await kept.told(delivery(nth, tries=2, status=204, done=True))
    await kept.failed(delivery(3, "we_2", why="timeout"), NOW)
    found = await kept.deliveries(9, endpoint="we_1")
    assert found == tuple(delivery(nth, tries=2, status=204, done=True) for nth in (3, 2, 1))
    assert [each.endpoint for each in await kept.deliveries(9, event="ev_3")] == ["we_1", "we_2"]
    assert len(await kept.deliveries(2)) == 2
    assert await kept.remove("we_1")
    assert not await kept.remove("we_1")
    assert await kept.deliveries(9) == (delivery(3, "we_2", why="timeout"),)
    await kept.told(delivery(4, done=True))
    assert await kept.deliveries(9, endpoint="we_1") == (), "what was removed meanwhile has none"


async def test_deliveries_go_on_behind_the_last_that_was_read_and_miss_none(kept):
    for id in ("we_1", "we_2", "we_3"):
        await kept.add(endpoint(id, reach=Reach.ON), 9)
        for nth in (1, 2, 3, 4):
            await kept.told(delivery(nth, id, at=NOW + nth // 2, done=True))

    async def paged(most, **of):
        found, behind = [], None
        while rows := await kept.deliveries(most, behind=behind, **of):
            found += rows
            behind = (rows[-1].at, rows[-1].nth, rows[-1].endpoint)
        return found

    for of, count in (({}, 12), ({"endpoint": "we_2"}, 4), ({"event": "ev_3"}, 3)):
        every = await kept.deliveries(99, **of)
        assert len(every) == count
        for most in (1, 2, 5):
            assert await paged(most, **of) == list(every), (of, most)
    assert await kept.deliveries(9, behind=(NOW + 1, 2, "we_gone"), endpoint="we_1") == await kept.deliveries(
        9, behind=(NOW + 1, 2, "we_1"), endpoint="we_1"
    ), "a place stays where its row is gone"


async def test_what_is_told_once_more_is_kept_and_moves_nothing(kept):
    await kept.add(endpoint(reach=Reach.ON), 9)
    await kept.told(delivery(2, status=200, done=True))
    await kept.failed(delivery(3, status=500, why="status 500"), NOW + 60)
    before = await kept.get("we_1")
    await kept.again(delivery(2, tries=2, status=500, why="status 500", done=True, at=NOW + 99))
    await kept.again(delivery(2, "we_gone"))
    assert await kept.get("we_1") == before
    found = await kept.deliveries(9, endpoint="we_1")
    assert found[0] == delivery(2, tries=2, status=500, why="status 500", done=True, at=NOW + 99)
    assert len(found) == 2
    assert await kept.deliveries(9, endpoint="we_gone") == ()


async def test_it_is_switched_off_once_and_its_event_is_kept_once(kept, ports):
    await kept.add(endpoint(reach=Reach.ON), 9)
    last = await ports.events.last()
    told = event("endpoint.disabled", at=NOW, site="journal", subject="we_1", body={})
    for first in (True, False):
        assert await kept.switch_off("we_1", "gone", delivery=delivery(1), events=(told,)) is first
    assert [each.event for each in await ports.events.after(last, 9)] == [told]
    found = await kept.get("we_1")
    assert (found.reach, found.why) == (Reach.OFF, "gone")
    assert len(await kept.deliveries(9)) == 1
    assert await kept.due(NOW + 10**6, 9) == ()


async def test_it_can_be_tried_at_once(kept):
    await kept.add(endpoint("we_1", reach=Reach.ON, tries=3, next_at=NOW + 99), 9)
    await kept.add(endpoint("we_2", reach=Reach.OFF, tries=13, after=1), 9)
    await kept.add(endpoint("we_3"), 9)
    for id in ("we_1", "we_2", "we_3"):
        assert await kept.hurry(id)
    assert not await kept.hurry("we_9")
    one, two, three = [await kept.get(id) for id in ("we_1", "we_2", "we_3")]
    assert (one.tries, one.next_at) == (3, 0)
    assert (two.reach, two.tries, two.after) == (Reach.ON, 0, 1)
    assert three.reach is Reach.UNPROVEN, "what nobody proved stays so"


async def test_secrets_change_one_after_the_other(kept):
    await kept.add(endpoint(), 9)
    assert (await kept.rotate("we_1", NOW + 5)).generations(NOW + 6) == (2, 1)
    assert (await kept.rotate("we_1", NOW + 7)).generations(NOW + 8) == (3, 2)
    assert (await kept.get("we_1")).generations(NOW + 10**6) == (3,)
    assert await kept.rotate("we_9", NOW) is None
    await kept.filter("we_1", ("endpoint.disabled",))
    assert (await kept.get("we_1")).types == ("endpoint.disabled",)


async def test_what_is_old_is_forgotten_unless_somebody_waits_for_it(kept, ports):
    await kept.add(endpoint("we_1", reach=Reach.ON), 9)
    await kept.told(delivery(1, done=True))
    await kept.failed(delivery(2), NOW)
    places = [each.nth for each in await ports.events.after(0, 99)]
    assert len(places) == 8
    assert await kept.forget(NOW, 99) == 0, "nothing is so old"
    assert await kept.forget(NOW + 10**6, 3) == 4, "one delivery, three events"
    assert await kept.forget(NOW + 10**6, 99) == 4
    assert [each.nth for each in await ports.events.after(0, 99)] == [places[1]], "it was not told yet"
    assert [each.nth for each in await kept.deliveries(9)] == [2]
    assert await ports.events.place(f"ev_{'0' * 32}") is None
    await kept.passed("we_1", places[-1])
    await kept.forget(NOW + 10**6, 99)
    assert await ports.events.after(0, 99) == ()


async def test_what_is_of_no_site_concerns_the_endpoints_of_its_licensee_and_waits_for_them(kept, ports):
    last = await ports.events.last()
    for id, licensee in (("we_1", "le_1"), ("we_2", "le_2")):
        await kept.add(endpoint(id, licensee, reach=Reach.ON, after=last), 9)
    assert await kept.due(NOW, 9) == ()
    bill = event("invoice.due", at=NOW, site="", subject="in_1", licensee="le_1", body={})
    await ports.documents.tell([bill])
    assert [each.id for each in await kept.due(NOW, 9)] == ["we_1"]
    await kept.forget(NOW + 10**6, 99)
    assert [each.event for each in await ports.events.after(0, 99)] == [bill], "it was not told yet"
    await kept.passed("we_1", await ports.events.last())
    await kept.forget(NOW + 10**6, 99)
    assert await ports.events.after(0, 99) == ()


async def test_what_was_answered_is_kept_and_goes_when_it_is_old(kept):
    await kept.add(endpoint("we_1", reach=Reach.ON), 9)
    hostile = "<script>\u202e\U0001f512" * 64
    await kept.failed(delivery(1, status=500, why="status 500", answer=hostile), NOW + 60)
    await kept.told(delivery(2, status=200, done=True, answer="thanks"))
    await kept.failed(delivery(3, status=500, answer="no"), NOW + 60)
    assert [each.answer for each in await kept.deliveries(9)] == ["no", "thanks", hostile]
    await kept.failed(delivery(3, tries=2, status=503, answer="later"), NOW + 99)
    assert (await kept.deliveries(1))[0].answer == "later"
    await kept.forget(NOW + 10**6, 99)
    assert [(each.nth, each.answer) for each in await kept.deliveries(9)] == [(3, "")], "it is tried again"


async def test_endpoints_are_listed_behind_a_place(kept):
    every = [endpoint(f"we_{nth}", created_at=NOW + nth // 2) for nth in range(7)]
    for each in reversed(every):
        assert await kept.add(each, 9)
    assert await kept.listed(99) == (*every,) == await kept.all()
    paged, behind = [], None
    while rows := await kept.listed(2, behind):
        paged += rows
        behind = rows[-1].place
    assert paged == every
    assert await kept.remove("we_2")
    assert await kept.listed(2, every[2].place) == (*every[3:5],)
    assert await kept.listed(2, every[-1].place) == ()
