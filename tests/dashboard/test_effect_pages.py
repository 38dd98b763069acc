"""What a withdrawal would do: an address that holds what was chosen, and writes nothing."""

from __future__ import annotations

import re

import orjson
import pytest

from gateway.dashboard.effect_pages import asked_pairs, written
from gateway.licenses.withdrawal import USUAL
from gateway.uses import Use
from tests.dashboard.test_consent_pages import HOSTILE, form_for, licensee

__all__ = ["licensee"]

AT = "/consent/effects"
ESSAYS = "site=journal&work=essays"


def test_a_form_is_one_field_of_uses_and_one_of_what():
    form = {
        "site": "s",
        "what": "/a  essays",
        "pick/essays": "yes",
        "holder": "le_1",
        "use-tdm": "yes",
        "uses": "search",
    }
    made = written(form)
    assert (made["what"], made["uses"]) == (
        "/a essays le_1",
        " ".join(each for each in Use if each in {"search", "tdm"}),
    )
    assert asked_pairs(made) == (
        ("site", "s"), ("what", "/a"), ("what", "essays"), ("what", "le_1"),
        *(("use", each) for each in made["uses"].split()),
    )  # fmt: skip


async def test_the_address_tells_the_same_as_the_form_and_keeps_nothing(board, consents, licensee, clock):
    posted = (await board.post("/consent/withdraw", await form_for(board, private=HOSTILE))).text
    (address,) = re.findall(r'<a href="(/consent/effects\?[^"]+)">', posted)
    address = address.replace("&amp;", "&")
    assert "reason" not in address and "private" not in address and "script" not in address
    assert {*re.findall(r"use=([a-z-]+)", address)} == {*map(str, USUAL)}
    page = await board.get(address)
    assert page.status == 200
    assert "<script>alert" not in page.text
    for text in (posted, page.text):
        assert "li_1" in text and "To be credited" in text
    path, _, query = address.partition("?")
    (row,) = orjson.loads((await board.get(f"{path}.json?{query}")).text)["rows"]
    assert (row["license"], row["licensee"], row["name"]) == ("li_1", licensee, "Example AI")
    (told,) = orjson.loads((await board.get(f"{path}/told.json?{query}")).text)["rows"]
    assert (told["licensee"], told["fetched"]) == (licensee, 0)
    for each in (f"{path}.csv?{query}", f"{path}/told.csv?{query}"):
        assert f'href="{each}"'.replace("&", "&amp;") in page.text
        assert f'href="{each}"'.replace("&", "&amp;") in posted
    assert await consents.taking_back.store.all(9) == ()
    register = consents.taking_back._register
    assert not (await register.revocations()).licenses


async def test_a_heading_keeps_what_was_chosen(board, licensee):
    page = (await board.get(f"{AT}?{ESSAYS}")).text
    headings = [
        each.replace("&amp;", "&") for each in re.findall(r'aria-sort="none"><a href="([^"]+)"', page)
    ]
    assert len(headings) == 5
    for each in headings:
        assert re.fullmatch(
            rf"{AT}\?site=journal&what=essays(&use=[a-z-]+){{{len(USUAL)}}}&sort=[a-z]+", each
        )
        answer = await board.get(each)
        assert (answer.status, "li_1" in answer.text) == (200, True)
        assert f"{AT}.json?{each.partition('?')[2]}".replace("&", "&amp;") in answer.text
    assert (await board.get(f"{AT}?{ESSAYS}&sort=floor")).status == 400


async def test_from_the_address_one_goes_on_to_the_question_that_is_asked_once_more(
    board, consents, licensee
):
    page = (await board.get(f"{AT}?{ESSAYS}")).text
    hidden = dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.partition("<h1>")[2])
    )
    assert "sure" not in hidden
    asked = await board.post("/consent/withdraw", {**hidden, "reason": "sold"})
    assert "Withdraw this?" in asked.text
    assert await consents.taking_back.store.all(9) == ()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "Choose the site."),
        ("site=other&work=essays", "Choose the site."),
        ("site=journal", "Nothing is named."),
        ("site=journal&work=poems", "is no work of journal"),
        ("site=journal&work=essays&use=reading", "There is no use"),
        ("site=journal&what=" + "/a+" * 1500, "at most 4096 characters"),
        ("site=journal&what=sha-256:" + "0" * 64, "The journal knows no delivery"),
    ],
)
async def test_a_mistake_of_the_address_is_told(board, query, said):
    page = await board.get(f"{AT}?{query}")
    assert page.status == 400
    assert said in page.text.replace("&#39;", "'")
    for each in (f"{AT}.csv", f"{AT}/told.jsonl"):
        assert (await board.get(f"{each}?{query}")).status == 400


async def test_no_license_and_nobody_to_tell_is_said(board):
    page = (await board.get(f"{AT}?{ESSAYS}")).text
    assert "No license that runs covers it" in page
    assert "No licensee fetched it" in page
