"""Which challenges of OAuth stand beside a refusal, and that each is one line with its own words."""

from __future__ import annotations

import pytest

from gateway.problems import Problem, Refusal
from gateway.terms.token_challenges import token_challenges

META = "https://journal.example/.well-known/oauth-protected-resource"
ALGS = 'algs="ES256 EdDSA PS256 RS256"'


@pytest.mark.parametrize(
    ("problem", "bearer", "dpop"),
    [
        (Problem.LICENSE_REQUIRED, "", None),
        (Problem.TOKEN_REQUIRED, "", ALGS),
        (Problem.TOKEN_INVALID, 'error="invalid_token", ', ALGS),
        (Problem.TOKEN_UNPROVEN, 'error="invalid_token", ', f'error="invalid_dpop_proof", {ALGS}'),
        (Problem.TOKEN_NONCE, 'error="invalid_token", ', f'error="use_dpop_nonce", {ALGS}'),
        (Problem.PATH_NOT_COVERED, 'error="insufficient_scope", ', None),
        (Problem.BUDGET_SPENT, "", None),
    ],
)
def test_each_scheme_is_a_line_of_its_own(problem, bearer, dpop):
    lines = list(token_challenges(Refusal(problem), META))
    assert lines[0] == f'Bearer {bearer}resource_metadata="{META}"'
    assert lines[1:] == ([f"DPoP {dpop}"] if dpop else [])


def test_a_remedy_stands_beside_the_metadata():
    (line,) = token_challenges(Refusal(Problem.USE_NOT_COVERED), META, "e30")
    assert line.endswith(f'resource_metadata="{META}", authorization_remediation="e30"')
