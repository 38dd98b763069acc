"""The published formats never offer more than the policy, and all say the same.

Every shipped stance, the example and many drawn policies are rendered in every
format, each is read back by its own reader (`channels`), and what is read is
compared path by path and use by use, with the published terms, with one
another, and with what the rules say to crawlers who believe it.
"""

import importlib.util
import sys
from collections import Counter
from itertools import combinations

import pytest
from protego import Protego

from gateway.ask import Ask
from gateway.policy.rules import Verdict
from gateway.policy.ruling import rule
from gateway.terms.robots_txt import merge_robots, parse_robots
from gateway.terms.tdm_policy import read_tdm_policy, tdm_policy
from gateway.terms.tdmrep import MINING
from gateway.uses import Use, closure
from gateway.visitors.catalog import Catalog
from gateway.visitors.visitor import Identity, Visitor

DRAWN = 400
COUNTRIES = ("", "DE", "US", "NO")
#: Formats that say no where scopes cross and one of them does; license.xml also inside what a wider scope closes.
STRICTER = {
    "license.xml",
    "same, liberal",
    "in the page",
    "Content-Usage",
    "Content-Signal",
    "robots usage",
    "robots signal",
    "X-Robots-Tag",
}


@pytest.fixture(scope="module")
def channels(root):
    name = "licet_tests_terms_channels"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, root / "tests" / "terms" / "channels.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="module")
def cases(policies_generated):
    return list(policies_generated.cases(DRAWN))


def costs(price):
    return None if price is None else {unit: money for unit, money in price.items() if money}


def permissive(channels, word):
    """0 for nothing granted, 1 for a sale, 2 for free."""
    return 2 if isinstance(word, channels.Free) else int(isinstance(word, channels.Sale))


def gratis(channels, word):
    """Whether *word* is an offer that costs nothing: a license is needed, but no money."""
    return isinstance(word, channels.Sale) and any(
        not price for price in word.offers.values() if price is not None
    )


def test_no_channel_says_more_than_the_policy_and_none_contradicts_another(
    channels, cases, policies_generated, capsys
):
    counted = Counter()
    for case in cases:
        measure = channels.policy(case.terms)
        readings = {name: made(case.terms) for name, made in channels.CHANNELS.items()}
        for path in policies_generated.PATHS:
            for use in Use:
                said = {name: reading(path, use) for name, reading in readings.items()}
                meant = measure(path, use)
                where = (case.name, path, str(use))
                for name, word in said.items():
                    counted[name, type(word).__name__] += 1
                    _no_more(channels, (*where, name), word, meant)
                    if isinstance(word, channels.Reserved) and isinstance(meant, channels.Free):
                        assert name in STRICTER, (where, name)
                        assert _closed_around(case.terms, path, use), (where, name)
                        counted[name, "stricter"] += 1
                        said[name] = None
                _agree(channels, where, said)
    with capsys.disabled():
        print(
            f"\n{len(cases)} policies in {len(channels.CHANNELS)} formats, {len(policies_generated.PATHS)} paths, {len(Use)} uses"
        )
        for name in channels.CHANNELS:
            told = {
                word: counted[name, word] for word in ("Free", "Sale", "Reserved", "NoneType", "stricter")
            }
            print(f"  {name:14} " + "  ".join(f"{word} {count}" for word, count in told.items() if count))
    assert len(cases) > 300
    assert all(counted[name, "Sale"] > 500 for name in channels.SELLING)
    assert all(
        counted[name, "Free"] + counted[name, "Reserved"] > 500
        for name in channels.CHANNELS.keys() - channels.SELLING
    )


def test_a_channel_that_says_more_or_another_price_is_found(channels, cases):
    """The measure can fail: what a wrong format would say does."""
    case = next(each for each in cases if each.name == "stance search-free-training-paid")
    meant = channels.policy(case.terms)("/", Use.AI_TRAIN)
    cheap = {
        name: {unit: money.times(1, 2) for unit, money in price.items()}
        for name, price in meant.offers.items()
    }
    for word in (channels.Free(), channels.Sale(cheap), channels.Sale({"another": None})):
        with pytest.raises(AssertionError):
            _no_more(channels, (), word, meant)
    with pytest.raises(AssertionError):
        _no_more(channels, (), channels.Sale({}), channels.Reserved())
    for pair in ((channels.Free(), channels.Reserved()), (meant, channels.Sale(cheap))):
        with pytest.raises(AssertionError):
            _agree(channels, (), dict(enumerate(pair)))
    _no_more(channels, (), meant, meant)
    _agree(channels, (), {"one": meant, "other": None, "third": channels.Reserved()})


def _no_more(channels, where, word, meant):
    assert permissive(channels, word) <= permissive(channels, meant), (where, word, meant)
    if isinstance(word, channels.Sale) and isinstance(meant, channels.Sale):
        assert set(word.offers) <= set(meant.offers), (where, word, meant)
        for offer, price in word.offers.items():
            told = costs(price)
            if told is not None and "" in told:  # a flat price, for whatever it is owed
                assert list(told.values()) == list(meant.offers[offer].values()), where
            elif told is not None:
                assert told == meant.offers[offer], (where, word, meant)


