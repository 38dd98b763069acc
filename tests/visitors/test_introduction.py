"""Names and contacts of automata that nobody knows, in their own words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.visitors.introduction import introduction
from loadtests.detect import Labels, same_name


@pytest.mark.parametrize(
    ("user_agent", "name", "host"),
    [
        ("NewBot/1.0", "NewBot", ""),
        ("Mozilla/5.0 (compatible; NewBot/1.0; +https://www.new.example/bot)", "NewBot", "new.example"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko; compatible; New-User/1.0) Chrome/140.0",
            "New-User",
            "",
        ),
        ("New Crawler (crawler@new.example)", "New Crawler", "new.example"),
        ("newcomer", "newcomer", ""),
        ("https://new.example/bot", "", "new.example"),
        ("Mozilla/5.0 (compatible)", "", ""),
        ("", "", ""),
        ("\udcff\x00", "", ""),
    ],
)
def test_how_it_names_itself(user_agent: str, name: str, host: str) -> None:
    assert introduction(user_agent) == (name, host)


@given(st.text(max_size=3000))
def test_nothing_raises_and_all_is_short(text: str) -> None:
    said = introduction(text)
    assert len(said.name) < 80
    assert len(said.host) <= 1024


def test_most_ai_crawlers_would_be_named_without_a_catalog(shared_data: Path) -> None:
    labelled = Labels.read(shared_data).ai
    named = [each for each in labelled if same_name((introduction(each.text).name,), each.name)]
    assert len(named) / len(labelled) >= 0.93
