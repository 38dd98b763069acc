"""A record's request, to the rules again."""

from __future__ import annotations

import html
import re

import pytest

from gateway.dashboard.policy_shelf import digest_of
from gateway.dashboard.replay_pages import stance_text
from gateway.policy.lines import line_of
from tests.dashboard.conftest import BASE
from tests.dashboard.test_policy_pages import spelled

ID = "019ab0fe-0000-7000-8000-000000000001"
OWN = '\n[[rules]]\nwhen = { crawler = "GPTBot" }\nthen = "refuse"\n[[rules]]\nthen = "serve"\n'


@pytest.fixture
async def desk(start, filled, files, clock):
    from dataclasses import replace

    policy = files.policies[0]
    record = replace(
        BASE, id=ID, time_us=clock.now_us() - 5, crawler="GPTBot", policy=policy.digest, rule="rules[4]"
    )
    await filled.insert((record, None))
    board = await start(filled, policies=files)
    board.become("owner")
    return board


async def test_a_record_is_put_to_the_rules_as_itself_and_as_others(desk):
    page = spelled((await desk.get(f"/records/{ID}/replay")).text)
    assert "By the rules in force, which are those of then" in page
    assert "answered 200 by rule 5: AI crawlers need a license" in page
    assert "needs a license: rule 5 matches class ai" in page
    assert "rules[" not in page.replace("rule=rules[", "")
    assert "GPTBot of OpenAI" in page
    page = spelled((await desk.get(f"/records/{ID}/replay?as=Googlebot&proof=verified")).text)
    assert "served, free of charge" in page
    assert "served, free of charge" in spelled((await desk.get(f"/records/{ID}/replay?as=&proof=none")).text)


async def test_the_rules_of_then_are_found_among_the_versions(desk, files):
    policy = files.policies[0]
    text = files.text(policy)
    files.versions(policy)
    assert files.activate(policy, text + OWN, digest_of(text))
    files._shelf().reload()
    page = (await desk.get(f"/records/{ID}/replay")).text
    said = spelled(page)
    assert "by rule 5: AI crawlers need a license" in said
    assert "as it was then" in said
    assert "decided rule 1: crawlers named gptbot are refused" in said
    assert said.index("By the rules of then") < said.index("By the rules of now")
    assert "needs a license" in said
    assert "refused, at any price" in said
    (now, version) = re.findall(r'href="(/policies/journal/lines\?[^"#]+)#line"', page)[::-1]
    assert f"stands in line {line_of(text + OWN, 'rules[0]')}" in spelled(
        (await desk.get(html.unescape(now))).text
    )
    assert "is of the stance" in spelled((await desk.get(html.unescape(version))).text)


async def test_a_record_of_rules_that_nobody_kept_says_so(desk):
    page = spelled(
        (await desk.get("/records/019ab003-0000-7000-8000-000000000003/replay?as=GPTBot&proof=none")).text
    )
    assert "are not among the versions that are kept here" in page
    assert "By the rules of now" in page


@pytest.mark.parametrize(
    ("query", "said"),
    [("as=Nosuchbot", "No crawler of the catalog"), ("as=GPTBot&proof=sworn", "Proof is one of")],
)
async def test_a_question_that_cannot_be_put_says_why(desk, query, said):
    page = await desk.get(f"/records/{ID}/replay?{query}")
    assert (page.status, said in spelled(page.text)) == (400, True)


async def test_a_rule_has_its_line_in_the_file_or_in_the_stance(desk, files):
    page = spelled((await desk.get("/policies/journal/lines?rule=rules[4]")).text)
    assert "is of the stance" in page
    assert "line" in page
    page = await desk.get("/policies/journal/lines?rule=offers.training.price")
    assert 'id="line" class="here"' in page.text
    assert "is of no line" in spelled((await desk.get("/policies/journal/lines?rule=withdrawn")).text)
    assert (await desk.get("/policies/nobody/lines")).status == 404
    assert (await desk.get("/policies/journal/lines?version=" + "0" * 64)).status == 404
    assert (await desk.get("/policies/journal/lines?version=../x")).status == 404
    assert (await desk.get("/records/nothing/replay")).status == 404


async def test_a_records_page_leads_there_and_floors_are_the_owners(desk):
    page = (await desk.get(f"/records/{ID}")).text
    assert f'href="/records/{ID}/replay"' in page
    assert "/policies/journal/lines?rule=rules" in page
    assert "rule 5: AI crawlers need a license (" in page
    assert "rules[4]" not in re.sub(r'href="[^"]*"', "", page)
    desk.become("viewer")
    page = (await desk.get(f"/records/{ID}")).text
    assert f'href="/records/{ID}/replay"' in page
    assert "/lines?" not in page
    assert (await desk.get("/policies/journal/lines")).status == 403
    desk.become("auditor")
    assert (await desk.get(f"/records/{ID}/replay")).status == 403


def test_only_a_shipped_stance_has_a_text():
    assert "[[rules]]" in stance_text("closed")
    assert stance_text("../../../etc/passwd") == stance_text("") == ""
