"""A client's side of DPoP and of signed logins, written by hand over the bare algorithms.

It shares nothing with what verifies it but the curves, so that a mistake of the
library we verify with shows.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ALGORITHMS = ("ES256", "EdDSA", "PS256", "RS256")
_numbers = itertools.count(1)


def b64u(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def whole(number: int) -> str:
    return b64u(number.to_bytes((number.bit_length() + 7) // 8, "big"))


@cache
def _rsa(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


class Holder:
    """Somebody with a key of one algorithm; RSA keys take long to make, so all of a size are one."""

    def __init__(self, algorithm: str = "ES256", bits: int = 2048) -> None:
        self.algorithm = algorithm
        if algorithm == "ES256":
            self.key: Any = ec.generate_private_key(ec.SECP256R1())
        elif algorithm == "EdDSA":
            self.key = ed25519.Ed25519PrivateKey.generate()
        else:
            self.key = _rsa(bits)

    @property
    def jwk(self) -> dict[str, str]:
        """The required members alone."""
        public = self.key.public_key()
        if self.algorithm == "EdDSA":
            return {"kty": "OKP", "crv": "Ed25519", "x": b64u(public.public_bytes_raw())}
        numbers = public.public_numbers()
        if self.algorithm == "ES256":
            x, y = (b64u(each.to_bytes(32, "big")) for each in (numbers.x, numbers.y))
            return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        return {"kty": "RSA", "n": whole(numbers.n), "e": whole(numbers.e)}

    @property
    def thumbprint(self) -> str:
        text = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        return b64u(hashlib.sha256(text.encode()).digest())

    def octets(self, message: bytes) -> bytes:
        """The signature of *message*."""
        if self.algorithm == "EdDSA":
            return self.key.sign(message)
        if self.algorithm == "ES256":
            r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return self.key.sign(
            message, pss if self.algorithm == "PS256" else padding.PKCS1v15(), hashes.SHA256()
        )

    def signed(self, header: dict[str, Any], claims: Any) -> str:
        """A compact JWS; *claims* may be octets."""
        payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        text = f"{b64u(json.dumps(header).encode())}.{b64u(payload)}"
        return f"{text}.{b64u(self.octets(text.encode()))}"

    def proof(
        self, method: str, url: str, now: int, *, token: str = "", header: Any = None, **claims: Any
    ) -> str:
        """A DPoP proof; a claim that is None is left out."""
        made = {"jti": f"proof-{next(_numbers)}", "htm": method, "htu": url, "iat": now}
        if token:
            made["ath"] = b64u(hashlib.sha256(token.encode()).digest())
        made = {name: value for name, value in (made | claims).items() if value is not None}
        said = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.jwk} | (header or {})
        return self.signed({name: value for name, value in said.items() if value is not None}, made)

    def login(self, client: str, audience: Any, now: int, *, header: Any = None, **claims: Any) -> str:
        """A client assertion; a claim that is None is left out."""
        made = {
            "iss": client, "sub": client, "aud": audience, "iat": now, "exp": now + 60, "jti": f"login-{next(_numbers)}",
        }  # fmt: skip
        made = {name: value for name, value in (made | claims).items() if value is not None}
        return self.signed({"alg": self.algorithm} | (header or {}), made)
