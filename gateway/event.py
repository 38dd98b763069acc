"""Something that happened and that others are told of: a value, before anybody is told."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: What an event's type may be made of: words joined by dots, the widest first, such as ``negotiation.offered``.
TYPE: Final = r"[a-z][a-z_]*(\.[a-z][a-z_]*)+"


@dataclass(frozen=True, slots=True)
class Event:
    """One change, told with the change itself or not at all.

    Attributes:
        id: stable: the same change told again has the same one. A receiver
            knows by it what it has heard before (Standard Webhooks 1.0,
            ``webhook-id``).
        type: as `TYPE` has it.
        at: whole seconds.
        site: the site that it is of.
        licensee: whom it concerns besides the operator, "" for nobody.
        subject: the id of what changed.
        body: JSON values. Both sides may read it: no floor, no address, no secret.
    """

    id: str
    type: str
    at: int
    site: str
    licensee: str
    subject: str
    body: Mapping[str, object]


def event(
    type: str,
    *,
    at: int,
    site: str,
    subject: str,
    licensee: str = "",
    nth: str = "",
    body: Mapping[str, object],
) -> Event:
    """An event whose id follows from its type, its subject and *nth*, which tells changes of one type apart."""
    digest = hashlib.sha256(f"{type}\x1f{site}\x1f{subject}\x1f{nth}".encode()).hexdigest()
    return Event(f"ev_{digest[:32]}", type, at, site, licensee, subject, dict(body))
