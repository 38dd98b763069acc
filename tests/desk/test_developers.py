"""The portal: what a page costs, every refusal, and a key that works in test mode alone."""

from __future__ import annotations

import pytest

from gateway.desk.developers import SANDBOX_CREDIT
from gateway.problems import PROBLEMS

PAGE = {"Accept": "text/html"}
HOSTILE = '"><script>alert(1)</script>'
DEVELOPERS = "/.licet/developers"


async def shown(world, path):
    answer = await world.get(path, headers=PAGE)
    return answer.status, await answer.text()


async def test_a_rate_is_looked_up_on_the_page(world):
    _, page = await shown(world, f"{DEVELOPERS}?url=/essays/1&use=ai-train")
    for word in (
        "training",
        "0.02 USD",
        "needs a license",
        "/.licet/quote?url=%2Fessays%2F1&amp;use=ai-train",
        "yes",
    ):
        assert word in page, word
    _, page = await shown(world, f"{DEVELOPERS}?url=/none/&use=search")
    assert "Offers for this page" not in page
    _, page = await shown(world, DEVELOPERS)
    assert 'role="alert"' not in page


@pytest.mark.parametrize(
    "query", ["url=//x/&use=ai-train", "url=/essays/1&use=x", "url=/a/../b&use=ai-train", "url=/*&use=search"]
)
async def test_what_cannot_be_looked_up_is_told_beside_the_form(world, query):
    status, page = await shown(world, f"{DEVELOPERS}?{query}")
    assert status == 200
    assert 'role="alert"' in page


async def test_hostile_text_stays_text(world):
    answer = await world.get(DEVELOPERS, params={"url": HOSTILE, "use": HOSTILE}, headers=PAGE)
    assert "<script>" not in await answer.text()


async def test_every_refusal_is_listed_from_the_closed_list(world):
    status, page = await shown(world, "/.licet/problems")
    assert status == 200
    told = (await (await world.get("/.licet/problems")).json())["problems"]
    assert {each["code"] for each in told} == set(PROBLEMS)
    for code, problem in PROBLEMS.items():
        assert f'href="/.licet/problems/{code}"' in page
        assert str(problem.status) in page


async def test_a_sandbox_key_buys_at_once_in_test_mode(world):
    assert (await world.post(f"{DEVELOPERS}/sandbox")).status == 404
    assert "sandbox key" not in (await shown(world, DEVELOPERS))[1]
    world.test_mode = True
    await world.reopen()
    assert "Get a sandbox key" in (await shown(world, DEVELOPERS))[1]
    answer = await world.post(f"{DEVELOPERS}/sandbox")
    key = await answer.json()
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    found = await world.register.client(key["client_id"])
    assert str(await world.balance(found[1].id, "USD")) == f"{SANDBOX_CREDIT} USD"
    answer = await world.post(f"{DEVELOPERS}/sandbox", headers=PAGE)
    assert "client_secret" in await answer.text()
    for _ in range(3):
        await world.post(f"{DEVELOPERS}/sandbox")
    assert (await world.post(f"{DEVELOPERS}/sandbox")).status == 429


async def test_programs_read_the_same_commands(world):
    told = await (await world.get(DEVELOPERS)).json()
    page = (await shown(world, DEVELOPERS))[1]
    assert told["sandbox"] is None
    assert told["curl"].splitlines()[-1][:30] in page
    assert "LicensedSession" in told["python"]
