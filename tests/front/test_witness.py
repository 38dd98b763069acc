"""What is noted of whom: automata by network, people never."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.admission.admit import Grant
from gateway.admission.pace import Pace
from gateway.ask import Ask
from gateway.front.answer import Judged
from gateway.front.witness import Witness
from gateway.money import Money
from gateway.policy.rules import Mode, Policy, Site
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import WORLDWIDE
from gateway.tokens.claims import Budget, Claims
from gateway.uses import Use
from gateway.visitors.conduct import Conduct
from gateway.visitors.visitor import PERSON, Crawler, Identity, Visitor, VisitorClass

TRAP = "/k7w2m9qd4tzx"
SITE = Site("journal", ("journal.example",), "http://127.0.0.1:8000", Mode.ENFORCE, "USD", honeypot=TRAP)
POLICY = Policy(SITE, (), (), (), "sha-256:p")
ROBOTS = b"User-agent: GPTBot\nDisallow: /drafts/\nAllow: /\n\nUser-agent: *\nDisallow: /closed/\nAllow: /\n"
SERVED = Grant(frozenset())
REFUSED = Refusal(Problem.LICENSE_REQUIRED, "Buy a license.")
BOT = Visitor(VisitorClass.AUTOMATION, reasons=("ua_bot_word",))


def named(name: str, *purposes: str) -> Visitor:
    crawler = Crawler(name, "OpenAI", purposes, frozenset({Use.AI_TRAIN}), VisitorClass.AI)
    return Visitor(VisitorClass.AI, crawler, Identity.CLAIMED)


def ask_for(path: str, at: int = 1000, address: str = "203.0.113.9") -> Ask:
    return Ask("1", at * 1_000_000, "journal", "https://journal.example", "GET", path, path, address=address)


class Seen:
    """A witness with its counters and a robots.txt at hand."""

    def __init__(self, robots: bytes | None = ROBOTS, pace: Pace | None = None) -> None:
        self.conduct = Conduct()
        self.witness = Witness(self.conduct, pace or Pace(0, 1), lambda _policy, _origin: robots)

    def after(self, times: int, path: str, visitor: Visitor, verdict=SERVED, claims=None) -> tuple[str, ...]:
        for _ in range(times):
            self.witness(ask_for(path), Judged(POLICY, visitor, None, verdict, -1, claims))
        return self.conduct.of("203.0.113.77", 1000)


def test_a_person_leaves_nothing_whatever_is_asked_for():
    seen = Seen(pace=Pace(1, 1))
    for path in (TRAP, "/closed/x", "/essays/"):
        assert seen.after(50, path, PERSON) == ()
    assert seen.after(50, "/essays/", PERSON, REFUSED) == ()
    assert len(seen.conduct) == 0


def test_a_hit_in_the_honeypot():
    assert Seen().after(1, TRAP, BOT) == ("honeypot_hit",)
    assert Seen().after(1, TRAP + "/", BOT) == ()


@pytest.mark.parametrize(
    ("path", "visitor", "told"),
    [
        ("/drafts/x", named("GPTBot", "training"), True),
        ("/closed/x", named("GPTBot", "training"), False),
        ("/closed/x", named("OtherBot", "training"), True),
        ("/closed/x", BOT, True),
        ("/open/x", BOT, False),
        ("/closed/x", named("ChatGPT-User", "user-action"), False),
        ("/closed/x", named("Preview", "preview"), False),
    ],
)
def test_a_closed_path_three_times(path, visitor, told):
    seen = Seen()
    assert seen.after(2, path, visitor) == ()
    assert seen.after(1, path, visitor) == (("robots_disobeyed",) if told else ())


def test_a_robots_txt_that_nobody_read_was_not_disobeyed():
    assert Seen(robots=None).after(5, "/closed/x", BOT) == ()


def test_terms_refused_ten_times():
    seen = Seen()
    assert seen.after(9, "/open/", BOT, REFUSED) == ()
    assert seen.after(1, "/open/", BOT, REFUSED) == ("terms_refused",)
    assert Seen().after(20, "/open/", BOT, Refusal(Problem.JOURNAL_UNAVAILABLE, "Later.")) == ()


def test_faster_than_the_pace_of_a_network():
    seen = Seen(pace=Pace(1, 5))
    assert seen.after(5, "/open/", BOT) == ()
    assert seen.after(1, "/open/", BOT) == ("rate_exceeded",)


def test_a_flood_of_refused_fetches_still_shows_who_finds_the_honeypot():
    seen = Seen(pace=Pace(1, 1))
    assert seen.after(30, "/open/", BOT, REFUSED) == ("rate_exceeded", "terms_refused")
    assert seen.after(30, "/closed/x", BOT, REFUSED) == ("rate_exceeded", "terms_refused"), (
        "known well enough"
    )
    assert seen.after(1, TRAP, BOT) == ("honeypot_hit", "rate_exceeded", "terms_refused")


def test_a_licensed_fetch_is_not_noted():
    claims = Claims(
        issuer="i", audience="a", client="c", token_id="t", issued_at=1, not_before=1, expires_at=2, license="l",
        licensee="le", scopes=(), renditions=(), uses=frozenset(), territory=WORLDWIDE, crawlers=frozenset(),
        budget=Budget(), price=Money(1, "USD"), terms="t", policy="p",
    )  # fmt: skip
    seen = Seen(pace=Pace(1, 1))
    assert seen.after(30, TRAP, BOT, SERVED, claims) == ()
    assert len(seen.conduct) == 0


def test_a_site_without_a_honeypot_has_none():
    witness_of = Seen()
    plain = replace(POLICY, site=replace(SITE, honeypot=""))
    witness_of.witness(replace(ask_for("/"), path=""), Judged(plain, BOT, None, SERVED))
    assert len(witness_of.conduct) == 0
