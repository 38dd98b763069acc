"""Who may sign in to the operator's pages, and what may be changed about them. Pure.

A person has a sign-in name, a role, and either a password's argon2id hash or an
open link, with which one is set: once, before it ends. An invitation is such a
link for somebody new, a reset one for somebody known; only its SHA-256 is kept.
Whoever is disabled cannot sign in, and whose sessions run is signed out. Whoever
wants it so (*passkey_only*) is not let in by a password alone: a passkey, which
its device gives only to whoever it knows, is two factors in one.

There is always an owner who can sign in once there was one: what would leave
none is `Unfit`. Times are microseconds since the epoch, 0 is never.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.dashboard.permissions import Role

#: For how long a link of the operator's own machine is good, and one that is sent to somebody.
LINK_US: Final = 30 * 60 * 1_000_000
INVITATION_US: Final = 72 * 3600 * 1_000_000
#: What the first owner is called until it says otherwise.
FIRST: Final = "owner"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}", re.ASCII)
#: People that one dashboard knows at most.
MOST_PEOPLE: Final = 200


@dataclass(frozen=True, slots=True)
class Unfit:
    """A change that cannot be made; *sentence* says why."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Passkey:
    """One key of a person that a device holds (WebAuthn, level 3). *id* and *public_key* are base64url; *host* is where it holds."""

    id: str
    public_key: str = field(repr=False)
    count: int
    host: str
    name: str
    made_us: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in, or was invited to, or may no longer."""

    id: str
    name: str
    role: Role
    made_us: int
    password: str = field(default="", repr=False)
    link_sha256: str = field(default="", repr=False)
    link_until_us: int = 0
    disabled_us: int = 0
    passkeys: tuple[Passkey, ...] = ()
    subject: str = ""
    passkey_only: bool = False

    @property
    def invited(self) -> bool:
        """Whether it has no way in yet but a link."""
        return not (self.password or self.passkeys or self.subject)

    @property
    def can_sign_in(self) -> bool:
        """Whether something opens a session: a password, a passkey, or an account elsewhere (*subject*)."""
        return not self.invited and not self.disabled_us

    def passkey(self, id: str) -> Passkey | None:
        """The passkey of that id."""
        return next((each for each in self.passkeys if each.id == id), None)

    def with_passkey(self, passkey: Passkey) -> Person:
        """The same with *passkey* in place of the one of its id, or at the end."""
        others = tuple(each for each in self.passkeys if each.id != passkey.id)
        return replace(self, passkeys=(*others, passkey))

    def opens(self, token: str, now_us: int) -> bool:
        """Whether *token* is its link, and still good."""
        if not self.link_sha256 or now_us >= self.link_until_us or self.disabled_us:
            return False
        return hmac.compare_digest(self.link_sha256, sha256(token).hex())


@dataclass(frozen=True, slots=True)
class People:
    """Everybody, the first owner first."""

    all: tuple[Person, ...] = ()

    def of_id(self, id: str) -> Person | None:
        """The person of that id."""
        return next((each for each in self.all if each.id == id), None)

    def called(self, name: str) -> Person | None:
        """The person of that sign-in name, however its letters were typed."""
        name = name.strip().casefold()
        return next((each for each in self.all if each.name == name), None)

    def found(self, what: str) -> Person | None:
        """The person of that id or that name."""
        return self.of_id(what) or self.called(what)

    def opened(self, token: str, now_us: int) -> Person | None:
        """Whose link *token* is, while it is good."""
        return next((each for each in self.all if each.opens(token, now_us)), None) if token else None

    def first_owner(self) -> Person | None:
        """The owner whom a command on the machine lets in: the one that came first, and can sign in rather than not."""
        owners = [each for each in self.all if each.role is Role.OWNER and not each.disabled_us]
        return next((each for each in owners if each.password), owners[0] if owners else None)

    def with_one(self, person: Person) -> People:
        """The same with *person* in place of the one of its id, or at the end."""
        if self.of_id(person.id) is None:
            return People((*self.all, person))
        return People(tuple(person if each.id == person.id else each for each in self.all))

    def without(self, id: str) -> People:
        """The same without the person of that id."""
        return People(tuple(each for each in self.all if each.id != id))


def invited(people: People, id: str, name: str, role: Role, now_us: int) -> Person | Unfit:
    """Somebody new called *name*, who cannot do anything before a link is made for it.

    >>> invited(People(), "pe_1", "Ada", Role.VIEWER, 0).name
    'ada'
    >>> invited(People(), "pe_1", "a b", Role.VIEWER, 0).sentence.split(":")[0]
    'A sign-in name is 1 to 64 of these'
    """
    name = name.strip().casefold()
    if not _NAME.fullmatch(name):
        return Unfit(
            "A sign-in name is 1 to 64 of these: letters a to z, digits, . _ @ + -; it begins with a letter or digit."
        )
    if people.called(name) is not None:
        return Unfit(f"Somebody is called {name} already.")
    if len(people.all) >= MOST_PEOPLE:
        return Unfit(f"There are {MOST_PEOPLE} people already; remove one first.")
    return Person(id, name, role, now_us)


def in_role(people: People, person: Person, role: Role) -> Person | Unfit:
    """*person* in another role, unless no owner could sign in then."""
    return _kept(people, person, replace(person, role=role))


def disabled(people: People, person: Person, now_us: int) -> Person | Unfit:
    """*person* who cannot sign in any more, and whose open link is closed."""
    return _kept(people, person, replace(person, disabled_us=now_us, link_sha256="", link_until_us=0))


def enabled(person: Person) -> Person:
    """*person* who may sign in again, with the password it had."""
    return replace(person, disabled_us=0)


def removed(people: People, person: Person) -> People | Unfit:
    """Everybody but *person*, unless no owner could sign in then."""
    left = people.without(person.id)
    return left if _owned(left) or not _owned(people) else _LAST


def with_link(person: Person, token: str, until_us: int) -> Person:
    """*person* with *token* as its link, in place of the one before."""
    return replace(person, link_sha256=sha256(token).hex(), link_until_us=until_us)


def with_password(person: Person, hashed: str) -> Person:
    """*person* with a new password; its link is used up."""
    return replace(person, password=hashed, link_sha256="", link_until_us=0)


def person_told(person: Person | None) -> object:
    """What may be told of a *person*: no hash, no name; None for nobody."""
    if person is None:
        return None
    return {
        "id": person.id,
        "role": person.role,
        "disabled_us": person.disabled_us,
        "invited": person.invited,
        "link_until_us": person.link_until_us,
        "passkeys": [each.id for each in person.passkeys],
        "passkey_only": person.passkey_only,
    }


def sha256(text: str) -> bytes:
    """The SHA-256 of *text*, whatever stands in it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _kept(people: People, before: Person, after: Person) -> Person | Unfit:
    if before.disabled_us or before.role is not Role.OWNER:
        return after
    return after if _owned(people.with_one(after)) or not _owned(people) else _LAST


def _owned(people: People) -> bool:
    return any(each.role is Role.OWNER and each.can_sign_in for each in people.all)


_LAST: Final = Unfit("This is the last owner who can sign in; make somebody else an owner first.")
