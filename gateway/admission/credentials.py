"""Which credential of ours a request shows, and whether it stands.

Three answers, and the type shows which: none of ours (try the next, or pass it
to the origin untouched), ours and bad, ours and good.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.ask import Ask
from gateway.clock import Clock
from gateway.licenses.revocations import RevocationFeed
from gateway.problems import Refusal
from gateway.tokens.claims import Claims
from gateway.tokens.verification import Credential, Verifier, credential


class Shown(NamedTuple):
    """*verdict* is None where nothing of ours was shown. *position* is its place in `ask.headers`, or -1."""

    verdict: Claims | Refusal | None = None
    position: int = -1


_NOTHING = Shown()
#: The key under which `HeaderFields.kept` has the credential in those fields.
_FOUND = "credential"


class Credentials:
    """Reads, verifies and checks for revocation, without waiting."""

    def __init__(self, verifier: Verifier, feed: RevocationFeed, clock: Clock) -> None:
        """Judge by *verifier*'s keys and *feed*'s revocations."""
        self._verifier = verifier
        self._feed = feed
        self._clock = clock

    def of(self, ask: Ask) -> Shown:
        """Judge what *ask* shows; raises nothing on any header."""
        if not ask.has("authorization"):
            return _NOTHING
        kept = ask.headers.kept  # type: ignore[attr-defined]
        if _FOUND not in kept:
            kept[_FOUND] = credential(ask.headers)
        found: Credential | Refusal | None = kept[_FOUND]
        if found is None:
            return _NOTHING
        if isinstance(found, Refusal):
            return Shown(found)
        claims = self._verifier.verify(
            found.token, issuer=f"{ask.origin}/.licet", audience=ask.origin, now=ask.asked_at
        )
        if isinstance(claims, Refusal):
            return Shown(claims, found.index_of_header)
        return Shown(self._feed.judge(claims, self._clock.monotonic()) or claims, found.index_of_header)
