"""The first run on the dashboard."""

from __future__ import annotations

import re

import pytest

from gateway.dashboard.health_pages import Health
from gateway.dashboard.policy_shelf import with_mode
from gateway.dashboard.setup_pages import Setup
from gateway.dashboard.visiting import Visited
from gateway.policy.first_policy import QUESTIONS, first_policy
from tests.dashboard.test_health_pages import Examiner
from tests.dashboard.test_policy_pages import spelled

ANSWERS = {
    "origin": "http://127.0.0.1:9",
    "hosts": "new.example",
    "rights": "own",
    "stance": "closed",
    "prices": "1 2 EUR",
    "mode": "offer",
}


class Visits:
    """Answers what it is told to, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.answer: Visited | str = "nobody listens"

    async def visit(self, host, target, agent):
        self.asked.append((host, target, agent))
        return self.answer


@pytest.fixture
def visits() -> Visits:
    return Visits()


@pytest.fixture
def sites(tmp_path):
    return tmp_path / "sites"


@pytest.fixture
async def desk(start, filled, files, visits, sites):
    async def payable() -> bool:
        return False

    board = await start(
        filled,
        policies=files,
        setup=Setup(sites, files, visits, payable),
        health=Health(Examiner(), lambda: ()),
    )
    await board.set_password()
    return board


async def test_the_list_stands_on_the_overview_until_it_is_done(desk):
    page = spelled((await desk.get("/")).text)
    assert "What is left to set up" in page
    assert "to do Have nothing wrong on the Health page" in page
    assert "Write the rules into a file" not in page
    assert "done Write the rules into a file" in spelled((await desk.get("/setup")).text)
    await desk.get("/health")
    assert "1 found to be wrong" in spelled((await desk.get("/setup")).text)


async def test_a_site_has_three_steps_and_says_what_it_would_have_earned(desk, files):
    page = (await desk.get("/setup")).text
    said = spelled(page)
    assert "Would have earned" in said
    assert (
        re.search(r"Watch observe now|observe</span> <span class=\"stand accepted\">now", page)
        or "now" in said
    )
    assert "See what enforce would change" in said
    form = await desk.form("/setup")
    seen = await desk.post("/policies/journal/check", {"form": form, "mode": "enforce"})
    assert seen.status == 200
    assert "enforce" in spelled(seen.text)
    assert "# The journal's rules" in files.text(files.policies[0])


async def test_six_questions_make_a_file_that_is_shown_before_it_is_written(desk, sites):
    page = (await desk.get("/setup/new?origin=http://127.0.0.1:9")).text
    assert all(each.ask in spelled(page) for each in QUESTIONS)
    assert 'value="http://127.0.0.1:9"' in page
    form = await desk.form("/setup/new")
    seen = await desk.post("/setup/look", {"form": form, **ANSWERS})
    assert seen.status == 200
    assert "does not answer" in spelled(seen.text)
    assert "new.example.toml" in seen.text
    assert "&#34;closed&#34;" in seen.text
    assert not (sites / "new.example.toml").exists()
    done = await desk.post("/setup/write", {"form": form, **ANSWERS})
    assert (done.status, done.headers["Location"]) == (303, "/setup?written=new.example")
    file = sites / "new.example.toml"
    assert file.stat().st_mode & 0o777 == 0o600
    assert 'mode     = "offer"' in file.read_text()
    assert [path.name for path in sites.iterdir() if path.name.startswith(".")] == []


async def test_each_price_has_a_field_of_its_own_and_the_file_is_the_one_that_init_writes(desk, sites):
    fields = {"answer_price": "0.01", "training_price": "0.05", "currency": "EUR"}
    page = (await desk.get("/setup/new?prices=0.01+0.05+EUR")).text
    assert {name: re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in fields} == fields
    assert 'name="prices"' not in page
    sent = {**ANSWERS, "stance": "search-free-training-paid", **fields}
    del sent["prices"]
    seen = await desk.post("/setup/look", {"form": await desk.form("/setup/new"), **sent})
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', seen.text))
    assert {name: hidden[name] for name in fields} == fields
    done = await desk.post("/setup/write", hidden)
    assert done.status == 303
    asked = {**sent, "prices": "0.01 0.05 EUR"}
    assert (sites / "new.example.toml").read_text() == first_policy(asked).text
    assert 'per_fetch = "0.06"' in first_policy(asked).text


async def test_a_file_that_is_there_is_never_written_over(desk, sites):
    (sites / "new.example.toml").write_text("mine")
    form = await desk.form("/setup/new")
    seen = await desk.post("/setup/write", {"form": form, **ANSWERS})
    assert seen.status == 409
    assert "There is a file of that name already" in spelled(seen.text)
    assert (sites / "new.example.toml").read_text() == "mine"
    assert ".new.example.toml.new" not in {path.name for path in sites.iterdir()}


async def test_wrong_answers_are_told_at_their_questions_and_nothing_typed_is_lost(desk, sites):
    form = await desk.form("/setup/new")
    for act in ("look", "write"):
        seen = await desk.post(f"/setup/{act}", {"form": form, **ANSWERS, "prices": "cheap", "hosts": "../a"})
        assert seen.status == 400
        assert 'value="cheap"' in seen.text
        assert 'value="../a"' in seen.text
        assert "two amounts and a currency" in spelled(seen.text)
        assert "is a host name" in spelled(seen.text)
    assert [path.name for path in sites.iterdir()] == ["journal.toml"]


async def test_a_test_visit_leads_to_its_record(desk, visits):
    form = await desk.form("/setup")
    sent = {"form": form, "site": "journal", "as": "GPTBot", "path": "/essays/tides"}
    visits.answer = Visited(402, (("Cache-Control", "no-store"),), "", "019ab003-0000-7000-8000-000000000003")
    done = await desk.post("/setup/visit", sent)
    assert done.headers["Location"] == "/records/019ab003-0000-7000-8000-000000000003"
    ((host, target, agent),) = visits.asked
    assert (host, target) == ("journal.example", "/essays/tides")
    assert "GPTBot" in agent
    visits.answer = Visited(200, (("Content-Type", "text/html"),), "<script>alert(1)</script>")
    page = (await desk.post("/setup/visit", {**sent, "as": ""})).text
    assert "A person’s visit leaves no record" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"path": "http://evil.example/"}, 400, "begins with a slash"),
        ({"site": "other"}, 400, "There is no such site"),
        ({"as": "Nosuchbot"}, 400, "No crawler of the catalog"),
        ({}, 502, "nobody listens"),
        ({"form": "forged"}, 403, ""),
    ],
)
async def test_what_cannot_be_visited_says_why(desk, visits, change, status, said):
    form = await desk.form("/setup")
    sent = {"form": form, "site": "journal", "as": "GPTBot", "path": "/"} | change
    done = await desk.post("/setup/visit", sent)
    assert done.status == status
    assert said in spelled(done.text)
    assert len(visits.asked) == (status == 502)


@pytest.mark.parametrize("text", ["", "site = 1", "[site", "a = 1"])
def test_a_text_without_a_site_gets_no_mode(text):
    assert with_mode(text, "offer") == ""


def test_another_mode_keeps_every_comment():
    text = '# mine\n[site]\nhosts = ["a.example"] # here\nmode = "observe"  # for now\n'
    assert with_mode(text, "offer") == text.replace('"observe"', '"offer"')
