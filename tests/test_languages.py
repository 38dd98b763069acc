"""Which language a page speaks: what is asked for, English where nothing fits."""

from __future__ import annotations

import asyncio

import pytest

from gateway.languages import ENGLISH, LANGUAGES, foreign, later, speak, spoken, tr, wanted


@pytest.mark.parametrize(
    ("accepted", "chosen", "code"),
    [
        ("", "", "en"), ("de", "", "de"), ("de-AT", "", "de"), ("DE", "", "de"), ("fr", "", "en"), ("*", "", "en"),
        ("fr, de;q=0.8, en;q=0.9", "", "en"), ("fr, de;q=0.9, en;q=0.8", "", "de"), ("de, en", "", "de"),
        ("de;q=0", "", "en"), ("de;q=0.000", "", "en"), ("de;q=1.000", "", "de"), ("de;q=x", "", "en"),
        ("de;q=0.12345", "", "en"), ("de;v=1", "", "en"), ("en", "de", "de"), ("de", "en", "en"), ("de", "xx", "de"),
        ("de", "../../x", "de"), (",;,;q=", "", "en"), ("x," * 40 + "de", "", "en"), ("de;q=٣", "", "en"),
    ],
)  # fmt: skip
def test_the_language_of_a_request(accepted, chosen, code):
    assert wanted(accepted, chosen) == code


def test_english_needs_no_catalog_and_unknown_is_english():
    assert speak("xx") is ENGLISH
    assert tr("Licenses") == "Licenses"
    assert foreign() == ""
    assert later("Licenses") == "Licenses"


async def test_each_task_speaks_for_itself():
    async def answer(code):
        speak(code)
        await asyncio.sleep(0)
        return spoken().code

    assert await asyncio.gather(*(answer(code) for code in ("de", "en", "de"))) == ["de", "en", "de"]
    assert set(LANGUAGES) == {"en", "de"}
