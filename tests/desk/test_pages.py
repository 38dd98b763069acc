"""The two pages for people hold their facts, and nothing that runs."""

from __future__ import annotations

import re
from dataclasses import replace

from gateway.desk.pages import index_page, problem_page
from gateway.problems import Problem
from gateway.terms.license_terms import Compensation


async def test_the_index_escapes_what_the_creator_wrote(world):
    policy = world.make_policy()
    policy = replace(
        policy, site=replace(policy.site, name="<script>x</script>", contact="a&b<i>"), by_offer={}
    )
    text = index_page(policy, "https://journal.example").body.decode()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "a&amp;b&lt;i&gt;" in text
    assert "src=" not in text
    assert "style=" not in text


async def test_every_part_of_a_price_that_matters_at_once_is_shown(world):
    offer = world.make_offer(
        "share", works=("essays",), uses={"ai-train"}, price=Compensation("USD", revenue_share_bp=250)
    )
    text = index_page(world.make_policy((offer,)), "https://journal.example").body.decode()
    assert "2.5 % of revenue" in text
    assert "nothing a fetch" in text


def test_a_problem_page_is_small_and_complete():
    answer = problem_page(Problem.CREDIT_SPENT)
    text = answer.body.decode()
    assert len(text) < 10_000
    for fact in (
        "402",
        "credit-spent",
        Problem.CREDIT_SPENT.title,
        "Top up",
        "offers[].window_hours",
        "missing",
    ):
        assert fact in text
    assert re.search(r"style-src 'sha256-[A-Za-z0-9+/=]{44}'", answer.headers["Content-Security-Policy"])
