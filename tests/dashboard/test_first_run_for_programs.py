"""What the pages of the first run show and do is had by programs too, through the API of the pages."""

from __future__ import annotations

import json

import pytest

from gateway.app.told_terms import previewed
from gateway.dashboard.api_keys import made_key
from gateway.dashboard.health_pages import Health
from gateway.dashboard.preview_pages import Preview
from gateway.dashboard.setup_pages import Setup
from gateway.dashboard.visiting import Visited
from tests.dashboard.test_health_pages import Examiner
from tests.dashboard.test_hook_pages import hooks, wire
from tests.dashboard.test_setup_pages import ANSWERS, sites, visits

__all__ = ["hooks", "sites", "visits", "wire"]
RECORD = "019ab003-0000-7000-8000-000000000003"
SCOPES = (
    "overview.read", "health.read", "health.check", "policy.read", "policy.change", "webhooks.read", "webhooks.change",
)  # fmt: skip


@pytest.fixture
async def api(start, filled, files, sites, visits, hooks, clock):
    async def payable() -> bool:
        return False

    board = await start(
        filled, policies=files, setup=Setup(sites, files, visits, payable), preview=Preview(files, previewed),
        health=Health(Examiner(), lambda: ()), hooks=hooks[0],
    )  # fmt: skip
    board.become("owner")
    person = board.sessions.people.first_owner()
    made = made_key((), id="ke_1", name="ci", person=person, scopes=SCOPES, days=30, now_us=clock.now_us())
    board.sessions.file.change(lambda access: (access.with_key(made.key), None))
    board.forget_cookies()

    async def ask(method: str, path: str, sent: object = None):
        async with board.client.request(
            method,
            f"{board.base}/api/v1{path}",
            json=sent,
            headers={"Authorization": f"Bearer {made.secret}"},
        ) as answer:
            return answer.status, json.loads(await answer.text())

    return ask


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/setup", "Write the rules into a file"),
        ("/setup/new", "0.004 0.02 USD"),
        ("/health", "key modes"),
        ("/preview?path=/essays/tides&as=GPTBot", "license-required"),
        ("/webhooks", "crawler.ignored"),
        ("/webhooks/we_own", "hooks.journal.example"),
        (f"/records/{RECORD}/replay?as=GPTBot&proof=none", "needs a license"),
    ],
)
async def test_every_page_is_read(api, path, said):
    status, found = await api("GET", path)
    assert status == 200
    assert said in json.dumps(found)
    assert "whsec_" not in json.dumps(found)


async def test_forms_are_sent_as_json(api, visits, wire, sites, hooks):
    visits.answer = Visited(402, (), "", RECORD)
    status, found = await api("POST", "/setup/visit", {"site": "journal", "as": "GPTBot", "path": "/"})
    assert (status, found["see"]) == (200, f"/api/v1/records/{RECORD}")
    status, found = await api("POST", "/setup/look", ANSWERS)
    assert (status, found["made"]["site"]) == (200, "new.example")
    assert (await api("POST", "/setup/write", {**ANSWERS, "prices": "cheap"}))[0] == 400
    assert (await api("POST", "/setup/write", ANSWERS))[0] == 200
    assert (sites / "new.example.toml").is_file()
    assert (await api("POST", "/health/check", {}))[0] == 200
    assert (await api("POST", "/webhooks/we_own/test", {}))[0] == 200
    assert wire.pinged == ["we_own"]
    assert (await api("POST", "/webhooks/we_own/secret", {}))[0] == 403
