"""The entry of the journal that keeps a consent; a kind of `record.JournalEntry` beside fetches and books."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

from gateway.canonical import canonical_bytes


@dataclass(frozen=True, slots=True)
class ConsentNote:
    """A policy was put in force: what its creator consented to from then on. Posts nothing.

    *policy* is its digest and *before* that of the one it replaced, or "". *through*
    is how it was put there (the consent page, the editor, the file), *text* the
    SHA-256 of the file in hex. *words* are the sentences that whoever did it was
    shown and said yes to, none where it was the file; *cells* says what stands for
    each use of each work. *who* commits to the name of that person,
    `consent_of_whom`: name and salt stand beside the journal and can be erased.
    """

    id: str
    time_us: int
    site: str
    policy: str
    before: str
    through: str
    text: str
    who: str
    words: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    v: int = 1

    kind = "consent"
    is_paid = True

    def canonical(self) -> bytes:
        """The bytes that are hashed: RFC 8785 over every member."""
        return canonical_bytes(asdict(self))


def consent_of_whom(name: str, salt: bytes) -> str:
    """The value of `ConsentNote.who` that binds *name*; "" where nobody is known."""
    return hashlib.sha256(salt + b"who\0" + name.encode()).hexdigest() if name else ""
