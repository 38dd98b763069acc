"""The public keys of a client: those it registered, or those at the address it registered.

A ``jwks_uri`` is fetched by the one guarded way out (`gateway.egress`) and kept
for an hour. Where a signature names a key that is not in the set, it is fetched
again, at most once a minute for one address, so that a key can be replaced
without a registration and nobody can make us knock at somebody's door. A copy
outlives a server that is down by a day. Of too many copies the oldest go; where
they hold too many keys, those with the most: anybody may register addresses.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Final

from gateway.clock import Clock
from gateway.desk.client_metadata import registered
from gateway.egress import Fetched, Get
from gateway.keys.key_set import CLIENT_ALGORITHMS, KeySet
from gateway.licenses.license import Client

_FRESH: Final = 3600.0
_PAUSE: Final = 60.0
_STALE: Final = 86_400.0
_MOST: Final = 4096
#: Keys of all copies together; each is about 2.5 KiB.
_MOST_KEYS: Final = 16_384


@dataclass(frozen=True, slots=True)
class _Copy:
    """The keys of an address, on the monotonic clock: when they came, and when they were last asked for."""

    keys: KeySet
    came_at: float
    asked_at: float


class ClientKeys:
    """Finds the keys of clients. One object a process."""

    def __init__(self, clock: Clock, get: Get | None = None) -> None:
        """Fetch by *get*; without it a ``jwks_uri`` has no keys."""
        self._clock, self._get = clock, get
        self._copies: dict[str, _Copy] = {}
        self._running: dict[str, asyncio.Task[KeySet]] = {}

    async def of(self, client: Client, kid: str = "") -> KeySet:
        """The keys of *client*, none where there are none to be had; *kid* is one that is looked for.

        Raises nothing: whatever stands at the address, or does not, is a set of keys or the empty one.
        """
        said = registered(client)
        uri = said.get("jwks_uri")
        if isinstance(uri, str):
            return await self._at(uri, kid)
        found = KeySet.parse(json.dumps(said.get("jwks", {"keys": []})), CLIENT_ALGORITHMS)
        return found if isinstance(found, KeySet) else KeySet()

    async def _at(self, uri: str, kid: str) -> KeySet:
        now, copy = self._clock.monotonic(), self._copies.get(uri)
        if copy is not None:
            fresh = now - copy.came_at < _FRESH and (not kid or kid in copy.keys)
            if fresh or now - copy.asked_at < _PAUSE:
                return copy.keys if now - copy.came_at < _STALE else KeySet()
        if self._get is None:
            return KeySet()
        running = self._running.get(uri)
        if running is None:
            running = self._running[uri] = asyncio.create_task(self._fetched(uri, self._get, copy))
            running.add_done_callback(lambda _: self._running.pop(uri, None))
        # One client that goes away must not end what others wait for.
        return await asyncio.shield(running)

    async def _fetched(self, uri: str, get: Get, copy: _Copy | None) -> KeySet:
        answer, now = await get(uri), self._clock.monotonic()
        found = KeySet.parse(answer.body, CLIENT_ALGORITHMS) if isinstance(answer, Fetched) else None
        if isinstance(found, KeySet):
            copy = _Copy(found, now, now)
        else:
            copy = replace(copy, asked_at=now) if copy is not None else _Copy(KeySet(), now - _FRESH, now)
        self._copies[uri] = copy
        self._make_room()
        return copy.keys if now - copy.came_at < _STALE else KeySet()

    def _make_room(self) -> None:
        if len(self._copies) > _MOST:
            del self._copies[next(iter(self._copies))]
        held = sum(len(copy.keys) for copy in self._copies.values())
        while held > _MOST_KEYS:
            largest = max(self._copies, key=lambda uri: len(self._copies[uri].keys))
            held -= len(self._copies.pop(largest).keys)
