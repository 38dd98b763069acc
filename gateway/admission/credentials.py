"""Which credential of ours a request shows, and whether it stands.

Three answers, and the type shows which: none of ours (try the next, or pass it
to the origin untouched), ours and bad, ours and good.

A token that is bound to a key (``cnf``) stands only with a proof of that key: a
DPoP proof under ``Authorization: DPoP`` (RFC 9449, section 7), or the signature
of the whole request by the very same key (Web Bot Auth), whatever the scheme.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gateway.ask import Ask
from gateway.clock import Clock
from gateway.languages import Phrase
from gateway.licenses.revocations import RevocationFeed
from gateway.problems import Problem, Refusal
from gateway.tokens.claims import Claims
from gateway.tokens.dpop import Proof, Proving, read_proof
from gateway.tokens.nonces import Nonces
from gateway.tokens.verification import Credential, Verifier, credential


class Shown(NamedTuple):
    """*verdict* is None where nothing of ours was shown. *position* is its place in `ask.headers`, or -1."""

    verdict: Claims | Refusal | None = None
    position: int = -1


_NOTHING = Shown()
#: The key under which `HeaderFields.kept` has the credential in those fields.
_FOUND = "credential"
#: The key under which they have the id of the ask that showed a proof, and the proof.
_PROOF = "dpop"


class Credentials:
    """Reads, verifies and checks for revocation, without waiting."""

    def __init__(
        self,
        verifier: Verifier,
        feed: RevocationFeed,
        clock: Clock,
        *,
        signer: Callable[[Ask], str] = lambda _: "",
        nonces: Nonces | None = None,
        must: bool = False,
    ) -> None:
        """Judge by *verifier*'s keys and *feed*'s revocations.

        *signer* is the thumbprint of the key that a request is proven to be
        signed with, or "". A DPoP proof may hold one of *nonces*, and *must* where that is set.
        """
        self._verifier = verifier
        self._feed = feed
        self._clock = clock
        self._signer, self._nonces, self._must = signer, nonces, must

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
            found.token,
            issuer=f"{ask.origin}/.licet",
            audience=ask.origin,
            now=ask.asked_at,
            name=found.name,
        )
        if isinstance(claims, Refusal):
            return Shown(claims, found.index_of_header)
        if claims.key or found.scheme == "dpop":
            unproven = self._unproven(ask, claims, found)
            if unproven is not None:
                return Shown(unproven, found.index_of_header)
        return Shown(self._feed.judge(claims, self._clock.monotonic()) or claims, found.index_of_header)

    def proof(self, ask: Ask) -> Proof | None:
        """The DPoP proof with which `of` took the token of *ask*, whose mark must be new; None for none."""
        kept: tuple[str, Proof] | None = ask.headers.kept.get(_PROOF)  # type: ignore[attr-defined]
        return kept[1] if kept is not None and kept[0] == ask.id else None

    def _unproven(self, ask: Ask, claims: Claims, found: Credential) -> Refusal | None:
        """Why *ask* does not prove the key of *claims*, or None where it does."""
        if not claims.key:
            return Refusal(
                Problem.TOKEN_UNPROVEN,
                Phrase("The token is bound to no key; it is shown as License or Bearer."),
            )
        if self._signer(ask) == claims.key:
            return None
        if found.scheme != "dpop":
            return Refusal(
                Problem.TOKEN_UNPROVEN,
                Phrase("The token is bound to a key, and is shown as DPoP with a proof of it."),
            )
        path = ask.target.partition("?")[0] if ask.target.startswith("/") else ask.path
        proving = Proving(ask.method, ask.origin + path, ask.asked_at, self._nonces, self._must, found.token)
        proof = read_proof(ask.all("dpop"), proving)
        if not isinstance(proof, Proof):
            problem = Problem.TOKEN_NONCE if proof.nonce else Problem.TOKEN_UNPROVEN
            facts = (("dpop_nonce", proof.nonce),) if proof.nonce else ()
            return Refusal(problem, f"Of the DPoP proof, {proof.why}.", facts=facts)
        if proof.key != claims.key:
            return Refusal(
                Problem.TOKEN_UNPROVEN, Phrase("The DPoP proof is of another key than the token's.")
            )
        ask.headers.kept[_PROOF] = (ask.id, proof)  # type: ignore[attr-defined]
        return None
