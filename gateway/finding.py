"""One thing that was looked at on this machine, and what to do about it: a value, told alike by command and page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum


class State(StrEnum):
    """How what was looked at stands; the later one is the worse one."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it stands, what was found, and what to do about it, "" for nothing.

    Every text may hold what somebody else chose (a host, a server's answer) and is shown as such.
    """

    what: str
    state: str
    fact: str
    step: str = ""

    def as_json(self) -> dict[str, str]:
        """Plain JSON."""
        return asdict(self)


def worst(found: Iterable[Finding]) -> State:
    """The worst state among *found*, ok where there is nothing.

    >>> worst([Finding("clock", "ok", ""), Finding("disk", "warn", "")]).value
    'warn'
    """
    order = tuple(State)
    return max((State(each.state) for each in found), key=order.index, default=State.OK)
