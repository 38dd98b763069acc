"""One private key: it signs, and says nothing of itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.keys.key_set import EDDSA, ES256, PublicKey
from gateway.keys.strict_json import Malformed

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private *key* and the public side of it. The repr holds the id alone."""

    public: PublicKey
    key: PrivateKey = field(compare=False, repr=False)

    @classmethod
    def of(cls, key: PrivateKey) -> SigningKey:
        """Wrap the library's *key*; its id is the thumbprint (RFC 7638)."""
        return cls(PublicKey.of(key.public_key()), key)

    @classmethod
    def generate(cls, algorithm: str = ES256) -> SigningKey:
        """Make a new key from the machine's randomness; `Malformed` for another algorithm."""
        if algorithm == ES256:
            return cls.of(ec.generate_private_key(ec.SECP256R1()))
        if algorithm == EDDSA:
            return cls.of(ed25519.Ed25519PrivateKey.generate())
        raise Malformed(f"{ES256} and {EDDSA} are the algorithms here")

    @classmethod
    def from_pem(cls, pem: bytes) -> SigningKey:
        """Read an unencrypted PKCS #8 key in PEM (RFC 5958), or raise `Malformed`."""
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # The library's sentence may quote what it read.
            raise Malformed("it is not an unencrypted private key in PEM") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
            raise Malformed("it is not a key for ES256 or EdDSA")
        return cls.of(key)

    def as_pem(self) -> bytes:
        """The key as PKCS #8 in PEM, for a file that its owner alone can read."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def kid(self) -> str:
        """The id by which signatures name it."""
        return self.public.kid

    @property
    def algorithm(self) -> str:
        """``ES256`` or ``EdDSA``."""
        return self.public.algorithm
