"""Signing a message by HTTP Message Signatures (RFC 9421, February 2024), as Web Bot Auth has it.

The signature base and the algorithms are http-message-signatures'. What is
signed has ``url``, ``method`` and ``headers`` (an answer: ``status_code``,
``headers`` and ``request``); the fields of the signature are put among its headers.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from gateway.keys.signing_key import SigningKey

LABEL: Final = "sig1"
#: The tag of a request's signature (draft-ietf-webbotauth-httpsig-protocol, 2026-10-29).
TAG: Final = "web-bot-auth"


def sign_message(
    message: object,
    key: SigningKey,
    covered: tuple[str, ...],
    now: int,
    seconds: int,
    tag: str,
    *,
    label: str = LABEL,
) -> None:
    """Sign *message* in place from *now* for *seconds*; a request's signature has a nonce.

    Raises the library's `HTTPMessageSignaturesException` for a target that has no spelling that can be signed.
    """
    kind = (
        algorithms.ED25519 if isinstance(key.key, ed25519.Ed25519PrivateKey) else algorithms.ECDSA_P256_SHA256
    )
    created = dt.datetime.fromtimestamp(now, dt.UTC)
    HTTPMessageSigner(signature_algorithm=kind, key_resolver=_Own(key.key)).sign(
        message,
        key_id=key.public.thumbprint,
        created=created,
        expires=created + dt.timedelta(seconds=seconds),
        nonce=secrets.token_urlsafe(24) if tag == TAG else None,
        label=label,
        tag=tag,
        include_alg=True,
        covered_component_ids=covered,
        append_if_signature_exists=True,
        use_existing_digest=tag != TAG or '"content-digest"' in covered,
    )


class _Own(HTTPSignatureKeyResolver):
    def __init__(self, key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
        del key_id
        return self._key
