"""Links, passwords and sessions without any HTTP: the clock is ours, the file and argon2 are real."""

from __future__ import annotations

import asyncio
import json
import stat
from dataclasses import replace

import pytest

from gateway.dashboard.people import Passkey
from gateway.dashboard.sessions import ABSOLUTE_US, IDLE_US, LINK_US, Denied, Sessions
from gateway.problems import ConfigurationError

PASSWORD = "tides come in twice"


@pytest.fixture
def sessions(tmp_path, clock):
    return Sessions.open(tmp_path / "operator.json", clock)


async def test_the_file_is_private_and_holds_no_secret(sessions, tmp_path):
    path = tmp_path / "operator.json"
    token = sessions.sign_in_link()
    assert len(token) == 43
    assert token not in path.read_text()
    await sessions.set_password(token, PASSWORD, "a")
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert PASSWORD not in text
    (owner,) = json.loads(text)["people"]
    assert owner["password"].startswith("$argon2id$")
    assert owner["link"] is None
    assert [file.name for file in tmp_path.iterdir()] == ["operator.json"]


async def test_a_link_is_good_once_for_thirty_minutes_and_only_the_newest(sessions, clock):
    first, second = sessions.sign_in_link(), sessions.sign_in_link()
    assert first != second
    assert isinstance(await sessions.set_password(first, PASSWORD, "a"), Denied)
    clock.advance(LINK_US / 1e6 - 1)
    assert sessions.link_holds(second)
    clock.advance(1)
    assert not sessions.link_holds(second)
    third = sessions.sign_in_link()
    assert isinstance(await sessions.set_password(third, PASSWORD, "b"), str)
    assert isinstance(await sessions.set_password(third, PASSWORD, "b"), Denied)
    assert not sessions.link_holds("")


async def test_a_link_used_by_two_at_once_signs_in_one(sessions):
    token = sessions.sign_in_link()
    found = await asyncio.gather(*(sessions.set_password(token, f"{PASSWORD} {n}", str(n)) for n in range(3)))
    assert sorted(isinstance(each, str) for each in found) == [False, False, True]


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 1025])
async def test_a_password_that_is_refused_leaves_the_link(sessions, password):
    token = sessions.sign_in_link()
    assert isinstance(await sessions.set_password(token, password, "a"), Denied)
    assert sessions.link_holds(token)
    assert not sessions.has_password


async def test_no_link_once_there_is_a_password_unless_asked_anew(sessions):
    first = await sessions.set_password(sessions.sign_in_link(), PASSWORD, "a")
    assert sessions.sign_in_link() == ""
    token = sessions.sign_in_link(anew=True)
    assert isinstance(await sessions.sign_in(PASSWORD, "a"), str)
    second = await sessions.set_password(token, "another long one", "a")
    assert not sessions.alive(first)
    assert sessions.alive(second)
    assert isinstance(await sessions.sign_in(PASSWORD, "a"), Denied)


async def test_a_link_made_by_another_process_works_here(sessions, tmp_path, clock):
    token = Sessions.open(tmp_path / "operator.json", clock).sign_in_link()
    assert isinstance(await sessions.set_password(token, PASSWORD, "a"), str)


async def test_a_password_alone_does_not_open_what_its_owner_shut(sessions):
    token = sessions.sign_in_link()
    name = await sessions.set_password(token, PASSWORD, "a")
    (owner,) = sessions.people.all

    def shut(access):
        passkey = Passkey("id", "key", 0, "localhost", "x", 1)
        person = replace(owner, passkeys=(passkey,), passkey_only=True)
        return access.with_people(access.people.with_one(person)), None

    sessions.file.change(shut)
    right, wrong = await sessions.sign_in(PASSWORD, "b"), await sessions.sign_in("x" * 12, "c")
    assert (right.sentence, wrong.sentence) == (
        "This account is opened by a passkey, not by a password alone.", "Name or password is not right.",
    )  # fmt: skip
    # Changing the password asks for the one of now as ever, and a link lets its owner in again.
    assert isinstance(await sessions.change_password(name, "x" * 12, "a new long one", "a"), Denied)
    assert isinstance(await sessions.change_password(name, PASSWORD, "a new long one", "a"), str)
    assert isinstance(await sessions.set_password(sessions.sign_in_link(anew=True), PASSWORD, "d"), str)


