"""Whom nothing is held against: by reason or by network, for browsers alone, and as easily taken back."""

from __future__ import annotations

import pytest

from gateway.ask import Ask
from gateway.evidence import NOTHING
from gateway.problems import ConfigurationError
from gateway.visitors.exemptions import (
    EXEMPTABLE,
    NOBODY,
    exemptable,
    read_exemptions,
    with_exempt,
    without_exempt,
)
from gateway.visitors.identify import Identifier
from gateway.visitors.reasons import REASONS, Bears
from gateway.visitors.visitor import Identity, VisitorClass

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.4; +https://openai.com/gptbot)"
)
HERE, ELSEWHERE = "203.0.113.9", "198.51.100.9"


def ask(agent=CHROME, address=HERE):
    return Ask(
        id="0197f0c0-0000-7000-8000-000000000001", asked_at_us=1_795_000_000_000_000, site="journal",
        origin="https://journal.example", method="GET", target="/essays/1", path="/essays/1",
        headers=(("user-agent", agent),) if agent else (), peer=address, address=address,
    )  # fmt: skip


def identifier(catalog, networks, text=""):
    return Identifier(catalog, networks, exempt=read_exemptions(text, "people.toml"))


def who(one, request):
    return one.identify(request, NOTHING)


def test_a_browser_without_two_headers_is_a_person_where_its_network_is_exempt(catalog, networks):
    before = identifier(catalog, networks)
    assert who(before, ask()).visitor_class is VisitorClass.AUTOMATION
    after = identifier(catalog, networks, '[[exempt]]\nnetwork = "203.0.113.0/24"\n')
    assert who(after, ask()).is_person
    assert who(after, ask()).reasons == ()
    assert not who(after, ask(CHROME, ELSEWHERE)).is_person
    assert after.findings(ask(), NOTHING).strikes == 0


def test_a_reason_counts_for_nobody_and_the_others_go_on(catalog, networks):
    reasons = who(identifier(catalog, networks), ask()).reasons
    codes = exemptable(reasons)
    assert len(codes) > 1
    one = identifier(catalog, networks)
    for nth, code in enumerate(codes):
        text = "".join(f'[[exempt]]\nreason = "{each}"\n' for each in codes[: nth + 1])
        one.exempt(read_exemptions(text, ""))
        found = who(one, ask(CHROME, ELSEWHERE))
        assert code not in found.reasons
    assert found.is_person
    one.exempt(NOBODY)
    assert not who(one, ask(CHROME, ELSEWHERE)).is_person


@pytest.mark.parametrize(
    "agent", [GPTBOT, "python-requests/2.32", "SomeBot/1.0 (+https://some.example)", "curl/8.5.0", ""]
)
def test_whoever_says_what_it_is_stays_what_it_is(catalog, networks, agent):
    plain = who(identifier(catalog, networks), ask(agent))
    spared = who(identifier(catalog, networks, '[[exempt]]\nnetwork = "203.0.113.0/24"\n'), ask(agent))
    assert not spared.is_person
    assert (spared.visitor_class, spared.identity, spared.crawler) == (
        plain.visitor_class, plain.identity, plain.crawler,
    )  # fmt: skip
    every = "".join(f'[[exempt]]\nreason = "{each}"\n' for each in sorted(EXEMPTABLE))
    assert who(identifier(catalog, networks, every), ask(GPTBOT)).identity is Identity.SPOOFED


def test_only_what_speaks_of_a_machine_can_be_exempted():
    assert {REASONS[code].bears for code in EXEMPTABLE} == {Bears.MACHINE}
    assert not EXEMPTABLE & {
        "ua_library",
        "headless_declared",
        "ua_robots_token",
        "token_bad",
        "no_user_agent",
    }


def test_lines_come_and_go_and_comments_stay():
    text = "# mine\n"
    one = with_exempt(text, "network:203.0.113.0/24", 1_795_000_000, "pr_1")
    both = with_exempt(one, "reason:no_accept", 1_795_000_000, 'pr_"2')
    assert with_exempt(both, "reason:no_accept", 5, "pr_3") == both
    read = read_exemptions(both, "")
    assert (read.reasons, [str(each) for each in read.networks]) == ({"no_accept"}, ["203.0.113.0/24"])
    assert both.startswith("# mine")
    assert "2026-11-18" in both
    assert without_exempt(both, "reason:no_accept").strip() == one.strip()
    gone = without_exempt(without_exempt(both, "network:203.0.113.0/24"), "reason:no_accept")
    assert gone.strip() == "# mine"
    assert without_exempt("", "reason:no_accept") == ""


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[[exempt]]\n", "either a reason or a network"),
        ('[[exempt]]\nreason = "no_accept"\nnetwork = "203.0.113.0/24"\n', "either"),
        ('[[exempt]]\nreason = "ua_library"\n', "must name one of"),
        ("[[exempt]]\nreason = 5\n", "must name one of"),
        ('[[exempt]]\nnetwork = "0.0.0.0/0"\n', "no wider than /16"),
        ('[[exempt]]\nnetwork = "2001::/20"\n', "no wider than /32"),
        ('[[exempt]]\nnetwork = "203.0.113.9/24"\n', "must name a network"),
        ('[[exempt]]\nreason = "no_accept"\nfor = "me"\n', "unknown key for"),
        ("exempt = 5\n", "tables"),
        ("exempt = [5]\n", "must be a table"),
        ("[[exempt", "is no TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place(text, part):
    with pytest.raises(ConfigurationError) as caught:
        read_exemptions(text, "people.toml")
    assert part in str(caught.value)
