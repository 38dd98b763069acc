"""What the first screen says is left to do: only what is there, only to who may see it, and never instead of the page."""

from __future__ import annotations

import re

import pytest

from gateway.dashboard.filters import Decision
from gateway.dashboard.hook_pages import BY_OPERATOR, Hooks
from gateway.dashboard.rooms import Rooms
from gateway.dashboard.waiting import Waiting, loose, waiting
from gateway.outbox.endpoints import Endpoint, Reach
from gateway.store.sqlite.endpoints import SqliteEndpoints
from gateway.store.sqlite.events import SqliteEvents

NOTHING = dict.fromkeys(Decision, 0)


def everything(_path: str) -> bool:
    return True


@pytest.fixture
async def hooks(database):
    endpoints = SqliteEndpoints(database.database)
    for id, reach, why in (
        ("we_well", Reach.ON, ""),
        ("we_off", Reach.OFF, "status 410"),
        ("we_mine", Reach.OFF, BY_OPERATOR),
    ):
        made = Endpoint(id, "", "", "", f"https://{id[3:]}.example/", (), 0, Reach.ON)
        await endpoints.add(made, 9)
        if reach is Reach.OFF:
            await endpoints.switch_off(id, why)
    return Hooks(endpoints, SqliteEvents(database.database), None, None, None)


async def test_each_line_counts_what_waits(database, inbox, owed, hooks):
    await inbox.waits("ne_1")
    await inbox.waits("ne_2", await inbox.buyer("Other"))
    license = await owed.license()
    late = await owed.duties.unmet(owed.now, 99)
    rooms = Rooms(deals=inbox.deals, duties=owed.book, hooks=hooks)
    found = await waiting(rooms, owed.now, everything)
    assert [(each.path, each.many) for each in found] == [
        ("/deals?stand=waiting", 2),
        ("/duties", len(late)),
        ("/webhooks", 1),
    ]
    assert late
    assert license
    assert found[0].said == "negotiations wait for your word"
    assert found[2].said == "webhook does not get through"


async def test_nothing_is_said_of_a_page_that_may_not_be_seen(inbox, hooks):
    await inbox.waits()
    rooms = Rooms(deals=inbox.deals, hooks=hooks)
    assert [each.path for each in await waiting(rooms, 0, lambda path: path != "/deals")] == ["/webhooks"]
    assert await waiting(Rooms(), 0, everything) == ()


async def test_a_store_that_does_not_answer_leaves_its_line_out(closed_database, inbox):
    assert await waiting(Rooms(deals=inbox.deals), 0, everything) == ()


def test_loose_rules_are_named_with_their_sites():
    served = NOTHING | {Decision.OPEN: 3}
    modes = {"journal": "observe", "videos": "enforce", "zines": "offer", "witness x": "is late"}
    found = loose(served, modes)
    assert found == Waiting(
        3, "fetches would be paid or refused if the rules bound at journal, zines", "/setup#modes"
    )
    assert loose(served, {"videos": "enforce"}) is None
    assert loose(NOTHING, modes) is None


async def test_the_first_screen_leads_to_it(start, filled, inbox):
    await inbox.waits()
    board = await start(filled, deals=inbox.deals)
    await board.set_password()
    page = await board.get("/")
    assert re.search(r'<a href="/deals\?stand=waiting"><strong>1</strong> <bdi>negotiation waits', page.text)
