"""Every row of the table in `gateway.visitors.weighing`, and what beats what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from gateway.uses import Use
from gateway.visitors.catalog import CatalogEntry, Reading, Recipe
from gateway.visitors.visitor import PERSON, Crawler, VisitorClass
from gateway.visitors.weighing import Findings, Listed, Surroundings, weigh

AI, AUTOMATION, UNPROVEN = VisitorClass.AI, VisitorClass.AUTOMATION, VisitorClass.UNPROVEN


@dataclass(frozen=True)
class Signature:
    outcome: Any
    agent: str = "https://bot.example"
    contradicts: bool = False

    @property
    def reasons(self) -> tuple[str, ...]:
        return ("sig_valid",) if self.outcome == "verified" else (f"sig_{self.outcome}:signature",)


@dataclass(frozen=True)
class Name:
    outcome: Any

    @property
    def reasons(self) -> tuple[str, ...]:
        return (f"rdns_{self.outcome}",)


def entry(name: str = "Bot", operator: str = "Acme", **recipe: Any) -> CatalogEntry:
    crawler = Crawler(name, operator, ("training",), frozenset({Use.AI_TRAIN}), AI, bool(recipe))
    return CatalogEntry(crawler, (name,), Recipe(**recipe))


def claim(said: CatalogEntry) -> Reading:
    return Reading(AI, said, said.crawler, (f"ua_claim:{said.name}",))


BROWSER = Findings(Reading(UNPROVEN))
PLAIN = entry()
LISTED = entry(networks=("acme",))
NAMED = entry(dns=(".bot.acme.example",))
SIGNER = entry(signature="https://bot.example/keys")
BOTH = entry(networks=("acme",), dns=(".bot.acme.example",))
META = entry(asn=(64500,))
IN, OLD = Listed("in", ("ip_in:acme",)), Listed("in", ("ip_in:acme", "ip_list_stale:acme"), old=True)
OUT, UNKNOWN = Listed("out", ("ip_not_in:acme",)), Listed("unknown", ("ip_unknown",))
FAILED = Signature("invalid", contradicts=True)
ODD = Signature("invalid")
GOOD = Signature("verified")


def claimed(said: CatalogEntry, **found: Any) -> Findings:
    return Findings(claim(said), **found)


@pytest.mark.parametrize(
    ("found", "identity", "method", "confidence"),
    [
        (claimed(PLAIN), "claimed", "none", 0.80),
        (claimed(LISTED, listed=IN), "verified", "network", 0.97),
        (claimed(LISTED, listed=OLD), "verified", "network", 0.85),
        (claimed(LISTED, listed=OUT), "spoofed", "network", 0.95),
        (claimed(LISTED, listed=UNKNOWN), "unverifiable", "none", 0.70),
        (claimed(NAMED), "unverifiable", "none", 0.70),
        (claimed(NAMED, named=Name("confirmed")), "verified", "dns", 0.97),
        (claimed(NAMED, named=Name("contradicted")), "spoofed", "dns", 0.90),
        (claimed(NAMED, named=Name("unknown")), "unverifiable", "none", 0.70),
        (claimed(BOTH, listed=UNKNOWN, named=Name("confirmed")), "verified", "dns", 0.97),
        (claimed(BOTH, listed=UNKNOWN, named=Name("contradicted")), "unverifiable", "none", 0.70),
        (claimed(SIGNER), "unverifiable", "none", 0.70),
        (claimed(SIGNER, signature=GOOD, signer=(SIGNER,)), "verified", "signature", 0.99),
        (claimed(SIGNER, signature=FAILED, signer=(SIGNER,)), "spoofed", "signature", 0.95),
        (claimed(SIGNER, signature=ODD, signer=(SIGNER,)), "unverifiable", "none", 0.70),
        (claimed(SIGNER, signature=Signature("unverified"), signer=(SIGNER,)), "unverifiable", "none", 0.70),
        (claimed(PLAIN, signature=FAILED, signer=(SIGNER,)), "claimed", "none", 0.80),
        (claimed(LISTED, listed=IN, signature=FAILED, signer=(LISTED,)), "verified", "network", 0.97),
        (claimed(LISTED, listed=OUT, signature=GOOD), "spoofed", "network", 0.95),
        (claimed(META, home=("asn_match",)), "unverifiable", "none", 0.85),
        (claimed(META, home=("asn_mismatch",)), "unverifiable", "none", 0.50),
    ],
)
def test_a_claim(found: Findings, identity: str, method: str, confidence: float) -> None:
    visitor = weigh(found)
    assert (visitor.identity.value, visitor.method.value, visitor.confidence) == (
        identity,
        method,
        confidence,
    )
    assert (visitor.name, visitor.visitor_class) == ("Bot", AI)


def test_a_good_signature_beats_another_name_and_says_so() -> None:
    other = entry("Other", "Somebody")
    visitor = weigh(claimed(other, listed=OUT, signature=GOOD, signer=(SIGNER,)))
    assert (visitor.name, visitor.identity.value) == ("Bot", "verified")
    assert visitor.reasons == ("sig_valid", "ua_claim:Other", "claim_contradicted:Other")


def test_an_operator_may_sign_for_all_its_crawlers() -> None:
    second = entry("Second")
    visitor = weigh(claimed(second, signature=GOOD, signer=(SIGNER, second)))
    assert (visitor.name, visitor.reasons) == ("Second", ("sig_valid", "ua_claim:Second"))


def test_who_signs_names_himself_behind_a_browser() -> None:
    signed = replace(BROWSER, signature=GOOD, signer=(SIGNER,))
    assert (weigh(signed).name, weigh(signed).confidence) == ("Bot", 0.99)
    unread = weigh(replace(signed, signature=Signature("unverified")))
    assert (unread.name, unread.identity.value) == ("Bot", "unverifiable")
    forged = weigh(replace(signed, signature=FAILED))
    assert (forged.name, forged.identity.value) == ("Bot", "spoofed")


def test_whom_nobody_knows_proves_only_a_host() -> None:
    stranger = weigh(replace(BROWSER, signature=GOOD))
    assert (stranger.visitor_class, stranger.name, stranger.identity.value) == (
        AUTOMATION, "bot.example", "verified",
    )  # fmt: skip
    assert stranger.uses == frozenset({Use.AI_TRAIN, Use.AI_INPUT, Use.AI_INDEX})
    bad = weigh(replace(BROWSER, signature=ODD))
    assert (bad.visitor_class, bad.crawler, bad.identity.value) == (AUTOMATION, None, "none")


@pytest.mark.parametrize(
    ("reasons", "confidence"), [(("ua_library",), 0.90), (("ua_bot_word",), 0.75), (("no_user_agent",), 0.75)]
)
def test_a_program_without_a_name(reasons: tuple[str, ...], confidence: float) -> None:
    visitor = weigh(Findings(Reading(AUTOMATION, reasons=reasons), conduct=("rate_exceeded",)))
    assert (visitor.visitor_class, visitor.crawler, visitor.confidence) == (AUTOMATION, None, confidence)
    assert visitor.reasons == (*reasons, "rate_exceeded")


def around(*entries: CatalogEntry, old: bool = False) -> Findings:
    return replace(
        BROWSER, surroundings=Surroundings("Acme", entries, ("ip_operator_undeclared:acme",), old=old)
    )


@pytest.mark.parametrize(("old", "confidence"), [(False, 0.85), (True, 0.60)])
def test_a_browser_in_an_ai_operators_network(old: bool, confidence: float) -> None:
    visitor = weigh(around(LISTED, old=old))
    assert (visitor.visitor_class, visitor.name, visitor.identity.value) == (AI, "Acme", "none")
    assert (visitor.method.value, visitor.confidence) == ("network", confidence)
    assert visitor.crawler is not None
    assert visitor.crawler.purposes == ("user-action", "training")
    assert visitor.uses == frozenset({Use.AI_INPUT, Use.AI_TRAIN}), "saying less buys nothing"


def test_a_browser_in_a_network_that_others_share_stays_unproven() -> None:
    visitor = weigh(around())
    assert (visitor.is_person, visitor.confidence) == (True, 0.45)
    assert visitor.reasons == ("ip_operator_undeclared:acme",)


def headers(strikes: int, *conduct: str) -> Findings:
    codes = ("no_accept", "no_accept_language")[:strikes]
    return replace(BROWSER, contradictions=codes, strikes=strikes, conduct=conduct)


def test_two_contradictions_are_a_machine_and_one_is_a_doubt() -> None:
    twice = weigh(headers(2))
    assert (twice.visitor_class, twice.confidence) == (AUTOMATION, 0.80)
    assert twice.reasons == ("header_contradictions", "no_accept", "no_accept_language")
    assert weigh(headers(2, "honeypot_hit")).confidence == 0.90
    once = weigh(headers(1))
    assert (once.is_person, once.confidence, once.reasons) == (True, 0.45, ("no_accept",))


def test_no_doubt_makes_a_machine() -> None:
    worst = weigh(headers(1, "honeypot_hit", "rate_exceeded", "robots_disobeyed", "terms_refused"))
    assert (worst.is_person, worst.confidence) == (True, 0.20)


def test_nothing_found_is_the_one_constant() -> None:
    assert weigh(BROWSER) is PERSON


def test_what_was_offered_and_not_used_is_told() -> None:
    assert weigh(claimed(SIGNER)).reasons[-1] == "sig_missing"
    assert weigh(claimed(NAMED)).reasons[-1] == "recipe_unchecked"
    assert weigh(claimed(PLAIN)).reasons == ("ua_claim:Bot",)
