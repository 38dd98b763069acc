"""Less than an offer may be asked for, more never."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.licenses.license import License
from gateway.licenses.offers import (
    Wanted,
    accept,
    agreement_id,
    choose,
    months_after,
    paid_for,
    same_agreement,
    under,
)
from gateway.money import Money
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import (
    Compensation,
    Exclusivity,
    LicenseTerms,
    Offer,
    Purpose,
    Scope,
    Term,
    Territory,
)
from gateway.tokens.claims import Budget
from gateway.uses import Use, closure

NOW = 1_795_000_000


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


def make_offer(
    id="training",
    *,
    paths=("/essays/", "/videos/"),
    uses=(Use.AI_TRAIN,),
    territory=("EU", "US"),
    renditions=("page", "transcript"),
    price=None,
    months=12,
    max_fetches=1000,
    **levers,
):
    """An offer that says something on every lever that can be narrowed."""
    terms = LicenseTerms(
        scope=Scope(("essays",), tuple(PathScope(path) for path in paths), tuple(renditions)),
        purpose=Purpose(frozenset(uses)),
        compensation=price or Compensation("USD", per_fetch=usd("0.02")),
        territory=Territory(None if territory is None else frozenset(territory)),
        term=Term(months),
        **levers,
    )
    return Offer(id, "journal", terms, "sha-256:policy", max_fetches=max_fetches)


@pytest.fixture
def training() -> Offer:
    return make_offer()


def scopes(*patterns):
    return tuple(PathScope(pattern) for pattern in patterns)


def take(source, /, **wanted):
    return accept(source, Wanted(**wanted), licensee="le_1", now=NOW, license_id="li_1")


def test_saying_nothing_takes_the_whole_offer(training):
    license = take(training)
    assert license == License(
        id="li_1",
        licensee="le_1",
        site="journal",
        offer="training",
        terms=training.terms,
        policy="sha-256:policy",
        starts_at=NOW,
        ends_at=months_after(NOW, 12),
        budget=Budget(None, 1000),
    )
    assert license.terms.hash == training.terms.hash


def test_no_limit_on_fetches_stays_none():
    assert take(make_offer(max_fetches=0)).budget == Budget()


@pytest.mark.parametrize(
    ("wanted", "lever"),
    [
        ({"scopes": scopes("/essays/2026/")}, lambda it: it.terms.scope.paths == scopes("/essays/2026/")),
        ({"scopes": scopes("/essays/*.md")}, lambda it: it.terms.scope.paths == scopes("/essays/*.md")),
        ({"uses": frozenset({Use.FINE_TUNE})}, lambda it: it.terms.purpose.uses == {Use.FINE_TUNE}),
        ({"territory": Territory(frozenset({"DE"}))}, lambda it: it.terms.territory.regions == {"DE"}),
        ({"renditions": ("transcript",)}, lambda it: it.terms.scope.renditions == ("transcript",)),
        ({"budget": Budget(None, 5)}, lambda it: it.budget == Budget(None, 5)),
        ({"budget": Budget(30_000, None)}, lambda it: it.budget == Budget(30_000, 1000)),
        ({"crawlers": frozenset({"gptbot"})}, lambda it: it.crawlers == {"gptbot"}),
        ({"offer": "training"}, lambda it: it.offer == "training"),
    ],
)
def test_each_lever_can_be_narrowed(training, wanted, lever):
    license = take(training, **wanted)
    assert lever(license)
    narrowed_terms = wanted.keys() & {"scopes", "uses", "territory", "renditions"}
    assert (license.terms.hash != training.terms.hash) is bool(narrowed_terms)


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"scopes": scopes("/")}, Problem.TARGET_INVALID),
        ({"scopes": scopes("/essays-archive/")}, Problem.TARGET_INVALID),
        ({"scopes": scopes("/essays/", "/podcast/")}, Problem.TARGET_INVALID),
        ({"scopes": scopes("/*.md")}, Problem.TARGET_INVALID),
        ({"scopes": ()}, Problem.TARGET_INVALID),
        ({"targets": scopes("/podcast/1.mp3")}, Problem.TARGET_INVALID),
        ({"uses": frozenset({Use.AI_TRAIN, Use.AI_INPUT})}, Problem.DETAILS_INVALID),
        ({"uses": frozenset({Use.SEARCH})}, Problem.DETAILS_INVALID),
        ({"uses": frozenset()}, Problem.DETAILS_INVALID),
        ({"territory": Territory(None)}, Problem.DETAILS_INVALID),
        ({"territory": Territory(frozenset({"JP"}))}, Problem.DETAILS_INVALID),
        ({"territory": Territory(frozenset({"DE", "JP"}))}, Problem.DETAILS_INVALID),
        ({"territory": Territory(frozenset())}, Problem.DETAILS_INVALID),
        ({"renditions": ("page", "embedding")}, Problem.DETAILS_INVALID),
        ({"renditions": ()}, Problem.DETAILS_INVALID),
        ({"budget": Budget(None, 1001)}, Problem.DETAILS_INVALID),
        ({"budget": Budget(None, 0)}, Problem.DETAILS_INVALID),
        ({"budget": Budget(19_999, None)}, Problem.DETAILS_INVALID),
        ({"offer": "answers"}, Problem.DETAILS_INVALID),
        ({"terms": "sha-256:0"}, Problem.DETAILS_INVALID),
    ],
)
def test_more_than_the_offer_is_refused_on_each_lever(training, wanted, problem):
    refusal = take(training, **wanted)
    assert isinstance(refusal, Refusal)
    assert refusal.problem is problem


def test_the_terms_can_be_pinned_by_their_hash(training):
    assert isinstance(take(training, terms=training.terms.hash), License)
    dearer = make_offer(price=Compensation("USD", per_fetch=usd("0.03")))
    assert isinstance(take(dearer, terms=training.terms.hash), Refusal)


def test_exclusive_terms_are_not_sold_by_machine():
    refusal = take(make_offer(exclusivity=Exclusivity(True)))
    assert refusal.problem is Problem.DETAILS_INVALID
    assert "exclusive" in refusal.detail


def test_a_budget_must_pay_the_fee_and_one_fetch():
    offer = make_offer(price=Compensation("USD", upfront=usd("500"), per_fetch=usd("0.02")))
    assert isinstance(take(offer, budget=Budget(usd("500.01").micros)), Refusal)
    assert take(offer, budget=Budget(usd("500.02").micros)).budget.micros == 20_000
    assert take(offer, budget=Budget(usd("510").micros)).budget.micros == usd("10").micros
    free = make_offer(price=Compensation("USD"))
    assert take(free, budget=Budget(0)).budget.micros == 0


def test_a_target_narrows_nothing_and_may_be_a_page_of_a_starred_scope():
    offer = make_offer(paths=("/videos/*.vtt", "/essays"))
    for target in ("/videos/tides.vtt", "/essays", "/essays/", "/essays/2026"):
        license = take(offer, targets=scopes(target))
        assert license.terms == offer.terms, target
    assert isinstance(take(offer, targets=scopes("/videos/")), Refusal)
    assert isinstance(take(offer, targets=scopes("/videos/*.mp4")), Refusal)
    assert isinstance(take(offer, targets=scopes("/videos/tides.mp4")), Refusal)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"scopes": scopes("/essays", "/videos/")}, {}),
        ({"scopes": scopes("/videos/", "/essays/", "/essays/2026/")}, {}),
        ({"scopes": scopes("/essays/a/", "/essays/a/b/")}, {"scopes": scopes("/essays/a")}),
        ({"uses": frozenset({Use.AI_TRAIN, Use.FINE_TUNE})}, {}),
        ({"territory": Territory(frozenset({"US", "EU", "DE"}))}, {}),
        ({"renditions": ("transcript", "page")}, {}),
        ({"budget": Budget(None, 1000)}, {}),
    ],
)
def test_equal_wishes_give_equal_agreements_however_they_are_spelled(training, one, other):
    first, second = take(training, **one), take(training, **other)
    assert first.terms.hash == second.terms.hash
    assert same_agreement(first, second)
    assert agreement_id(first, 0) == agreement_id(second, 0)


def test_the_union_is_spelled_as_a_union_where_it_is_narrower():
    offer = make_offer(territory=None)
    spelled = Territory(frozenset({"EU", "FR", "JP"}))
    assert take(offer, territory=spelled).terms.territory.regions == {"EU", "JP"}


@pytest.mark.parametrize(
    "change",
    [
        {"licensee": "le_2"},
        {"site": "other"},
        {"budget": Budget(None, 7)},
        {"crawlers": frozenset({"gptbot"})},
    ],
)
def test_another_agreement_has_another_id(training, change):
    license = take(training)
    other = replace(license, **change)
    assert not same_agreement(license, other)
    assert agreement_id(license, 0) != agreement_id(other, 0)


def test_the_same_agreement_made_again_has_another_id_and_time_alone_changes_nothing(training):
    license = take(training)
    assert agreement_id(license, 0) != agreement_id(license, 1)
    later = replace(license, starts_at=NOW + 5, ends_at=NOW + 9, policy="sha-256:next", id="li_9")
    assert agreement_id(license, 0) == agreement_id(later, 0)


def test_the_cheapest_offer_that_covers_everything_is_chosen():
    train = make_offer("train", uses=(Use.AI_TRAIN,), price=Compensation("USD", per_fetch=usd("0.03")))
    both = make_offer(
        "both", uses=(Use.AI_TRAIN, Use.AI_INPUT), price=Compensation("USD", per_fetch=usd("0.02"))
    )
    answers = make_offer("answers", uses=(Use.AI_INPUT,), price=Compensation("USD", per_fetch=usd("0.01")))
    offers = (train, both, answers)
    assert choose(offers, Wanted()) is answers
    assert choose(offers, Wanted(uses=frozenset({Use.AI_TRAIN}))) is both
    assert choose(offers, Wanted(uses=frozenset({Use.AI_TRAIN, Use.AI_INPUT}))) is both
    assert choose(offers, Wanted(offer="train")) is train
    # What a person decides on is chosen where nothing else is sold.
    asked = replace(answers, by_person=True)
    assert choose((train, both, asked), Wanted()) is both
    assert choose((asked,), Wanted()) is asked


def test_nobody_signs_a_fee_by_saying_less():
    fee = make_offer("fee", price=Compensation("USD", upfront=usd("500"), per_fetch=usd("0.001")))
    plain = make_offer("plain", price=Compensation("USD", per_fetch=usd("0.05")))
    assert choose((fee, plain), Wanted()) is plain


def test_ties_go_to_the_first_and_nothing_on_offer_is_said():
    one, two = make_offer("one"), make_offer("two")
    assert choose((one, two), Wanted()) is one
    assert choose((), Wanted()).problem is Problem.TARGET_INVALID


def test_what_no_offer_covers_is_refused_with_the_nearest_miss():
    one = make_offer("one", paths=("/essays/",), uses=(Use.AI_INPUT,))
    two = make_offer("two", paths=("/videos/",), uses=(Use.AI_TRAIN,))
    missed = choose((one, two), Wanted(targets=scopes("/videos/a"), uses=frozenset({Use.SEARCH})))
    assert missed.problem is Problem.DETAILS_INVALID
    assert "two" in missed.detail
    assert (
        choose((one, two), Wanted(targets=scopes("/essays/a", "/videos/a"))).problem is Problem.TARGET_INVALID
    )


def test_a_license_already_held_is_narrowed_for_a_token_and_never_widened(training):
    held = take(training, crawlers=frozenset({"gptbot", "oai-searchbot"}), budget=Budget(900_000, 10))
    view = under(held, Wanted(scopes=scopes("/essays/a"), budget=Budget(100_000, 3)))
    assert (view.id, view.starts_at, view.ends_at) == (held.id, held.starts_at, held.ends_at)
    assert view.terms.scope.paths == scopes("/essays/a/")
    assert view.budget == Budget(100_000, 3)
    assert view.crawlers == held.crawlers
    assert under(held, Wanted()).budget == held.budget
    for wider in (
        Wanted(scopes=scopes("/")),
        Wanted(budget=Budget(900_001)),
        Wanted(budget=Budget(None, 11)),
        Wanted(crawlers=frozenset({"claudebot"})),
        Wanted(offer="answers"),
        Wanted(terms="sha-256:0"),
        Wanted(uses=frozenset({Use.AI_INPUT})),
    ):
        assert isinstance(under(held, wider), Refusal), wider


def test_a_paid_license_serves_narrower_wishes_and_outlives_a_change_of_price():
    before = make_offer(price=Compensation("USD", upfront=usd("500"), per_fetch=usd("0.02")))
    now_asked = make_offer(price=Compensation("USD", upfront=usd("900"), per_fetch=usd("0.05")))
    held = take(before)
    assert paid_for((held,), now_asked, Wanted(scopes=scopes("/essays/a/")), NOW) is held
    assert paid_for((held,), now_asked, Wanted(terms=now_asked.terms.hash), NOW) is None
    assert paid_for((held,), now_asked, Wanted(), held.ends_at) is None
    assert paid_for((replace(held, site="other"),), now_asked, Wanted(), NOW) is None
    assert paid_for((replace(held, offer="answers"),), now_asked, Wanted(), NOW) is None
    assert paid_for((take(make_offer()),), make_offer(), Wanted(), NOW) is None


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-01-31T12:00:00", 1, "2026-02-28T12:00:00"),
        ("2028-01-31T00:00:00", 1, "2028-02-29T00:00:00"),
        ("2026-11-24T18:00:01", 24, "2028-11-24T18:00:01"),
        ("2026-12-31T23:59:59", 2, "2027-02-28T23:59:59"),
        ("2026-06-15T00:00:00", 1200, "2126-06-15T00:00:00"),
    ],
)
def test_months_are_the_calendar_s(start, months, end):
    from datetime import datetime

    at = [int(datetime.fromisoformat(text + "+00:00").timestamp()) for text in (start, end)]
    assert months_after(at[0], months) == at[1]


PATHS = st.sampled_from(
    ["/", "/essays/", "/essays", "/essays/2026/", "/essays-2/", "/videos/", "/videos/*.vtt", "/a/"]
)
USES = st.frozensets(st.sampled_from(list(Use)), max_size=4)
REGIONS = st.one_of(st.none(), st.frozensets(st.sampled_from(["EU", "DE", "FR", "US", "JP"]), max_size=3))
RENDITIONS = st.lists(st.sampled_from(["page", "transcript", "thumbnail"]), max_size=3, unique=True)
OFFERS = st.builds(
    lambda paths, uses, regions, renditions, fetches, price: make_offer(
        paths=paths,
        uses=uses or {Use.AI_INPUT},
        territory=regions,
        renditions=renditions or ["page"],
        max_fetches=fetches,
        price=Compensation("USD", per_fetch=usd(price)),
    ),
    st.lists(PATHS, min_size=1, max_size=3, unique=True), USES, REGIONS, RENDITIONS,
    st.integers(0, 20), st.sampled_from(["0", "0.01"]),
)  # fmt: skip
WANTED = st.builds(
    Wanted,
    targets=st.lists(PATHS.map(PathScope), max_size=2).map(tuple),
    scopes=st.one_of(st.none(), st.lists(PATHS.map(PathScope), max_size=3).map(tuple)),
    uses=st.one_of(st.none(), USES),
    territory=st.one_of(st.none(), REGIONS.map(Territory)),
    renditions=st.one_of(st.none(), RENDITIONS.map(tuple)),
    budget=st.builds(
        Budget, st.one_of(st.none(), st.integers(0, 50_000)), st.one_of(st.none(), st.integers(0, 30))
    ),
)


def never_wider(license, offer, budget):
    """Assert that *license* grants nothing that *offer* does not."""
    terms, offered = license.terms, offer.terms
    assert terms.scope.paths
    assert all(any(scope.within(wider) for wider in offered.scope.paths) for scope in terms.scope.paths)
    assert set(terms.scope.renditions) <= set(offered.scope.renditions)
    assert terms.scope.renditions
    assert closure(terms.purpose.uses) <= closure(offered.purpose.uses)
    assert terms.purpose.uses
    assert terms.territory.within(offered.territory)
    rest = {"scope": offered.scope, "purpose": offered.purpose, "territory": offered.territory}
    assert replace(terms, **rest) == offered
    if budget:
        assert 1 <= license.budget.fetches <= budget


@settings(max_examples=400)
@given(OFFERS, WANTED)
def test_no_wish_ever_gets_more_than_the_offer(offer, wanted):
    license = accept(offer, wanted, licensee="le_1", now=NOW, license_id="li_1")
    if isinstance(license, Refusal):
        assert license.problem in {Problem.TARGET_INVALID, Problem.DETAILS_INVALID}
        return
    never_wider(license, offer, offer.max_fetches)
    if wanted.scopes is not None:
        assert all(any(scope.within(asked) for asked in wanted.scopes) for scope in license.terms.scope.paths)
    if wanted.uses is not None:
        assert closure(license.terms.purpose.uses) <= closure(wanted.uses)
    if wanted.territory is not None:
        assert license.terms.territory.within(wanted.territory)


@settings(max_examples=200)
@given(OFFERS, WANTED, WANTED)
def test_a_token_of_a_held_license_never_gets_more_than_the_license(offer, first, second):
    license = accept(offer, first, licensee="le_1", now=NOW, license_id="li_1")
    if isinstance(license, Refusal):
        return
    view = under(license, second)
    if isinstance(view, Refusal):
        return
    as_offered = replace(offer, terms=license.terms)
    never_wider(view, as_offered, license.budget.fetches)
    most = license.budget.micros
    assert most is None or (view.budget.micros is not None and view.budget.micros <= most)


@settings(max_examples=200)
@given(st.lists(OFFERS, max_size=4), WANTED)
def test_what_is_chosen_can_be_accepted_and_nothing_cheaper_could(offers, wanted):
    chosen = choose(offers, wanted)
    able = [
        offer
        for offer in offers
        if isinstance(take(offer, **{k: getattr(wanted, k) for k in wanted.__slots__}), License)
    ]
    if isinstance(chosen, Refusal):
        assert not able
    else:
        assert chosen in able
        assert chosen.price.micros == min(offer.price.micros for offer in able)
