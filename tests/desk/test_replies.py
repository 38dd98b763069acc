"""Refusals in the shape of who asked."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode

import orjson
import pytest

from gateway.desk.replies import json_reply, oauth_reply, page, problem_reply
from gateway.problems import Problem, Refusal

ORIGIN = "https://journal.example"


@pytest.mark.parametrize("problem", list(Problem))
def test_oauth_s_shape_is_used_exactly_where_oauth_has_a_word(problem):
    answer = oauth_reply(Refusal(problem, 'He said "no" \\ né.'), ORIGIN)
    body = orjson.loads(answer.body)
    assert answer.status == problem.status
    if problem.oauth_error:
        assert body["error"] == problem.oauth_error
        assert body["error_uri"] == f"{ORIGIN}/.licet/problems/{problem.code}"
        assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", body["error_description"])
        assert answer.content_type == "application/json"
    else:
        assert body["code"] == problem.code
        assert answer.content_type == "application/problem+json"


def test_a_fact_never_replaces_a_member_of_the_problem():
    refusal = Refusal(Problem.CREDIT_SPENT, "Too little.", facts=(("status", "200"), ("missing", "1 USD")))
    body = orjson.loads(problem_reply(refusal, ORIGIN).body)
    assert body["status"] == 402
    assert body["missing"] == "1 USD"


def test_what_is_private_stays_private():
    refusal = Refusal(Problem.SPEND_BOOK_UNAVAILABLE, "Down.", retry_after=5, private="/var/secret.db")
    for answer in (problem_reply(refusal, ORIGIN), oauth_reply(refusal, ORIGIN)):
        assert b"secret" not in answer.body
        assert answer.headers["Retry-After"] == "5"
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_s_style_is_the_one_its_policy_allows():
    answer = page("A & B", "<p>x</p>", max_age=60)
    text = answer.body.decode()
    style = re.search(r"<style>(.*?)</style>", text)[1]
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert "A &amp; B" in text
    assert answer.headers["Cache-Control"] == "public, max-age=60"


def test_an_answer_is_stored_by_nobody_unless_it_says_so():
    assert json_reply({}).headers["Cache-Control"] == "no-store"
    assert json_reply({}, max_age=5).headers["Cache-Control"] == "public, max-age=5"
