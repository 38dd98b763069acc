"""Somebody objects to a work: who may read what of it, and what the owner decides. Pure.

======== =====================================================================
open     it waits for the owner
held     it waits, and the page is not sold meanwhile
upheld   the owner agreed, and withdrew the page
dismissed the owner did not, and said why
======== =====================================================================

Who objects stands in `Objector` alone, which is kept apart and can be erased
without a trace in what was decided. It goes into no feed, no event, no token and
no record of a fetch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from gateway.event import Event, event
from gateway.paths import Ambiguous, canonical
from gateway.problems import Problem, Refusal

LONGEST_LINE: Final = 300
LONGEST_WHY: Final = 4000
#: The fields of the form, each with the most characters it may hold.
FIELDS: Final[Mapping[str, int]] = {
    "url": 2000, "role": 40, "name": LONGEST_LINE, "contact": LONGEST_LINE, "why": LONGEST_WHY,
}  # fmt: skip


class Role(StrEnum):
    """What somebody is to the work."""

    DEPICTED = "depicted"
    COAUTHOR = "co-author"
    HOLDER = "rights-holder"
    OTHER = "other"

    @property
    def words(self) -> str:
        """The same for people, in their own words."""
        return _ROLES[self]

    @property
    def told(self) -> str:
        """The same for the owner, who reads of somebody else."""
        return _TOLD[self]


_ROLES: Final = {
    Role.DEPICTED: "I am shown, heard or described in it",
    Role.COAUTHOR: "I made it, alone or with others",
    Role.HOLDER: "I hold rights in it or in a part of it",
    Role.OTHER: "something else",
}


_TOLD: Final = {
    Role.DEPICTED: "is shown, heard or described in it",
    Role.COAUTHOR: "made it, alone or with others",
    Role.HOLDER: "holds rights in it or in a part of it",
    Role.OTHER: "something else",
}


class ObjectionState(StrEnum):
    """How far the owner is."""

    OPEN = "open"
    HELD = "held"
    UPHELD = "upheld"
    DISMISSED = "dismissed"

    @property
    def is_over(self) -> bool:
        """Whether it was decided."""
        return self in {ObjectionState.UPHELD, ObjectionState.DISMISSED}


@dataclass(frozen=True, slots=True)
class Objector:
    """Who objects, how to reach them, and why. The repr hides all of it."""

    name: str
    contact: str
    why: str

    def __repr__(self) -> str:
        """Nothing of anybody."""
        return "Objector(…)"


@dataclass(frozen=True, slots=True)
class Objection:
    """One objection without whoever made it.

    Attributes:
        id: ``ob_`` and hex, which nobody can guess: whoever knows it may read how far it is.
        path: canonical path of the page, or "/" for the whole site.
        answer: what the owner says to whoever objected, once it is decided.
        withdrawal: the withdrawal that came of it, "" for none.
        version: 1 when it comes in, one more with each change.
    """

    id: str
    site: str
    path: str
    role: Role
    at: int
    state: ObjectionState = ObjectionState.OPEN
    decided_at: int = 0
    by: str = ""
    answer: str = ""
    withdrawal: str = ""
    version: int = 1

    @property
    def cause(self) -> str:
        """What a hold that comes of it names as its cause."""
        return f"objection {self.id}"


def read_objection(
    members: Mapping[str, object], *, id: str, site: str, origin: str, now: int
) -> tuple[Objection, Objector] | Refusal:
    """Read what a form or a JSON body holds; a refusal names the first member that is wrong."""
    unknown = [name for name in members if name not in FIELDS]
    if unknown:
        return _wrong(unknown[0][:40], "is unknown")
    for name, longest in FIELDS.items():
        value = members.get(name, "")
        if not isinstance(value, str) or not value.strip():
            return _wrong(name, "is missing")
        if len(value) > longest or not all(
            char.isprintable() or (name == "why" and char in "\r\n\t") for char in value
        ):
            return _wrong(name, f"is not printable text of at most {longest} characters")
    found = {name: str(members[name]).strip() for name in FIELDS}
    if found["role"] not in list(Role):
        return _wrong("role", f"is none of {', '.join(Role)}")
    path = _path(found["url"], origin)
    if path is None:
        return _wrong("url", f"is no page of {origin}")
    objection = Objection(id, site, path, Role(found["role"]), now)
    return objection, Objector(found["name"], found["contact"], found["why"])


def _path(url: str, origin: str) -> str | None:
    """The canonical path of a URL of *origin*, or of a path; None where it is neither."""
    rest = url.split("#", 1)[0].split("?", 1)[0]
    if rest.startswith(("http://", "https://")):
        host = origin.split("://", 1)[-1]
        named, slash, rest = rest.split("://", 1)[1].partition("/")
        if named.lower() != host.lower():
            return None
        rest = slash + rest or "/"
    path = canonical(rest)
    return None if isinstance(path, Ambiguous) or "*" in path else path


def held(objection: Objection, by: str) -> Objection | Refusal:
    """Stop selling the page until it is decided."""
    if objection.state is not ObjectionState.OPEN:
        return _decided(objection)
    return replace(objection, state=ObjectionState.HELD, by=by, version=objection.version + 1)


def decided(
    objection: Objection, by: str, answer: str, now: int, *, withdrawal: str = ""
) -> Objection | Refusal:
    """Decide it: upheld with the *withdrawal* that came of it, dismissed without. *answer* is for the objector."""
    if objection.state.is_over:
        return _decided(objection)
    state = ObjectionState.UPHELD if withdrawal else ObjectionState.DISMISSED
    return replace(
        objection,
        state=state,
        decided_at=now,
        by=by,
        answer=answer,
        withdrawal=withdrawal,
        version=objection.version + 1,
    )


def told(objection: Objection, at: int) -> Event:
    """What the operator hears of it: a page and a state, and nobody."""
    return event(
        "objection.received" if objection.version == 1 else f"objection.{objection.state}",
        at=at,
        site=objection.site,
        subject=objection.id,
        nth=str(objection.version),
        body={"objection": objection.id, "page": objection.path, "state": str(objection.state)},
    )


def _decided(objection: Objection) -> Refusal:
    return Refusal(
        Problem.REMOVAL_OUT_OF_ORDER, f"The objection {objection.id} is {objection.state} already."
    )


def _wrong(member: str, why: str) -> Refusal:
    return Refusal(
        Problem.PROPOSAL_INVALID, f"Of the objection, {member} {why}.", facts=(("member", member),)
    )
