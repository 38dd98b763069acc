"""Whole policies for tests of every published format: the shipped stances, the example, and many drawn by a seed.

Loaded by the fixture `policies_generated` of ``tests/conftest.py``. A drawn
policy is a policy file with everything that a format may stumble over: works
inside works, stars, free paths, renditions, offers for some places only, prices
of several parts, gratis offers that ask for credit, names that break out of
quotes and tags, rules by crawler, purpose, class, use, path and country. The
same seed gives the same policies on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import tomlkit

from gateway import bundled
from gateway.policy.published import publish
from gateway.policy.reading import default_policy, read_policy, read_policy_text, stances
from gateway.policy.rules import Policy
from gateway.terms.license_terms import PublishedScope, PublishedTerms
from gateway.uses import Use
from gateway.visitors.catalog import Catalog

ORIGIN = "https://journal.example"
SEED = 20261126

#: Scopes that policies speak of, and canonical paths that lie in, beside and around them.
SCOPES = ("/", "/a/", "/a/b/", "/a/*.pdf", "/c/", "/*.pdf", "/a/b*", "/c/d", "/a/*.jpg", "/a/b/e/", "/f.html")
PATHS = (
    "/", "/a", "/a/", "/a/x", "/a/b", "/a/b/x", "/a/x.pdf", "/a/b/x.pdf", "/a/x.jpg", "/a/b.jpg", "/a/b/e/1",
    "/c", "/c/d/e", "/c/d.pdf", "/z.pdf", "/z", "/a/bz", "/ab", "/f.html", "/f.html/x", "/f.htm",
)  # fmt: skip
PURPOSES = ("search", "training", "user-action", "agent", "ai-search", "data-seller", "feed", "accessibility")
CLASSES = ("ai", "search-engine", "service", "automation", "unproven")
PRICED = (
    "per_fetch", "upfront", "subscription", "per_inference", "per_item", "per_megabyte", "per_thousand_tokens",
    "minimum_guarantee",
)  # fmt: skip
HONEYPOT = "/qwtrpsdfghjklz7"
#: What a person may write in a line of text, and no format may be left with.
LINES = (
    "The Journal",
    'A "quoted" <b>name</b> & co',
    "]]><script>alert(1)</script>",
    "Zeitung für Übung 日本",
    "",
)
CONTACTS = ("rights@journal.example", "https://journal.example/contact?a=1&b=2", "", "Ask <us>, please")


@dataclass(frozen=True)
class Case:
    """One policy, where it comes from, and what is published for it."""

    name: str
    policy: Policy
    terms: PublishedTerms


def cases(count: int, *, seed: int = SEED) -> Iterator[Case]:
    """The shipped policies, then *count* drawn ones."""
    catalog = Catalog.shipped()
    tokens = {entry.name: (entry.crawler, entry.tokens) for entry in catalog.crawlers}
    silent = [entry.name for entry in catalog.crawlers if entry.robots_only]
    for name, policy in (*shipped(), *drawn(count, seed=seed)):
        yield Case(name, policy, publish(policy, ORIGIN, tokens, robots_only=silent))


def shipped() -> Iterator[tuple[str, Policy]]:
    """Every stance as `licet init` starts with it, and the example file."""
    for stance in stances():
        yield f"stance {stance}", default_policy("http://127.0.0.1:8000", stance=stance)
    yield "example-site.toml", read_policy(bundled.policies("example-site.toml"))


def drawn(count: int, *, seed: int = SEED) -> Iterator[tuple[str, Policy]]:
    """*count* valid policies; the name says with which seed one of them is made again."""
    for at in range(count):
        yield f"drawn {seed}/{at}", read_policy_text(text(seed, at), "journal.toml")


def text(seed: int, at: int) -> str:
    """The policy file that is number *at* of *seed*."""
    return tomlkit.dumps(_raw(random.Random(f"{seed}/{at}")))


def speaks(terms: PublishedTerms, path: str) -> PublishedScope:
    """The published scope that speaks for canonical *path*: the first that covers it."""
    return next(scope for scope in terms.scopes if scope.paths[0].covers(path))


def _few(dice: random.Random, options: tuple[str, ...] | list[str], most: int = 2) -> list[str]:
    return dice.sample(list(options), dice.randint(1, min(most, len(options))))


def _works(dice: random.Random) -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    for at, path in enumerate(dice.sample(SCOPES, dice.randint(1, 5))):
        work: dict[str, object] = {
            "id": f"w{at}",
            "paths": [path],
            "rights": dice.choice(["own", "own", "own", "own", "cleared", "cleared", "unsure"]),
            "people": dice.choice(["none", "none", "none", "none", "consented", "consented", "unsure"]),
        }
        if path in {"/", "/a/"} and dice.random() < 0.4:
            work["renditions"] = {"scan": [dice.choice(["/a/*.pdf", "/a/*.jpg", "/a/b/"])]}
        if dice.random() < 0.3:
            work["dated"] = f"{path.partition('*')[0]}%Y/"
        made.append(work)
    return made


def _price(dice: random.Random) -> dict[str, object]:
    if dice.random() < 0.1:
        return {"per_fetch": "0"}
    amounts = ["0.000001", "0.004", "0.02", "12", "500", "1234567.89"]
    price: dict[str, object] = {part: dice.choice(amounts) for part in _few(dice, PRICED, 3)}
    if dice.random() < 0.2:
        price["revenue_share"] = dice.choice(["3 %", "0.5 %", "100 %"])
    if price.get("per_fetch") in {"12", "500"} and dice.random() < 0.5:
        price["tiers"] = [{"from_fetches": 100, "per_fetch": "7.5"}, {"from_fetches": 9000, "per_fetch": "0"}]
    if price.get("per_fetch") in {"0.02", "500"} and dice.random() < 0.4:
        price["by_age"] = [{"from_days": 30, "per_fetch": "0.003"}, {"from_days": 365, "per_fetch": "0"}]
    return price


def _offers(dice: random.Random, made: list[dict[str, object]]) -> dict[str, dict[str, object]]:
    sold = [work for work in made if "unsure" not in {work["rights"], work["people"]}]
    found: dict[str, dict[str, object]] = {}
    for name in ("one", "two", "three")[: dice.choice([0, 1, 2, 3, 3]) if sold else 0]:
        offer: dict[str, object] = {"uses": _few(dice, [str(use) for use in Use], 3), "price": _price(dice)}
        chosen = sold
        if dice.random() < 0.5:
            chosen = dice.sample(sold, dice.randint(1, len(sold)))
            offer["works"] = [work["id"] for work in chosen]
        if any("renditions" in work for work in chosen) and dice.random() < 0.5:
            offer["renditions"] = ["page", "scan"]
        if dice.random() < 0.4:
            offer["territory"] = _few(dice, ["EU", "US", "NO", "JP"], 3)
            offer["territory_basis"] = dice.choice(["fetch", "licensee", "use"])
        if dice.random() < 0.3:
            offer["attribution"] = {"text": dice.choice(LINES), "link": "https://journal.example/?a=1&b=2"}
        if dice.random() < 0.3:
            offer["term"] = {"months": dice.choice([1, 6, 24, 120]), "renewal": dice.random() < 0.5}
        if dice.random() < 0.3:
            offer["duties"] = {
                "report": dice.choice(["none", "monthly", "yearly"]),
                "model_card_days": 30,
                "suspend_after_days": 14,
            }
        if dice.random() < 0.2:
            offer["purpose"] = {"redistribution": True, "internal_research": True, "model_release": "open"}
        if dice.random() < 0.2:
            offer |= {"exclusive": True, "window_hours": 48, "max_fetches": 1000, "retention": {"days": 90}}
        found[name] = offer
    return found


def _rule(
    dice: random.Random, made: list[dict[str, object]], on_offer: dict[str, dict[str, object]]
) -> dict[str, object]:
    when: dict[str, object] = {}
    for key, options, chance in (
        ("crawler", ["GPTBot", "Googlebot", "Bytespider", "Applebot", "Google-Extended", "Nobody"], 0.15),
        ("operator", ["OpenAI", "Google", "ByteDance", "Anthropic"], 0.1),
        ("purpose", list(PURPOSES), 0.3),
        ("class", list(CLASSES), 0.25),
        ("proof", ["none", "claimed", "unverifiable", "verified", "spoofed"], 0.05),
        ("use", [str(use) for use in Use], 0.15),
        ("work", [str(work["id"]) for work in made], 0.15),
        ("path", list(SCOPES), 0.15),
        ("country", ["DE", "EU", "US", "NO"], 0.1),
    ):
        if dice.random() < chance:
            when[key] = _few(dice, options)
    then: object = dice.choice(["serve", "refuse", "license", "license", "license"])
    if then == "license":
        then = {"license": _few(dice, sorted(on_offer), 3)} if on_offer else "refuse"
    return {"when": when, "then": then}


def _everywhere(made: list[dict[str, object]], rules: list[dict[str, object]]) -> bool:
    """Whether a work or a rule names the whole site, in which a honeypot cannot be."""
    return "/" in {path for work in made for path in work["paths"]} or any(
        "/" in each["when"].get("path", ()) for each in rules
    )


def _raw(dice: random.Random) -> dict[str, object]:
    made = _works(dice)
    on_offer = _offers(dice, made)
    rules = [_rule(dice, made, on_offer) for _ in range(dice.choice([0, 0, 0, 1, 3]))]
    if dice.random() < 0.5:
        rules.append({"when": {"purpose": "search"}, "then": "serve"})
    if dice.random() < 0.85 and on_offer:
        rules.append({"when": {"class": "ai"}, "then": {"license": sorted(on_offer)}})
    if dice.random() < 0.6 or not rules:
        rules.append({"when": {}, "then": dice.choice(["serve", "refuse"])})
    return {
        "otherwise": dice.choice(["serve", "refuse"]),
        "unverifiable": dice.choice(["serve", "refuse", "license"]),
        "free_paths": dice.choice([["/never/"], ["/c/d"], ["/a/b/"]]),
        "site": {
            "id": "journal",
            "hosts": ["journal.example"],
            "origin": "http://127.0.0.1:8000",
            "public": ORIGIN,
            "mode": dice.choice(["offer", "enforce"]),
            "currency": dice.choice(["USD", "EUR", "JPY"]),
            "name": dice.choice(LINES),
            "contact": dice.choice(CONTACTS),
            **({"honeypot": HONEYPOT} if dice.random() < 0.2 and not _everywhere(made, rules) else {}),
        },
        "works": made,
        "offers": on_offer,
        "rules": rules,
    }
