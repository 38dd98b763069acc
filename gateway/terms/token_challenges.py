"""The challenges of the OAuth family for one refusal. Pure.

``Bearer`` (RFC 6750, October 2012, section 3) names the site's metadata (RFC
9728, April 2025, section 5.1), so that a crawler finds the seller; ``DPoP`` (RFC
9449, September 2023, section 7.1) says with which algorithms a proof may be
made. An ``error`` stands there only where a credential was shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.keys.key_set import CLIENT_ALGORITHMS
from gateway.problems import Problem, Refusal

_ALGORITHMS: Final = " ".join(CLIENT_ALGORITHMS)
_OF_PROOFS: Final = {Problem.TOKEN_UNPROVEN: "invalid_dpop_proof", Problem.TOKEN_NONCE: "use_dpop_nonce"}
_SHOWN: Final = {(401, "invalid_token"), (403, "insufficient_scope")}


def token_challenges(refusal: Refusal, metadata: str, remedy: str = "") -> Iterator[str]:
    """The values of ``WWW-Authenticate``, one header line each, for a refusal that a token could change.

    *metadata* is the URL of the protected resource's metadata, *remedy* what
    `terms.remediation` made; both can stand in a quoted string.
    """
    problem = refusal.problem
    said = [f'resource_metadata="{metadata}"']
    if (problem.status, problem.license_error) in _SHOWN:
        said.insert(0, f'error="{problem.license_error}"')
    if remedy:
        said.append(f'authorization_remediation="{remedy}"')
    yield f"Bearer {', '.join(said)}"
    if problem.status == 401:
        error = f'error="{_OF_PROOFS[problem]}", ' if problem in _OF_PROOFS else ""
        yield f'DPoP {error}algs="{_ALGORITHMS}"'
