"""People are invited, change their password, lose a role; and floors and addresses are seen by whom they may be."""

from __future__ import annotations

import re

import pytest

from gateway.dashboard.people import INVITATION_US
from gateway.dashboard.permissions import Role
from tests.dashboard.conftest import PASSWORD

RECORD = "/records/019ab003-0000-7000-8000-000000000003"
ADDRESS = "203.0.113.9"


async def invite(board, name="ada", role="viewer"):
    form = await board.form("/people")
    return await board.post("/people/add", {"form": form, "name": name, "role": role}, Accept="text/html")


def token_of(page):
    return re.search(r"/sign-in\?token=([A-Za-z0-9_-]{43})", page)[1]


async def accept(board, token, password=PASSWORD):
    board.forget_cookies()
    form = await board.form(f"/sign-in?token={token}")
    return await board.post(
        "/sign-in", {"form": form, "token": token, "password": password, "again": password}
    )


async def test_an_invitation_is_shown_once_works_once_and_ends(board, clock):
    page = await invite(board, "Ada")
    token = token_of(page.text)
    assert page.status == 200
    assert token not in (await board.get("/people")).text
    assert "ada" in (await board.get("/people")).text
    assert (await accept(board, token)).status == 303
    account = (await board.get("/account")).text
    assert "ada" in account
    assert "viewer" in account
    board.forget_cookies()
    assert "A sign-in link is needed" in (await board.get(f"/sign-in?token={token}")).text
    board.become("owner")
    late = token_of((await invite(board, "bob")).text)
    clock.advance(INVITATION_US / 1e6)
    assert not board.sessions.link_holds(late)


async def test_a_name_that_is_taken_or_none_is_said_and_what_was_typed_stays(board):
    assert (await invite(board, "ada")).status == 200
    for name, said in (("ADA", "Somebody is called ada already."), ("a b", "A sign-in name is")):
        page = await invite(board, name)
        assert page.status == 409
        assert said in page.text
        assert f'name="name" value="{name}"' in page.text
    assert (await invite(board, "eve", "emperor")).status == 409
    assert board.sessions.people.called("eve") is None


async def test_ones_own_password_is_changed_and_the_other_sessions_end(board):
    (owner,) = board.sessions.people.all
    other = board.sessions.begin(owner, "password")
    form = await board.form("/account")
    sent = {"form": form, "old": PASSWORD, "password": "another long one", "again": "another long one"}
    for wrong, said in (
        ({"old": "not this one at all"}, "The password of now is not right."),
        ({"again": "x"}, "The two new passwords differ."),
        ({"password": "short", "again": "short"}, "at least 12 characters"),
    ):
        page = await board.post("/account/password", sent | wrong)
        assert page.status == 403
        assert said in page.text
    assert board.sessions.alive(other)
    before = {each.key: each.value for each in board.client.cookie_jar}["licet_session"]
    done = await board.post("/account/password", sent)
    assert (done.status, done.headers["Location"]) == (303, "/account?done=password")
    assert not board.sessions.alive(other)
    assert not board.sessions.alive(before)
    assert (await board.get("/account")).status == 200
    assert isinstance(await board.sessions.sign_in("another long one", "a", "owner"), str)


async def test_a_role_that_is_taken_away_is_gone_with_the_next_request(board):
    form = await board.form("/people")
    (owner,) = board.sessions.people.all
    id = board.become("operator")
    assert (await board.get("/deals")).status in {200, 404}
    assert (await board.post("/people/add", {"form": await board.form("/account")})).status == 403
    mine = board.sessions.begin(owner, "password")
    form = board.sessions.form_token(mine)
    cookie = f"licet_session={mine}"
    board.forget_cookies()
    done = await board.post(f"/people/{id}/role", {"form": form, "role": "auditor"}, Cookie=cookie)
    assert done.headers["Location"] == "/people?done=role"
    theirs = board.sessions.begin(board.sessions.people.of_id(id), "password")
    assert (await board.get("/", Cookie=f"licet_session={theirs}")).status == 403
    assert (await board.get("/log", Cookie=f"licet_session={theirs}")).status == 200
    assert (await board.post(f"/people/{id}/disable", {"form": form}, Cookie=cookie)).status == 303
    assert not board.sessions.alive(theirs)
    assert (await board.post(f"/people/{id}/enable", {"form": form}, Cookie=cookie)).status == 303
    assert (await board.post(f"/people/{id}/remove", {"form": form}, Cookie=cookie)).status == 303
    assert board.sessions.people.of_id(id) is None
    assert (await board.post(f"/people/{id}/remove", {"form": form}, Cookie=cookie)).status == 404
    last = await board.post(f"/people/{owner.id}/disable", {"form": form}, Cookie=cookie)
    assert last.status == 409
    assert "This is the last owner who can sign in" in last.text


