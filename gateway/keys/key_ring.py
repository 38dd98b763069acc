"""The private keys of one purpose, in a folder, with their rotation.

A ring is a folder of its own (``keys/tokens``): mode 0700, one ``KID.pem`` for
the current and the next key (PKCS #8, mode 0600) and ``manifest.json`` (mode
0600), which alone says what each is for. Files are replaced whole: written
beside, synced, renamed, and the folder synced, private keys before the
manifest that names them; so a crash leaves the ring as it was or as it should
be, at worst with a file that nothing names.

Whoever changes a ring holds a lock on its folder, so that two commands at once
do not undo each other. Readers need none: `KeyRing.refresh` picks up what
another process wrote.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.clock import Clock, SystemClock
from gateway.folders import make_folder
from gateway.keys.key_set import ALGORITHMS, ES256, KeySet
from gateway.keys.manifest import KeyRecord, Manifest, State, begin, read_manifest
from gateway.keys.signing_key import SigningKey
from gateway.keys.strict_json import Malformed
from gateway.problems import ConfigurationError, Mistake

#: What a retired key still verifies for: the longest life of a token (24 hours),
#: the leeway of its reading (30 s), and a minute in which other processes learn
#: of the rotation and still sign with it.
OVERLAP_SECONDS: Final = 86_400 + 30 + 60
MANIFEST: Final = "manifest.json"
_LARGEST: Final = 256 * 1024
#: How often a reading may meet a rotation.
_RACES: Final = 10
#: The states of keys that have a private side on disk.
_SIGNING: Final = frozenset({State.CURRENT, State.NEXT})


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading of a ring's files, and the state of the manifest it is from."""

    manifest: Manifest
    current: SigningKey
    seen: tuple[int, int, int]


