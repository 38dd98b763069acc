"""Marks of forms that this process made, so that no other site's form is taken for one of ours.

A mark is an HMAC (SHA-256) by a key that lives as long as the process. One of a
page that has an owner is bound to the owner; one of a page for everybody is
made afresh, is good for half a day, and tells one form from another.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from gateway.clock import Clock

#: For how long a form that belongs to nobody may lie open.
OPEN_US: Final = 12 * 3600 * 1_000_000


class FormTokens:
    """Makes marks and knows its own."""

    def __init__(self, clock: Clock) -> None:
        """Take a fresh key."""
        self._clock, self._key = clock, secrets.token_bytes(32)

    def of(self, owner: str) -> str:
        """The mark of every form that belongs to *owner*."""
        return hmac.new(self._key, owner.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def is_of(self, owner: str, mark: str) -> bool:
        """Whether *mark* is that of *owner*."""
        return hmac.compare_digest(self.of(owner).encode(), mark.encode("utf-8", "surrogatepass"))

    def fresh(self) -> str:
        """A mark like no other, for a form that belongs to nobody."""
        began = f"{secrets.token_urlsafe(12)}.{self._clock.now_us()}"
        return f"{began}.{self.of(began)}"

    def nonce_of(self, mark: str) -> str:
        """What is unique in a *mark* of `fresh` that is not too old; "" for any other text."""
        began, _, proof = mark.rpartition(".")
        if not self.is_of(began, proof):
            return ""
        nonce, _, at = began.partition(".")
        young = at.isdigit() and self._clock.now_us() - int(at) < OPEN_US
        return nonce if young else ""
