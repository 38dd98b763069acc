"""What a revocation means for the snapshot that verdicts rest on: shared by the adapters. Pure.

A holder is a licensee or a client; its tokens fall by when they were issued.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.licenses.revocations import Revocations
from gateway.licenses.suspension import Suspension, standing

KINDS: Final = frozenset({"token", "license", "client", "licensee"})
#: Later than every token is issued: while a licensee is suspended, none of its tokens stands.
ALWAYS: Final = 2**53


def lifted_at(at: int) -> int:
    """Up to when tokens stay revoked after a suspension that ended at *at*.

    One that slipped out while the licensee was suspended stays revoked; one
    issued in the second of the return, or later, stands.
    """
    return at - 1


def snapshot(
    revoked: Iterable[tuple[str, str, int]],
    suspended: Iterable[str],
    causes: Iterable[Suspension] = (),
    superseded: Iterable[tuple[str, str]] = (),
) -> Revocations:
    """The snapshot of *revoked* (kind, subject, at), of licensees *suspended* at this moment, of licenses for *causes*.

    *superseded* are licenses with a terms hash that holds no more.
    """
    by_kind: dict[str, set[str]] = {"token": set(), "license": set()}
    holders: dict[str, int] = {}
    for kind, subject, at in revoked:
        if kind in by_kind:
            by_kind[kind].add(subject)
        else:
            holders[subject] = max(at, holders.get(subject, at))
    holders.update(dict.fromkeys(suspended, ALWAYS))
    return Revocations(
        frozenset(by_kind["token"]),
        frozenset(by_kind["license"]),
        tuple(sorted(holders.items())),
        standing(causes),
        frozenset(superseded),
    )
