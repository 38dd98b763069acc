"""Keys for programs that do what the pages do: bearer secrets with scopes, an end, and a person behind them. Pure.

A key's scopes are permissions of `permissions`. What it may do is what its
scopes and the role of the person who made it have in common, at the moment that
it is used: whoever is disabled or loses a role takes the keys along. The secret
is of the form of `licenses.enrollment`, with the prefix ``lak_``; kept are its
SHA-256 and the first characters, by which a list and a leak can be matched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.dashboard.people import Person, Unfit
from gateway.dashboard.permissions import ALLOWED, Permission
from gateway.licenses.enrollment import new_secret, secret_hash

KEY_PREFIX: Final = "lak_"
MOST_DAYS: Final = 366
MOST_KEYS: Final = 200
DAY_US: Final = 86_400_000_000
#: Characters of a secret that are shown in lists.
_SHOWN: Final = len(KEY_PREFIX) + 8
#: Not for keys: a key has no password, no session and no other person's rights to give.
NEVER: Final = frozenset({Permission.SELF, Permission.PEOPLE_CHANGE, Permission.KEYS_CHANGE})


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key. Times are microseconds since the epoch; *used_us* and *revoked_us* are 0 for never."""

    id: str
    name: str
    person: str
    shown: str
    secret_sha256: str = field(repr=False)
    scopes: frozenset[Permission]
    made_us: int
    expires_us: int
    used_us: int = 0
    revoked_us: int = 0

    def state(self, now_us: int) -> str:
        """``runs``, ``expired`` or ``revoked``."""
        return "revoked" if self.revoked_us else "expired" if now_us >= self.expires_us else "runs"

    def allows(self, person: Person | None, now_us: int) -> frozenset[Permission]:
        """What it may do now, for the *person* of its id; nothing once either has ended."""
        if person is None or not person.can_sign_in or self.state(now_us) != "runs":
            return frozenset()
        return (self.scopes & ALLOWED[person.role]) - NEVER


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key and what is shown once."""

    key: ApiKey
    secret: str = field(repr=False)


def made_key(
    keys: Iterable[ApiKey], id: str, name: str, person: Person, scopes: Iterable[str], days: int, now_us: int
) -> MadeKey | Unfit:
    """A fresh key of *person*, or why there is none."""
    name, wanted = " ".join(name.split()), set(scopes)
    if not name or not name.isprintable() or len(name) > 100:
        return Unfit("A key's name is one line of 1 to 100 characters.")
    if not 1 <= days <= MOST_DAYS:
        return Unfit(f"A key runs for 1 to {MOST_DAYS} days.")
    may = ALLOWED[person.role] - NEVER
    if not wanted:
        return Unfit("Name at least one scope.")
    if wanted - may:
        return Unfit(f"A key of {person.name} cannot have {', '.join(sorted(wanted - may))}.")
    if sum(each.state(now_us) == "runs" for each in keys) >= MOST_KEYS:
        return Unfit(f"{MOST_KEYS} keys run already; revoke one first.")
    secret = new_secret(KEY_PREFIX)
    found = frozenset(map(Permission, wanted))
    key = ApiKey(
        id, name, person.id, secret[:_SHOWN], secret_hash(secret), found, now_us, now_us + days * DAY_US
    )
    return MadeKey(key, secret)


def revoked(key: ApiKey, now_us: int) -> ApiKey:
    """*key*, which opens nothing any more; the first end counts."""
    return key if key.revoked_us else replace(key, revoked_us=now_us)
