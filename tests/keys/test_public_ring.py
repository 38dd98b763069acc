"""A ring read without its private keys: the same public keys, at every moment, as the ring itself."""

from __future__ import annotations

import pytest

from gateway.keys.key_ring import OVERLAP_SECONDS, KeyRing
from gateway.keys.public_ring import PublicRing
from gateway.problems import ConfigurationError


def test_it_follows_the_ring_without_a_private_key(tmp_path, clock):
    ring = KeyRing.create(tmp_path / "tokens", clock=clock)
    for pem in (tmp_path / "tokens").glob("*.pem"):
        pem.chmod(0)
    public = PublicRing(tmp_path / "tokens", clock)
    assert public.public == ring.public
    assert public.public is public.public
    assert public.refresh() is False
    for pem in (tmp_path / "tokens").glob("*.pem"):
        pem.chmod(0o600)
    ring.rotate(clock.now_us() // 1_000_000)
    assert public.public != ring.public
    assert public.refresh() is True
    assert public.public == ring.public
    clock.advance(OVERLAP_SECONDS + 1)
    assert public.public == ring.public
    ring.revoke(ring.current.kid, clock.now_us() // 1_000_000)
    public.refresh()
    assert public.public == ring.public


def test_what_cannot_be_read_is_told_and_the_last_good_keys_stay(tmp_path, clock):
    with pytest.raises(ConfigurationError, match=r"manifest\.json"):
        PublicRing(tmp_path, clock)
    ring = KeyRing.create(tmp_path / "tokens", clock=clock)
    public = PublicRing(tmp_path / "tokens", clock)
    manifest = tmp_path / "tokens" / "manifest.json"
    good = manifest.read_bytes()
    for bad in (b"", b"{}", b"\xff"):
        manifest.write_bytes(bad)
        with pytest.raises(ConfigurationError, match="usable"):
            public.refresh()
        assert public.public == ring.public
    manifest.unlink()
    with pytest.raises(ConfigurationError, match="No such file"):
        public.refresh()
    manifest.write_bytes(good)
    assert public.refresh() is True
    assert public.public == ring.public
