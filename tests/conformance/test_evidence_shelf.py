"""`EvidenceShelf`: what was kept is what is read."""

from __future__ import annotations

import hashlib


async def test_a_document_is_kept_by_its_digest(ports):
    octets = b"%PDF-1.7\x00\xff"
    sha256 = await ports.evidence.keep(octets)
    assert sha256 == hashlib.sha256(octets).hexdigest()
    assert await ports.evidence.keep(octets) == sha256
    assert await ports.evidence.read(sha256) == octets
    for none in ("0" * 64, "../licet.db", "", sha256.upper(), sha256 + "\n"):
        assert await ports.evidence.read(none) is None
