"""Secrets that everything else is derived from, each one file for all processes of a data folder: mode 0600.

That of the nonces of DPoP (`tokens.nonces`), and that of webhooks (`outbox.webhook`).
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from gateway.problems import ConfigurationError, Mistake
from gateway.tokens.nonces import Nonces

_OCTETS: Final = 32


def nonces_of(folder: Path) -> Nonces:
    """The nonces of the keys in *folder*; raises `ConfigurationError` as `secret_at` does."""
    return Nonces(secret_at(folder / "nonces"))


def secret_at(path: Path) -> bytes:
    """The secret in the file *path*, at least 32 octets; the first process that asks makes it, mode 0600.

    Raises `ConfigurationError` where the file cannot be made or read, or is too short.
    """
    try:
        if not path.exists():
            _make(path)
        secret = path.read_bytes()
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigurationError(
            [Mistake(str(path), "", f"must be a file licet can read and make: {why}")]
        ) from None
    if len(secret) < _OCTETS:
        raise ConfigurationError([Mistake(str(path), "", "is too short; remove it, and another one is made")])
    return secret


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, secrets.token_bytes(_OCTETS))
    finally:
        os.close(handle)
    try:
        # Whole or not at all, and the first of two processes wins.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
