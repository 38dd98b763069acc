"""Content packed in many members: any gzip reads it, any part is read alone, and nothing is lost unseen."""

from __future__ import annotations

import gzip

import pytest

from gateway.provenance import packed


def test_a_file_that_was_cut_where_a_member_ends_is_damaged(tmp_path):
    octets = packed.pack_octets(bytes(3 * packed.BLOCK))
    path = tmp_path / "cut"
    cuts = [at for at in range(1, len(octets)) if octets.startswith(packed.GZIP, at)]
    assert len(cuts) == 3
    for cut in cuts:
        # A gzip is whole there, and only shorter than it was.
        assert len(gzip.decompress(octets[:cut])) % packed.BLOCK == 0
        path.write_bytes(octets[:cut])
        with path.open("rb", buffering=0) as file, pytest.raises(packed.PackedDamaged):
            packed.open_packed(file)


def test_a_content_of_any_length_is_packed_and_read_back(tmp_path):
    for length in (0, 1, packed.BLOCK - 1, packed.BLOCK, packed.BLOCK + 1, 3 * packed.BLOCK):
        octets = bytes(at * 7 % 251 for at in range(length))
        path = tmp_path / f"{length}"
        path.write_bytes(packed.pack_octets(octets))
        assert gzip.decompress(path.read_bytes()) == octets
        with path.open("rb", buffering=0) as file:
            found = packed.open_packed(file)
            assert found is not None
            assert found.size == length
            parts = []
            while part := found.read(50_000):
                parts.append(part)
            assert b"".join(parts) == octets
