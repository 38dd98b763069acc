from __future__ import annotations

import pytest

from gateway.app.checkup import shared_redis


async def test_a_server_that_is_there_and_one_that_is_not(tmp_path, redis_serving) -> None:
    assert await shared_redis.looked_at(tmp_path, {}) == []
    with redis_serving("redis", "--appendonly", "yes", "--maxmemory", "64mb") as server:
        found = await shared_redis.looked_at(tmp_path, {"LICET_STORE_REDIS": server.url})
        assert {each.state for each in found} == {"ok"}
        assert "redis 7" in found[0].fact
        with server.client as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
        found = await shared_redis.looked_at(tmp_path, {"LICET_STORE_REDIS": server.url})
        assert "allkeys-lru" in str([each for each in found if each.state == "warn"])
        with server.client as client:
            client.config_set("requirepass", "hunter2")
        (found,) = await shared_redis.looked_at(tmp_path, {"LICET_STORE_REDIS": server.url})
        assert (found.state, "name or password" in found.fact) == ("bad", True)
    (found,) = await shared_redis.looked_at(tmp_path, {"LICET_STORE_REDIS": server.url})
    assert (found.state, "does not answer" in found.fact) == ("bad", True)


@pytest.mark.parametrize("key", ["redis_password_file", "redis_authorities"])
async def test_what_is_wrong_with_its_settings(tmp_path, key) -> None:
    environ = {"LICET_STORE_REDIS": "rediss://redis.example", f"LICET_STORE_{key.upper()}": "nowhere"}
    (found,) = await shared_redis.looked_at(tmp_path, environ)
    assert (found.state, "nowhere" in found.fact) == ("bad", True)
