"""What a crawler meets, on a page."""

from __future__ import annotations

import json

import pytest

from gateway.app.told_terms import previewed
from gateway.dashboard.preview_pages import Preview
from tests.dashboard.test_policy_pages import spelled


@pytest.fixture
async def desk(start, filled, files):
    board = await start(filled, policies=files, preview=Preview(files, previewed))
    await board.set_password()
    return board


async def test_a_page_with_a_price_shows_the_answer_and_every_format(desk):
    page = await desk.get("/preview?path=/essays/tides&as=GPTBot")
    said = spelled(page.text)
    assert page.status == 200
    assert "Answered 402" in said
    assert "Cache-Control: no-store" in said
    assert "license-required" in said
    assert "Rule Rule 5 AI crawlers need a license" in said
    assert "(rule 5 matches class ai)" in said
    assert "rules[" not in said
    assert "robots.txt: may be crawled" in said
    assert "0.02 USD per fetch" in said
    assert "Mode observe: nothing of this is sent" in said
    for document in ("/robots.txt", "/license.xml", "/.well-known/tdmrep.json", "ODRL", "license page"):
        assert f"<summary>{document}</summary>" in page.text


async def test_a_person_and_a_free_page_are_served(desk):
    assert "The page is served." in spelled((await desk.get("/preview?path=/essays/tides&as=")).text)
    said = spelled((await desk.get("/preview?path=essays/tides&as=Googlebot")).text)
    assert "The page is served." in said


async def test_the_command_and_the_page_say_the_same(desk, files):
    told = json.loads((await desk.get("/preview.json?path=/essays/tides&as=GPTBot&country=DE")).text)
    ours = previewed(files.policies[0], "GPTBot", "/essays/tides", "DE", 0)
    assert told["refusal"]["status"] == ours["refusal"]["status"] == 402
    assert told["offers"] == ours["offers"]
    assert told["documents"]["/license.xml"] == ours["documents"]["/license.xml"]
    assert told["ruling"]["country"] == "DE"


async def test_a_changed_text_is_shown_with_what_it_says_otherwise_and_stands_nowhere(desk, files):
    text = files.text(files.policies[0])
    form = await desk.form("/preview")
    sent = {"form": form, "site": "journal", "path": "/essays/tides", "as": "GPTBot", "country": ""}
    page = spelled((await desk.post("/preview", {**sent, "text": text.replace("0.02", "0.07")})).text)
    assert "What the changed text would say otherwise" in page
    assert "-Crawler-Price" in page or "-                crawler-price" in page.lower() or "0.07" in page
    assert "0.07 USD per fetch" in page
    assert files.text(files.policies[0]) == text
    same = spelled((await desk.post("/preview", {**sent, "text": text})).text)
    assert "this crawler meets the same at this page" in same


async def test_a_text_that_cannot_be_read_says_where_and_is_kept(desk):
    form = await desk.form("/preview")
    sent = {"form": form, "site": "journal", "path": "/", "as": "GPTBot", "text": "[site]\nhosts = 1\n<b>"}
    page = await desk.post("/preview", sent)
    assert page.status == 400
    assert "The changed text cannot be read" in spelled(page.text)
    assert "&lt;b&gt;" in page.text
    assert "<b>" not in page.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("as=Nosuchbot", "No crawler of the catalog"),
        ("as=GPTBot&country=Atlantis", "code of two letters"),
        ("as=GPTBot&country=UK", "such as GB"),
        ("as=GPTBot&path=/a%20b", "That is no path"),
        ("as=GPTBot&path=/a%0d%0aX:y", "That is no path"),
        ("site=other", "There is no such site"),
    ],
)
async def test_a_question_that_cannot_be_answered_says_why(desk, query, said):
    page = await desk.get(f"/preview?{query}")
    assert page.status == 400
    assert said in spelled(page.text)
    assert (await desk.get(f"/preview.json?{query}")).status == 400


async def test_only_a_form_of_this_session_is_read(desk):
    assert (await desk.post("/preview", {"form": "forged", "text": ""})).status == 403


async def test_without_a_path_page_table_and_json_ask_about_the_same(desk):
    page = (await desk.get("/preview?as=GPTBot")).text
    assert 'value="/essays/"' in page
    told = json.loads((await desk.get("/preview.json?as=GPTBot")).text)
    assert told == json.loads((await desk.get("/preview.json?as=GPTBot&path=/essays/")).text)
    assert told["offers"]
    rows = json.loads((await desk.get("/preview/offers.json?as=GPTBot")).text)["rows"]
    assert [row["offer"] for row in rows] == [each["offer"] for each in told["offers"]]
    # A path that is asked about is not put right.
    root = json.loads((await desk.get("/preview.json?as=GPTBot&path=/")).text)
    assert root["offers"] != told["offers"]
