"""Who may read the pages: one operator, a one-time link, a password, sessions in memory.

The operator's file (0600) holds the hash of an open sign-in link and the
password's argon2id hash (RFC 9106), never either secret::

    {"v": 1, "password": "$argon2id$…", "link": {"sha256": "…", "until_us": …}}

It is read anew at each sign-in, so a link that another process made works
here. A link is 256 random bits, good for 30 minutes and for one password.
Session names are 256 random bits, kept as hashes, and die with the process.
Times are microseconds of the clock that was handed in, which never runs back.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import secrets
import stat
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from gateway.admission.pace import Pace
from gateway.clock import Clock
from gateway.problems import ConfigurationError, Mistake

LINK_US: Final = 30 * 60 * 1_000_000
IDLE_US: Final = 30 * 60 * 1_000_000
ABSOLUTE_US: Final = 12 * 3600 * 1_000_000
SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 1024
_MOST_SESSIONS: Final = 64
#: Attempts that may wait for a hash at once; each takes 64 MiB while it runs.
_MOST_WAITING: Final = 8


@dataclass(frozen=True, slots=True)
class Denied:
    """A sign-in that failed: one sentence for the form, and seconds to wait (0: none)."""

    sentence: str
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class _Operator:
    password: str = ""
    link_sha256: str = ""
    link_until_us: int = 0


@dataclass(slots=True)
class _Session:
    began_us: int
    seen_us: int


class Sessions:
    """The operator's file and everyone who is signed in."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Use *path*; nothing is read or written yet. Prefer `open`."""
        self._path = path
        self._clock = clock
        self._open: dict[bytes, _Session] = {}
        self._form_key = secrets.token_bytes(32)
        self._hasher = PasswordHasher()
        self._hashing = asyncio.Semaphore(1)
        self._waiting = 0
        self._pace_of_one = Pace(1 / 10, 5)
        self._pace_of_all = Pace(1, 20, keys=1)

    @classmethod
    def open(cls, path: Path, clock: Clock) -> Sessions:
        """Check the operator's file, if there is one; raise `ConfigurationError` if it cannot be trusted."""
        sessions = cls(path, clock)
        sessions._read()
        return sessions

    @property
    def has_password(self) -> bool:
        """Whether the operator has set a password."""
        return bool(self._read().password)

    def sign_in_link(self, *, anew: bool = False) -> str:
        """Make a fresh one-time token, which ends the one before; "" once a password is set.

        With *anew* there is a token even then: it replaces the password.
        """
        operator = self._read()
        if operator.password and not anew:
            return ""
        token = secrets.token_urlsafe(32)
        until = self._clock.now_us() + LINK_US
        self._write(replace(operator, link_sha256=_sha256(token).hex(), link_until_us=until))
        return token

    def link_holds(self, token: str) -> bool:
        """Whether *token* would be taken now; looking does not use it up."""
        return self._matches(self._read(), token)

    async def set_password(self, token: str, password: str, address: str) -> str | Denied:
        """Use up a one-time *token* for a new *password* and sign in; every other session ends.

        Returns the name of the new session. A password that is refused leaves the token usable.
        """
        wait = self._wait(address)
        if wait:
            return wait
        if not self.link_holds(token):
            return Denied("The link was used before, or it is older than 30 minutes.")
        password = unicodedata.normalize("NFKC", password)
        if len(password) < SHORTEST_PASSWORD:
            return Denied(f"The password needs at least {SHORTEST_PASSWORD} characters.")
        if len(password) > LONGEST_PASSWORD:
            return Denied(f"The password may have at most {LONGEST_PASSWORD} characters.")
        hashed = await self._hash(password)
        if isinstance(hashed, Denied):
            return hashed
        # Hashing let other requests run: the link must still be open when it is used.
        if not self.link_holds(token):
            return Denied("The link was used before, or it is older than 30 minutes.")
        self._write(_Operator(password=hashed))
        self._open.clear()
        return self._begin()

    async def sign_in(self, password: str, address: str) -> str | Denied:
        """Check the password and return the name of a new session."""
        wait = self._wait(address)
        if wait:
            return wait
        hashed = self._read().password
        password = unicodedata.normalize("NFKC", password)
        if not hashed or len(password) > LONGEST_PASSWORD:
            return Denied("The password is not right.")
        right = await self._verify(hashed, password)
        if isinstance(right, Denied):
            return right
        # The password may have been replaced while this one was checked.
        if not right or self._read().password != hashed:
            return Denied("The password is not right.")
        return self._begin()

    def resume(self, name: str) -> bool:
        """Whether session *name* is open; being used keeps it open."""
        session = self._find(name)
        if session:
            session.seen_us = self._clock.now_us()
        return session is not None

    def alive(self, name: str) -> bool:
        """Whether session *name* is open, without keeping it open."""
        return self._find(name) is not None

    def sign_out(self, name: str) -> None:
        """End session *name*; it is no error if there is none."""
        self._open.pop(_sha256(name), None)

    def form_token(self, name: str) -> str:
        """The token that a form must carry back with cookie *name*."""
        return hmac.new(self._form_key, name.encode(), hashlib.sha256).hexdigest()

    def form_holds(self, name: str, token: str) -> bool:
        """Whether *token* is the form token of cookie *name*."""
        return bool(name) and hmac.compare_digest(self.form_token(name).encode(), token.encode())

    @staticmethod
    def fresh_name() -> str:
        """256 random bits that name a session or a form's cookie."""
        return secrets.token_urlsafe(32)

    def _begin(self) -> str:
        now = self._clock.now_us()
        self._open = {key: session for key, session in self._open.items() if self._lives(session, now)}
        while len(self._open) >= _MOST_SESSIONS:
            del self._open[min(self._open, key=lambda key: self._open[key].seen_us)]
        name = self.fresh_name()
        self._open[_sha256(name)] = _Session(now, now)
        return name

    def _find(self, name: str) -> _Session | None:
        session = self._open.get(_sha256(name)) if name else None
        if session and not self._lives(session, self._clock.now_us()):
            self.sign_out(name)
            return None
        return session

    @staticmethod
    def _lives(session: _Session, now: int) -> bool:
        return now - session.seen_us < IDLE_US and now - session.began_us < ABSOLUTE_US

    def _matches(self, operator: _Operator, token: str) -> bool:
        if not operator.link_sha256 or self._clock.now_us() >= operator.link_until_us:
            return False
        return hmac.compare_digest(operator.link_sha256, _sha256(token).hex())

    def _wait(self, address: str) -> Denied | None:
        now = self._clock.now_us()
        seconds = self._pace_of_one.wait(address, now) or self._pace_of_all.wait("", now)
        return Denied("Too many attempts.", seconds) if seconds else None

    async def _hash(self, password: str) -> str | Denied:
        if self._waiting >= _MOST_WAITING:
            return Denied("Too many attempts.", 5)
        self._waiting += 1
        try:
            async with self._hashing:
                return await asyncio.to_thread(self._hasher.hash, password)
        finally:
            self._waiting -= 1

    async def _verify(self, hashed: str, password: str) -> bool | Denied:
        if self._waiting >= _MOST_WAITING:
            return Denied("Too many attempts.", 5)
        self._waiting += 1
        try:
            async with self._hashing:
                return await asyncio.to_thread(self._hasher.verify, hashed, password)
        except (Argon2Error, InvalidHashError):
            return False
        finally:
            self._waiting -= 1

    def _read(self) -> _Operator:
        try:
            mode = stat.S_IMODE(self._path.stat().st_mode)
            content = self._path.read_bytes()
        except FileNotFoundError:
            return _Operator()
        except OSError as error:
            raise self._mistake(f"cannot be read: {error.strerror}") from None
        if mode & 0o077:
            raise self._mistake("must be readable by its owner alone (chmod 600)", f"{mode:o}")
        try:
            return _operator(orjson.loads(content))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            raise self._mistake(
                "is not an operator's file of this version; delete it to be given a new sign-in link"
            ) from None

    def _write(self, operator: _Operator) -> None:
        members: dict[str, Any] = {"v": 1, "password": operator.password, "link": None}
        if operator.link_sha256:
            members["link"] = {"sha256": operator.link_sha256, "until_us": operator.link_until_us}
        beside = self._path.with_name(f"{self._path.name}.{secrets.token_hex(8)}")
        try:
            file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "wb") as out:
                out.write(orjson.dumps(members, option=orjson.OPT_INDENT_2))
                out.flush()
                os.fsync(out.fileno())
            beside.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise self._mistake(f"cannot be written: {error.strerror}") from None

    def _mistake(self, expected: str, got: str = "") -> ConfigurationError:
        return ConfigurationError([Mistake(str(self._path), "", expected, got)])


def _operator(members: Any) -> _Operator:
    if members["v"] != 1 or not isinstance(members["password"], str):
        raise ValueError
    link = members["link"]
    if link is None:
        return _Operator(members["password"])
    if not isinstance(link["sha256"], str) or not isinstance(link["until_us"], int):
        raise TypeError
    return _Operator(members["password"], link["sha256"], link["until_us"])


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
