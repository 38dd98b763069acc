"""Public keys by their id, as everyone may read them: a JWK Set (RFC 7517, May 2015).

Two algorithms: ES256 (P-256, RFC 7518 section 3.4), which is the default because
every license client reads it, and EdDSA (Ed25519, RFC 8037). What clients sign
for us may also be made by RSA keys of 2048 to 4096 bits: PS256, or RS256 where
the key does not say which (RFC 7518, sections 3.3 and 3.5). A key's algorithm is
a property of the key; no text that is verified can choose another.

Our own ids are thumbprints (RFC 7638, September 2015). A set that others wrote
may use ids of its own; a key without one gets its thumbprint.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.canonical import canonical_bytes, canonical_digest
from gateway.keys.roca import from_faulty_chip
from gateway.keys.strict_json import Malformed, read_object

ES256: Final = "ES256"
EDDSA: Final = "EdDSA"
PS256: Final = "PS256"
RS256: Final = "RS256"
#: The algorithms of this gateway, the default first.
ALGORITHMS: Final = (ES256, EDDSA)
#: What a client may sign with, for its login and for the proof of a key.
CLIENT_ALGORITHMS: Final = (ES256, EDDSA, PS256, RS256)

#: Limits of a set that somebody else wrote.
MOST_KEYS: Final = 64
LONGEST_SET: Final = 64 * 1024
LONGEST_KID: Final = 256
#: Bits that an RSA modulus may have; above that a signature takes too long to check.
_RSA_BITS: Final = range(2048, 4097)
#: Bits of the longest RSA exponent: with one as long as the modulus a check takes 40 times as long.
_EXPONENT_BITS: Final = 64

#: Members that only a private or shared key has (RFC 7518, section 6).
_SECRET = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

VerifyingKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey


def encode_base64url(raw: bytes) -> str:
    """Base64url without padding (RFC 7515, section 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Read base64url in its one canonical spelling, or raise `Malformed`.

    Padding, foreign characters and stray trailing bits are refused: what is
    read encodes to exactly *text* again.
    """
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        raise Malformed("it is not base64url") from None
    if encode_base64url(raw) != text:
        raise Malformed("it is not the canonical base64url")
    return raw


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key that verifies with one algorithm.

    Attributes:
        kid: the id by which a signature names it.
        algorithm: one of `CLIENT_ALGORITHMS`.
        raw: its public octets, ``x || y``, ``x``, or PKCS #1 of an RSA key; what makes two keys the same.
        key: the library's object for it.
    """

    kid: str
    algorithm: str
    raw: bytes = field(repr=False)
    key: VerifyingKey = field(compare=False, repr=False)

    @classmethod
    def of(cls, key: VerifyingKey, kid: str = "", algorithm: str = "") -> PublicKey:
        """Wrap the library's *key*; *kid* defaults to the thumbprint.

        *algorithm* is for RSA keys alone: PS256, or RS256, which is the default.
        Raises `Malformed` for a curve other than P-256 and a weak or huge RSA key.
        """
        if isinstance(key, ed25519.Ed25519PublicKey):
            algorithm, raw = EDDSA, key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        elif isinstance(key, rsa.RSAPublicKey):
            if key.key_size not in _RSA_BITS:
                raise Malformed(f"an RSA key does not have {_RSA_BITS[0]} to {_RSA_BITS[-1]} bits")
            algorithm, raw = algorithm or RS256, key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
        elif isinstance(key.curve, ec.SECP256R1):
            algorithm, raw = ES256, key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]
        else:
            raise Malformed("its curve is not P-256")
        return cls(kid or _thumbprint(_required_members(key, raw)), algorithm, raw, key)

    @property
    def thumbprint(self) -> str:
        """The RFC 7638 thumbprint with SHA-256, base64url."""
        return _thumbprint(_required_members(self.key, self.raw))

    def as_jwk(self) -> dict[str, str]:
        """The key as a JWK that may be published."""
        members = _required_members(self.key, self.raw)
        return {**members, "kid": self.kid, "alg": self.algorithm, "use": "sig"}


def _required_members(key: VerifyingKey, raw: bytes) -> dict[str, str]:
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "e": _whole(numbers.e), "n": _whole(numbers.n)}
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": encode_base64url(raw)}
    return {"kty": "EC", "crv": "P-256", "x": encode_base64url(raw[:32]), "y": encode_base64url(raw[32:])}


def _whole(number: int) -> str:
    """A number as RFC 7518, section 2, writes it: without a leading zero octet."""
    return encode_base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _thumbprint(members: Mapping[str, str]) -> str:
    # RFC 7638 section 3: the required members alone, sorted, no whitespace: canonical JSON.
    return encode_base64url(hashlib.sha256(canonical_bytes(dict(members))).digest())


@dataclass(frozen=True, slots=True)
class UnusableKeySet:
    """Why a document is no key set: *why* is a clause for people."""

    why: str


