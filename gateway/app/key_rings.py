"""The key rings of a data folder, made where there are none yet: each in a folder for its owner alone."""

from __future__ import annotations

from pathlib import Path

from gateway.clock import Clock
from gateway.keys.key_ring import KeyRing
from gateway.keys.key_set import EDDSA


def made_for_identity(folder: Path, clock: Clock) -> KeyRing:
    """A ring of Ed25519, which every verifier of Web Bot Auth reads; some read nothing else."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return KeyRing.create(folder, EDDSA, clock=clock)


def made(folder: Path, clock: Clock) -> KeyRing:
    """A ring of the usual kind."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return KeyRing.create(folder, clock=clock)
