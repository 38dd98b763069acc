"""Coming in with a name, and the form that was being written when the session ended."""

from __future__ import annotations

import html
import re

import pytest

from gateway.dashboard.forms import held_pairs, held_path
from gateway.dashboard.sessions import IDLE_US
from tests.dashboard.conftest import HOSTILE, PASSWORD, form_token


async def sign_in(board, **fields):
    form = await board.form("/sign-in")
    return await board.post("/sign-in", {"form": form, "password": PASSWORD, **fields}, Accept="text/html")


async def test_with_one_person_the_password_is_enough_and_with_two_the_name_is_asked(board):
    board.forget_cookies()
    assert 'value="owner" autocomplete="username" tabindex="-1"' in (await board.get("/sign-in")).text
    assert (await sign_in(board)).status == 303
    board.become("viewer")
    board.forget_cookies()
    assert "<label>Name <input" in (await board.get("/sign-in")).text
    assert (await sign_in(board, username="viewer1")).status == 403
    assert (await sign_in(board, username="OWNER")).status == 303


async def test_a_name_that_nobody_has_is_answered_like_a_wrong_password(board):
    board.become("viewer")
    board.forget_cookies()
    nobody = await sign_in(board, username="nobody")
    wrong = await sign_in(board, username="owner", password="x" * 12)
    said = [re.search(r'id="wrong">([^<]+)', answer.text)[1] for answer in (nobody, wrong)]
    assert said == ["Name or password is not right."] * 2


async def test_a_new_session_has_a_new_name_and_the_old_one_ends(board):
    before = {each.key: each.value for each in board.client.cookie_jar}["licet_session"]
    page = await board.get(f"/sign-in?token={board.sessions.sign_in_link(anew=True)}")
    form = re.findall(r'name="form" value="([0-9a-f]{64})"', page.text)[-1]
    sent = {"form": form, "password": PASSWORD, "again": PASSWORD}
    sent["token"] = re.search(r'name="token" value="([^"]+)"', page.text)[1]
    answer = await board.post("/sign-in", sent)
    assert answer.status == 303
    assert before not in answer.headers["Set-Cookie"]
    assert not board.sessions.alive(before)


async def test_signing_out_everywhere_ends_every_session_of_that_person_alone(board):
    (owner,) = board.sessions.people.all
    others = [board.sessions.begin(owner, "password") for _ in range(3)]
    viewer = board.become("viewer")
    mine = board.sessions.begin(board.sessions.people.of_id(viewer), "password")
    page = await board.get("/account")
    answer = await board.post("/sign-out", {"form": form_token(page.text), "everywhere": "yes"})
    assert answer.status == 303
    assert not board.sessions.alive(mine)
    assert all(board.sessions.alive(name) for name in others)


@pytest.mark.parametrize("said", ["two\r\nlines", *HOSTILE[2:4]])
async def test_what_was_typed_in_a_session_that_ended_comes_back_and_is_sent_by_hand(board, clock, said):
    form = await board.form("/account")
    clock.advance(IDLE_US / 1e6)
    typed = {"form": form, "role": said, "old": "a"}
    page = await board.post("/people/pe_nobody/role", typed, Accept="text/html")
    assert page.status == 401
    assert "What you typed is kept in this page" in page.text
    held = {
        html.unescape(name): html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(held[^"]*)" value="([^"]*)">', page.text)
    }
    assert held == {"held-path": "/people/pe_nobody/role", "held:role": said, "held:old": "a"}
    sent = {"form": form_token(page.text), "username": "owner", **held}
    again = await board.post("/sign-in", sent | {"password": "wrong wrong wrong"}, Accept="text/html")
    assert again.status == 403
    assert (
        f'name="held:role" value="{html.escape(said).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")}"'
        in again.text
    )
    back = await board.post("/sign-in", sent | {"password": PASSWORD}, Accept="text/html")
    assert back.status == 200
    assert 'action="/people/pe_nobody/role"' in back.text
    found = re.search(r'<textarea name="role"[^>]*>\n(.*?)</textarea>', back.text, re.DOTALL)
    assert html.unescape(found[1]).replace("\r", "") == said.replace("\r", "")
    # Nothing was done: whoever presses the button meets the page itself, with a form of the new session.
    pressed = await board.post("/people/pe_nobody/role", {"form": form_token(back.text), "role": said})
    assert pressed.status == 404


async def test_a_form_of_another_site_is_not_carried(board, clock):
    clock.advance(IDLE_US / 1e6)
    page = await board.post("/people/add", {"name": "eve"}, Accept="text/html", Sec_Fetch_Site="cross-site")
    assert page.status == 403
    assert "eve" not in page.text
    program = await board.post("/people/add", {"name": "eve"}, Accept="application/json")
    assert (program.status, program.text) == (401, "Sign in to the dashboard first.\n")


@pytest.mark.parametrize(
    "path", ["//evil.example/x", "https://evil.example/", "/\\evil.example", "/sign-out", "", "x", "/a\nb"]
)
def test_a_form_is_carried_to_our_own_pages_alone(path):
    assert held_path({"held-path": path}) == ""


def test_carried_fields_lose_their_mark_and_others_are_left():
    assert held_path({"held-path": "/deals/1/offer?x=1"}) == "/deals/1/offer?x=1"
    assert held_pairs([("held:a", "1"), ("a", "2"), ("held:a", "3")]) == [("a", "1"), ("a", "3")]