class KeySet:
    """Public keys by id; never changes. Two sets of the same keys are equal.

    *generation* names this content: whoever keeps verdicts drops them when it
    differs.
    """

    __slots__ = ("_by_kid", "generation")

    def __init__(self, keys: Iterable[PublicKey] = ()) -> None:
        """Hold *keys*; raise `Malformed` where two have the same id."""
        by_kid: dict[str, PublicKey] = {}
        for key in keys:
            if key.kid in by_kid:
                raise Malformed("two keys have the same kid")
            by_kid[key.kid] = key
        self._by_kid: Mapping[str, PublicKey] = MappingProxyType(by_kid)
        self.generation = canonical_digest([by_kid[kid].as_jwk() for kid in sorted(by_kid)])

    @classmethod
    def parse(
        cls, document: str | bytes, algorithms: tuple[str, ...] = ALGORITHMS
    ) -> KeySet | UnusableKeySet:
        """Read a JWK Set strictly. No input makes it raise.

        A key of a type, curve or algorithm not in *algorithms*, or one that is not for
        signatures, is passed over (RFC 7517, section 5). The whole set is
        refused for a key that is broken, for an id that stands there twice and
        for any secret member: somebody published what they should not have.
        """
        try:
            raw = document.encode("utf-8") if isinstance(document, str) else document
            if len(raw) > LONGEST_SET:
                return UnusableKeySet(f"it is longer than {LONGEST_SET} bytes")
            return cls(_read_keys(read_object(raw), algorithms))
        except Malformed as error:
            return UnusableKeySet(str(error))
        except UnicodeEncodeError:
            return UnusableKeySet("it is not UTF-8")

    def get(self, kid: str) -> PublicKey | None:
        """Return the key of that id, or None."""
        return self._by_kid.get(kid)

    def jwks(self) -> dict[str, object]:
        """The set as RFC 7517 publishes it, in the order it was made."""
        return {"keys": [key.as_jwk() for key in self]}

    def __contains__(self, kid: object) -> bool:
        """Whether a key has that id."""
        return kid in self._by_kid

    def __iter__(self) -> Iterator[PublicKey]:
        """The keys, in the order the set was made."""
        return iter(self._by_kid.values())

    def __len__(self) -> int:
        """How many keys there are."""
        return len(self._by_kid)

    def __eq__(self, other: object) -> bool:
        """Whether *other* holds the same keys under the same ids."""
        return isinstance(other, KeySet) and other.generation == self.generation

    def __hash__(self) -> int:
        """Equal sets hash alike."""
        return hash(self.generation)

    def __repr__(self) -> str:
        """The ids."""
        return f"KeySet({', '.join(self._by_kid)})"


def read_jwk(members: Mapping[str, object], algorithms: tuple[str, ...] = ALGORITHMS) -> PublicKey | None:
    """Read one public JWK; None for a kind not in *algorithms*, `Malformed` for a broken one."""
    if _SECRET & members.keys():
        raise Malformed("a key has a secret member")
    kid = members.get("kid", "")
    if not isinstance(kid, str) or len(kid) > LONGEST_KID or not kid.isprintable():
        raise Malformed("a kid is not a short text")
    operations = members.get("key_ops", ["verify"])
    if members.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    kind = (members.get("kty"), members.get("crv"))
    if kind[0] == "RSA" and {PS256, RS256} & set(algorithms):
        return _rsa_key(members, kid, algorithms)
    if kind == ("EC", "P-256"):
        key, algorithm = _point(_octets(members, "x"), _octets(members, "y")), ES256
    elif kind == ("OKP", "Ed25519"):
        key, algorithm = (
            PublicKey.of(ed25519.Ed25519PublicKey.from_public_bytes(_octets(members, "x"))),
            EDDSA,
        )
    else:
        return None
    # RFC 9864 (October 2025) gave EdDSA with Ed25519 a name of its own.
    said = members.get("alg", algorithm)
    if said != algorithm and (said, algorithm) != ("Ed25519", EDDSA):
        raise Malformed("a key's alg does not fit its type")
    return PublicKey.of(key.key, kid)


def _rsa_key(members: Mapping[str, object], kid: str, algorithms: tuple[str, ...]) -> PublicKey | None:
    algorithm = members.get("alg", RS256)
    if not isinstance(algorithm, str) or algorithm not in {PS256, RS256}:
        return None
    if algorithm not in algorithms:
        return None
    modulus, exponent = (_number(members, name) for name in ("n", "e"))
    if exponent.bit_length() > _EXPONENT_BITS:
        raise Malformed("an RSA key's exponent is too long")
    try:
        key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        raise Malformed("a key is no RSA key") from None
    if from_faulty_chip(modulus):
        raise Malformed("an RSA key comes from a faulty generator")
    return PublicKey.of(key, kid, algorithm)


def _number(members: Mapping[str, object], name: str) -> int:
    value = members.get(name)
    if not isinstance(value, str) or len(value) > _RSA_BITS[-1] // 4:
        raise Malformed(f"a key's {name} is not a text of its length")
    raw = decode_base64url(value)
    if not raw or not raw[0] or len(raw) > _RSA_BITS[-1] // 8:
        raise Malformed(f"a key's {name} is not a number of its length")
    return int.from_bytes(raw, "big")


def _read_keys(document: Mapping[str, object], algorithms: tuple[str, ...]) -> Iterator[PublicKey]:
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise Malformed(f"its keys are not a list of at most {MOST_KEYS}")
    ids: set[object] = set()
    for members in listed:
        if not isinstance(members, dict) or not isinstance(members.get("kty"), str):
            raise Malformed("a key is not an object with a kty")
        key = read_jwk(members, algorithms)
        kid = members.get("kid")
        # An id shared with a key that is passed over is as ambiguous as any.
        if kid is not None and kid in ids:
            raise Malformed("two keys have the same kid")
        ids.add(kid)
        if key is not None:
            yield key


def _octets(members: Mapping[str, object], name: str) -> bytes:
    value = members.get(name)
    if not isinstance(value, str):
        raise Malformed(f"a key's {name} is not a text")
    raw = decode_base64url(value)
    if len(raw) != 32:
        raise Malformed(f"a key's {name} does not have 32 octets")
    return raw


def _point(x: bytes, y: bytes) -> PublicKey:
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
    )
    try:
        return PublicKey.of(numbers.public_key())
    except ValueError:
        raise Malformed("a key is not a point of its curve") from None
