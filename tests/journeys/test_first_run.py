"""The first run: a site, a test visit, a second site by six questions, the three modes, and what doctor finds of it."""

from __future__ import annotations

import asyncio
import re

from tests.journeys.test_operator import GPTBOT, operator, until

__all__ = ["operator"]
ANSWERS = {
    "hosts": "new.example",
    "rights": "own",
    "stance": "search-free-training-paid",
    "prices": "0.01 0.05 EUR",
    "mode": "enforce",
}


def visit(site: str, name: str, path: str) -> dict[str, str]:
    return {"site": site, "as": name, "path": path}


async def test_a_visit_leads_to_its_trace_and_an_answered_form_to_a_site_that_is_served(operator, origin):
    one = operator.one
    page = await operator.sent("/setup/visit", "/setup", visit("journal", "GPTBot", "/essays/tides"))
    assert "Why it ended so" in page
    assert "a test visit by Licet" in page
    assert re.search(r"Without a license, this is the price", page)
    person = await operator.sent("/setup/visit", "/setup", visit("journal", "", "/essays/tides"))
    assert "Answered 200" in person
    assert "leaves no record" in person

    seen = await operator.post("/setup/look", "/setup/new", origin=origin.url, **ANSWERS)
    assert f"{origin.url} answers 200" in seen
    assert not (one.licet.config.sites / "new.example.toml").exists()
    done = await operator.post("/setup/write", "/setup/new", origin=origin.url, **ANSWERS)
    assert "The rules of" in done
    async with asyncio.timeout(20):
        while "new.example" not in await operator.page("/policies"):
            await asyncio.sleep(0.05)
    page = await operator.sent("/setup/visit", "/setup", visit("new.example", "GPTBot", "/"))
    assert "0.05 EUR" in page


async def test_another_mode_is_seen_before_it_is_put_in_force(operator):
    one = operator.one
    assert (await one.get("/essays/tides", GPTBOT)).status == 402
    seen = await operator.post("/policies/journal/check", "/setup", mode="offer")
    assert 'mode = "offer"' in seen.replace("&#34;", '"').replace("     =", " =") or "offer" in seen
    text = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", seen, re.S)[1]
    base = re.search(r'name="base" value="([0-9a-f]+)"', seen)[1]
    assert (await one.get("/essays/tides", GPTBOT)).status == 402
    await operator.post("/policies/journal/activate", "/setup", text=text.replace("&#34;", '"'), base=base)
    await until(200, lambda: one.get("/essays/tides", GPTBOT))
    assert "Nobody is refused yet at journal" in await operator.page("/setup")


async def test_the_page_shows_what_doctor_finds_of_the_gateway_that_serves_it(operator):
    one = operator.one
    page = await operator.page("/health")
    assert f"runs at {one.front}" in page
    assert "answers 200" in page
    assert "chmod 700" not in page
    one.licet.config.folder.chmod(0o755)
    assert "chmod 700" in await operator.post("/health/check", "/health")
    one.licet.config.folder.chmod(0o700)
    page = await operator.post("/health/fetch", "/health")
    assert "record and book agree" in page


async def test_before_there_is_a_policy_file_doctor_looks_at_the_server_that_is_served(licet, origin):
    one = await licet.serve("--upstream", origin.url)
    found = (await licet("doctor", "--fetch", "--json")).json
    facts = {(each["what"], each["state"]): each["fact"] for each in found}
    assert facts["origin", "ok"] == f"site: {origin.url} answers 200"
    assert "record and book agree" in facts["paid fetch", "ok"]
    assert facts["policy", "warn"].startswith("no file")
    assert await one.stop() == 0
