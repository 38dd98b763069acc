from __future__ import annotations

import pytest

from gateway.store.redis.looking import looked_at

GOOD = {"redis_version": "7.0.15", "role": "master", "aof_enabled": 1, "maxmemory": 1 << 28, "maxmemory_policy": "noeviction"}  # fmt: skip


def states(known, settings=None) -> list[tuple[str, str]]:
    return [(each.state, each.fact) for each in looked_at(known, settings or {})]


def test_a_server_in_order() -> None:
    found = states({**GOOD, "connected_slaves": 2}, {"appendfsync": "everysec", "min-replicas-to-write": "1"})
    assert {state for state, _ in found} == {"ok"}
    assert "power cut loses the last second or two" in str(found)


@pytest.mark.parametrize(
    ("changes", "settings", "state", "said"),
    [
        ({"redis_version": "6.0.16"}, {}, "bad", "6.0.16"),
        ({"redis_version": ""}, {}, "bad", "redis"),
        ({"redis_version": "odd"}, {}, "bad", "odd"),
        ({"role": "slave"}, {}, "bad", "takes no writes"),
        ({"maxmemory_policy": "allkeys-lru"}, {}, "warn", "allkeys-lru"),
        ({"maxmemory": 0}, {}, "warn", "maxmemory is not set"),
        ({"aof_enabled": 0}, {}, "warn", "appendonly is off"),
        ({"connected_slaves": 1}, {}, "warn", "without waiting"),
        ({}, {"appendfsync": "no"}, "ok", "loses anything"),
        ({}, {"appendfsync": "always"}, "ok", "loses nothing"),
        ({"valkey_version": "9.1.2", "server_name": "valkey"}, {}, "ok", "valkey 9.1.2"),
    ],
)
def test_what_stands_out(changes, settings, state, said) -> None:
    found = states({**GOOD, **changes}, settings)
    assert any(each == state and said in fact for each, fact in found), found


def test_a_server_that_says_nothing_is_bad_and_harms_nobody() -> None:
    assert states({})[0][0] == "bad"