def _closed_around(terms, path, use):
    """Whether another scope that covers *path*, or may, does not grant *use*."""
    starred = any("*" in scope.paths[0].pattern for scope in terms.scopes if scope.paths[0].covers(path))
    return any(
        use not in closure(scope.free)
        for scope in terms.scopes
        if scope.paths[0].covers(path) or starred or "*" in scope.paths[0].pattern
    )


def _agree(channels, where, said):
    for (one, mine), (other, yours) in combinations(said.items(), 2):
        kinds = {type(mine), type(yours)}
        assert kinds != {channels.Free, channels.Reserved}, (where, one, other)
        if kinds == {channels.Sale}:
            for offer in set(mine.offers) & set(yours.offers):
                prices = [costs(word.offers[offer]) for word in (mine, yours)]
                assert None in prices or any("" in each for each in prices) or prices[0] == prices[1], where


def readers():
    """Crawlers of the catalog, one of each kind that rules can tell apart without their names."""
    found = {}
    for entry in Catalog.shipped().crawlers:
        crawler = entry.crawler
        if crawler.uses and not entry.robots_only:
            key = (crawler.uses, crawler.purposes, crawler.visitor_class, crawler.verifiable)
            found.setdefault(key, entry)
    return list(found.values())


def test_who_believes_any_channel_is_ruled_as_it_said(channels, cases, policies_generated):
    entries = readers()
    believed = Counter()
    for case in cases[::6]:
        readings = [made(case.terms) for made in channels.CHANNELS.values()]
        words = {
            (path, use): [reading(path, use) for reading in readings]
            for path in policies_generated.PATHS
            for use in Use
        }
        for entry in entries:
            crawler = entry.crawler
            for path in policies_generated.PATHS:
                if refused(case.terms, entry, path) or named(case.policy, crawler):
                    continue
                free = all(
                    any(isinstance(word, channels.Free) for word in words[path, use]) for use in crawler.uses
                )
                offers = bought(channels, words, path, crawler.uses)
                for country in COUNTRIES if free or offers else ():
                    ruling = ruled(case.policy, crawler, path, country)
                    if free:
                        assert ruling.verdict is Verdict.SERVE, (case.name, path, country, crawler)
                        believed["free"] += 1
                        continue
                    for name in offers:
                        if not case.policy.by_offer[name].terms.territory.at_fetch.covers(country):
                            continue
                        sells = name in {offer.id for offer in ruling.offers}
                        assert sells or ruling.verdict is Verdict.SERVE, (
                            case.name,
                            path,
                            country,
                            crawler,
                            name,
                        )
                        believed["bought"] += 1
    assert believed["free"] > 1000
    assert believed["bought"] > 1000


def bought(channels, words, path, uses):
    """The offers that some channel sells for every use of *uses*."""
    sold = [
        {name for word in words[path, use] if isinstance(word, channels.Sale) for name in word.offers}
        for use in uses
    ]
    return set.intersection(*sold) if sold else set()


def ruled(policy, crawler, path, country):
    identity = Identity.VERIFIED if crawler.verifiable else Identity.CLAIMED
    ask = Ask("id", 0, "journal", "https://journal.example", "GET", path, path, country=country)
    return rule(policy, Visitor(crawler.visitor_class, crawler, identity), ask, crawler.uses)


def named(policy, crawler):
    return any(
        crawler.name.lower() in each.when.crawlers or crawler.operator.lower() in each.when.operators
        for each in policy.rules
    )


def refused(terms, entry, path):
    return any(
        set(entry.tokens) & set(stance.tokens) and any(scope.covers(path) for scope in stance.refused)
        for stance in terms.robots
    )


def test_robots_txt_closes_what_is_refused_and_nothing_that_is_for_sale(cases, policies_generated):
    entries = [entry for entry in Catalog.shipped().crawlers if entry.tokens]
    closed = 0
    for case in cases[::8]:
        body = merge_robots(None, case.terms)
        ours, others = parse_robots(body), Protego.parse(body.decode())
        for entry in entries[::5]:
            token = entry.tokens[0]
            for path in policies_generated.PATHS:
                open_ = not refused(case.terms, entry, path)
                assert ours.allows(token, path) is open_, (case.name, token, path)
                # Some readers take the rules of a token for those of every longer one: they are allowed less.
                assert open_ or not others.can_fetch(f"https://journal.example{path}", token)
                closed += not open_
                if not open_ and not entry.robots_only:
                    for country in COUNTRIES:
                        verdict = ruled(case.policy, entry.crawler, path, country).verdict
                        free_path = any(scope.covers(path) for scope in case.policy.free_paths)
                        assert free_path or verdict is Verdict.REFUSE, (case.name, token, path)
    assert closed > 1000


def test_the_tdm_policy_reserves_wherever_some_mining_is_not_free(cases):
    seen = Counter()
    for case in cases:
        read = read_tdm_policy(tdm_policy(case.terms))
        reserved = [scope for scope in case.terms.scopes if not closure(scope.free) >= MINING]
        assert (read.pay or read.consent) is bool(reserved), case.name
        sold = all(closure(scope.free | scope.for_sale) >= MINING for scope in reserved)
        assert read.consent is not sold, case.name
        seen[read.pay, read.consent] += 1
    assert len(seen) >= 3
