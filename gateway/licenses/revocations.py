"""What was revoked, as one frozen snapshot, and how old it may be.

No verdict rests on revocations older than one second (design, promise 3): a
snapshot that could not be renewed in time refuses licensed fetches with 503.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.licenses.suspension import suspended
from gateway.problems import Problem, Refusal
from gateway.tokens.claims import Claims

#: Seconds on the monotonic clock after which a snapshot says nothing any more.
OLDEST = 1.0


@dataclass(frozen=True, slots=True)
class Revocations:
    """Revoked ids. For a licensee or client: when, so that tokens issued later stand.

    *suspended* are licenses that open nothing at this moment, with what their
    licensees are told (`suspension.standing`). *superseded* are licenses with a terms
    hash that holds no more: amended since, or run out.
    """

    tokens: frozenset[str] = frozenset()
    licenses: frozenset[str] = frozenset()
    holders: tuple[tuple[str, int], ...] = ()
    suspended: tuple[tuple[str, str], ...] = ()
    superseded: frozenset[tuple[str, str]] = frozenset()

    def covers(self, claims: Claims) -> bool:
        """Whether the token, its license, its client or its licensee was revoked, or its terms hold no more."""
        if claims.token_id in self.tokens or claims.license in self.licenses:
            return True
        if self.superseded and (claims.license, claims.terms) in self.superseded:
            return True
        return bool(self.holders) and any(
            holder in {claims.client, claims.licensee} and claims.issued_at <= at
            for holder, at in self.holders
        )

    def suspension(self, *licenses: str) -> Refusal | None:
        """Why one of *licenses* opens nothing for now, or None."""
        if not self.suspended:
            return None
        return next((suspended(held, said) for held, said in self.suspended if held in licenses), None)


class RevocationFeed:
    """The latest snapshot in this process and when it was known to be true."""

    def __init__(self) -> None:
        """Know nothing yet: licensed fetches wait for the first snapshot."""
        self._snapshot = Revocations()
        self._true_at = float("-inf")

    def renew(self, snapshot: Revocations, true_at: float) -> None:
        """Take *snapshot*, read from the store at monotonic time *true_at* or later; one older than ours is passed over."""
        if true_at < self._true_at:
            return
        self._snapshot, self._true_at = snapshot, true_at

    def judge(self, claims: Claims, now: float) -> Refusal | None:
        """Say why *claims* do not stand at monotonic *now*, or None if they do."""
        if now - self._true_at > OLDEST:
            return Refusal(
                Problem.REVOCATIONS_STALE,
                "The list of revoked tokens is older than one second.",
                retry_after=2,
            )
        if self._snapshot.covers(claims):
            return Refusal(
                Problem.TOKEN_REVOKED, f"Token {claims.token_id} of license {claims.license} was revoked."
            )
        return self._snapshot.suspension(claims.license)
