import pytest

from gateway.money import Money
from gateway.paths import PathScope
from gateway.policy.rules import Author
from gateway.problems import ConfigurationError
from gateway.terms.european_union import EU
from gateway.terms.license_terms import Attribution, Audit, Basis, Liability, Retention, Term, Territory
from gateway.uses import Use

WORKS = """
works = [
  {id = "essays", paths = ["/essays/"], rights = "own", people = "none", authors = [{name = "A", share = "50 %"}, {name = "B", share = "50 %"}]},
  {id = "forum", paths = ["/forum/"], rights = "own", people = "unsure"},
  {id = "videos", paths = ["/v/", "/w/"], rights = "cleared", people = "consented", renditions = {transcript = ["/v/*.vtt"]}},
]
otherwise = "refuse"
rules = [{then = {license = ["full", "plain"]}}]
offers.plain = {uses = "ai-input", price = {per_fetch = "0.004"}}
"""
FULL = """
[offers.full]
uses = ["ai-train"]
works = ["videos"]
renditions = ["transcript", "page"]
exclusive = true
territory = ["EU", "US"]
max_fetches = 7
token_seconds = 600
purpose = {redistribution = true, model_release = "open"}
attribution = {text = "The Journal", link = "https://journal.example/"}
duties = {report = "monthly", audits_per_year = 2, audit_window_months = 24, output_samples = 5, suspend_after_days = 7, model_card_days = 30, remediation_plan_days = 10}
retention = {days = 90, withdrawal_notice_days = 14, retrain = false}
liability = {indemnity = "licensee", cap = "1000", warranties = ["a", "b"], insurance = true, security_standard = "ISO 27001"}
term = {months = 24, renewal = true}
[offers.full.price]
upfront = "500"
per_fetch = "0.02"
per_item = "1"
per_megabyte = "2"
per_thousand_tokens = "3"
per_inference = "0.0001"
subscription = "4"
subscription_months = 6
revenue_share = "3 %"
minimum_guarantee = "5"
minimum_guarantee_months = 12
"""


def test_every_lever_arrives(make, read):
    policy = read(WORKS + make.HEAD + FULL)
    offer = policy.by_offer["full"]
    terms = offer.terms
    usd = lambda text: Money.parse(text, "USD")  # noqa: E731
    assert (terms.scope.works, terms.scope.paths) == (("videos",), (PathScope("/v/"), PathScope("/w/")))
    assert terms.scope.renditions == ("page", "transcript")
    assert terms.purpose.uses == {Use.AI_TRAIN}
    assert (terms.purpose.redistribution, terms.purpose.resale, terms.purpose.model_release) == (
        True,
        False,
        "open",
    )
    price = terms.compensation
    assert price.parts() == tuple(map(usd, ("500", "0.02", "1", "2", "3", "0.0001", "4", "5")))
    assert (price.subscription_months, price.revenue_share_bp, price.minimum_guarantee_months) == (6, 300, 12)
    assert terms.exclusivity.exclusive
    assert terms.attribution == Attribution("The Journal", "https://journal.example/", 30)
    assert terms.audit == Audit("monthly", 2, 24, 5, 7)
    assert terms.retention == Retention(90, 14, 10, retrain=False)
    assert terms.liability == Liability("licensee", usd("1000"), ("a", "b"), True, "ISO 27001")
    assert terms.term == Term(24, renewal=True)
    assert terms.territory == Territory(frozenset({"EU", "US"}))
    assert (offer.tier, offer.token_seconds, offer.max_fetches, offer.policy) == (1, 600, 7, policy.digest)


def test_an_offer_without_works_covers_what_is_for_sale_and_only_the_page(make, read):
    policy = read(WORKS + make.HEAD + FULL)
    plain = policy.by_offer["plain"]
    assert plain.terms.scope.works == ("essays", "videos")
    assert plain.terms.scope.paths == (PathScope("/essays/"), PathScope("/v/"), PathScope("/w/"))
    assert plain.terms.scope.renditions == ("page",)
    assert plain.terms.territory.regions is None
    assert plain.tier == 3


