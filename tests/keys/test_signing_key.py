from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from gateway.keys.key_set import ALGORITHMS
from gateway.keys.signing_key import SigningKey
from gateway.keys.strict_json import Malformed


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_comes_back_from_its_file(algorithm: str) -> None:
    key = SigningKey.generate(algorithm)
    again = SigningKey.from_pem(key.as_pem())
    assert again == key
    assert again.as_pem() == key.as_pem()
    assert (again.kid, again.algorithm) == (key.public.thumbprint, algorithm)


def test_every_key_is_another() -> None:
    assert SigningKey.generate().kid != SigningKey.generate().kid
    assert SigningKey.generate().algorithm == "ES256"


def test_other_algorithms_are_not_made() -> None:
    with pytest.raises(Malformed):
        SigningKey.generate("RS256")


def test_the_repr_tells_nothing_secret() -> None:
    key = SigningKey.generate()
    assert "BEGIN" not in repr(key)
    assert "PrivateKey" not in repr(key)
    assert key.kid in repr(key)


def pem_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, passphrase: bytes = b"") -> bytes:
    lock = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"\x00\xff",
        pem_of(ec.derive_private_key(5, ec.SECP256R1()), b"locked"),
        pem_of(ec.derive_private_key(5, ec.SECP384R1())),
        pem_of(rsa.generate_private_key(65537, 2048)),
        SigningKey.generate().as_pem()[:-40],
    ],
    ids=["empty", "garbage", "octets", "locked", "P-384", "RSA", "cut"],
)
def test_a_file_that_is_no_key_of_ours_is_refused_without_quoting_it(pem: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        SigningKey.from_pem(pem)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
