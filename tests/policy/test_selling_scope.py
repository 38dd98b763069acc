"""What the terms of an offer leave out: no ruling changes by it, and an old license opens no new part of a site."""

from __future__ import annotations

import random
import tomllib
from collections import Counter
from dataclasses import replace

import pytest
import tomlkit

from gateway.admission.entitlement import Covered, entitle
from gateway.ask import Ask
from gateway.money import Money
from gateway.policy import compiling
from gateway.policy.reading import read_policy_text
from gateway.policy.ruling import rule
from gateway.problems import Problem
from gateway.terms.license_terms import Territory
from gateway.tokens.claims import Budget, Claims
from gateway.visitors.catalog import Catalog
from gateway.visitors.visitor import Identity, Visitor, VisitorClass

ORIGIN = "https://journal.example"
POLICY = """
otherwise = "refuse"
{unverifiable}
[site]
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
mode = "enforce"
contact = "{contact}"
[[works]]
id = "all"
paths = ["/"]
rights = "own"
people = "none"
[offers.answers]
uses = ["ai-input"]
price = {{ per_fetch = "0.004" }}
[offers.premium]
uses = ["ai-input"]
price = {{ per_fetch = "1" }}
{rules}
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["answers"] }}
"""


def policy(rules, contact="a@journal.example", unverifiable=""):
    return read_policy_text(
        POLICY.format(rules=rules, contact=contact, unverifiable=unverifiable), "site.toml"
    )


def bought(of, name):
    offer = of.by_offer[name]
    scope = offer.terms.scope
    return Claims(
        issuer="", audience=ORIGIN, client="", token_id="t", issued_at=0, not_before=0, expires_at=10**9, license="li_1",
        licensee="le_1", scopes=scope.paths, excluded=scope.excluded, renditions=scope.renditions, uses=offer.uses,
        territory=Territory(), crawlers=frozenset(), budget=Budget(), price=Money(4_000, "USD"), terms=offer.terms.hash,
        policy=of.digest, offer=name,
    )  # fmt: skip


def opens(claims, in_force, path):
    visitor = Visitor(VisitorClass.AI)
    ask = Ask("id", 0, "site", ORIGIN, "GET", path, path)
    found = entitle(claims, visitor, rule(in_force, visitor, ask, claims.uses), ask)
    return isinstance(found, Covered) or found.problem


PREMIUM = """[[rules]]
when = { class = "ai", path = "/premium/" }
then = { license = ["premium"] }
"""


@pytest.mark.parametrize(
    ("rules", "open_"),
    [
        (PREMIUM, False),
        (PREMIUM.replace('class = "ai", ', ""), False),
        (PREMIUM.replace('class = "ai", ', 'class = ["ai", "service"], '), False),
        (PREMIUM.replace('{ license = ["premium"] }', '"refuse"'), False),
        # Another crawler is sold the part on the cheaper offer, so the terms cannot leave it out.
        (PREMIUM.replace('class = "ai", ', 'crawler = "GPTBot", '), True),
        (PREMIUM.replace('["premium"]', '["premium", "answers"]'), True),
        ('[[rules]]\nwhen = { country = "DE" }\nthen = { license = ["answers"] }\n' + PREMIUM, True),
    ],
)
def test_an_edit_gives_an_old_license_no_new_part_of_the_site(rules, open_):
    before, after = policy(rules), policy(rules, contact="b@journal.example")
    assert before.digest != after.digest
    claims = bought(before, "answers")
    assert opens(claims, after, "/premium/1") == (open_ or Problem.PATH_NOT_COVERED)
    for path in ("/", "/essays/1", "/premium-essays/1"):
        assert opens(claims, before, path) is opens(claims, after, path) is True, "and takes none from it"


def test_what_was_sold_stays_open_when_the_rules_sell_it_on_another_offer_later():
    before, after = policy(""), policy(PREMIUM)
    assert opens(bought(before, "answers"), before, "/premium/1") is True
    assert opens(bought(before, "answers"), after, "/premium/1") is True
    assert opens(bought(after, "answers"), after, "/premium/1") is Problem.PATH_NOT_COVERED
    assert opens(bought(after, "premium"), after, "/premium/1") is True


def test_where_every_offer_may_be_sold_to_the_unverifiable_nothing_is_left_out():
    assert (
        policy(PREMIUM, unverifiable='unverifiable = "license"').by_offer["answers"].terms.scope.excluded
        == ()
    )


def headed(made, at):
    """A drawn policy whose first rules are about a part of the site."""
    raw, dice = tomllib.loads(made.text(7, at)), random.Random(at)
    raw["unverifiable"] = dice.choice(["serve", "refuse"])
    offers = sorted(raw.get("offers", {}))
    for _ in range(2):
        when = {"path": [dice.choice(made.SCOPES)]} | ({"class": ["ai"]} if dice.random() < 0.5 else {})
        then = {"license": [dice.choice(offers)]} if offers and dice.random() < 0.6 else "refuse"
        raw["rules"].insert(0, {"when": when, "then": then})
    raw["site"].pop("honeypot", None)
    return tomlkit.dumps(raw)


def test_no_ruling_changes_by_what_is_left_out(policies_generated, monkeypatch):
    texts = [headed(policies_generated, at) for at in range(60)]
    narrowed = [read_policy_text(text, "journal.toml") for text in texts]
    monkeypatch.setattr(compiling, "sellable_scope", lambda name, uses, scope, rules, works: scope)
    whole = [read_policy_text(text, "journal.toml") for text in texts]
    crawlers = {
        (each.crawler.uses, each.crawler.purposes, each.crawler.visitor_class): each.crawler
        for each in Catalog.shipped().crawlers
    }
    counted = Counter()
    for one, other in zip(narrowed, whole, strict=True):
        counted["narrowed"] += any(
            offer.terms.scope != other.by_offer[offer.id].terms.scope for offer in one.offers
        )
        for crawler in crawlers.values():
            for identity in (Identity.VERIFIED, Identity.CLAIMED):
                visitor = Visitor(crawler.visitor_class, crawler, identity)
                for path in policies_generated.PATHS:
                    for country in ("", "DE"):
                        ask = Ask("id", 0, "journal", ORIGIN, "GET", path, path, country=country)
                        mine, theirs = (
                            replace(rule(each, visitor, ask, crawler.uses), policy="", offers=())
                            for each in (one, other)
                        )
                        assert mine == theirs, (one.digest, path, crawler)
                        sold = [
                            [offer.id for offer in rule(each, visitor, ask, crawler.uses).offers]
                            for each in (one, other)
                        ]
                        assert sold[0] == sold[1], (path, crawler)
                        counted["asked"] += 1
    assert counted["narrowed"] >= 5