def test_works_and_rules_arrive(make, read):
    policy = read(
        WORKS.replace(
            "rules = [",
            'rules = [{when = {crawler = "GPTBot", operator = ["OpenAI"], country = "EU"}, then = "refuse"}, ',
        )
        + make.HEAD
        + FULL
    )
    assert policy.works[0].authors == (Author("A", 500_000), Author("B", 500_000))
    assert [work.for_sale for work in policy.works] == [True, False, True]
    first, second = policy.rules
    assert (first.key, second.key) == ("rules[0]", "rules[1]")
    assert first.when.crawlers == {"gptbot"}
    assert first.when.operators == {"openai"}
    assert first.when.countries == EU
    assert second.offers == ("full", "plain")
    assert policy.site.id == "journal"


ESSAYS = 'works = [{id = "a", paths = ["/a/"], rights = "own", people = "none"}]\n'
EVERYONE = 'rules = [{then = "serve"}]\n'
SITE = '\n[site]\nhosts = ["a.example"]\norigin = "http://127.0.0.1:8000"\n'


def priced(rest: str = "") -> str:
    return f'offers.t = {{uses = ["ai-train"], price = {{per_fetch = "1"}}{rest}}}\n'


@pytest.mark.parametrize("basis", ["fetch", "licensee", "use"])
def test_the_basis_of_a_territory(read, basis):
    def policy_on(each):
        return read(ESSAYS + EVERYONE + priced(f', territory = "EU", territory_basis = "{each}"'))

    policy = policy_on(basis)
    territory = policy.by_offer["t"].terms.territory
    assert territory == Territory(frozenset({"EU"}), Basis(basis))
    # Only what is compared at a fetch needs to know where it comes from.
    assert policy.by_place is (basis == "fetch")
    assert (territory.at_fetch == territory) is (basis == "fetch")
    assert len({policy_on(each).by_offer["t"].terms.hash for each in Basis}) == 3


@pytest.mark.parametrize(
    ("written", "by_place"),
    [
        (EVERYONE, False),
        ('rules = [{when = {country = "DE"}, then = "serve"}]', True),
        (EVERYONE + priced(', territory = "DE"'), True),
        (EVERYONE + priced(), False),
        (EVERYONE + priced(', territory = "DE"') + SITE + 'territory = "off"', False),
    ],
)
def test_whether_anything_depends_on_the_country(read, written, by_place):
    assert read(f"{ESSAYS}{written}\n").by_place is by_place


def test_a_honeypot_has_nothing_behind_it(read):
    site = SITE + 'honeypot = "/k7w2m9qd4tzx"\n'
    assert read(EVERYONE + site).site.honeypot == "/k7w2m9qd4tzx"
    for before in (ESSAYS.replace("/a/", "/"), 'free_paths = ["/k7w2m9qd4tzx"]\n'):
        with pytest.raises(ConfigurationError, match=r"site\.honeypot"):
            read(before + EVERYONE + site)


def test_streams_are_folders_of_their_work(make, read):
    good = WORKS.replace('people = "consented",', 'people = "consented", streams = ["/v/hls/"],')
    policy = read(good + make.HEAD + FULL)
    videos = next(work for work in policy.works if work.id == "videos")
    assert (policy.streamed, videos.streams) == (True, (PathScope("/v/hls/"),))
    assert videos.stream_of("/v/hls/tides/1.ts") == "/v/hls/tides"
    assert read(WORKS + make.HEAD + FULL).digest != policy.digest
    for wrong in ("/essays/", "/v/*/hls/"):
        with pytest.raises(ConfigurationError) as caught:
            read(good.replace("/v/hls/", wrong) + make.HEAD + FULL)
        assert [mistake.key for mistake in caught.value.mistakes] == ["works[2].streams"]