class KeyRing:
    """The keys of one purpose, as they were last read from their folder."""

    def __init__(self, folder: Path, clock: Clock, reading: _Reading) -> None:
        """Hold *reading*; use `open` or `create`."""
        self._folder = folder
        self._clock = clock
        self._reading = reading
        self._public = KeySet()
        self._public_until: int | None = 0

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether there is a ring in *folder*, readable or not."""
        return os.path.lexists(folder / MANIFEST)

    @classmethod
    def open(cls, folder: Path, clock: Clock) -> KeyRing:
        """Read the ring in *folder*.

        Raises:
            ConfigurationError: there is none; the folder or a file of it can be
                read by others or belongs to another user; a file is missing,
                unreadable or not what the manifest says. Each is named with
                its mode where that is what is wrong.
        """
        return cls(folder, clock, _read(folder))

    @classmethod
    def create(cls, folder: Path, algorithm: str = ES256, *, clock: Clock | None = None) -> KeyRing:
        """Make a ring of a current and a next key in *folder*, which may be missing.

        Raises `ConfigurationError` where a ring stands there already, where
        others can read the folder or where it cannot be written, and for an
        algorithm that is not ES256 or EdDSA.
        """
        if algorithm not in ALGORITHMS:
            raise _mistake(folder, "the algorithm must be ES256 or EdDSA", algorithm)
        clock = clock or SystemClock()
        try:
            make_folder(folder)
        except OSError as error:
            raise _unwritable(folder, error) from None
        with _locked(folder):
            if cls.exists(folder):
                raise _mistake(
                    folder, "keys are made once; `licet keys rotate` replaces them", "an existing ring"
                )
            current, standby = SigningKey.generate(algorithm), SigningKey.generate(algorithm)
            manifest = begin(folder.name, current.public, standby.public, clock.now_us() // 1_000_000)
            _write(folder, manifest, (current, standby))
        return cls.open(folder, clock)

    @property
    def current(self) -> SigningKey:
        """The key that signs."""
        return self._reading.current

    @property
    def public(self) -> KeySet:
        """Every key that verifies now: current, next, and retiring until it lapses.

        The same object until that changes, so asking costs a look at the clock.
        """
        if self._public_until is not None:
            now = self._clock.now_us() // 1_000_000
            if now >= self._public_until:
                manifest = self._reading.manifest
                self._public = KeySet(record.public for record in manifest.verifying(now))
                self._public_until = manifest.lapses_at(now)
        return self._public

    def list(self) -> tuple[KeyRecord, ...]:
        """Every key the ring remembers: current, next, retiring, revoked."""
        return self._reading.manifest.records

    def rotate(self, now: int, overlap_seconds: int = OVERLAP_SECONDS) -> SigningKey:
        """Let the next key sign from *now* (seconds since the epoch) and return it.

        The key that signed until now verifies for *overlap_seconds* more; its
        private side is deleted. Raises `ConfigurationError` where the ring
        cannot be read or written; this object then goes on as before.
        """
        self._change(lambda manifest, fresh: manifest.rotated(fresh.public, now, overlap_seconds))
        return self.current

    def revoke(self, kid: str, now: int) -> None:
        """Let key *kid* verify nothing from *now*; where it signed, the next key signs.

        Raises `ConfigurationError` for a key the ring does not have, or as `rotate`.
        """

        def without(manifest: Manifest, fresh: SigningKey) -> Manifest:
            if manifest.find(kid) is None:
                raise _mistake(self._folder, "the key to revoke must be one of this ring", kid)
            return manifest.revoked(kid, fresh.public, now)

        self._change(without)

    def refresh(self) -> bool:
        """Read the ring again if another process changed it; say whether it did.

        Raises `ConfigurationError` where it cannot be read any more; this ring
        then goes on with what it had, and the next call tries again.
        """
        try:
            seen = _seen((self._folder / MANIFEST).stat())
        except OSError as error:
            raise _mistake(self._folder / MANIFEST, "the ring must be readable", _reason(error)) from None
        if seen == self._reading.seen:
            return False
        self._take(_read(self._folder))
        return True

    def _take(self, reading: _Reading) -> None:
        self._reading = reading
        self._public_until = 0

    def _change(self, step: Callable[[Manifest, SigningKey], Manifest]) -> None:
        with _locked(self._folder):
            before = _read(self._folder).manifest
            fresh = SigningKey.generate(before.current.public.algorithm)
            after = step(before, fresh)
            _write(self._folder, after, (fresh,) if after.find(fresh.kid) else ())
            _delete(self._folder, before, after)
            self._take(_read(self._folder))


def _mistake(path: Path, expected: str, got: str) -> ConfigurationError:
    return ConfigurationError([Mistake(file=str(path), key="", expected=expected, got=got)])


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _unwritable(path: Path, error: OSError) -> ConfigurationError:
    return _mistake(path, "keys must be written here", f"possible ({_reason(error)})")


def _seen(found: os.stat_result) -> tuple[int, int, int]:
    # A rename always brings another inode, even within one tick of mtime.
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _check_owner(path: Path, found: os.stat_result, wanted: str) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise _mistake(path, f"only its owner may have access to it (chmod {wanted})", f"mode {mode:04o}")
    if found.st_uid != os.geteuid():
        got = f"user {found.st_uid}, mode {mode:04o}"
        raise _mistake(path, f"it must belong to the user who runs licet ({os.geteuid()})", got)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the ring's lock: on the folder itself, so that no file is left behind."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _mistake(folder, "there must be a folder of keys (`licet keys new`)", _reason(error)) from None
    try:
        _check_owner(folder, os.fstat(handle), "700")
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read(folder: Path) -> _Reading:
    """Read manifest and private keys; some times more if that fails."""
    for _ in range(_RACES):
        # A rotation may have deleted a key between the two reads, and another one may follow it at once.
        with suppress(ConfigurationError):
            return _read_once(folder)
    return _read_once(folder)


def _read_once(folder: Path) -> _Reading:
    try:
        _check_owner(folder, folder.stat(), "700")
    except OSError as error:
        raise _mistake(folder, "there must be a folder of keys (`licet keys new`)", _reason(error)) from None
    path = folder / MANIFEST
    raw, found = _read_private(path)
    try:
        manifest = read_manifest(raw)
    except Malformed as error:
        raise _mistake(path, "it must be the manifest of a key ring", f"usable: {error}") from None
    if manifest.purpose != folder.name:
        raise _mistake(path, f"its keys must be for {folder.name!r}", f"for {manifest.purpose!r}")
    current, _ = (
        _read_key(folder, record)
        for record in manifest.records
        if record.state in {State.CURRENT, State.NEXT}
    )
    return _Reading(manifest, current, _seen(found))


def _read_key(folder: Path, record: KeyRecord) -> SigningKey:
    path = folder / f"{record.kid}.pem"
    raw, _ = _read_private(path)
    try:
        key = SigningKey.from_pem(raw)
    except Malformed as error:
        raise _mistake(path, "it must be a private key", f"usable: {error}") from None
    if key.public != record.public:
        raise _mistake(path, "it must be the key that the manifest names", f"the key {key.kid}")
    return key


def _read_private(path: Path) -> tuple[bytes, os.stat_result]:
    """Read a file that nobody else may read; what is checked is what is read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise _mistake(path, "it must be readable", _reason(error)) from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            raise _mistake(path, "it must be a small regular file", "one")
        _check_owner(path, found, "600")
        return os.read(handle, _LARGEST), found
    except OSError as error:
        raise _mistake(path, "it must be readable", _reason(error)) from None
    finally:
        os.close(handle)


def _write(folder: Path, manifest: Manifest, fresh: tuple[SigningKey, ...]) -> None:
    try:
        for key in fresh:
            _replace(folder / f"{key.kid}.pem", key.as_pem())
        _replace(folder / MANIFEST, manifest.as_bytes())
    except OSError as error:
        raise _unwritable(folder, error) from None


def _replace(path: Path, content: bytes) -> None:
    """Put *content* at *path*, whole or not at all, and durably."""
    beside = path.with_name(path.name + ".new")
    # What a crash left is ours: the folder is locked.
    beside.unlink(missing_ok=True)
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _delete(folder: Path, before: Manifest, after: Manifest) -> None:
    """Delete the private side of every key that will never sign again."""
    kept = {record.kid for record in after.records if record.state in _SIGNING}
    for record in {*before.records, *after.records}:
        if record.kid not in kept:
            # The manifest has spoken; a file that stays is deleted by the next rotation.
            with suppress(OSError):
                (folder / f"{record.kid}.pem").unlink(missing_ok=True)
