"""What administrators did: notes in the journal's chain, and how they are read again.

Every change that is made on a page, by a key or by a command is one `AdminNote`
of the journal: it gets a number, a leaf of the public log and a proof like any
fetch (`licet journal prove`), and nobody can take it out again unseen. So are
the looks at what is hidden: a client's address, an export. Names stand in no
note, only ids of people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any, Final, Protocol

import uuid_utils

from gateway.canonical import canonical_bytes
from gateway.dashboard.people import Person
from gateway.dashboard.permissions import Permission
from gateway.provenance.record import AdminNote

#: Seeing these is written down, as changes are.
SEEN: Final = frozenset({Permission.ADDRESS_SEE, Permission.LOG_EXPORT})
#: Characters of an address that a note keeps.
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class Noted:
    """A note with its number in the folded journal."""

    seq: int
    note: AdminNote


class AdminNotes(Protocol):
    """Where notes are read. A storage port; raises `StoreUnavailable`.

    Implemented by `store.memory` and `store.sqlite`; both pass
    `tests/conformance/test_admin_notes.py`.
    """

    async def latest(self, before: int, most: int) -> tuple[Noted, ...]:
        """At most *most* notes with numbers under *before*, the latest first; 0 is from the newest."""
        ...


@dataclass(frozen=True, slots=True)
class AdminLog:
    """The notes of one office: *keep* makes one durable or raises `StoreUnavailable`, *room* says whether it could."""

    notes: AdminNotes
    keep: Callable[[AdminNote], Awaitable[None]]
    room: Callable[[], bool]


async def tell(
    admin: AdminLog | None, act: Permission, subject: str, person: Person, way: str, now_us: int,
    states: tuple[object, object],
) -> None:  # fmt: skip
    """Note what *person* did outside of any session: *states* are before and after. Raises `StoreUnavailable`."""
    if admin is not None:
        before, after = map(digest, states)
        await admin.keep(
            noted(
                act,
                subject,
                by=person.id,
                role=str(person.role),
                way=way,
                now_us=now_us,
                before=before,
                after=after,
            )
        )


def noted(
    act: str, subject: str, *, by: str, role: str, way: str, now_us: int, before: str = "", after: str = ""
) -> AdminNote:
    """A note of now, with an id of its own."""
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in subject)
    return AdminNote(str(uuid_utils.uuid7()), now_us, act, shown[:_LONGEST], by, role, way, before, after)


def digest(state: object) -> str:
    """SHA-256 in hex of a state's canonical JSON; "" for None.

    >>> digest({"b": 1, "a": frozenset({"y", "x"})}) == digest({"a": ["x", "y"], "b": 1})
    True
    """
    return "" if state is None else hashlib.sha256(canonical_bytes(_plain(state))).hexdigest()


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return str(value.value)
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(_plain, value), key=str)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)
