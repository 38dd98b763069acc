"""`licenses.evidence_shelf.EvidenceShelf` as a folder: one file a document, named by its SHA-256.

Files are 0600 and folders 0700; a file is there whole or not at all. What is read
is what was kept, or the store says that it is damaged.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import Final

from gateway.problems import StoreUnavailable

_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class EvidenceFolder:
    """Documents below *folder*, which is made with the first one."""

    def __init__(self, folder: Path) -> None:
        """Keep documents below *folder*."""
        self._folder = folder

    async def keep(self, octets: bytes) -> str:
        """Keep *octets* durably and return their SHA-256 in hex; twice is once."""
        return await asyncio.to_thread(self._keep, octets)

    async def read(self, sha256: str) -> bytes | None:
        """The document of that digest, or None."""
        if not _DIGEST.fullmatch(sha256):
            return None
        return await asyncio.to_thread(self._read, sha256)

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def _keep(self, octets: bytes) -> str:
        sha256 = hashlib.sha256(octets).hexdigest()
        path = self._path(sha256)
        try:
            if path.exists() and path.read_bytes() == octets:
                return sha256
            for folder in (self._folder, path.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_name(f".{secrets.token_hex(8)}")
            _write(draft, octets)
            draft.replace(path)
            for folder in (path.parent, self._folder):
                _sync(folder)
        except OSError as error:
            raise StoreUnavailable(f"evidence cannot be kept: {error.strerror or error}") from error
        return sha256

    def _read(self, sha256: str) -> bytes | None:
        try:
            octets = self._path(sha256).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailable(f"evidence cannot be read: {error.strerror or error}") from error
        if hashlib.sha256(octets).hexdigest() != sha256:
            raise StoreUnavailable(f"the evidence {sha256} was changed; restore a backup")
        return octets


def _write(path: Path, octets: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
