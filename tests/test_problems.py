from __future__ import annotations

import re

import pytest

from gateway.problems import PROBLEMS, ConfigurationError, Mistake, Problem

#: RSL 1.0, section 6.3.4.
LICENSE_ERRORS = {"", "invalid_request", "invalid_token", "insufficient_scope", "server_error"}


@pytest.mark.parametrize("problem", list(Problem), ids=lambda problem: problem.code)
def test_every_problem_tells_rule_and_next_step(problem: Problem) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", problem.code)
    assert 400 <= problem.status <= 599
    assert problem.title[0].isupper()
    assert not problem.title.endswith(".")
    assert problem.next_step.endswith(".")
    assert problem.license_error in LICENSE_ERRORS


def test_codes_are_unique() -> None:
    assert len(PROBLEMS) == len(Problem)


def test_money_problems_are_402_and_proof_problems_are_401() -> None:
    for problem in Problem:
        if problem.license_error == "invalid_token":
            assert problem.status == 401
        if problem.crawler_error == "MissingCrawlerPrice":
            assert problem.status == 402


def test_all_mistakes_are_told_at_once() -> None:
    error = ConfigurationError(
        [Mistake("a.toml", "site.hosts", "a list of host names", "7"), Mistake("b.toml", "", "x")]
    )
    assert str(error).splitlines() == ["a.toml: site.hosts: a list of host names, not 7", "b.toml: x"]
