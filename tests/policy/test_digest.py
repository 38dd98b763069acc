import copy

import pytest
import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.policy.digest import spelled_match
from gateway.policy.reading import read_policy_text
from gateway.policy.rules import Match

RAW = tomlkit.parse("""
otherwise = "refuse"
unverifiable = "serve"
free_paths = ["/press/"]

[site]
id = "journal"
hosts = ["journal.example", "www.journal.example"]
origin = "http://127.0.0.1:8000"
mode = "enforce"

[[works]]
id = "essays"
paths = ["/essays/", "/notes/"]
rights = "own"
people = "none"
renditions = { scan = ["/essays/*.pdf"] }
authors = [{ name = "A", share = "50 %" }, { name = "B", share = "50 %" }]

[offers.training]
uses = ["ai-train", "ai-index"]
price = { per_fetch = "0.02" }
position = { target = "0.8", floor = "0.55", exclusive_premium = "4.0" }

[offers.answers]
uses = ["ai-input"]
price = { per_fetch = "0.004" }

[[rules]]
when = { class = "ai", country = ["DE", "FR"] }
then = { license = ["training", "answers"] }
[[rules]]
then = "serve"
""").unwrap()


def digest(raw, file="journal.toml"):
    return read_policy_text(tomlkit.dumps(raw), file).digest


def changed(path, value):
    raw = copy.deepcopy(RAW)
    table = raw
    for step in path[:-1]:
        table = table.setdefault(step, {}) if isinstance(table, dict) else table[step]
    table[path[-1]] = value
    return raw


OTHER = [
    (("otherwise",), "serve"),
    (("unverifiable",), "refuse"),
    (("free_paths",), ["/press/", "/about/"]),
    (("site", "mode"), "offer"),
    (("site", "hosts"), ["journal.example"]),
    (("site", "currency"), "EUR"),
    (("site", "name"), "The Journal"),
    (("site", "id"), "other"),
    (("works", 0, "rights"), "cleared"),
    (("works", 0, "people"), "consented"),
    (("works", 0, "paths"), ["/essays/"]),
    (("works", 0, "renditions", "scan"), ["/essays/*.tif"]),
    (("works", 0, "authors", 0, "name"), "C"),
    (("works", 0, "encrypted"), True),
    (("offers", "training", "uses"), ["ai-train"]),
    (("offers", "training", "price", "per_fetch"), "0.021"),
    (("offers", "training", "price", "upfront"), "0"),
    (("offers", "training", "price", "revenue_share"), "0.01 %"),
    (("offers", "training", "purpose", "resale"), True),
    (("offers", "training", "renditions"), ["scan"]),
    (("offers", "training", "exclusive"), True),
    (("offers", "training", "attribution", "text"), "x"),
    (("offers", "training", "duties", "report"), "yearly"),
    (("offers", "training", "duties", "model_card_days"), 1),
    (("offers", "training", "duties", "remediation_plan_days"), 1),
    (("offers", "training", "retention", "days"), 1),
    (("offers", "training", "liability", "cap"), "1"),
    (("offers", "training", "term", "months"), 1),
    (("offers", "training", "territory"), ["EU"]),
    (("offers", "training", "max_fetches"), 1),
    (("offers", "training", "token_seconds"), 61),
    (("rules", 0, "when", "country"), ["DE"]),
    (("rules", 0, "when", "work"), ["essays"]),
    (("rules", 0, "then"), "refuse"),
    (("rules", 1, "then"), "refuse"),
    (("rules",), RAW["rules"][:1]),
]
SAME = [
    (("site", "origin"), "https://10.0.0.7:9000"),
    (("site", "hosts"), ["WWW.journal.example", "journal.example"]),
    (("works", 0, "paths"), ["/notes/", "/essays/"]),
    (("offers", "training", "uses"), ["ai-index", "ai-train"]),
    (("offers", "training", "price", "per_fetch"), "0.020 USD"),
    (("offers", "training", "works"), "essays"),
    (("offers", "training", "territory"), "worldwide"),
    (("offers", "training", "renditions"), ["page"]),
    (("offers", "training", "exclusive"), False),
    (("offers", "training", "position"), {"target": "0.9", "floor": "0.1"}),
    (("offers", "training", "position"), {}),
    (("rules", 0, "when", "country"), ["FR", "DE"]),
    (("rules", 1, "when"), {}),
]


@pytest.mark.parametrize(("path", "value"), OTHER)
def test_another_meaning_another_digest(path, value):
    assert digest(changed(path, value)) != digest(RAW)


def test_no_two_of_those_meanings_share_a_digest():
    assert len({digest(changed(path, value)) for path, value in OTHER}) == len(OTHER)


@pytest.mark.parametrize(("path", "value"), SAME)
def test_same_meaning_same_digest(path, value):
    assert digest(changed(path, value)) == digest(RAW)


def test_layout_comments_and_the_files_name_change_nothing():
    text = "# a note\n\n" + tomlkit.dumps(dict(reversed(RAW.items()))).replace("\n", "   # why\n", 1)
    assert read_policy_text(text, "another-name.toml").digest == digest(RAW)


def test_a_stance_written_out_means_the_same():
    short = {"stance": "closed", "site": RAW["site"]}
    long = {
        "unverifiable": "serve",
        "site": RAW["site"],
        "rules": [
            {"when": {"purpose": "accessibility"}, "then": "serve"},
            {"when": {"purpose": ["agent", "user-action"]}, "then": "refuse"},
            {"when": {"class": "ai"}, "then": "refuse"},
            {"when": {"proof": ["none"], "class": "automation"}, "then": "refuse"},
            {"then": "serve"},
        ],
    }
    assert digest(short) == digest(long)


def test_the_order_of_rules_counts():
    assert digest(changed(("rules",), RAW["rules"][::-1])) != digest(RAW)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_reading_twice_gives_the_same_and_every_offer_carries_it(make, data):
    raw = data.draw(make.raw_policies())
    one, two = (read_policy_text(tomlkit.dumps(raw), "journal.toml") for _ in range(2))
    assert one == two
    assert one.digest.startswith("sha-256:")
    assert {offer.policy for offer in one.offers} <= {one.digest}


def test_a_match_is_spelled_as_in_the_file():
    assert spelled_match(Match()) == {}
    assert spelled_match(Match(crawlers=frozenset({"b", "a"}))) == {"crawler": ["a", "b"]}


@pytest.mark.parametrize(
    "key", [{"territory": "observe"}, {"territory": "off"}, {"honeypot": "/k7w2m9qd4tzx"}]
)
def test_a_choice_beyond_the_default_counts_and_the_default_does_not(key):
    assert digest(changed(("site",), {**RAW["site"], **key})) != digest(RAW)
    assert digest(changed(("site",), {**RAW["site"], "territory": "enforce", "honeypot": ""})) == digest(RAW)
