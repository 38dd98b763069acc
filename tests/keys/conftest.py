from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.clock import HandClock
from gateway.keys.key_ring import KeyRing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a ring of the purpose ``tokens`` belongs; not there yet."""
    return tmp_path / "keys" / "tokens"


@pytest.fixture
def ring(folder: Path, clock: HandClock) -> KeyRing:
    """A new ring."""
    return KeyRing.create(folder, clock=clock)


@pytest.fixture
def nobody_folder() -> Iterator[Path]:
    """A folder of a user without privileges, who this process is meanwhile.

    Root reads and writes whatever the mode says, so as root the test steps down.
    """
    parent = Path(tempfile.mkdtemp(prefix="licet-keys-"))
    mine = parent / "tokens"
    mine.mkdir(mode=0o700)
    root = os.geteuid() == 0
    if root:
        parent.chmod(0o755)
        os.chown(mine, 65534, 65534)
        os.seteuid(65534)
    try:
        yield mine
    finally:
        if root:
            os.seteuid(0)
        mine.chmod(0o700)
        shutil.rmtree(parent)
