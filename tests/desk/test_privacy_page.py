"""The privacy page says what the settings do, and nothing that they do not."""

from __future__ import annotations

import itertools
from dataclasses import asdict, replace

import pytest

from gateway.app.retention import recorded_by
from gateway.config import Config
from gateway.desk.privacy_page import Recorded, privacy_body
from gateway.languages import speak
from gateway.settings import Observe, People, Retention, Store

USUAL = Recorded(True, 30, 7, 90, 0, access_log=False)


def test_every_setting_is_read_from_the_configuration(tmp_path):
    config = Config(
        tmp_path, people=People(counted=False, report_days=5), store=Store(detail_days=3, cut_days=2),
        retention=Retention(looks_months=4), observe=Observe(access_log="a.log"),
    )  # fmt: skip
    assert recorded_by(config) == Recorded(False, 3, 2, 5, 4, access_log=True)
    assert recorded_by(Config(tmp_path)) == Recorded(True, 30, 0, 90, 0, access_log=False)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(("counted", "access_log"), list(itertools.product((True, False), repeat=2)))
def test_no_claim_contradicts_a_setting(language, counted, access_log):
    speak(language)
    try:
        every = replace(USUAL, counted=True, access_log=True)
        recorded = replace(USUAL, counted=counted, access_log=access_log)
        page, whole = privacy_body(recorded, "J", ""), privacy_body(every, "J", "")
        for name, on in (("counted", counted), ("access_log", access_log)):
            # The row that one setting makes is there exactly where it is set.
            without = privacy_body(replace(every, **{name: False}), "J", "")
            rows = set(whole.splitlines()) - set(without.splitlines())
            assert len(rows) == 1, name
            assert (rows <= set(page.splitlines())) is on, name
    finally:
        speak("en")


@pytest.mark.parametrize(
    ("name", "value", "said", "not_said"),
    [
        ("detail_days", 3, "erased after 3 days", "30 days"),
        ("detail_days", 1, "erased after 1 day<", "1 days"),
        ("cut_days", 0, "erased after 30 days", "network alone"),
        ("cut_days", 2, "whole for 2 days, then its network alone; erased after 30 days", "7 days"),
        ("cut_days", 31, "erased after 30 days", "31 days"),
        ("report_days", 11, "11 days", "90 days"),
        ("looks_months", 6, "6 months", "0 months"),
        ("detail_days", 0, "as soon as the timer", "0 days"),
    ],
)
def test_numbers_are_those_of_the_settings(name, value, said, not_said):
    page = privacy_body(replace(USUAL, **{name: value}), "J", "")
    assert said in page
    assert f">{not_said}" not in page.replace("30 days", "" if name == "detail_days" else "30 days")
    assert value in asdict(replace(USUAL, **{name: value})).values()


async def test_the_page_names_whom_to_ask_and_keeps_nothing_with_its_reader(world):
    answer = await world.get("/.licet/privacy", headers={"Accept": "text/html", "Accept-Language": "de"})
    page = await answer.text()
    assert answer.status == 200
    assert "rights@journal.example" in page
    assert 'lang="de"' in page
    assert "Set-Cookie" not in answer.headers
    assert (answer.headers["Content-Language"], answer.headers["Vary"]) == ("de", "Accept, Accept-Language")
    told = await (await world.get("/.licet/privacy")).json()
    assert told["crawlers"]["detail_days"] == 30
    assert told["people"] == {"recorded": False, "totals": True, "cookies": False, "report_days": 90}
