import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import bundled
from gateway.ask import Ask
from gateway.paths import PathScope
from gateway.policy.published import publish, publish_to
from gateway.policy.reading import default_policy, read_policy, read_policy_text, stances
from gateway.policy.rules import Verdict
from gateway.policy.ruling import rule
from gateway.uses import Use, closure, covers
from gateway.visitors.catalog import Catalog
from gateway.visitors.visitor import Identity, Visitor

ORIGIN = "https://journal.example"
SLOW = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def speaking(published, path):
    """The published scopes that speak for *path*: those that hold it, without the wider ones around them."""
    held = [scope for scope in published.scopes if scope.paths[0].covers(path)]
    return [
        scope
        for scope in held
        if not any(other is not scope and other.paths[0].within(scope.paths[0]) for other in held)
    ]


def refused(published, crawler, path):
    return any(
        crawler.name in stance.tokens and any(scope.covers(path) for scope in stance.refused)
        for stance in published.robots
    )


def named(policy, crawler):
    return any(
        crawler.name.lower() in each.when.crawlers or crawler.operator.lower() in each.when.operators
        for each in policy.rules
    )


@SLOW
@given(st.data())
def test_never_more_permissive_than_the_rules(make, data):
    policy = data.draw(make.policies())
    catalog = data.draw(st.lists(make.crawlers(), max_size=4, unique_by=lambda crawler: crawler.name))
    stranger = data.draw(make.crawlers(st.just("Stranger")))
    published = publish(policy, ORIGIN, {crawler.name: (crawler, (crawler.name,)) for crawler in catalog})
    readers = [*catalog] + ([] if named(policy, stranger) else [stranger])
    for path in make.PATHS:
        free_path = any(scope.covers(path) for scope in policy.free_paths)
        for country in make.COUNTRIES:
            ask = make.ask(path, country)
            for crawler in readers:
                ruling = rule(policy, make.seen(crawler), ask, crawler.uses)
                if refused(published, crawler, path):
                    assert free_path or ruling.verdict is Verdict.REFUSE
                    continue
                for scope in speaking(published, path) if crawler.uses else ():
                    if crawler.uses <= scope.free:
                        assert ruling.verdict is Verdict.SERVE, (path, country, crawler, scope)
                    for offer in scope.offers:
                        if crawler.uses > closure(offer.uses) or not crawler.uses <= closure(offer.uses):
                            continue
                        if named(policy, crawler) or not offer.terms.territory.covers(country):
                            continue
                        buys = ruling.verdict is Verdict.LICENSE and offer in ruling.offers
                        assert buys or ruling.verdict is Verdict.SERVE, (path, country, crawler, offer.id)


@SLOW
@given(st.data())
def test_every_path_is_spoken_for_and_wider_scopes_come_later(make, data):
    published = publish(data.draw(make.policies()), ORIGIN, {})
    paths = [scope.paths[0] for scope in published.scopes]
    assert paths[-1] == PathScope("/")
    assert len(set(paths)) == len(paths)
    for at, path in enumerate(paths):
        assert not any(later.within(path) for later in paths[at + 1 :])
    assert all(speaking(published, path) for path in make.PATHS)


@SLOW
@given(st.data())
def test_what_is_unsure_is_never_offered(make, data):
    policy = data.draw(make.policies())
    published = publish(policy, ORIGIN, {})
    unsure = {work.id for work in policy.works if not work.for_sale}
    for scope in published.scopes:
        assert scope.work not in unsure or not scope.offers
    for path in make.PATHS:
        work = policy.work_of(path)
        if work is not None and not work.for_sale:
            assert not any(scope.offers for scope in speaking(published, path))


def shipped_tokens():
    return {entry.name: (entry.crawler, entry.tokens) for entry in Catalog.shipped().crawlers}


def test_stances_say_what_their_names_say():
    said = {
        stance: publish(default_policy("http://127.0.0.1:1", stance=stance), ORIGIN, shipped_tokens())
        for stance in stances()
    }
    paid = {"answers", "training", "everything"}
    told = {
        stance: (
            [scope.paths[0].pattern for scope in terms.scopes],
            terms.scopes[0].free,
            {o.id for o in terms.scopes[0].offers},
        )
        for stance, terms in said.items()
    }
    assert told == {
        "open": (["/"], frozenset(Use), set()),
        "search-free-training-paid": (["/"], {Use.SEARCH}, paid),
        "everything-licensed": (["/"], frozenset(), paid | {"search"}),
        "research-free": (["/"], {Use.SEARCH, Use.TDM}, paid),
        "closed": (["/"], {Use.SEARCH}, set()),
    }
    assert {stance for stance, terms in said.items() if terms.robots} == {"closed"}
    (closed,) = said["closed"].robots
    assert closed.refused == (PathScope("/"),)
    assert {"GPTBot", "ClaudeBot", "CCBot"} <= set(closed.tokens)
    assert not {"Googlebot", "Feedly"} & set(closed.tokens)


def test_the_example_hides_what_is_not_for_sale_and_sells_the_rest():
    policy = read_policy(bundled.policies("example-site.toml"))
    published = publish(policy, ORIGIN, shipped_tokens())
    offers = {scope.paths[0].pattern: [offer.id for offer in scope.offers] for scope in published.scopes}
    assert offers["/letters/"] == [] == offers["/"]
    assert offers["/essays/"] == ["answers", "training"]
    assert published.name == "The Journal"
    assert published.digest == policy.digest
    hidden = {token: stance.refused for stance in published.robots for token in stance.tokens}
    assert PathScope("/letters/") in hidden["GPTBot"]
    assert hidden["Bytespider"] == (PathScope("/"),)


