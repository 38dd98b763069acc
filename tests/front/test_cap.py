"""RSL's CAP (1.0, 2025-12-10, section 6.3): what the challenge of every refusal says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.ask import Ask
from gateway.front.answer import Judged
from gateway.front.responses import refused
from gateway.money import Money
from gateway.paths import PathScope
from gateway.policy.rules import Mode, Policy, Ruling, Site, Verdict
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import (
    Compensation,
    LicenseTerms,
    Offer,
    PublishedScope,
    PublishedTerms,
    Purpose,
    Scope,
)
from gateway.uses import Use
from gateway.visitors.visitor import Crawler, Visitor, VisitorClass

TRAINING = frozenset({Use.AI_TRAIN})
GPTBOT = Visitor(VisitorClass.AI, Crawler("GPTBot", "OpenAI", ("training",), TRAINING, VisitorClass.AI, True))
OFFER = Offer(
    "training",
    "journal",
    LicenseTerms(
        Scope(("essays",), (PathScope("/essays/"),)),
        Purpose(TRAINING),
        Compensation("USD", per_fetch=Money(5_000, "USD")),
    ),
    "sha-256:p",
)
TERMS = PublishedTerms(
    "https://journal.example", "The Journal", "rights@journal.example", "sha-256:p", "USD",
    (PublishedScope((PathScope("/"),), "", frozenset(), (OFFER,)),), (),
)  # fmt: skip
ASK = Ask("0192-a", 0, "journal", "https://journal.example", "GET", "/essays/tides?x=1", "/essays/tides")
LINK = '<https://journal.example/license.xml>; rel="license"; type="application/rsl+xml"'

#: Refusals of these statuses that no license is about: the desk's own login and accounts, a control
#: file, a payment without a license, a gateway that is ending, a server that asks for others, an auditor.
ELSEWHERE = {
    Problem.CLIENT_UNKNOWN, Problem.CLIENT_QUARANTINED, Problem.PAYMENT_MISSING, Problem.ROBOTS_UNAVAILABLE,
    Problem.DRAINING, Problem.PAYMENT_FAILED, Problem.REGISTRATION_DENIED, Problem.PAYMENT_PENDING,
    Problem.PAYMENT_SERVICE_UNAVAILABLE, Problem.LICENSE_NOT_TRANSFERABLE, Problem.CALLER_UNKNOWN,
    Problem.AUDITOR_UNKNOWN, Problem.AUDIT_OUT_OF_SCOPE,
}  # fmt: skip
#: status -> the `error` values that section 6.3.4 and the table of 6.3.1 allow there.
ERRORS = {
    401: {"invalid_request", "invalid_token"},
    402: {"invalid_request", "insufficient_scope"},
    403: {"insufficient_scope"},
    503: {"server_error"},
}
CHALLENGED = [problem for problem in Problem if problem.status in ERRORS and problem not in ELSEWHERE]


def test_the_exceptions_are_still_there():
    assert all(problem.status in ERRORS for problem in ELSEWHERE)
    assert {problem.status for problem in CHALLENGED} == set(ERRORS)


def answered(problem, method="GET"):
    """The header fields, as (name, value), of the answer that tells *problem* to a crawler."""
    refusal = Refusal(problem, "The fact.", retry_after=9 if problem.status == 503 else 0)
    site = Site("journal", ("journal.example",), "http://127.0.0.1:8000", Mode.ENFORCE, "USD")
    policy = Policy(site, (), (OFFER,), (), "sha-256:p")
    ruling = Ruling(Verdict.LICENSE, "rules[0]", "why", "sha-256:p", Mode.ENFORCE, (OFFER,))
    answer = refused(refusal, replace(ASK, method=method), Judged(policy, GPTBOT, ruling, refusal), TERMS)
    if not answer.head:
        return list(answer.headers)
    return [tuple(line.split(": ", 1)) for line in answer.head.decode("ascii").split("\r\n")[1:]]


def all_of(headers, name):
    return [value for key, value in headers if key.lower() == name]


@pytest.mark.parametrize("problem", CHALLENGED)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_each_has_one_challenge_of_license_and_the_link(problem, method):
    answer = answered(problem, method)
    (challenge,) = (each for each in all_of(answer, "www-authenticate") if each.startswith("License "))
    error, description = challenge.removeprefix("License ").split(", ", 1)
    assert error.removeprefix('error="').removesuffix('"') in ERRORS[problem.status]
    assert description == 'error_description="The fact."'
    assert all_of(answer, "link").count(LINK) == 1
    assert all_of(answer, "cache-control") == ["no-store"]
    assert "Authorization" in all_of(answer, "vary")[0]


@pytest.mark.parametrize("problem", [problem for problem in Problem if problem.status not in ERRORS])
def test_no_other_status_asks_for_a_license(problem):
    answer = answered(problem)
    assert not [each for each in all_of(answer, "www-authenticate") if each.startswith("License ")]
