"""The feed: everything that happened to a licensee here, once, in order, and nothing that happened to others."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from gateway.event import event

EVENTS = "/.licet/events"


def auth(made):
    return {"Authorization": aiohttp.encode_basic_auth(made.client.id, made.secret)}


async def read(world, made, query="", **headers):
    answer = await world.get(f"{EVENTS}{query}", headers={**auth(made), **headers})
    return answer, await answer.json(content_type=None) if answer.status == 200 else None


def happen(world, made, *subjects, site="journal"):
    world.happened.keep(
        event(
            "negotiation.offered", at=world.now, site=site, licensee=made.licensee.id if made else "", subject=each,
            body={"path": f"/.licet/negotiations/{each}"},
        )
        for each in subjects
    )  # fmt: skip


def subjects(told):
    return [each["data"]["path"].rpartition("/")[2] for each in told["events"]]


async def test_whoever_goes_on_from_what_it_read_last_reads_everything_once(world):
    made, other = await world.licensee(), await world.licensee()
    answer, told = await read(world, made)
    assert (told, answer.headers["ETag"]) == ({"events": [], "next": None, "more": False}, '"begin"')
    happen(world, made, "a", "b", "c")
    happen(world, other, "x")
    happen(world, None, "y")
    happen(world, made, "z", site="magazine")
    happen(world, made, "d")
    got, after = [], ""
    while True:
        _, told = await read(world, made, f"?limit=2&after={after}")
        got += subjects(told)
        after = told["next"]
        if not told["more"]:
            break
    assert got == ["a", "b", "c", "d"]
    assert (await read(world, made, f"?after={after}"))[1] == {"events": [], "next": after, "more": False}
    _, told = await read(world, made)
    first = told["events"][0]
    assert first["id"].startswith("ev_")
    assert first["type"] == "negotiation.offered"
    assert first["data"]["url"] == f"{world.origin}/.licet/negotiations/a"
    assert {each["data"]["licensee"] for each in told["events"]} == {made.licensee.id}


async def test_what_was_seen_is_not_told_again(world):
    made = await world.licensee()
    happen(world, made, "a")
    answer, told = await read(world, made)
    tag = answer.headers["ETag"]
    assert tag == f'"{told["next"]}"'
    answer, _ = await read(world, made, **{"If-None-Match": tag})
    assert (answer.status, answer.headers["ETag"]) == (304, tag)
    happen(world, made, "b")
    answer, told = await read(world, made, **{"If-None-Match": tag})
    assert (answer.status, subjects(told)) == (200, ["a", "b"])
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("how", ["after", "tag"])
async def test_a_reader_can_wait_for_what_comes(world, how):
    made, other = await world.licensee(), await world.licensee()
    happen(world, made, "a")
    answer, told = await read(world, made)
    query = f"?wait=25&after={told['next']}" if how == "after" else "?wait=25"
    seen = {} if how == "after" else {"If-None-Match": answer.headers["ETag"]}
    waiting = asyncio.create_task(read(world, made, query, **seen))
    await asyncio.sleep(0.05)
    happen(world, other, "x")
    await asyncio.sleep(0.05)
    assert not waiting.done(), "what happens to others wakes nobody"
    happen(world, made, "b")
    answer, told = await waiting
    assert subjects(told) == (["b"] if how == "after" else ["a", "b"])


async def test_after_the_time_it_is_told_that_nothing_came(world):
    made = await world.licensee()
    answer, told = await read(world, made, "?wait=1")
    assert (answer.status, told["events"]) == (200, [])


@pytest.mark.parametrize(
    "query",
    [
        "?after=ev_0",
        "?after=5",
        "?wait=26",
        "?wait=x",
        "?wait=-1",
        "?limit=0",
        "?limit=101",
        "?limit=٣",
        "?wait=1e1",
    ],
)
async def test_what_cannot_be_read_is_refused(world, query):
    made = await world.licensee()
    answer = await world.get(f"{EVENTS}{query}", headers=auth(made))
    body = await answer.json(content_type=None)
    assert (answer.status, body["code"], body["member"]) == (
        400,
        "proposal-invalid",
        query[1:].partition("=")[0],
    )


async def test_the_event_of_another_is_no_place_to_go_on_from(world):
    made, other = await world.licensee(), await world.licensee()
    happen(world, other, "x")
    theirs = (await world.happened.after(0, 9))[0].event.id
    answer = await world.get(f"{EVENTS}?after={theirs}", headers=auth(made))
    assert answer.status == 400
    assert (await world.get(EVENTS)).status == 401


async def test_few_of_a_client_wait_at_once(world):
    made = await world.licensee()
    waiting = [asyncio.create_task(read(world, made, "?wait=25")) for _ in range(12)]
    async with asyncio.timeout(20):
        while sum(each.done() for each in waiting) < 8:
            await asyncio.sleep(0.01)
    happen(world, made, "a")
    told = [(await each)[1] for each in waiting]
    assert sum(bool(each["events"]) for each in told) == 4


async def test_the_same_on_sqlite(sqlite_world):
    world = sqlite_world
    world.positions.clear()
    made = await world.licensee()
    waiting = asyncio.create_task(read(world, made, "?wait=25"))
    await asyncio.sleep(0.05)
    body = {"offer": "answers", "facts": {}, "proposal": {}}
    async with world.http.post(
        f"{world.origin}/.licet/negotiations", json=body, headers=auth(made)
    ) as answer:
        assert answer.status == 201
    _, told = await waiting
    assert told["events"][0]["type"] == "negotiation.requested"
