"""HTTP Message Signatures as they stand in a message: read, judged by their parameters, checked with a key.

RFC 9421 (February 2024) with the Structured Fields of RFC 9651. The parser is
http-sf, the signature base and the algorithms are http-message-signatures'; what
is ours is the order (everything that needs no cryptography comes first), the
bounds, and one word for each way to fail. Pure: no I/O, no clock, no raise.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import http_sf
from cryptography import exceptions as crypto
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)

VerifyingKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

#: Names of the registry of RFC 9421, section 6.2.2, and what checks each. No shared secrets.
ALGORITHMS: Final[Mapping[str, type[algorithms.HTTPSignatureAlgorithm]]] = {
    "ed25519": algorithms.ED25519,
    "ecdsa-p256-sha256": algorithms.ECDSA_P256_SHA256,
    "rsa-pss-sha512": algorithms.RSA_PSS_SHA512,
}
#: Octets of one signature header, all lines together.
LONGEST: Final = 8192
#: Separators in one of them: the parser takes a microsecond for each, and honest signatures have a dozen.
MOST_PARTS: Final = 192
MOST_SIGNATURES: Final = 8
MOST_COMPONENTS: Final = 32
_LONGEST_TEXT: Final = 512
#: Derived components of a request (RFC 9421, section 2.2).
_DERIVED: Final = frozenset(
    {"@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query", "@query-param"}
)
_PARAMETERS: Final = {"created": int, "expires": int, "keyid": str, "alg": str, "nonce": str, "tag": str}
_DIGESTS: Final = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
_OF_FIELDS: Final = frozenset({"key", "sf", "bs"})


@dataclass(frozen=True, slots=True)
class Component:
    """One covered component: its *name*, and its parameters in their order."""

    name: str
    parameters: tuple[tuple[str, object], ...] = ()

    def get(self, name: str) -> object | None:
        """The value of a parameter, or None."""
        return dict(self.parameters).get(name)


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature of a message, with what it says of itself and not yet believed.

    *created* and *expires* are seconds since the epoch, None where absent;
    texts are "" where absent. *odd* is what no signature may say, or "":
    ``parameter_type``, ``parameter_unknown``, ``component_duplicate`` and the like.
    """

    label: str
    components: tuple[Component, ...]
    signature: bytes
    created: int | None = None
    expires: int | None = None
    keyid: str = ""
    alg: str = ""
    nonce: str = ""
    tag: str = ""
    odd: str = ""

    def covers(self, name: str) -> bool:
        """Whether the whole component *name* is covered, without parameters."""
        return Component(name) in self.components


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Signature headers that have no single reading; *why* is a word."""

    why: str


@dataclass(frozen=True, slots=True)
class Fields:
    """Header fields as the library reads them: every line, in order."""

    lines: tuple[tuple[str, str], ...]

    def items(self) -> Iterable[tuple[str, str]]:
        """Names and values."""
        return self.lines


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it is signed: *url* is the public one, *headers* have every line."""

    method: str
    url: str
    headers: Fields
    request_target: str = field(default="")


@dataclass(frozen=True, slots=True)
class SignedAnswer:
    """A response as it is signed, and the *request* it answers."""

    status_code: int
    headers: Fields
    request: SignedRequest


def read_signatures(
    signature_input: str, signature: str, *, response: bool = False
) -> tuple[Signed, ...] | Unreadable:
    """Read both headers, each with its lines joined. The labels must match one to one."""
    for text in (signature_input, signature):
        if len(text) > LONGEST:
            return Unreadable("too_long")
        if _parts(text) > MOST_PARTS:
            return Unreadable("too_many")
    inputs, values = _dictionary(signature_input), _dictionary(signature)
    if isinstance(inputs, Unreadable):
        return inputs
    if isinstance(values, Unreadable):
        return values
    if inputs.keys() != values.keys():
        return Unreadable("labels_differ")
    if len(inputs) > MOST_SIGNATURES:
        return Unreadable("too_many")
    found = []
    for label, (covered, parameters) in inputs.items():
        octets = values[label][0]
        if not isinstance(covered, list) or not isinstance(octets, bytes) or not octets:
            return Unreadable("unreadable")
        found.append(_signed(label, covered, parameters, octets, response=response))
    return tuple(found)


def flaw_in_time(signed: Signed, now: int, *, skew: int, longest: int) -> str:
    """What is wrong with the times of *signed* at second *now*, or "".

    *skew* is how many seconds two clocks may differ, *longest* how many a
    signature may live.
    """
    if signed.created is None:
        return "created_missing"
    if signed.expires is None:
        return "expires_missing"
    if signed.expires <= signed.created:
        return "expires_before_created"
    if signed.created > now + skew:
        return "created_in_future"
    if signed.expires < now - skew:
        return "expired"
    return "lifetime" if signed.expires - signed.created > longest else ""


