"""Key rings that are made where there are none."""

from __future__ import annotations

from gateway.app.key_rings import identity_ring, new_ring
from gateway.clock import HandClock
from gateway.keys.key_ring import KeyRing
from gateway.keys.key_set import EDDSA


def test_a_ring_is_made_and_stays(tmp_path):
    clock = HandClock()
    for made, name in ((identity_ring, "identity"), (new_ring, "keys")):
        ring = made(tmp_path / name / "ring", clock)
        again = KeyRing.open(tmp_path / name / "ring", clock)
        assert again.current.kid == ring.current.kid
        assert (ring.current.algorithm == EDDSA) is (name == "identity")
