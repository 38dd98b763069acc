"""The page of what is in order."""

from __future__ import annotations

import html
import json

import pytest

from gateway.dashboard.health_pages import Health
from gateway.finding import Finding
from tests.dashboard.conftest import HOSTILE

FOUND = (
    Finding("clock", "ok", "2026-11-24 12:00:00Z"),
    Finding("key modes", "bad", "others may read keys/tokens/a.pem", "chmod -R go= keys"),
    Finding("pictures", "warn", f"pictures stand at {HOSTILE[0]}", HOSTILE[1]),
    Finding("disk", "warn", "3 MB free"),
)


class Examiner:
    def __init__(self) -> None:
        self.found, self.looks, self.fetches = FOUND, 0, 0

    async def examined(self):
        self.looks += 1
        return self.found

    async def fetched(self):
        self.fetches += 1
        return (Finding("paid fetch", "ok", "/ cost 0.02 USD"),)


@pytest.fixture
def examiner() -> Examiner:
    return Examiner()


@pytest.fixture
async def desk(start, filled, examiner):
    settings = (("listen.port", "80"), ("webhooks.0.url", HOSTILE[2]))
    board = await start(filled, health=Health(examiner, lambda: settings))
    await board.set_password()
    return board


async def test_the_worst_comes_first_with_what_to_do(desk, examiner):
    page = await desk.get("/health")
    assert page.status == 200
    assert page.text.index("key modes") < page.text.index("pictures") < page.text.index(">clock<")
    assert "chmod -R go= keys" in page.text
    assert "1 wrong, 2 to look at, 1 in order" in page.text
    assert "<img" not in page.text
    assert html.escape(HOSTILE[0]) in page.text
    await desk.get("/health")
    assert examiner.looks == 1


async def test_what_can_be_decided_here_is_a_link_and_only_where_something_is_to_be_done(desk, examiner):
    examiner.found = (
        Finding("webhooks", "warn", "we_1 fails", "licet outbox retry we_1"),
        Finding("people", "ok", "nobody said so"),
        Finding("policy", "bad", "no such work"),
    )
    page = (await desk.get("/health")).text
    assert 'Go to <a href="/webhooks">Webhooks</a>, or:<br>' in page
    assert 'Go to <a href="/policies">Policies</a>.' in page
    assert "/refused" not in page.partition("<main")[2]


async def test_it_is_looked_at_again_when_asked(desk, examiner, clock):
    await desk.get("/health")
    clock.advance(60)
    examiner.found = FOUND[:1]
    form = await desk.form("/health")
    done = await desk.post("/health/check", {"form": form})
    assert (done.status, done.headers["Location"]) == (303, "/health")
    page = await desk.get("/health")
    assert "key modes" not in page.text
    assert examiner.looks == 2
    assert (await desk.post("/health/check", {"form": "forged"})).status == 403
    assert (await desk.post("/health/fetch", {"form": "forged"})).status == 403
    assert (examiner.looks, examiner.fetches) == (2, 0)


async def test_a_paid_fetch_is_made_only_when_asked(desk, examiner):
    assert "Try it</button>" in (await desk.get("/health")).text
    done = await desk.post("/health/fetch", {"form": await desk.form("/health")})
    assert (done.status, examiner.fetches) == (303, 1)
    page = (await desk.get("/health")).text
    assert "/ cost 0.02 USD" in page
    assert "Try it again" in page


async def test_machines_read_the_same(desk):
    told = json.loads((await desk.get("/health.json")).text)
    assert told["worst"] == "bad"
    assert [each["what"] for each in told["findings"]] == [each.what for each in FOUND]


async def test_nobody_reads_it_without_signing_in(desk):
    desk.forget_cookies()
    assert (await desk.get("/health")).status in {303, 401, 200}
    assert "key modes" not in (await desk.get("/health")).text
