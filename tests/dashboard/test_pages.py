"""What templates are given: exact money, true times, a chart whose bars add up."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import gateway.dashboard
from gateway.dashboard.filters import DAY_US, HOUR_US, Decision
from gateway.dashboard.pages import JOURNAL, banner, chart, moment, money, octets, share, short, shown
from gateway.dashboard.queries import Bar, Overview
from gateway.money import Money

EMPTY = Overview(0, 0, 0, dict.fromkeys(Decision, 0), (), (), 0, 0, (), (), (), None)


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (20_000, "0.02"),
        (1_234_567_000_000, "1,234,567.00"),
        (1, "0.000001"),
        (2_500_000, "2.50"),
        (0, "0.00"),
    ],
)
def test_money_is_exact(micros, text):
    assert money(Money(micros, "USD")) == f'<span class="money">{text} <abbr>USD</abbr></span>'


def test_no_money_is_a_dash():
    assert ">\u2014<" in money(None)


def test_text_is_escaped_cut_and_isolated():
    assert shown("<b>\u202e") == "<bdi>&lt;b&gt;\\u202e</bdi>"
    assert short("x" * 97) == f"<bdi>{'x' * 95}\u2026</bdi>"
    assert short("x" * 96) == f"<bdi>{'x' * 96}</bdi>"


def test_a_time_is_written_for_machines_too():
    assert moment(1_795_000_000_000_001) == (
        '<time datetime="2026-11-18T11:06:40.000001Z">18 Nov 2026 11:06:40</time>'
    )


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (5 * 10**12, "5.0 TB")]
)
def test_lengths(number, text):
    assert octets(number) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(0, 7, "0 %"), (7, 7, "100 %"), (1, 999, "<1 %"), (0, 0, "\u2014")]
)
def test_shares(part, whole, text):
    assert share(part, whole) == text


def test_a_chart_without_bars_is_empty():
    assert chart(EMPTY, HOUR_US, (None, DAY_US)).blocks == ()


def test_the_highest_bar_fills_the_chart_and_every_bar_stays_inside():
    low = dict.fromkeys(Decision, 0) | {Decision.FREE: 1}
    high = dict.fromkeys(Decision, 0) | {Decision.LICENSED: 3, Decision.QUOTED: 1}
    found = replace(EMPTY, bars=(Bar(HOUR_US, low), Bar(23 * HOUR_US, high)))
    made = chart(found, HOUR_US, (0, DAY_US))
    assert made.most == 4
    assert {(block.decision, round(block.height)) for block in made.blocks} == {
        (Decision.FREE, 30),
        (Decision.LICENSED, 90),
        (Decision.QUOTED, 30),
    }
    for block in made.blocks:
        assert block.x >= 0
        assert block.x + block.width <= made.width
        assert block.y >= 0
        assert round(block.y + block.height, 6) <= made.height
    assert (made.from_us, made.to_us) == (0, DAY_US)


def test_the_banner_names_each_site_and_what_is_not_well():
    sites, unwell = banner(
        {"b.example": "observe", "a.example": "enforce", "journal": "enforce", JOURNAL: "disk full"}
    )
    # A site may be called journal.
    assert [site[:2] for site in sites] == [
        ("a.example", "enforce"),
        ("b.example", "observe"),
        ("journal", "enforce"),
    ]
    assert unwell == "disk full"


#: What these words say cannot be taken back, or stops somebody.
GRAVE = re.compile(r"Revoke|Remove<|Withdraw it|Erase|Decline|Disable|Agree and withdraw|Give it up")


def test_what_cannot_be_taken_back_does_not_look_like_what_can():
    buttons = [
        (file.name, button)
        for file in sorted((Path(gateway.dashboard.__file__).parent / "templates").glob("*.html"))
        for button in re.findall(r"<button[^>]*>[^<]*<?", file.read_text())
        if GRAVE.search(button)
    ]
    assert len(buttons) > 8
    assert [each for each in buttons if 'class="grave"' not in each[1]] == []
