"""What a client says about itself when it registers (RFC 7591, July 2015, section 2). Pure.

=================================== ==========================================
``client_name``                     needed, at most 200 characters
``client_uri logo_uri tos_uri       http or https URLs
policy_uri``
``contacts``                        at most 8 short texts
``token_endpoint_auth_method``      ``client_secret_basic`` (the default),
                                    ``client_secret_post``, ``private_key_jwt``
``token_endpoint_auth_signing_alg`` what its login is signed with
``jwks``, ``jwks_uri``              its public keys: one of the two, or neither
``grant_types``                     ``client_credentials`` alone
``response_types``                  empty
``scope``                           uses, separated by spaces
``software_id software_version``    short texts
``dpop_bound_access_tokens``        RFC 9449, section 5.2
``authorization_details_types``     RFC 9396, section 10
=================================== ==========================================

Members not named here are ignored, and null is absent. A ``software_statement``
is refused: nobody's are trusted here. What is kept is told as it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from gateway.canonical import canonical_bytes
from gateway.egress import read_url
from gateway.keys.jws import read_compact
from gateway.keys.key_set import CLIENT_ALGORITHMS, KeySet, UnusableKeySet
from gateway.keys.strict_json import Malformed, read_object
from gateway.licenses.license import Client, Licensee
from gateway.problems import Problem, Refusal
from gateway.tokens.claims import DETAIL_TYPE
from gateway.uses import parse_use

#: Ways in which a client can log in, the default first.
METHODS: Final = ("client_secret_basic", "client_secret_post", "private_key_jwt")
GRANTS: Final = ["client_credentials"]
_SIGNS: Final = METHODS[2]
_LONGEST_NAME: Final = 200
_LONGEST_TEXT: Final = 320
_LONGEST_KEYS: Final = 16 * 1024
_MOST: Final = 8
_URL = re.compile(r"https?://[!#-;=?-~]{1,1000}", re.ASCII)
_URLS: Final = ("logo_uri", "tos_uri", "policy_uri")
_TEXTS: Final = ("software_id", "software_version")


class _Unacceptable(Exception):
    """A member is not what the table says; the clause says how, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is kept of it. *further* is the text of one JSON object: all but name, URI and contacts."""

    name: str
    uri: str
    contacts: tuple[str, ...]
    signs: bool
    further: str


def read_metadata(found: Mapping[str, object]) -> Metadata | Refusal:
    """Read client metadata, or refuse it as RFC 7591, section 3.2.2, has it.

    No object that `keys.strict_json` reads makes it raise.
    """
    given = {name: value for name, value in found.items() if value is not None}
    if "software_statement" in given:
        return _stated(given["software_statement"])
    try:
        return _read(given)
    except _Unacceptable as error:
        return Refusal(Problem.METADATA_INVALID, f"The {error}.")


def registered(client: Client) -> Mapping[str, object]:
    """What *client* registered besides its name, URI and contacts."""
    found: dict[str, object] = orjson.loads(client.metadata)
    return found


def client_document(client: Client, licensee: Licensee) -> dict[str, object]:
    """All registered metadata as it is kept (RFC 7591, section 3.2.1), and whom the client acts for."""
    return {
        "client_id": client.id,
        "client_id_issued_at": client.created_at,
        "client_name": client.name,
        **({"client_uri": client.uri} if client.uri else {}),
        **({"contacts": list(client.contacts)} if client.contacts else {}),
        "token_endpoint_auth_method": _SIGNS if client.signs else METHODS[0],
        **registered(client),
        "grant_types": GRANTS,
        "response_types": [],
        "licensee": licensee.id,
        "standing": str(licensee.standing),
    }


def _read(given: Mapping[str, object]) -> Metadata:
    name = given.get("client_name")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= _LONGEST_NAME or not name.isprintable():
        raise _Unacceptable(f"client_name is a text of at most {_LONGEST_NAME} characters, and is needed")
    contacts = given.get("contacts", [])
    if not isinstance(contacts, list) or len(contacts) > _MOST or not all(map(_is_short, contacts)):
        raise _Unacceptable(f"contacts is a list of at most {_MOST} short texts")
    if given.get("grant_types", GRANTS) != GRANTS or given.get("response_types", []) != []:
        raise _Unacceptable("grant_types is client_credentials alone, and response_types is empty")
    method = given.get("token_endpoint_auth_method", METHODS[0])
    if not isinstance(method, str) or method not in METHODS:
        raise _Unacceptable(f"token_endpoint_auth_method is one of {', '.join(METHODS)}")
    further: dict[str, object] = {"token_endpoint_auth_method": method}
    for url in _URLS:
        if text := _url(given, url):
            further[url] = text
    for text in _TEXTS:
        if text in given:
            if not _is_short(given[text]):
                raise _Unacceptable(f"{text} is a short text")
            further[text] = given[text]
    further |= _keys(given, method) | _granted(given)
    return Metadata(
        name.strip(),
        _url(given, "client_uri"),
        tuple(map(str, contacts)),
        method == _SIGNS,
        canonical_bytes(further).decode(),
    )


def _keys(given: Mapping[str, object], method: str) -> dict[str, object]:
    kept: dict[str, object] = {}
    if "jwks" in given and "jwks_uri" in given:
        raise _Unacceptable("keys are named by jwks or by jwks_uri, not by both")
    if "jwks" in given:
        jwks = given["jwks"]
        try:
            text = canonical_bytes(jwks) if isinstance(jwks, dict) else b""
        except ValueError:
            raise _Unacceptable("jwks has a member whose name is not ASCII") from None
        read = KeySet.parse(text, CLIENT_ALGORITHMS) if len(text) <= _LONGEST_KEYS else KeySet()
        if isinstance(read, UnusableKeySet):
            raise _Unacceptable(f"jwks is no set of public keys: {read.why}")
        if not len(read):
            raise _Unacceptable(f"jwks holds no key for {', '.join(CLIENT_ALGORITHMS)}, or is too long")
        kept["jwks"] = jwks
    if "jwks_uri" in given:
        uri = given["jwks_uri"]
        if not isinstance(uri, str) or read_url(uri) is None:
            raise _Unacceptable("jwks_uri is an https URL")
        kept["jwks_uri"] = uri
    if method == _SIGNS and not kept:
        raise _Unacceptable("jwks or jwks_uri is needed for private_key_jwt")
    algorithm = given.get("token_endpoint_auth_signing_alg")
    if algorithm is not None:
        if not isinstance(algorithm, str) or algorithm not in CLIENT_ALGORITHMS:
            raise _Unacceptable(f"token_endpoint_auth_signing_alg is one of {', '.join(CLIENT_ALGORITHMS)}")
        kept["token_endpoint_auth_signing_alg"] = algorithm
    return kept


def _granted(given: Mapping[str, object]) -> dict[str, object]:
    kept: dict[str, object] = {}
    scope = given.get("scope", "")
    if not isinstance(scope, str) or any(parse_use(name) is None for name in scope.split()):
        raise _Unacceptable("scope names uses, separated by spaces")
    if scope.split():
        kept["scope"] = " ".join(dict.fromkeys(scope.split()))
    bound = given.get("dpop_bound_access_tokens", False)
    if not isinstance(bound, bool):
        raise _Unacceptable("dpop_bound_access_tokens is true or false")
    if "dpop_bound_access_tokens" in given:
        kept["dpop_bound_access_tokens"] = bound
    details = given.get("authorization_details_types", [])
    if details not in ([], [DETAIL_TYPE]):
        raise _Unacceptable(f"authorization_details_types is {DETAIL_TYPE} alone")
    if details:
        kept["authorization_details_types"] = details
    return kept


def _url(given: Mapping[str, object], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str) or (value and not _URL.fullmatch(value)):
        raise _Unacceptable(f"{name} is an http or https URL")
    return value


def _is_short(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= _LONGEST_TEXT and value.isprintable()


def _stated(statement: object) -> Refusal:
    try:
        if not isinstance(statement, str):
            raise Malformed("it is not a text")
        read_object(read_compact(statement).payload)
    except Malformed as error:
        return Refusal(Problem.STATEMENT_INVALID, "The software_statement is none.", private=str(error))
    return Refusal(Problem.STATEMENT_UNAPPROVED, "The issuer of the software_statement is not trusted.")