def test_a_crawler_refused_by_name_does_not_silence_what_is_free_for_others(make, read):
    policy = read('rules = [{when = {crawler = "Bytespider"}, then = "refuse"}, {then = "serve"}]')
    published = publish(policy, ORIGIN, {"Bytespider": (make.BYTESPIDER, ("Bytespider",))})
    assert published.scopes[0].free == frozenset(Use)
    assert [(stance.tokens, stance.refused) for stance in published.robots] == [
        (("Bytespider",), (PathScope("/"),))
    ]
    # Without a token for robots.txt nobody could tell it, so nothing it does is said to be free.
    assert Use.AI_TRAIN not in publish(policy, ORIGIN, {"Bytespider": (make.BYTESPIDER, ())}).scopes[0].free


def test_a_price_for_one_crawler_hides_no_offer_from_the_others(make, read):
    policy = read("""
        otherwise = "refuse"
        rules = [
          {when = {crawler = "GPTBot"}, then = {license = ["special"]}},
          {when = {class = "ai"}, then = {license = ["training"]}},
        ]
        works = [{id = "all", paths = ["/"], rights = "own", people = "none"}]
        offers.training = {uses = ["ai-train"], price = {per_fetch = "0.02"}}
        offers.special = {uses = ["ai-train"], price = {per_fetch = "0.05"}}
        """)
    published = publish(policy, ORIGIN, {"GPTBot": (make.GPTBOT, ("GPTBot",))})
    assert [offer.id for offer in published.scopes[0].offers] == ["training"]


def test_free_paths_grant_no_use(make, read):
    policy = read('free_paths = ["/press/"]\nrules = [{then = "refuse"}]')
    published = publish(policy, ORIGIN, {"GPTBot": (make.GPTBOT, ("GPTBot",))})
    assert [(scope.paths, scope.free) for scope in published.scopes] == [((PathScope("/"),), frozenset())]


def test_two_uses_that_are_free_one_by_one_are_not_said_free_together(read):
    policy = read("""rules = [
        {when = {use = "search"}, then = "serve"},
        {when = {use = "tdm"}, then = "serve"},
        {then = "refuse"},
    ]""")
    assert publish(policy, ORIGIN, {}).scopes[0].free == {Use.SEARCH}


def test_a_country_that_is_refused_keeps_a_use_from_being_free(make, read):
    policy = read('rules = [{when = {country = "NO"}, then = "refuse"}, {then = "serve"}]')
    published = publish(policy, ORIGIN, {"GPTBot": (make.GPTBOT, ("GPTBot",))})
    assert published.scopes[0].free == frozenset()
    assert published.robots == ()


def test_an_offer_is_published_where_its_territory_allows_it(read):
    policy = read("""
        otherwise = "refuse"
        rules = [{when = {country = "NO"}, then = "refuse"}, {then = {license = ["home", "world"]}}]
        works = [{id = "all", paths = ["/"], rights = "own", people = "none"}]
        offers.home = {uses = ["ai-train"], price = {per_fetch = "1"}, territory = "EU"}
        offers.world = {uses = ["ai-train"], price = {per_fetch = "1"}}
        """)
    assert [offer.id for offer in publish(policy, ORIGIN, {}).scopes[0].offers] == ["home"]


@pytest.mark.parametrize("name", ["GPTBot", "ClaudeBot", "Googlebot", "Bytespider", "PerplexityBot"])
def test_what_is_told_to_one_crawler_is_what_its_requests_meet(name):
    policy = read_policy(bundled.policies("example-site.toml"))
    crawler = Catalog.shipped().crawler(name)
    assert crawler is not None
    proof = Identity.VERIFIED if crawler.verifiable else Identity.CLAIMED
    visitor = Visitor(crawler.visitor_class, crawler, proof)
    scopes = publish_to(policy, crawler)
    assert {path.pattern for scope in scopes for path in scope.paths} >= {"/essays/", "/videos/", "/"}
    for path in (
        "/essays/tides",
        "/videos/reef",
        "/videos/reef.vtt",
        "/videos/reef.jpg",
        "/letters/x",
        "/about",
    ):
        scope = next(each for each in scopes if each.paths[0].covers(path))
        ask = Ask("r", 0, policy.site.id, "https://journal.example", "GET", path, path)
        ruling = rule(policy, visitor, ask, crawler.uses)
        assert bool(scope.free) is (ruling.verdict is Verdict.SERVE), path
        able = [offer.id for offer in ruling.offers if covers(offer.uses, crawler.uses)]
        assert [offer.id for offer in scope.offers] == able, path


def test_a_use_is_free_only_if_every_purpose_that_means_it_is_served():
    policy = read_policy_text(
        """
        otherwise = "serve"
        [site]
        id = "journal"
        hosts = ["journal.example"]
        origin = "http://127.0.0.1:8000"
        [offers.one]
        uses = ["ai-train"]
        price = { per_fetch = "0.01" }
        [[works]]
        id = "essays"
        paths = ["/essays/"]
        rights = "own"
        people = "none"
        [[rules]]
        when = { purpose = ["data-seller"] }
        then = { license = ["one"] }
        """,
        "journal.toml",
    )
    essays, rest = publish(policy, ORIGIN, {}).scopes
    # A data seller is asked for money or let pass; what trains without selling is refused.
    assert essays.offers == ()
    assert essays.free.isdisjoint({Use.AI_TRAIN, Use.FINE_TUNE})
    assert rest.free.isdisjoint({Use.AI_TRAIN, Use.FINE_TUNE})
