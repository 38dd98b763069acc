"""Who is at the desk: registration (RFC 7591, July 2015) and client authentication.

Anybody may register and is then quarantined: known, and sold nothing until the
operator approves or funds it. Authentication is ``client_secret_basic`` alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.clock import Clock
from gateway.desk.pacing import DeskPace
from gateway.desk.reading import read_basic
from gateway.licenses.enrollment import Enrolled, enroll, secret_matches
from gateway.licenses.license import Client, Licensee, Standing
from gateway.licenses.register import LicenseRegister
from gateway.problems import Problem, Refusal

_METHOD: Final = "client_secret_basic"
_GRANTS: Final = ["client_credentials"]
_LONGEST_NAME: Final = 200
_LONGEST_CONTACT: Final = 320
_MOST_CONTACTS: Final = 8
_CLIENT_ID = re.compile(r"[A-Za-z0-9_.~-]{1,128}", re.ASCII)
_URL = re.compile(r"https?://[^\s<>\"]{1,1000}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Known:
    """A client that proved itself, and whom it acts for."""

    client: Client
    licensee: Licensee


class Clients:
    """Registers clients and recognizes them."""

    def __init__(self, register: LicenseRegister, clock: Clock, pace: DeskPace) -> None:
        """Keep clients in *register*."""
        self._register = register
        self._clock = clock
        self._pace = pace

    def waiting(self, address: str) -> Refusal | None:
        """Take one registration from the network of *address*, before anything of it is read."""
        return _too_fast(
            self._pace.registering(address, self._clock.now_us()), "registrations of this network"
        )

    async def register(self, metadata: Mapping[str, object]) -> Enrolled | Refusal:
        """Enroll who sent *metadata*, quarantined; the secret in the result is shown once."""
        read = read_metadata(metadata)
        if isinstance(read, Refusal):
            return read
        made = enroll(
            read.name,
            now=self._clock.now_us() // 1_000_000,
            contact=read.contacts[0] if read.contacts else "",
            standing=Standing.QUARANTINED,
            uri=read.uri,
            contacts=read.contacts,
        )
        await self._register.add_licensee(made.licensee, made.client)
        return made

    async def authenticate(self, request: web.BaseRequest, address: str) -> Known | Refusal:
        """Say who sent *request*; `CLIENT_UNKNOWN` tells nothing about what was wrong.

        Good clients are paced each by itself, failures by network.
        """
        shown = request.headers.getall("Authorization", [])
        login = read_basic(shown[0]) if len(shown) == 1 else None
        if login is not None:
            known = _CLIENT_ID.fullmatch(login.client) is not None
            found = await self._register.client(login.client) if known else None
            if secret_matches(found[0] if found else None, login.secret) and found:
                slow = _too_fast(
                    self._pace.client(found[0].id, self._clock.now_us()), "requests of this client"
                )
                return slow or Known(*found)
        slow = _too_fast(self._pace.failing(address, self._clock.now_us()), "failed logins of this network")
        return slow or Refusal(Problem.CLIENT_UNKNOWN, "The credentials are missing or not ours.")


def may_buy(known: Known) -> Refusal | None:
    """Why this client is sold nothing, or None."""
    match known.licensee.standing:
        case Standing.ACTIVE:
            return None
        case Standing.QUARANTINED:
            return Refusal(
                Problem.CLIENT_QUARANTINED, f"The licensee {known.licensee.id} waits for approval or credit."
            )
        case Standing.SUSPENDED:
            return Refusal(
                Problem.CLIENT_QUARANTINED, f"The licensee {known.licensee.id} is suspended by the operator."
            )


@dataclass(frozen=True, slots=True)
class Metadata:
    """The client metadata that is kept; members not known here are ignored (RFC 7591, section 2)."""

    name: str
    uri: str
    contacts: tuple[str, ...]


def read_metadata(found: Mapping[str, object]) -> Metadata | Refusal:
    """Read client metadata; null is absent."""
    given = {name: value for name, value in found.items() if value is not None}
    name = given.get("client_name")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= _LONGEST_NAME or not name.isprintable():
        return _invalid(f"client_name is a text of at most {_LONGEST_NAME} characters, and is needed")
    uri = given.get("client_uri", "")
    if not isinstance(uri, str) or (uri and not _URL.fullmatch(uri)):
        return _invalid("client_uri is an http or https URL")
    contacts = given.get("contacts", [])
    if (
        not isinstance(contacts, list)
        or len(contacts) > _MOST_CONTACTS
        or not all(map(_is_contact, contacts))
    ):
        return _invalid(f"contacts is a list of at most {_MOST_CONTACTS} short texts")
    if given.get("token_endpoint_auth_method", _METHOD) != _METHOD:
        return _invalid(f"token_endpoint_auth_method is {_METHOD} here")
    if given.get("grant_types", _GRANTS) != _GRANTS or given.get("response_types", []) != []:
        return _invalid("grant_types is client_credentials alone, and response_types is empty")
    return Metadata(name.strip(), uri, tuple(str(contact) for contact in contacts))


def registered_document(made: Enrolled) -> dict[str, object]:
    """The answer of RFC 7591, section 3.2.1, with the secret."""
    client = made.client
    return {
        "client_id": client.id,
        "client_secret": made.secret,
        "client_id_issued_at": client.created_at,
        "client_secret_expires_at": 0,
        "client_name": client.name,
        **({"client_uri": client.uri} if client.uri else {}),
        **({"contacts": list(client.contacts)} if client.contacts else {}),
        "token_endpoint_auth_method": _METHOD,
        "grant_types": _GRANTS,
        "response_types": [],
        "licensee": made.licensee.id,
        "standing": str(made.licensee.standing),
    }


def _is_contact(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= _LONGEST_CONTACT and value.isprintable()


def _invalid(clause: str) -> Refusal:
    return Refusal(Problem.METADATA_INVALID, f"The {clause}.")


def _too_fast(seconds: int, what: str) -> Refusal | None:
    return Refusal(Problem.TOO_FAST, f"There are too many {what}.", retry_after=seconds) if seconds else None