async def test_a_reset_makes_a_link_and_the_old_password_holds_until_it_is_used(board):
    (owner,) = board.sessions.people.all
    form = await board.form("/people")
    page = await board.post(f"/people/{owner.id}/reset", {"form": form})
    assert isinstance(await board.sessions.sign_in(PASSWORD, "b"), str)
    assert (await accept(board, token_of(page.text), "quite another one")).status == 303
    assert not isinstance(await board.sessions.sign_in(PASSWORD, "c"), str)


@pytest.mark.parametrize("role", list(Role))
async def test_addresses_are_seen_by_owner_and_operator_and_each_look_is_noted_first(
    start, filled, admin, role
):
    board = await start(filled, admin=admin)
    who = board.become(role)
    page = await board.get(RECORD)
    assert page.status == 200
    assert ADDRESS not in page.text
    form = board.sessions.form_token(
        {each.key: each.value for each in board.client.cookie_jar}["licet_session"]
    )
    shown = await board.post(f"{RECORD}/reveal", {"form": form})
    may = role in {Role.OWNER, Role.OPERATOR}
    assert (f"{RECORD}/reveal" in page.text) is may
    assert (shown.status, ADDRESS in shown.text) == ((200, True) if may else (403, False))
    found = [(each.note.act, each.note.subject, each.note.by) for each in await admin.notes.latest(0, 9)]
    assert found == ([("address.see", f"{RECORD}/reveal", who)] if may else [])


async def test_exports_are_noted_with_who_took_them(start, filled, admin):
    board = await start(filled, admin=admin)
    who = board.become("viewer")
    assert (await board.get("/log.csv?decision=quoted")).status == 200
    assert (await board.get("/crawlers.json")).status == 200
    notes = [each.note for each in await admin.notes.latest(0, 9)]
    assert [(each.act, each.subject, each.by, each.role) for each in notes] == [
        ("log.export", "/crawlers.json", who, "viewer"), ("log.export", "/log.csv", who, "viewer"),
    ]  # fmt: skip
    # What was asked for is told by its digest alone: a filter may hold somebody's words.
    assert notes[0].after == ""
    assert len(notes[1].after) == 64


@pytest.mark.parametrize("role", ["operator", "viewer", "auditor"])
async def test_the_floors_of_a_policy_are_the_owners_alone(start, filled, files, role):
    board = await start(filled, policies=files)
    text = files.text(files.policies[0]) + 'position = { floor = "0.4321", target = "0.9" }\n'
    files.file(files.policies[0]).write_text(text)
    board.become("owner")
    assert "0.4321" in (await board.get("/policies/journal")).text
    board.become(role)
    for path in ("/policies/journal", "/policies"):
        assert "0.4321" not in (await board.get(path)).text, path
    assert (await board.get(f"/policies/journal/versions/{'0' * 64}")).status == 403


async def test_what_works_are_worth_is_the_owners_to_reckon(start, filled, worth):
    board = await start(filled, worth=worth)
    for role in ("operator", "viewer", "auditor"):
        board.become(role)
        found = [(await board.get(path)).status for path in ("/calculator", "/calculator.json", "/figures")]
        assert found == [403, 403, 403]
        assert (await board.get("/memo")).status == (403 if role == "auditor" else 200)


async def test_a_page_offers_nobody_what_is_not_theirs(start, filled):
    board = await start(filled)
    board.become("auditor")
    page = (await board.get("/log")).text
    assert 'href="/people"' not in page
    assert 'href="/live"' in page
    assert 'href="/">Overview' not in page
    board.become("viewer")
    page = await board.get("/consent")
    assert 'action="/consent/withdraw"' not in page.text
    assert "Your role does not include doing this." in page.text
    board.become("operator")
    assert 'action="/consent/withdraw"' in (await board.get("/consent")).text


async def test_the_log_of_administration_is_read_page_by_page(start, filled, admin):
    board = await start(filled, admin=admin)
    board.become("owner")
    assert "Nothing was changed yet" in (await board.get("/admin")).text
    for number in range(3):
        await invite(board, f"<b>n{number}".replace("<b>", "b"))
    page = (await board.get("/admin")).text
    assert page.count("people.change") == 3
    assert "owner0" in page
    assert (await board.get("/admin?after=2")).text.count("people.change") == 1
    assert (await board.get("/admin?after=x")).status == 400
