"""The public side of a key ring, for a process that verifies and must not be able to sign."""

from __future__ import annotations

from pathlib import Path

from gateway.clock import Clock
from gateway.keys.key_ring import MANIFEST
from gateway.keys.key_set import KeySet
from gateway.keys.manifest import Manifest, read_manifest
from gateway.keys.strict_json import Malformed
from gateway.problems import ConfigurationError, Mistake

_Seen = tuple[int, int, int]


class PublicRing:
    """What ``manifest.json`` of a ring says; no private key is ever read."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Read the manifest in *folder*; raises `ConfigurationError` where it cannot be read."""
        self._file = folder / MANIFEST
        self._clock = clock
        self._seen, self._manifest = self._read()
        self._public = KeySet()
        self._public_until: int | None = 0

    @property
    def public(self) -> KeySet:
        """Every key that verifies now, as `KeyRing.public`; the same object until that changes."""
        if self._public_until is not None:
            now = self._clock.now_us() // 1_000_000
            if now >= self._public_until:
                self._public = KeySet(record.public for record in self._manifest.verifying(now))
                self._public_until = self._manifest.lapses_at(now)
        return self._public

    def refresh(self) -> bool:
        """Read the manifest again if it was replaced; say whether it was.

        Raises `ConfigurationError` where it cannot be read any more; this ring
        then goes on with what it had, and the next call tries again.
        """
        if self._stamp() == self._seen:
            return False
        self._seen, self._manifest = self._read()
        self._public_until = 0
        return True

    def _stamp(self) -> _Seen:
        try:
            found = self._file.stat()
        except OSError as error:
            raise self._mistake(error.strerror or str(error)) from None
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _read(self) -> tuple[_Seen, Manifest]:
        # Stamped before reading: a file that is replaced meanwhile is read again.
        seen = self._stamp()
        try:
            return seen, read_manifest(self._file.read_bytes())
        except OSError as error:
            raise self._mistake(error.strerror or str(error)) from None
        except Malformed as error:
            raise self._mistake(f"usable: {error}") from None

    def _mistake(self, why: str) -> ConfigurationError:
        return ConfigurationError([Mistake(str(self._file), "", "must be the manifest of a key ring", why)])
