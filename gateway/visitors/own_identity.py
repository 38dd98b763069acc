"""Who we are when this gateway asks others: our own Web Bot Auth keys, directory and signatures.

Draft of 2026-10-29, in its current form: a Dictionary whose one member is the
URL of our directory at the well-known path, which binds the domain. The
directory is published on every site, and each answer is signed for the host it
was asked at, with the key of each ring that signs.

Two rings sign: ``identity``, at the office, what we fetch; ``origin``, in every
worker, what goes to a site's own server where its policy says ``sign_requests``.
Each proves only that.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from types import SimpleNamespace
from typing import Final, Protocol

from http_message_signatures import HTTPMessageSignaturesException

from gateway.ask import Ask, Headers
from gateway.keys.key_set import KeySet
from gateway.keys.message_signing import LABEL, TAG, sign_message
from gateway.keys.signing_key import SigningKey
from gateway.visitors.signature_agent import FIELD, WELL_KNOWN

MEDIA_TYPE: Final = "application/http-message-signatures-directory+json"
#: Seconds that a signature of ours lives: a request's, and a directory's.
REQUEST_SECONDS: Final = 60
DIRECTORY_SECONDS: Final = 86_400


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
    """Signs in this gateway's name with one ring."""

    def __init__(self, ring: Ring, agent: str = "", *, also: tuple[Ring, ...] = ()) -> None:
        """Sign as *agent*, the origin of a site that publishes our directory; "" signs no fetch of ours.

        The directory holds the keys of *ring* and of the rings that *also* sign.
        """
        self._ring, self._also = ring, also
        self.agent = agent

    def directory(self, origin: str, now: int) -> OwnDirectory:
        """Our directory as it is answered at *origin* in second *now*."""
        rings = (self._ring, *self._also)
        listed = [key.as_jwk() for ring in rings for key in ring.public]
        body = json.dumps({"keys": listed}, separators=(",", ":")).encode()
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        answer = SimpleNamespace(
            status_code=200,
            request=SimpleNamespace(method="GET", url=origin + WELL_KNOWN, headers={}),
            headers={"Content-Digest": f"sha-256=:{digest}:"},
        )
        for number, ring in enumerate(rings, 1):
            sign_message(
                answer,
                ring.current,
                ('"@authority";req', "content-digest"),
                now,
                DIRECTORY_SECONDS,
                "http-message-signatures-directory",
                label=f"sig{number}",
            )
        return OwnDirectory(body, {"Content-Type": MEDIA_TYPE, **answer.headers})

    def request_headers(self, url: str, now: int, *, method: str = "GET") -> Mapping[str, str]:
        """The headers that sign *method* of *url* in second *now*; none without an agent."""
        if not self.agent:
            return {}
        headers = {"Signature-Agent": f'{LABEL}="{self.agent}{WELL_KNOWN}"'}
        covered = ('"@authority"', '"@method"', '"@target-uri"', f'"signature-agent";key="{LABEL}"')
        request = SimpleNamespace(method=method, url=url, headers=headers)
        sign_message(request, self._ring.current, covered, now, REQUEST_SECONDS, TAG)
        return headers

    def origin_headers(self, ask: Ask) -> Headers:
        """The fields that tell a site's own server that *ask* came through here.

        They stand beside a signature of the client's, under another label; our
        agent is named where the client names none. () where the target has no
        spelling that can be signed.
        """
        told = ask.header("signature-input")
        label = next(name for name in _labels() if name not in told)
        headers = {} if ask.has(FIELD) or not self.agent else {FIELD: f'{label}="{self.agent}{WELL_KNOWN}"'}
        covered = ['"@authority"', '"@method"', '"@path"', '"@query"']
        covered += [f'"{FIELD}";key="{label}"'] if headers else []
        authority = ask.header("host") or ask.origin.partition("://")[2]
        url = f"{ask.origin.partition('://')[0]}://{authority}{ask.target}"
        request = SimpleNamespace(method=ask.method, url=url, headers=headers)
        try:
            sign_message(
                request, self._ring.current, tuple(covered), ask.asked_at, REQUEST_SECONDS, TAG, label=label
            )
        except HTTPMessageSignaturesException:
            return ()
        return tuple((name.lower(), value) for name, value in headers.items())


def _labels() -> Iterator[str]:
    yield "licet"
    yield from (f"licet{number}" for number in count(2))
