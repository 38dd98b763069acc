"""Who is signed in: names and passwords, one-time links, sessions in memory.

People rest in the operator's file (`people_file`), which is read anew whenever
it changed, so that a link, a role or an end made by another process counts here
at once. A password is kept as its argon2id hash (RFC 9106). A link is 256 random
bits and good for one password. Session names are 256 random bits, kept as hashes,
made anew at each sign-in, and die with the process; one ends after 30 minutes
without use, after twelve hours in any case (RFC 6265bis leaves that to us), and
when its person is disabled or changes the password elsewhere. Times are
microseconds of the clock that was handed in, which never runs back.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uuid_utils
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from gateway.admission.pace import Pace
from gateway.clock import Clock
from gateway.dashboard.people import FIRST, LINK_US, People, Person, sha256, with_link, with_password
from gateway.dashboard.people_file import Access, PeopleFile
from gateway.dashboard.permissions import Permission, Role, may
from gateway.dashboard.slowing import Slowing

__all__ = ["ABSOLUTE_US", "IDLE_US", "LINK_US", "SHORTEST_PASSWORD", "Denied", "Sessions", "Signed"]

IDLE_US: Final = 30 * 60 * 1_000_000
ABSOLUTE_US: Final = 12 * 3600 * 1_000_000
SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 1024
_MOST_SESSIONS: Final = 64
#: Attempts that may wait for a hash at once; each takes 64 MiB while it runs.
_MOST_WAITING: Final = 8
#: Checked in place of the hash of a name that nobody has, so that both take as long. Of a random text.
_NOBODYS: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$XCqslSP323Q3dJMOrxAY6Q$zoN1le2LxZ/ch02aXoar2Z05W7DdUffPVOS8WFucIiE"
)


@dataclass(frozen=True, slots=True)
class Denied:
    """A sign-in that failed: one sentence for the form, and seconds to wait (0: none)."""

    sentence: str
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class Signed:
    """Who sent a request, and how it is known: *way* is ``password``, ``passkey``, ``oidc`` or ``key``.

    *scopes* narrow what the role allows; None for somebody who is signed in.
    """

    person: Person
    way: str
    key: str = ""
    scopes: frozenset[Permission] | None = None

    def may(self, permission: Permission | None) -> bool:
        """Whether it may do that; None is what nobody but an owner may."""
        if self.scopes is not None:
            return permission is not None and permission in self.scopes
        return may(self.person.role, permission)


@dataclass(slots=True)
class _Session:
    person: str
    way: str
    began_us: int
    seen_us: int


class Sessions:
    """The people of one file, and everyone who is signed in."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Use *path*; nothing is read or written yet. Prefer `open`."""
        self.file = PeopleFile(path)
        self._clock = clock
        self._open: dict[bytes, _Session] = {}
        self._form_key = secrets.token_bytes(32)
        self._hasher = PasswordHasher()
        self._hashing = asyncio.Semaphore(1)
        self._waiting = 0
        self._pace_of_one = Pace(1 / 10, 5)
        self._pace_of_all = Pace(1, 20, keys=1)
        self._slow_address = Slowing(5, 10, 900)
        self._slow_account = Slowing(10, 2, 60)
        self._known: set[tuple[str, str]] = set()

    @classmethod
    def open(cls, path: Path, clock: Clock) -> Sessions:
        """Check the operator's file, if there is one; raise `ConfigurationError` if it cannot be trusted."""
        sessions = cls(path, clock)
        sessions.file.read()
        return sessions

    @property
    def people(self) -> People:
        """Everybody, as the file has them now."""
        return self.file.read().people

    @property
    def has_password(self) -> bool:
        """Whether anybody can sign in with one."""
        return any(each.can_sign_in for each in self.people.all)

    @property
    def asks_name(self) -> bool:
        """Whether a password alone does not say who signs in."""
        return len(self.people.all) > 1

    def sign_in_link(self, *, anew: bool = False) -> str:
        """Make a fresh one-time token of the first owner, which ends the one before; "" once a password is set.

        With *anew* there is a token even then: it replaces that owner's password.
        """
        token, now = self.fresh_name(), self._clock.now_us()

        def act(access: Access) -> tuple[Access, str]:
            people = access.people
            owner = people.first_owner()
            if owner is not None and owner.password and not anew:
                return access, ""
            if owner is None:
                name = FIRST if people.called(FIRST) is None else f"{FIRST}-{secrets.token_hex(3)}"
                owner = Person(fresh_id("pe_", now), name, Role.OWNER, now)
            return access.with_people(people.with_one(with_link(owner, token, now + LINK_US))), token

        return self.file.change(act)

    def link_holds(self, token: str) -> bool:
        """Whether *token* would be taken now; looking does not use it up."""
        return self.invited(token) is not None

    def invited(self, token: str) -> Person | None:
        """Whose link *token* is, while it is good."""
        return self.people.opened(token, self._clock.now_us())

    async def set_password(self, token: str, password: str, address: str) -> str | Denied:
        """Use up a one-time *token* for a new *password* and sign in; that person's other sessions end.

        Returns the name of the new session. A password that is refused leaves the token usable.
        """
        wait = self._wait(address)
        if wait:
            return wait
        if not self.link_holds(token):
            return _USED
        hashed = await self._hash(password)
        if isinstance(hashed, Denied):
            return hashed

        # Hashing let other requests run: the link must still be open when it is used.
        def act(access: Access) -> tuple[Access, Person | None]:
            person = access.people.opened(token, self._clock.now_us())
            if person is None:
                return access, None
            person = with_password(person, hashed)
            return access.with_people(access.people.with_one(person)), person

        person = self.file.change(act)
        if person is None:
            return _USED
        self.sign_out_everywhere(person.id)
        self._succeeded(person, address)
        return self.begin(person, "password")

    async def sign_in(self, password: str, address: str, name: str = "") -> str | Denied:
        """Check a password and return the name of a new session.

        Without a *name* it is the first owner's. What was wrong is not told.
        """
        person = self.people.called(name) if name else self.people.first_owner()
        # A name that nobody has is slowed like one that somebody has.
        account = person.id if person else f"called {name.strip().casefold()[:64]}" if name else ""
        known = (account, address) in self._known
        wait = self._wait(address, "" if known else account)
        if wait:
            return wait
        hashed = person.password if person and person.can_sign_in else ""
        if len(password) > LONGEST_PASSWORD:
            return _WRONG
        right = await self._verify(hashed or _NOBODYS, password)
        if isinstance(right, Denied):
            return right
        # The password may have been replaced while this one was checked.
        after = self.people.of_id(account)
        if not right or not hashed or after is None or after.password != hashed or not after.can_sign_in:
            now = self._clock.now_us()
            self._slow_address.failed(address, now)
            if account:
                self._slow_account.failed(account, now)
            return _WRONG
        self._succeeded(after, address)
        if after.passkey_only and after.passkeys:
            return Denied("This account is opened by a passkey, not by a password alone.")
        return self.begin(after, "password")

    async def change_password(self, name: str, old: str, new: str, address: str) -> str | Denied:
        """Give who is signed in as *name* a *new* password; every session of it ends and a new one begins."""
        signed = self.resume(name)
        if signed is None:
            return _WRONG
        begun = await self.sign_in(old, address, signed.person.name)
        # A password that would not be enough alone is right all the same.
        if isinstance(begun, Denied) and (begun is _WRONG or begun.retry_after):
            return Denied("The password of now is not right.") if begun is _WRONG else begun
        if not isinstance(begun, Denied):
            self.sign_out(begun)
        hashed = await self._hash(new)
        if isinstance(hashed, Denied):
            return hashed

        def act(access: Access) -> tuple[Access, Person | None]:
            person = access.people.of_id(signed.person.id)
            if person is None or person.password != signed.person.password:
                return access, None
            person = with_password(person, hashed)
            return access.with_people(access.people.with_one(person)), person

        person = self.file.change(act)
        if person is None:
            return _WRONG
        self.sign_out_everywhere(person.id)
        return self.begin(person, signed.way)

    def begin(self, person: Person, way: str) -> str:
        """Open a session of *person*, who is known by *way*; returns its name, which nobody had before."""
        now = self._clock.now_us()
        self._open = {key: session for key, session in self._open.items() if self._lives(session, now)}
        while len(self._open) >= _MOST_SESSIONS:
            del self._open[min(self._open, key=lambda key: self._open[key].seen_us)]
        name = self.fresh_name()
        self._open[sha256(name)] = _Session(person.id, way, now, now)
        return name

    def resume(self, name: str) -> Signed | None:
        """Who session *name* is of, if it is open; being used keeps it open."""
        session = self._find(name)
        if session:
            session.seen_us = self._clock.now_us()
        return self._signed(session)

    def alive(self, name: str) -> bool:
        """Whether session *name* is open, without keeping it open."""
        return self.signed(name) is not None

    def signed(self, name: str) -> Signed | None:
        """Who session *name* is of, if it is open, without keeping it open."""
        return self._signed(self._find(name))

    def sign_out(self, name: str) -> None:
        """End session *name*; it is no error if there is none."""
        self._open.pop(sha256(name), None)

    def sign_out_everywhere(self, person: str) -> int:
        """End every session of the person of that id; returns how many there were."""
        mine = [key for key, session in self._open.items() if session.person == person]
        for key in mine:
            del self._open[key]
        return len(mine)

    def sessions_of(self, person: str) -> int:
        """How many sessions of the person of that id are open."""
        now = self._clock.now_us()
        return sum(each.person == person and self._lives(each, now) for each in self._open.values())

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

    def _find(self, name: str) -> _Session | None:
        session = self._open.get(sha256(name)) if name else None
        if session and not self._lives(session, self._clock.now_us()):
            self.sign_out(name)
            return None
        return session

    def _signed(self, session: _Session | None) -> Signed | None:
        person = self.people.of_id(session.person) if session else None
        if session is None or person is None or not person.can_sign_in:
            return None
        return Signed(person, session.way)

    @staticmethod
    def _lives(session: _Session, now: int) -> bool:
        return now - session.seen_us < IDLE_US and now - session.began_us < ABSOLUTE_US

    def wait(self, address: str) -> Denied | None:
        """Why *address* may not try now, or None; asking counts as trying."""
        return self._wait(address)

    def failed(self, address: str) -> None:
        """Count a try of *address* that proved nothing."""
        self._slow_address.failed(address, self._clock.now_us())

    def _wait(self, address: str, account: str = "") -> Denied | None:
        now = self._clock.now_us()
        seconds = max(self._slow_address.wait(address, now), self._slow_account.wait(account, now))
        seconds = seconds or self._pace_of_one.wait(address, now) or self._pace_of_all.wait("", now)
        return Denied("Too many attempts.", seconds) if seconds else None

    def _succeeded(self, person: Person, address: str) -> None:
        self._slow_address.succeeded(address)
        self._slow_account.succeeded(person.id)
        if len(self._known) < 10_000:
            self._known.add((person.id, address))

    async def _hash(self, password: str) -> str | Denied:
        password = unicodedata.normalize("NFKC", password)
        if len(password) < SHORTEST_PASSWORD:
            return Denied(f"The password needs at least {SHORTEST_PASSWORD} characters.")
        if len(password) > LONGEST_PASSWORD:
            return Denied(f"The password may have at most {LONGEST_PASSWORD} characters.")
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
                password = unicodedata.normalize("NFKC", password)
                return await asyncio.to_thread(self._hasher.verify, hashed, password)
        except (Argon2Error, InvalidHashError):
            return False
        finally:
            self._waiting -= 1


_WRONG: Final = Denied("Name or password is not right.")
_USED: Final = Denied("The link was used before, or it is too old.")


def fresh_id(prefix: str, now_us: int) -> str:
    """A new id that begins with *prefix* and sorts by time."""
    return f"{prefix}{uuid_utils.uuid7(nanoseconds=now_us * 1000).hex}"
