"""Keys at an address: fetched rarely, replaced without a registration, and never trusted for long when it is gone."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from gateway.clock import HandClock
from gateway.desk import client_keys
from gateway.desk.client_keys import ClientKeys
from gateway.egress import Fetched, Unfetched
from gateway.licenses.license import Client

URI = "https://labs.example/jwks.json"
CLIENT = Client("cl_1", "le_1", "", 0, signs=True, metadata=json.dumps({"jwks_uri": URI}))


class Elsewhere:
    """Somebody's server: what stands there, and how often it was asked."""

    def __init__(self, *holders):
        self.body, self.asked, self.down = b"", 0, False
        self.shows(*holders)

    def shows(self, *holders):
        self.body = json.dumps({"keys": [each.jwk for each in holders]}).encode()

    async def get(self, url):
        assert url == URI
        self.asked += 1
        await asyncio.sleep(0)
        return Unfetched("unreachable") if self.down else Fetched(url, (), self.body)


@pytest.fixture
def there(proving):
    return Elsewhere(proving.Holder())


@pytest.fixture
def clock():
    return HandClock()


async def test_many_logins_make_one_fetch_an_hour(there, clock):
    keys = ClientKeys(clock, there.get)
    found = await asyncio.gather(*(keys.of(CLIENT) for _ in range(20)))
    assert [len(each) for each in found] == [1] * 20
    assert there.asked == 1
    clock.mono += 3599
    await keys.of(CLIENT)
    assert there.asked == 1
    clock.mono += 1
    await keys.of(CLIENT)
    assert there.asked == 2


async def test_a_key_that_is_not_in_the_copy_is_looked_for_once_a_minute(there, clock, proving):
    keys, new = ClientKeys(clock, there.get), proving.Holder()
    await keys.of(CLIENT)
    there.shows(new)
    clock.mono += 59
    assert new.thumbprint not in await keys.of(CLIENT, new.thumbprint)
    assert there.asked == 1
    clock.mono += 1
    assert new.thumbprint in await keys.of(CLIENT, new.thumbprint)
    for _ in range(50):
        await keys.of(CLIENT, "never there")
    assert there.asked == 2


async def test_a_copy_outlives_its_server_by_a_day(there, clock):
    keys = ClientKeys(clock, there.get)
    await keys.of(CLIENT)
    there.down = True
    clock.mono += 86_399
    assert len(await keys.of(CLIENT)) == 1
    clock.mono += 60
    assert len(await keys.of(CLIENT)) == 0


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"keys":{}}', b'{"keys":[]}', b"\xff"])
async def test_what_is_no_set_has_no_keys_and_is_not_asked_for_again_at_once(there, clock, body):
    keys = ClientKeys(clock, there.get)
    there.body = body
    for _ in range(3):
        assert len(await keys.of(CLIENT)) == 0
    assert there.asked == 1


async def test_without_a_way_out_only_registered_keys_are_there(clock, proving):
    keys, holder = ClientKeys(clock), proving.Holder("EdDSA")
    assert len(await keys.of(CLIENT)) == 0
    assert len(await keys.of(replace(CLIENT, metadata="{}"))) == 0
    own = replace(CLIENT, metadata=json.dumps({"jwks": {"keys": [holder.jwk]}}))
    assert [key.thumbprint for key in await keys.of(own)] == [holder.thumbprint]


async def test_addresses_of_strangers_fill_no_memory_and_the_largest_go_first(clock, proving, monkeypatch):
    monkeypatch.setattr(client_keys, "_MOST", 5)
    monkeypatch.setattr(client_keys, "_MOST_KEYS", 8)
    holders, asked = [proving.Holder() for _ in range(3)], []

    async def get(url):
        asked.append(url)
        count = 3 if "many" in url else 1
        return Fetched(url, (), json.dumps({"keys": [each.jwk for each in holders[:count]]}).encode())

    def at(path):
        metadata = json.dumps({"jwks_uri": f"https://labs.example/{path}"})
        return replace(CLIENT, metadata=metadata)

    keys = ClientKeys(clock, get)
    for path in ("one", "many/1", "many/2", "many/3", "many/4"):
        assert len(await keys.of(at(path))) == (1 if path == "one" else 3)
        assert sum(len(copy.keys) for copy in keys._copies.values()) <= 8
    assert len(keys._copies) == 3
    await keys.of(at("one"))
    assert asked.count("https://labs.example/one") == 1, "its copy is still there"
    for number in range(20):
        await keys.of(at(f"few/{number}"))
    assert len(keys._copies) == 5
