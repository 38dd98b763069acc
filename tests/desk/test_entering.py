"""Logins by Basic and by the form, at every address that wants one: alike, and one way a request."""

from __future__ import annotations

import json

import pytest

ENTERED = ("/.licet/token", "/.licet/introspect", "/.licet/revoke", "/.licet/account")
FORM = {"grant_type": "client_credentials", "resource": "/gift/", "token": "x"}


@pytest.mark.parametrize("path", ENTERED)
async def test_the_secret_may_stand_in_the_form(world, path):
    made = await world.licensee()
    login = {"client_id": made.client.id, "client_secret": made.secret}
    assert (await world.post(path, None, FORM | login)).status == 200
    assert (await world.post(path, made, FORM)).status == 200
    for wrong in (
        {"client_secret": "x"},
        {"client_id": "cl_x"},
        {"client_id": ""},
        {"client_id": "a\x00b"},
        {"client_id": "é" * 200},
    ):
        assert (await world.post(path, None, FORM | login | wrong)).status == 401, wrong
    assert (await world.post(path, None, FORM)).status == 401


@pytest.mark.parametrize("path", ENTERED)
async def test_two_ways_at_once_are_one_too_many(world, path):
    made = await world.licensee()
    for more in ({"client_secret": made.secret}, {"client_assertion": "x"}, {"client_id": "cl_other"}):
        answer = await world.post(path, made, FORM | more)
        assert answer.status == 400, more
    body = [("client_id", made.client.id), ("client_secret", made.secret), ("client_secret", made.secret)]
    assert (await world.post(path, None, body)).status == 400


async def test_json_holds_the_login_where_json_is_read(world):
    made = await world.licensee()
    sent = {"client_id": made.client.id, "client_secret": made.secret, "token": "x"}
    headers = {"Content-Type": "application/json"}
    answer = await world.post("/.licet/introspect", None, json.dumps(sent), headers=headers)
    assert (answer.status, await answer.json()) == (200, {"active": False})
    assert (await world.post("/.licet/token", None, json.dumps(sent), headers=headers)).status == 415
    for odd in ({"client_secret": [made.secret]}, {"client_id": 5}, {"client_secret": None}):
        assert (
            await world.post("/.licet/introspect", None, json.dumps(sent | odd), headers=headers)
        ).status == 401
