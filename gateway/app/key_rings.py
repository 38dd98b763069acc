"""Key rings that a data folder does not have yet, and is given."""

from __future__ import annotations

from pathlib import Path

from gateway.clock import Clock
from gateway.folders import Folders, make_folder
from gateway.keys.key_ring import KeyRing
from gateway.keys.key_set import EDDSA


def identity_ring(folder: Path, clock: Clock) -> KeyRing:
    """A new ring in *folder* to be known by: every verifier of Web Bot Auth reads Ed25519, and some nothing else."""
    make_folder(folder.parent)
    return KeyRing.create(folder, EDDSA, clock=clock)


def new_ring(folder: Path, clock: Clock) -> KeyRing:
    """A new ring in *folder* to sign with."""
    make_folder(folder.parent)
    return KeyRing.create(folder, clock=clock)


def rings_of(folders: Folders, clock: Clock) -> tuple[KeyRing, KeyRing, KeyRing, KeyRing]:
    """The rings of tokens, of our own identity, of what goes to origins and of the public log; made where there is none.

    Raises `ConfigurationError`.
    """
    tokens = KeyRing.open if KeyRing.exists(folders.keys) else new_ring
    identity, origin, log = (
        (KeyRing.open if KeyRing.exists(folder) else identity_ring)(folder, clock)
        for folder in (folders.identity_keys, folders.origin_keys, folders.log_keys)
    )
    return tokens(folders.keys, clock), identity, origin, log
