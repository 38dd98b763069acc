"""Which keys a ring has and what each is for now: pure steps and their JSON.

========= ============================ ========= ===========
state     what it means                signs     verifies
========= ============================ ========= ===========
next      published ahead of its use   no        yes
current   the one that signs           yes       yes
retiring  its last tokens run out      no        until `use_until`
revoked   lapsed, or no longer trusted no        no
========= ============================ ========= ===========

A key moves down this table and never up. `next` verifies already, because
another process may have made it current a moment ago. There is exactly one
`current` and one `next` at any time. All times are whole seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from gateway.canonical import canonical_bytes
from gateway.keys.key_set import PublicKey, read_jwk
from gateway.keys.strict_json import Malformed, read_object

VERSION: Final = 1
#: Revoked keys that are remembered, the newest; the others are forgotten.
REMEMBERED: Final = 32
_LATEST: Final = 2**40


class State(StrEnum):
    """What a key of a ring is for."""

    NEXT = "next"
    CURRENT = "current"
    RETIRING = "retiring"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key of a ring, without its private side.

    *use_from* is when it became current, *use_until* when it stops verifying;
    0 where that is not so (yet). For a revoked key *use_until* is when it was.
    """

    public: PublicKey
    state: State
    created_at: int
    use_from: int = 0
    use_until: int = 0

    @property
    def kid(self) -> str:
        """The id by which signatures name it."""
        return self.public.kid

    def as_json(self) -> dict[str, object]:
        """The record as the manifest and ``licet keys list --json`` write it."""
        return {
            "kid": self.kid,
            "algorithm": self.public.algorithm,
            "state": self.state.value,
            "created_at": self.created_at,
            "use_from": self.use_from,
            "use_until": self.use_until,
            "public": self.public.as_jwk(),
        }


@dataclass(frozen=True, slots=True)
class Manifest:
    """Every key of one ring, in the order current, next, retiring, revoked (newest first)."""

    purpose: str
    records: tuple[KeyRecord, ...]

    @property
    def current(self) -> KeyRecord:
        """The key that signs."""
        return next(record for record in self.records if record.state is State.CURRENT)

    def verifying(self, now: int) -> tuple[KeyRecord, ...]:
        """The records whose keys still verify at *now*."""
        return tuple(
            record
            for record in self.records
            if record.state in {State.CURRENT, State.NEXT}
            or (record.state is State.RETIRING and now < record.use_until)
        )

    def lapses_at(self, now: int) -> int | None:
        """When the answer of `verifying` changes next, or None if it does not."""
        return min(
            (r.use_until for r in self.records if r.state is State.RETIRING and r.use_until > now),
            default=None,
        )

    def find(self, kid: str) -> KeyRecord | None:
        """Return the record of that key, or None."""
        return next((record for record in self.records if record.kid == kid), None)

    def rotated(self, fresh: PublicKey, now: int, overlap_seconds: int) -> Manifest:
        """Let `next` sign from *now*, *fresh* stand by, and `current` retire.

        What retires verifies for *overlap_seconds* more; what has lapsed is
        revoked.
        """
        return self._moved(fresh, now, State.RETIRING, now + overlap_seconds)

    def revoked(self, kid: str, fresh: PublicKey, now: int) -> Manifest:
        """Let the key *kid* verify nothing from *now*; *fresh* fills the gap it leaves.

        Without effect on a key that is revoked already. *fresh* is not used
        where no gap arises. Raises `KeyError` for a key the ring does not have.
        """
        record = self.find(kid)
        if record is None:
            raise KeyError(kid)
        if record.state is State.CURRENT:
            return self._moved(fresh, now, State.REVOKED, now)
        if record.state is State.REVOKED:
            return self
        ended = replace(record, state=State.REVOKED, use_until=now)
        others = [other for other in self.records if other.kid != kid]
        if record.state is State.NEXT:
            others.append(KeyRecord(fresh, State.NEXT, now))
        return _ordered(self.purpose, [*others, ended], now)

    def _moved(self, fresh: PublicKey, now: int, fate: State, use_until: int) -> Manifest:
        moved = [KeyRecord(fresh, State.NEXT, now)]
        for record in self.records:
            if record.state is State.CURRENT:
                moved.append(replace(record, state=fate, use_until=use_until))
            elif record.state is State.NEXT:
                moved.append(replace(record, state=State.CURRENT, use_from=now))
            else:
                moved.append(record)
        return _ordered(self.purpose, moved, now)

    def as_bytes(self) -> bytes:
        """The manifest as it stands on disk: canonical JSON and a newline."""
        listed = [record.as_json() for record in self.records]
        return canonical_bytes({"version": VERSION, "purpose": self.purpose, "keys": listed}) + b"\n"


def begin(purpose: str, current: PublicKey, standby: PublicKey, now: int) -> Manifest:
    """The manifest of a new ring: *current* signs from *now*, *standby* is next."""
    records = (KeyRecord(current, State.CURRENT, now, use_from=now), KeyRecord(standby, State.NEXT, now))
    return Manifest(purpose, records)


def read_manifest(raw: bytes) -> Manifest:
    """Read what `Manifest.as_bytes` wrote, or raise `Malformed`. Nothing else is raised."""
    found = read_object(raw)
    listed = found.get("keys")
    if found.keys() != {"version", "purpose", "keys"} or found["version"] is not VERSION:
        raise Malformed("it is not a manifest of version 1")
    if not isinstance(found["purpose"], str) or not isinstance(listed, list):
        raise Malformed("its purpose or its keys are of another type")
    records = tuple(_read_record(item) for item in listed)
    states = [record.state for record in records]
    if states.count(State.CURRENT) != 1 or states.count(State.NEXT) != 1:
        raise Malformed("it does not have one current and one next key")
    if len({record.kid for record in records}) != len(records):
        raise Malformed("two keys have the same kid")
    return Manifest(found["purpose"], records)


def _read_record(item: object) -> KeyRecord:
    names = {"kid", "algorithm", "state", "created_at", "use_from", "use_until", "public"}
    if not isinstance(item, dict) or item.keys() != names or not isinstance(item["public"], dict):
        raise Malformed("a key has missing or unknown members")
    public = read_jwk(item["public"])
    if public is None or item["kid"] != public.kid or item["algorithm"] != public.algorithm:
        raise Malformed("a key's public part does not fit its kid or algorithm")
    if public.kid != public.thumbprint:
        raise Malformed("a kid is not the thumbprint of its key")
    if item["state"] not in _ORDER:
        raise Malformed("a key has an unknown state")
    return KeyRecord(
        public=public,
        state=State(item["state"]),
        created_at=_seconds(item, "created_at"),
        use_from=_seconds(item, "use_from"),
        use_until=_seconds(item, "use_until"),
    )


def _seconds(item: Mapping[str, object], name: str) -> int:
    value = item[name]
    if type(value) is not int or not 0 <= value <= _LATEST:
        raise Malformed(f"a key's {name} is not a time in seconds")
    return value


_ORDER = [State.CURRENT, State.NEXT, State.RETIRING, State.REVOKED]


def _ordered(purpose: str, records: list[KeyRecord], now: int) -> Manifest:
    settled = [
        replace(record, state=State.REVOKED) if _has_lapsed(record, now) else record for record in records
    ]
    settled.sort(key=lambda record: (_ORDER.index(record.state), -record.use_until, record.kid))
    live = sum(record.state is not State.REVOKED for record in settled)
    return Manifest(purpose, tuple(settled[: live + REMEMBERED]))


def _has_lapsed(record: KeyRecord, now: int) -> bool:
    return record.state is State.RETIRING and record.use_until <= now
