"""Auditors: who may look at whose evidence, of which months, until when; and every look that was taken.

An auditor is no client: nothing can be bought, changed or said with its secret.
Its scope is a licensee, a site, or a licensee at a site, from the month *first*
to the month *last* (UTC, such as 2026-11). The secret is of the form of
`enrollment`, with the prefix ``lau_``; what is kept is its hash.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

import uuid_utils

from gateway.licenses.enrollment import new_secret, secret_hash

AUDITOR_PREFIX: Final = "lau_"
#: Days for which access is given at most.
MOST_DAYS: Final = 366
_MONTH: Final = re.compile(r"[1-9][0-9]{3}-(0[1-9]|1[0-2])", re.ASCII)
_DAY: Final = 86_400


class AuditorError(ValueError):
    """That is no scope or no time for an auditor; the message is a clause that says why."""


@dataclass(frozen=True, slots=True)
class Auditor:
    """One auditor's access. Times are whole seconds; *revoked_at* is 0 while it was not taken back."""

    id: str
    name: str
    secret_sha256: str
    licensee: str
    site: str
    first: str
    last: str
    made_at: int
    expires_at: int
    revoked_at: int = 0

    def ended(self, now: int) -> str:
        """Why there is no access any more at second *now*, as a sentence for the auditor, or ""."""
        if self.revoked_at:
            return "This access was revoked."
        return "This access has expired." if now >= self.expires_at else ""

    def covers(self, licensee: str, site: str, month: str) -> bool:
        """Whether a record of *licensee* at *site* in *month* may be seen. A record of no site is of every site."""
        return (
            (not self.licensee or licensee == self.licensee)
            and (not self.site or site == self.site)
            and self.first <= month <= self.last
        )


@dataclass(frozen=True, slots=True)
class Invited:
    """An auditor and what is shown once."""

    auditor: Auditor
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Look:
    """One use of an auditor's secret: *what* was asked for, and *came* of it (``given`` or the code of a refusal)."""

    auditor: str
    at: int
    what: str
    came: str
    nth: int = field(default=0, compare=False)


def invite(
    name: str, *, licensee: str = "", site: str = "", first: str, last: str, days: int, now: int
) -> Invited:
    """Make an auditor with a fresh secret; nothing is stored. Raises `AuditorError`.

    >>> invite("Ada", licensee="le_1", first="2026-10", last="2026-11", days=30, now=0).auditor.expires_at
    2592000
    """
    if not licensee and not site:
        raise AuditorError("an auditor sees one licensee, one site, or one licensee at one site: name it")
    if not _MONTH.fullmatch(first) or not _MONTH.fullmatch(last) or first > last:
        raise AuditorError("the months are two such as 2026-10 and 2026-12, the earlier one first")
    if not 0 < days <= MOST_DAYS:
        raise AuditorError(f"access is given for 1 to {MOST_DAYS} days")
    if not name or not name.isprintable() or len(name) > 200:
        raise AuditorError("a name is printable text of 1 to 200 characters")
    secret = new_secret(AUDITOR_PREFIX)
    id = f"au_{uuid_utils.uuid7(nanoseconds=now * 1_000_000_000).hex}"
    return Invited(
        Auditor(id, name, secret_hash(secret), licensee, site, first, last, now, now + days * _DAY), secret
    )


def month_of(time_us: int) -> str:
    """The month of a time in microseconds since the epoch.

    >>> month_of(1793491200000000)
    '2026-11'
    """
    return datetime.fromtimestamp(time_us / 1_000_000, UTC).strftime("%Y-%m")


class Auditors(Protocol):
    """Where auditors and their looks rest. A storage port.

    Implemented by `store.memory` and `store.sqlite`; both pass
    `tests/conformance/test_auditors.py`. Raises `StoreUnavailable`.
    """

    async def add(self, auditor: Auditor) -> bool:
        """Keep a new one; False and nothing where its id or its secret is taken."""
        ...

    async def by_secret(self, sha256: str) -> Auditor | None:
        """The one whose secret has that hash, whether or not its access still runs."""
        ...

    async def all(self) -> tuple[Auditor, ...]:
        """Every one, the latest first."""
        ...

    async def revoke(self, id: str, at: int) -> bool:
        """End an access at second *at*; False where there is none of that id, or it was revoked before."""
        ...

    async def looked(self, look: Look) -> None:
        """Keep that an auditor looked; durable when this returns."""
        ...

    async def looks(self, auditor: str, most: int, before: int = 0) -> tuple[Look, ...]:
        """Looks of that auditor, or of every one for "", the latest first, at most *most*, *before* the number of one."""
        ...

    async def forget_looks(self, before: int) -> int:
        """Forget looks from before second *before*; how many they were."""
        ...
