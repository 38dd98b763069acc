"""The file of people and keys: one, private, replaced whole, written by one process at a time.

``operator.json`` of the data folder (0600) holds no secret, only hashes::

    {"v": 2, "people": [{"id": …, "name": …, "role": "owner", "password": "$argon2id$…",
                         "link": {"sha256": "…", "until_us": …}, …}], "keys": […]}

Version 1 held one password and no name: whoever had set it is the first owner
now, with the same password and the same open link. Every reader sees a whole
file, and a change made by a command counts here at the next look.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson

from gateway.dashboard.api_keys import ApiKey
from gateway.dashboard.people import FIRST, Passkey, People, Person
from gateway.dashboard.permissions import Permission, Role
from gateway.problems import ConfigurationError, Mistake

#: The id of whoever set the one password of version 1.
FIRST_ID: Final = "pe_first"
_T = TypeVar("_T")
_SCOPES: Final = frozenset(map(str, Permission))


@dataclass(frozen=True, slots=True)
class Access:
    """Everybody who may come in, and the programs that may."""

    people: People = field(default_factory=People)
    keys: tuple[ApiKey, ...] = ()

    def key(self, id: str) -> ApiKey | None:
        """The key of that id."""
        return next((each for each in self.keys if each.id == id), None)

    def with_people(self, people: People) -> Access:
        """The same with other people."""
        return Access(people, self.keys)

    def with_key(self, key: ApiKey) -> Access:
        """The same with *key* in place of the one of its id, or at the end."""
        if self.key(key.id) is None:
            return Access(self.people, (*self.keys, key))
        return Access(self.people, tuple(key if each.id == key.id else each for each in self.keys))


class PeopleFile:
    """Reads and replaces the file at *path*. Raises `ConfigurationError` where it cannot be trusted, read or written."""

    def __init__(self, path: Path) -> None:
        """Use *path*; nothing is read or written yet."""
        self._path = path
        self._seen: tuple[tuple[int, int, int], Access] | None = None

    def read(self) -> Access:
        """What the file holds now; nobody where there is none."""
        try:
            state = self._path.stat()
            as_seen = (state.st_mtime_ns, state.st_size, state.st_ino)
            if self._seen is not None and self._seen[0] == as_seen:
                return self._seen[1]
            content = self._path.read_bytes()
        except FileNotFoundError:
            return Access()
        except OSError as error:
            raise self._mistake(f"cannot be read: {error.strerror}") from None
        mode = stat.S_IMODE(state.st_mode)
        if mode & 0o077:
            raise self._mistake("must be readable by its owner alone (chmod 600)", f"{mode:o}")
        try:
            found = _access(orjson.loads(content))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            raise self._mistake(
                "is not an operator's file of this version; delete it to be given a new sign-in link"
            ) from None
        self._seen = as_seen, found
        return found

    def change(self, act: Callable[[Access], tuple[Access, _T]]) -> _T:
        """Put what *act* makes of the file in its place, alone with it, and return what it says beside.

        Where *act* gives back what it was given, nothing is written.
        """
        with self._alone():
            before = self.read()
            after, said = act(before)
            if after != before:
                self._write(after)
        return said

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        # The folder itself is locked: the file is replaced, and a lock on it would be on the one before.
        try:
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise self._mistake(f"cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _write(self, access: Access) -> None:
        beside = self._path.with_name(f"{self._path.name}.{secrets.token_hex(8)}")
        try:
            file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "wb") as out:
                out.write(orjson.dumps(_written(access), option=orjson.OPT_INDENT_2))
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


def _written(access: Access) -> dict[str, Any]:
    return {
        "v": 2,
        "people": [
            {
                "id": each.id, "name": each.name, "role": each.role, "made_us": each.made_us,
                "password": each.password, "disabled_us": each.disabled_us, "link":
                {"sha256": each.link_sha256, "until_us": each.link_until_us} if each.link_sha256 else None,
            }
            | ({"subject": each.subject} if each.subject else {})
            | ({"passkey_only": True} if each.passkey_only else {})
            | ({"passkeys": [asdict(key) for key in each.passkeys]} if each.passkeys else {})
            for each in access.people.all
        ],
        "keys": [
            {
                "id": each.id, "name": each.name, "person": each.person, "shown": each.shown,
                "sha256": each.secret_sha256, "scopes": sorted(each.scopes), "made_us": each.made_us,
                "expires_us": each.expires_us, "used_us": each.used_us, "revoked_us": each.revoked_us,
            }
            for each in access.keys
        ],
    }  # fmt: skip


def _access(members: Any) -> Access:
    if members["v"] == 1:
        return Access(People(_of_version_1(members)))
    if members["v"] != 2:
        raise ValueError
    return Access(People(tuple(map(_person, members["people"]))), tuple(map(_key, members["keys"])))


def _of_version_1(members: Any) -> tuple[Person, ...]:
    password, (sha256, until) = _text(members["password"]), _link(members["link"])
    if not password and not sha256:
        return ()
    return (Person(FIRST_ID, FIRST, Role.OWNER, 0, password, sha256, until),)


def _person(each: Any) -> Person:
    sha256, until = _link(each["link"])
    return Person(
        _text(each["id"]), _text(each["name"]), Role(each["role"]), _number(each["made_us"]),
        _text(each["password"]), sha256, until, _number(each["disabled_us"]),
        tuple(map(_passkey, each.get("passkeys", ()))), _text(each.get("subject", "")),
        each.get("passkey_only", False) is True,
    )  # fmt: skip


def _passkey(each: Any) -> Passkey:
    return Passkey(
        _text(each["id"]), _text(each["public_key"]), _number(each["count"]), _text(each["host"]),
        _text(each["name"]), _number(each["made_us"]),
    )  # fmt: skip


def _link(link: Any) -> tuple[str, int]:
    return ("", 0) if link is None else (_text(link["sha256"]), _number(link["until_us"]))


def _key(each: Any) -> ApiKey:
    # A scope that this version does not know allows nothing here.
    scopes = frozenset(Permission(word) for word in each["scopes"] if word in _SCOPES)
    return ApiKey(
        _text(each["id"]), _text(each["name"]), _text(each["person"]), _text(each["shown"]),
        _text(each["sha256"]), scopes, _number(each["made_us"]), _number(each["expires_us"]),
        _number(each["used_us"]), _number(each["revoked_us"]),
    )  # fmt: skip


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value