def flaw_in_proof(
    signed: Signed, message: SignedRequest | SignedAnswer, algorithm: str, key: VerifyingKey
) -> str:
    """Check *signed* with *key*: "" where it holds, ``signature`` where it does not.

    ``components`` where a covered component is missing or cannot be written
    into the signature base. The algorithm is the key's own.
    """
    verifier = _Verifier(signature_algorithm=ALGORITHMS[algorithm], key_resolver=_One(key))
    try:
        # Without a tag the library takes the one signature there is; a label alone is not signed.
        label = signed.label if signed.tag else None
        verifier.verify(message, expect_tag=signed.tag or None, expect_label=label, max_age=None)
    except HTTPMessageSignaturesException as error:
        return "signature" if isinstance(error.__cause__, crypto.InvalidSignature) else "components"
    except ValueError:
        return "components"
    return ""


class _Verifier(HTTPMessageVerifier):
    """The library's verifier without its clock: `flaw_in_time` has looked already."""

    require_created = False

    def validate_created_and_expires(self, sig_input: Any, max_age: dt.timedelta | None = None) -> None:
        """Leave the times alone."""


class _One(HTTPSignatureKeyResolver):
    """The key that was found by agent and id, whatever the text asks for."""

    def __init__(self, key: VerifyingKey) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> VerifyingKey:
        del key_id
        return self._key


def read_dictionary(text: str) -> dict[str, tuple[Any, dict[str, Any]]] | None:
    """Read a Dictionary (RFC 9651, section 3.2) without any key twice, or None."""
    found = _dictionary(text) if len(text) <= LONGEST and _parts(text) <= MOST_PARTS else None
    return found if isinstance(found, dict) else None


def digests_hold(field: str, body: bytes) -> bool:
    """Whether the ``Content-Digest`` (RFC 9530) is of *body*: every digest that is known here, and at least one."""
    known = [
        (_DIGESTS[name], value)
        for name, (value, _) in (read_dictionary(field) or {}).items()
        if name in _DIGESTS
    ]
    return bool(known) and all(make(body).digest() == value for make, value in known)


def _parts(text: str) -> int:
    return text.count(";") + text.count(" ") + text.count(",")


def _dictionary(text: str) -> dict[str, tuple[Any, dict[str, Any]]] | Unreadable:
    try:
        return http_sf.parse(text.encode("ascii"), tltype="dictionary", on_duplicate_key=_refuse)  # type: ignore[return-value]
    except _TwiceError:
        return Unreadable("duplicate")
    except (ValueError, IndexError, OverflowError, RecursionError):
        return Unreadable("unreadable")


class _TwiceError(Exception):
    """A key stands there twice."""


def _refuse(key: str, context: str) -> None:
    raise _TwiceError(f"{context} {key}")


def _signed(
    label: str,
    covered: list[tuple[Any, dict[str, Any]]],
    said: dict[str, Any],
    octets: bytes,
    *,
    response: bool,
) -> Signed:
    components = tuple(
        Component(name, tuple(parameters.items())) for name, parameters in covered if type(name) is str
    )
    odd = "component_type" if len(components) != len(covered) else _odd(components, response=response)
    if any(name not in _PARAMETERS for name in said):
        odd = odd or "parameter_unknown"
    if any(type(value) is not _PARAMETERS.get(name, type(value)) for name, value in said.items()):
        return Signed(label, components, octets, odd=odd or "parameter_type", tag=_text(said.get("tag")))
    if any(isinstance(value, str) and len(value) > _LONGEST_TEXT for value in said.values()):
        odd = odd or "parameter_type"
    known = {name: value for name, value in said.items() if name in _PARAMETERS}
    return Signed(label, components, octets, odd=odd, **known)


def _text(value: object) -> str:
    return value if type(value) is str else ""


def _odd(components: tuple[Component, ...], *, response: bool) -> str:
    if len(components) > MOST_COMPONENTS:
        return "too_many_components"
    identities = {
        (each.name, frozenset((key, str(value)) for key, value in each.parameters)) for each in components
    }
    if len(identities) != len(components):
        return "component_duplicate"
    for each in components:
        names = {name for name, _ in each.parameters}
        if response:
            names -= {"req"}
        if each.name.startswith("@"):
            if each.name not in _DERIVED and not (response and each.name == "@status"):
                return "component_unknown"
            if names != ({"name"} if each.name == "@query-param" else set()):
                return "component_parameter"
        elif names - _OF_FIELDS or each.name != each.name.lower():
            return "component_parameter"
    return ""
