"""Saved views on the pages: kept, opened, renamed, removed, by whoever may look, and nobody else's."""

from __future__ import annotations

import json
import re

import pytest

from gateway.dashboard.saved_views import MOST, SavedView
from gateway.store.memory.saved_views import MemorySavedViews
from gateway.store.sqlite.saved_views import SqliteSavedViews

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
async def desk(start, filled, admin):
    board = await start(filled, admin=admin, views=SqliteSavedViews(filled.database))
    assert (await board.set_password()).status == 303
    board.admin = admin
    return board


async def save(desk, name="Quoted", path="/log", query="?decision=quoted&before=7", **more):
    form = await desk.form("/views" if path == "/views" else "/log")
    return await desk.post("/views/save", {"form": form, "path": path, "query": query, "name": name, **more})


async def rows(desk):
    return json.loads((await desk.get("/views.json")).text)["rows"]


@pytest.mark.parametrize("role", ["owner", "operator", "viewer", "auditor"])
async def test_whoever_looks_at_a_table_keeps_a_view_of_it_and_comes_back(desk, role):
    desk.become(role)
    done = await save(desk, HOSTILE)
    assert (done.status, done.headers["Location"]) == (303, "/log?decision=quoted")
    page = (await desk.get("/log?decision=quoted")).text
    assert HOSTILE not in page
    assert re.search(r'href="/log\?decision=quoted" aria-current="true"><bdi>&lt;script&gt;', page)
    assert "Saved views: <bdi>" in page
    assert 'name="query" value="last=7d"' in (await desk.get("/log?last=7d&before=9")).text
    (one,) = await rows(desk)
    assert (one["page"], one["name"], one["query"]) == ("Access log", HOSTILE, "decision=quoted")
    form = await desk.form("/views")
    renamed = await desk.post(f"/views/{one['id']}/rename", {"form": form, "name": "Told the price"})
    assert (renamed.status, renamed.headers["Location"]) == (303, "/views")
    page = (await desk.get("/views")).text
    assert "Told the price" in page
    assert re.search(r'<a href="[^"]*" aria-current="true">Today</a>', page)
    assert '<li><a href="/views" aria-current="page">Saved views</a></li>' in page
    assert (await desk.post(f"/views/{one['id']}/remove", {"form": form})).status == 303
    assert await rows(desk) == []
    assert "No view has a name yet" in (await desk.get("/views")).text
    acts = [each.note.act for each in await desk.admin.notes.latest(0, 3)]
    assert acts == ["views.own"] * 3, "what changes something leaves a note"


async def test_nobody_sees_or_touches_anothers(desk):
    await save(desk)
    (one,) = await rows(desk)
    desk.become("owner")
    assert await rows(desk) == []
    assert "Quoted</bdi>" not in (await desk.get("/log")).text
    form = await desk.form("/views")
    for act, more in (("rename", {"name": "Mine"}), ("remove", {})):
        assert (await desk.post(f"/views/{one['id']}/{act}", {"form": form, **more})).status == 404


async def test_views_go_with_their_person(desk, filled):
    store = SqliteSavedViews(filled.database)
    someone = desk.become("viewer")
    await save(desk)
    assert len(await store.of(someone)) == 1
    desk.become("owner")
    done = await desk.post(f"/people/{someone}/remove", {"form": await desk.form("/people")})
    assert done.status == 303, done.text
    assert await store.of(someone) == ()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"name": ""}, "A name is one line"),
        ({"name": "a\nb"}, "A name is one line"),
        ({"path": "/nowhere"}, "pages with a table"),
        ({"path": "//evil.example"}, "pages with a table"),
        ({"query": "x=" + "y" * 3000}, "longer than a view can be"),
    ],
)
async def test_what_cannot_be_kept_is_said_and_what_was_typed_is_kept(desk, sent, said):
    answer = await save(desk, **sent)
    assert answer.status == 400
    assert said in answer.text
    if "name" in sent:
        assert 'value="decision=quoted&amp;before=7"' in answer.text.replace("?decision", "decision")
    assert await rows(desk) == []


async def test_a_taken_name_and_a_full_list_are_said(desk, filled):
    await save(desk)
    await save(desk, "Free", query="decision=free")
    free = next(each for each in await rows(desk) if each["name"] == "Free")
    form = await desk.form("/views")
    taken = await desk.post(f"/views/{free['id']}/rename", {"form": form, "name": "Quoted"})
    assert taken.status == 400
    assert "has this name" in taken.text
    assert 'value="Quoted"' in taken.text, "nothing is lost"
    person = desk.sessions.people.all[0].id
    store = SqliteSavedViews(filled.database)
    for nth in range(MOST):
        await store.keep(SavedView(f"vi_{nth}", person, "/log", f"n{nth}", "", 1), MOST)
    assert "remove one first" in (await save(desk, "One more")).text


async def test_forms_of_elsewhere_are_refused(desk):
    for path in ("/views/save", "/views/vi_1/rename", "/views/vi_1/remove"):
        assert (
            await desk.post(path, {"form": "0" * 64, "path": "/log", "query": "", "name": "x"})
        ).status == 403
    assert await rows(desk) == []


async def test_pages_stand_where_views_cannot_be_read(start, filled):
    board = await start(filled, views=SqliteSavedViews(filled.database))
    await board.set_password()
    await filled.database.close()
    assert (await board.get("/people")).status == 200
    assert (await board.get("/views")).status == 503


async def test_without_a_place_for_them_there_are_none(board):
    assert "Saved views" not in (await board.get("/log")).text
    assert (await board.get("/views")).status == 404


async def test_a_program_keeps_its_persons_views(start, filled):
    board = await start(filled, views=MemorySavedViews())
    await board.set_password()
    form = await board.form("/keys")
    made = await board.post("/keys/add", {"form": form, "name": "k", "days": "9", "scopes": "views.own"})
    secret = re.search(r"lak_[A-Za-z0-9_-]{20,}", made.text)[0]
    headers = {"Authorization": f"Bearer {secret}"}
    sent = {"path": "/log", "query": "last=7d", "name": "Week"}
    async with board.client.post(f"{board.base}/api/v1/views/save", json=sent, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
    async with board.client.get(f"{board.base}/api/v1/views", headers=headers) as answer:
        assert [each["name"] for each in (await answer.json())["rows"]] == ["Week"]
    async with board.client.get(f"{board.base}/api/openapi.json") as answer:
        paths = (await answer.json())["paths"]
    assert {
        "/api/v1/views",
        "/api/v1/views/save",
        "/api/v1/views/{id}/rename",
        "/api/v1/views.parquet",
    } <= paths.keys()