async def test_the_password_is_read_however_it_is_typed(sessions):
    await sessions.set_password(sessions.sign_in_link(), "caf\u00e9 au lait, deux", "a")
    assert isinstance(await sessions.sign_in("cafe\u0301 au lait, deux", "a"), str)
    assert isinstance(await sessions.sign_in("cafe au lait, deux", "a"), Denied)


async def test_a_password_is_worked_on_beside_the_loop(sessions):
    """Row T21 of the checklist: whoever is served meanwhile does not wait for argon2."""
    await sessions.set_password(sessions.sign_in_link(), PASSWORD, "a")
    signing = asyncio.create_task(sessions.sign_in(PASSWORD, "a"))
    turns = 0
    while not signing.done():
        await asyncio.sleep(0)
        turns += 1
    assert isinstance(signing.result(), str)
    assert turns > 5


async def test_nobody_signs_in_before_there_is_a_password(sessions):
    assert isinstance(await sessions.sign_in("", "a"), Denied)
    assert isinstance(await sessions.sign_in(PASSWORD, "a"), Denied)


async def test_one_address_is_slowed_and_others_are_not(sessions, clock):
    await sessions.set_password(sessions.sign_in_link(), PASSWORD, "owner")
    for _ in range(5):
        assert (await sessions.sign_in("", "thief")).retry_after == 0
    assert (await sessions.sign_in("", "thief")).retry_after == 10
    assert isinstance(await sessions.sign_in(PASSWORD, "owner"), str)
    clock.advance(10)
    assert (await sessions.sign_in("", "thief")).retry_after == 0


async def test_all_addresses_together_are_slowed_too(sessions):
    found = [await sessions.sign_in("", str(number)) for number in range(21)]
    assert [each.retry_after > 0 for each in found] == [False] * 20 + [True]


async def test_a_session_lives_while_used_and_no_longer_than_half_a_day(sessions, clock):
    name = await sessions.set_password(sessions.sign_in_link(), PASSWORD, "a")
    clock.advance(IDLE_US / 1e6 - 1)
    assert sessions.alive(name)
    clock.advance(1)
    assert not sessions.resume(name)
    name = await sessions.sign_in(PASSWORD, "a")
    began = clock.now_us()
    while clock.now_us() - began < ABSOLUTE_US - IDLE_US:
        clock.advance(1200)
        assert sessions.resume(name)
    clock.wall_us = began + ABSOLUTE_US - 1
    assert sessions.resume(name)
    clock.wall_us = began + ABSOLUTE_US
    assert not sessions.resume(name)


async def test_sessions_are_bounded_and_the_least_used_goes_first(sessions, clock):
    first = await sessions.set_password(sessions.sign_in_link(), PASSWORD, "a")
    others = []
    for _ in range(64):
        clock.advance(1)
        others.append(sessions.begin(sessions.people.all[0], "password"))
    assert not sessions.alive(first)
    assert all(sessions.alive(name) for name in others)


def test_a_form_token_belongs_to_its_cookie(sessions):
    token = sessions.form_token("one")
    assert sessions.form_holds("one", token)
    assert not sessions.form_holds("two", token)
    assert not sessions.form_holds("one", "")
    assert not sessions.form_holds("", sessions.form_token(""))
    assert not sessions.form_holds("one", "\u00e9")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"v": 2, "password": "", "link": null}',
        b'{"v": 1, "password": 3, "link": null}',
        b'{"v": 1, "password": "", "link": {"sha256": 1, "until_us": 2}}',
        b'{"v": 1, "password": "", "link": 7}',
    ],
)
def test_a_file_that_is_none_says_what_to_do(tmp_path, clock, content):
    path = tmp_path / "operator.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="delete it to be given a new sign-in link"):
        Sessions.open(path, clock)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path, clock, sessions, mode):
    sessions.sign_in_link()
    (tmp_path / "operator.json").chmod(mode)
    with pytest.raises(ConfigurationError, match=r"chmod 600.*, not "):
        Sessions.open(tmp_path / "operator.json", clock)


def test_a_folder_that_is_gone_is_said(tmp_path, clock):
    sessions = Sessions.open(tmp_path / "gone" / "operator.json", clock)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        sessions.sign_in_link()
