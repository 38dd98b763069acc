"""Proof of authorship of a work: what the journal saw of it and when, and the originals its owner vouches for. Pure.

What can be shown: that this gateway delivered content of these digests from
these public addresses, first at these times, as records say that are chained
and published (`provenance`); and that the owner filed digests of originals,
whatever they are, at these times. What cannot: that nobody else had it before. The document says both.

Only what automata fetched is in the journal; people's visits are counted as totals.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from gateway.canonical import canonical_digest
from gateway.licenses.withdrawal import content_id

FORMAT: Final = 1
#: What stands in every proof.
BASIS: Final = (
    "First and last times and digests are those of deliveries to automated visitors, as the journal of this gateway "
    "has them; its records are chained, and their hashes are published. Originals are digests that the owner filed at "
    "the time named. Neither shows that nobody else had the work before. A starting point that needs counsel; not "
    "legal advice."
)


@dataclass(frozen=True, slots=True)
class Seen:
    """Content as it was delivered whole: from where, its lower-case hex SHA-256, first and last in whole seconds."""

    path: str
    digest: str
    first_at: int
    last_at: int


@dataclass(frozen=True, slots=True)
class Original:
    """A file that the owner vouches for: its *name* without a folder, digest and length; never its content."""

    site: str
    work: str
    digest: str
    name: str
    size: int
    added_at: int
    by: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof and its digest (RFC 8785, SHA-256)."""

    document: dict[str, Any]
    digest: str


def proof_of(
    site: str, origin: str, work: str, seen: Iterable[Seen], originals: Iterable[Original], now: int
) -> Proof:
    """The proof of one work of *site* at public *origin*, as of *now*; the same facts give the same digest but for *now*."""
    by_path: dict[str, list[Seen]] = {}
    for each in sorted(seen, key=lambda each: (each.path, each.first_at, each.digest)):
        by_path.setdefault(each.path, []).append(each)
    filed = sorted(originals, key=lambda each: (each.added_at, each.digest))
    vouched = {each.digest for each in filed}
    document = {
        "format": FORMAT,
        "site": origin,
        "work": work,
        "made_at": now,
        "basis": BASIS,
        "contents": [
            {
                "content": content_id(site, path),
                "url": f"{origin}{path}",
                "first_seen": rows[0].first_at,
                "digests": [
                    {
                        "digest": f"sha-256:{row.digest}",
                        "first_seen": row.first_at,
                        "last_seen": row.last_at,
                        "is_original": row.digest in vouched,
                    }
                    for row in rows
                ],
            }
            for path, rows in by_path.items()
        ],
        "originals": [
            {
                "name": each.name,
                "digest": f"sha-256:{each.digest}",
                "size": each.size,
                "filed_at": each.added_at,
                "by": each.by,
            }
            for each in filed
        ],
    }
    return Proof(document, canonical_digest(document))


def annex_of(proofs: Iterable[Proof]) -> Proof:
    """The proofs of all works of one contract, as one document that names the digest of each."""
    found = tuple(proofs)
    document = {
        "format": FORMAT,
        "works": [{"digest": each.digest, "proof": each.document} for each in found],
    }
    return Proof(document, canonical_digest(document))
