"""`licenses.evidence_shelf.EvidenceShelf` in memory."""

from __future__ import annotations

import hashlib


class MemoryEvidence:
    """Documents by digest."""

    def __init__(self) -> None:
        """Start empty."""
        self._found: dict[str, bytes] = {}

    async def keep(self, octets: bytes) -> str:
        """Keep *octets* and return their SHA-256 in hex."""
        sha256 = hashlib.sha256(octets).hexdigest()
        self._found[sha256] = octets
        return sha256

    async def read(self, sha256: str) -> bytes | None:
        """The document of that digest, or None."""
        return self._found.get(sha256)
