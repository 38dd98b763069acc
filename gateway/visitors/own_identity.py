"""Who we are when this gateway asks others: our own Web Bot Auth keys, directory and signatures.

Draft of 2026-10-29, in its current form: a Dictionary whose one member is the
URL of our directory at the well-known path, which binds the domain. The
directory is published on every site, and each answer is signed for the host it
was asked at, with every key whose private side is here.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from gateway.keys.key_set import KeySet
from gateway.keys.signing_key import SigningKey
from gateway.visitors.signature_agent import WELL_KNOWN

MEDIA_TYPE: Final = "application/http-message-signatures-directory+json"
#: Seconds that a signature of ours lives: a request's, and a directory's.
REQUEST_SECONDS: Final = 60
DIRECTORY_SECONDS: Final = 86_400
_LABEL: Final = "sig1"


class Ring(Protocol):
    """What is needed of `keys.key_ring.KeyRing`."""

    @property
    def current(self) -> SigningKey:
        """The key that signs."""
        ...

    @property
    def public(self) -> KeySet:
        """Every key that verifies now."""
        ...


@dataclass(frozen=True, slots=True)
class OwnDirectory:
    """One answer with our keys: its *body*, and the *headers* that sign it."""

    body: bytes
    headers: Mapping[str, str]


class OwnIdentity:
    """Signs in this gateway's name with the ring of purpose ``identity``."""

    def __init__(self, ring: Ring, agent: str = "") -> None:
        """Sign as *agent*, the origin of a site that publishes our directory; "" signs no request."""
        self._ring = ring
        self.agent = agent

    def directory(self, origin: str, now: int) -> OwnDirectory:
        """Our directory as it is answered at *origin* in second *now*."""
        body = json.dumps(self._ring.public.jwks(), separators=(",", ":")).encode()
        request = SimpleNamespace(method="GET", url=origin + WELL_KNOWN, headers={})
        answer = SimpleNamespace(status_code=200, request=request, headers={})
        tag = "http-message-signatures-directory"
        self._signed(answer, ('"@authority";req',), now, DIRECTORY_SECONDS, tag, body=body)
        return OwnDirectory(body, {"Content-Type": MEDIA_TYPE, **answer.headers})

    def request_headers(self, url: str, now: int, *, method: str = "GET") -> Mapping[str, str]:
        """The headers that sign *method* of *url* in second *now*; none without an agent."""
        if not self.agent:
            return {}
        agent = f'{_LABEL}="{self.agent}{WELL_KNOWN}"'
        request = SimpleNamespace(method=method, url=url, headers={"Signature-Agent": agent})
        covered = ('"@authority"', '"@method"', '"@target-uri"', f'"signature-agent";key="{_LABEL}"')
        self._signed(request, covered, now, REQUEST_SECONDS, "web-bot-auth", nonce=secrets.token_urlsafe(24))
        headers: dict[str, str] = request.headers
        return headers

    def _signed(
        self,
        message: object,
        covered: tuple[str, ...],
        now: int,
        seconds: int,
        tag: str,
        *,
        nonce: str | None = None,
        body: bytes | None = None,
    ) -> None:
        key = self._ring.current
        kind = (
            algorithms.ED25519
            if isinstance(key.key, ed25519.Ed25519PrivateKey)
            else algorithms.ECDSA_P256_SHA256
        )
        created = dt.datetime.fromtimestamp(now, dt.UTC)
        HTTPMessageSigner(signature_algorithm=kind, key_resolver=_Own(key.key)).sign(
            message,
            key_id=key.public.thumbprint,
            created=created,
            expires=created + dt.timedelta(seconds=seconds),
            nonce=nonce,
            label=_LABEL,
            tag=tag,
            include_alg=True,
            covered_component_ids=covered,
            body=body,
        )


class _Own(HTTPSignatureKeyResolver):
    def __init__(self, key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
        del key_id
        return self._key
