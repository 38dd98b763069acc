"""How a crawler proves who it is: a secret, a signed login, or its Web Bot Auth key; and the proof of a token's key.

=============== =============================================================
`Secret`        client_secret_basic (RFC 6749, section 2.3.1)
`SignedLogin`   private_key_jwt (RFC 7523, May 2015, section 2.2)
`AgentKey`      the signature of each request (RFC 9421, February 2024; Web Bot
                Auth, draft of 2026-10-29), in the name of an agent's directory
`TokenKey`      DPoP (RFC 9449, September 2023): tokens are bound to this key
=============== =============================================================

A secret and a signed login belong to one origin, and are never used at another.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Final
from urllib.parse import quote

import jwt
import uuid_utils

from gateway.canonical import canonical_bytes
from gateway.keys.jws import sign
from gateway.keys.key_set import encode_base64url
from gateway.keys.message_signing import LABEL, TAG, sign_message
from gateway.keys.signing_key import SigningKey

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_DIRECTORY: Final = "/.well-known/http-message-signatures-directory"
#: Seconds for which a login or a signature is good.
_SECONDS: Final = 60
#: The name of the way in which an `AgentKey` logs in, in a server's metadata.
WEB_BOT_AUTH: Final = "web-bot-auth"


@dataclass(frozen=True, slots=True)
class Secret:
    """A client id and its secret, for the desk of *origin* alone."""

    origin: str
    client_id: str
    secret: str = field(repr=False)

    def headers(self) -> Mapping[str, str]:
        """What logs a request in; both parts are form-encoded before Basic joins them."""
        pair = ":".join(quote(part, safe="") for part in (self.client_id, self.secret))
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    def members(self, issuer: str) -> Mapping[str, str]:
        """What logs a request in by its body: nothing."""
        del issuer
        return {}


@dataclass(frozen=True, slots=True)
class SignedLogin:
    """A client id, and the key that its operator registered for it, for the desk of *origin* alone."""

    origin: str
    client_id: str
    key: SigningKey

    def headers(self) -> Mapping[str, str]:
        """What logs a request in by its headers: nothing."""
        return {}

    def members(self, issuer: str) -> Mapping[str, str]:
        """Members of the body that log one request in; each is used once."""
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": issuer,
            "iat": now,
            "exp": now + _SECONDS,
            "jti": str(uuid_utils.uuid4()),
        }
        return {
            "client_id": self.client_id,
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": sign(canonical_bytes(claims), self.key, "client-authentication+jwt"),
        }


Login = Secret | SignedLogin


@dataclass(frozen=True, slots=True)
class AgentKey:
    """The key that signs every request, in the name of *agent*: an https origin that publishes its directory."""

    agent: str
    key: SigningKey

    def signed(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> dict[str, str]:
        """*headers* with the fields that sign the request, all that says who pays among what is covered."""
        sent = {**headers, "Signature-Agent": f'{LABEL}="{self.agent.rstrip("/")}{_DIRECTORY}"'}
        covered = ['"@authority"', '"@method"', '"@target-uri"', f'"signature-agent";key="{LABEL}"']
        if body is not None:
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            sent["Content-Digest"] = f"sha-256=:{digest}:"
            covered.append('"content-digest"')
        names = {name.lower() for name in sent}
        covered += [f'"{name}"' for name in ("authorization", "dpop", "idempotency-key") if name in names]
        request = SimpleNamespace(method=method, url=url, headers=sent)
        sign_message(request, self.key, tuple(covered), int(time.time()), _SECONDS, TAG)
        return sent


@dataclass(frozen=True, slots=True)
class TokenKey:
    """The key that tokens are bound to; it lives as long as the session does."""

    key: SigningKey = field(default_factory=SigningKey.generate)

    def proof(self, method: str, url: str, *, token: str = "", nonce: str = "") -> str:
        """The value of ``DPoP`` for one request; *url* without its query (RFC 9449, section 4.2)."""
        claims: dict[str, object] = {
            "jti": str(uuid_utils.uuid4()),
            "htm": method,
            "htu": url.partition("?")[0].partition("#")[0],
            "iat": int(time.time()),
        }
        if token:
            claims["ath"] = encode_base64url(hashlib.sha256(token.encode()).digest())
        if nonce:
            claims["nonce"] = nonce
        jwk = {
            name: value
            for name, value in self.key.public.as_jwk().items()
            if name in {"kty", "crv", "x", "y"}
        }
        return jwt.encode(
            claims, self.key.key, algorithm=self.key.algorithm, headers={"typ": "dpop+jwt", "jwk": jwk}
        )
