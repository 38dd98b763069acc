"""Nonces for the proof of a key that nobody has to remember (RFC 9449, sections 8 and 9, September 2023).

A nonce is the number of a window of time and an HMAC over it. It is good in its
own window and in the next one, so it lives between one and two windows. All
processes of a gateway share one secret, so whichever answers takes what another
one gave out. A nonce says how fresh a proof is and nothing else; that a proof is
used once is the business of `visitors.replays`.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from gateway.keys.key_set import encode_base64url

#: Seconds of a window.
WINDOW_SECONDS: Final = 150
_MAC_OCTETS: Final = 18


class Nonces:
    """Gives out nonces and knows them again. Pure, but for the secret it holds."""

    def __init__(self, secret: bytes) -> None:
        """Work with *secret*, of 32 octets or more that only this gateway knows."""
        if len(secret) < 32:
            raise ValueError("the secret of nonces is too short")
        self._secret = secret

    def current(self, now: int) -> str:
        """The nonce to give out at second *now*: printable ASCII that a header holds as it stands."""
        return self._of(now // WINDOW_SECONDS)

    def good(self, nonce: str, now: int) -> bool:
        """Whether *nonce* was given out in the window of *now* or the one before. No text makes it raise."""
        shown = nonce.encode("utf-8", "surrogatepass")
        window = now // WINDOW_SECONDS
        known = [hmac.compare_digest(shown, self._of(window - ago).encode()) for ago in (0, 1)]
        return any(known)

    def _of(self, window: int) -> str:
        said = window.to_bytes(8, "big", signed=True)
        mac = hmac.new(self._secret, b"licet dpop nonce " + said, hashlib.sha256).digest()
        return encode_base64url(said[-4:] + mac[:_MAC_OCTETS])
