from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.entitlement import Covered, entitle, uses_under
from gateway.licenses.bundle_paths import Contents
from gateway.money import Money
from gateway.paths import PathScope
from gateway.policy.rules import Mode, Ruling, TerritoryMode, Verdict
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Territory
from gateway.tokens.claims import Budget, Claims
from gateway.uses import Use
from gateway.visitors.visitor import Crawler, Visitor, VisitorClass


def test_what_the_license_covers_is_covered(claims, visitor, ruling, ask) -> None:
    covered = entitle(claims(), visitor(), ruling(), ask())
    assert covered == Covered(PathScope("/essays/"), frozenset({Use.AI_TRAIN}))


@pytest.mark.parametrize(
    ("claim", "fact", "problem"),
    [
        ({"expires_at": 1_795_000_000 - 30}, {}, Problem.TOKEN_EXPIRED),
        ({"not_before": 1_795_000_031}, {}, Problem.TOKEN_EXPIRED),
        ({"audience": "https://journal.example.evil"}, {}, Problem.TOKEN_OTHER_SITE),
        ({}, {"origin": "http://journal.example"}, Problem.TOKEN_OTHER_SITE),
        ({}, {"path": "/essays-archive/x"}, Problem.PATH_NOT_COVERED),
        ({}, {"path": "/podcast/1.mp3"}, Problem.PATH_NOT_COVERED),
        ({}, {"path": "", "ambiguity": "it has a dot segment"}, Problem.PATH_NOT_COVERED),
        ({"uses": frozenset({Use.AI_INPUT})}, {}, Problem.USE_NOT_COVERED),
        ({}, {"country": "US"}, Problem.TERRITORY_NOT_COVERED),
        ({}, {"country": ""}, Problem.TERRITORY_NOT_COVERED),
    ],
)
def test_the_first_thing_that_fails_is_named(claim, fact, problem, claims, visitor, ruling, ask) -> None:
    refusal = entitle(claims(**claim), visitor(), ruling(), ask(**fact))
    assert isinstance(refusal, Refusal)
    assert refusal.problem is problem
    assert refusal.detail.endswith(".")


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("/a", True),
        ("/premium/x", False),
        ("/premium/free/x", True),
        ("/premium-archive", True),
        ("/premium", False),
    ],
)
def test_a_shelf_that_was_not_sold_stays_closed_inside_one_that_was(
    path, covered, claims, visitor, ruling, ask
) -> None:
    sold = claims(scopes=(PathScope("/"), PathScope("/premium/free")), excluded=(PathScope("/premium"),))
    answer = entitle(sold, visitor(), ruling(), ask(path=path))
    assert isinstance(answer, Covered) is covered
    if not covered:
        assert answer.problem is Problem.PATH_NOT_COVERED
        assert "but not /premium" in answer.detail


def test_the_order_is_term_audience_path_use_territory_rendition(claims, visitor, ruling, ask) -> None:
    everything = {
        "expires_at": 0, "audience": "https://other.example", "scopes": (PathScope("/none"),),
        "uses": frozenset({Use.SEARCH}), "territory": Territory(frozenset({"AQ"})), "renditions": ("transcript",),
    }  # fmt: skip
    told = []
    for name in list(everything):
        refusal = entitle(claims(**everything), visitor(), ruling(), ask())
        told.append(refusal.problem)
        del everything[name]
    assert told == [
        Problem.TOKEN_EXPIRED, Problem.TOKEN_OTHER_SITE, Problem.PATH_NOT_COVERED,
        Problem.USE_NOT_COVERED, Problem.TERRITORY_NOT_COVERED, Problem.RENDITION_NOT_COVERED,
    ]  # fmt: skip


@pytest.mark.parametrize(("country", "where"), [("US", "probably from US"), ("", "from an unknown country")])
def test_how_far_the_place_of_a_fetch_binds(country, where, claims, visitor, ruling, ask) -> None:
    elsewhere = ask(country=country)
    refusal = entitle(claims(), visitor(), ruling(), elsewhere)
    assert refusal.problem is Problem.TERRITORY_NOT_COVERED
    assert where in refusal.detail
    observed = entitle(claims(), visitor(), ruling(territory=TerritoryMode.OBSERVE), elsewhere)
    assert observed == Covered(PathScope("/essays/"), frozenset({Use.AI_TRAIN}), refusal)
    ignored = entitle(claims(), visitor(), ruling(territory=TerritoryMode.OFF), elsewhere)
    assert ignored == Covered(PathScope("/essays/"), frozenset({Use.AI_TRAIN}))
    inside = entitle(claims(), visitor(), ruling(territory=TerritoryMode.OBSERVE), ask(country="DE"))
    assert inside.would is None


def test_a_transcript_needs_its_own_grant(claims, visitor, ruling, ask) -> None:
    refused = entitle(claims(), visitor(), ruling(rendition="transcript"), ask())
    assert refused.problem is Problem.RENDITION_NOT_COVERED
    assert isinstance(
        entitle(claims(renditions=("page", "transcript")), visitor(), ruling(rendition="transcript"), ask()),
        Covered,
    )


def test_a_license_that_names_the_crawler_lets_it_do_less_than_it_is_known_for(
    claims, visitor, ruling, ask
) -> None:
    narrow = {"uses": frozenset({Use.AI_INPUT})}
    assert entitle(claims(**narrow), visitor(), ruling(), ask()).problem is Problem.USE_NOT_COVERED
    named = entitle(claims(**narrow, crawlers=frozenset({"gptbot"})), visitor(), ruling(), ask())
    assert named == Covered(PathScope("/essays/"), frozenset({Use.AI_INPUT}))


def test_naming_a_crawler_in_a_published_offer_widens_nothing(claims, visitor, ruling, ask, offer) -> None:
    bought = claims(uses=frozenset({Use.AI_INPUT}), crawlers=frozenset({"gptbot"}), offer="training")
    assert entitle(bought, visitor(), ruling(), ask()).problem is Problem.USE_NOT_COVERED
    assert uses_under(bought, visitor()) == frozenset({Use.AI_INPUT, Use.AI_TRAIN})


def test_a_license_that_names_crawlers_is_for_no_other_known_one(claims, visitor, ruling, ask) -> None:
    refusal = entitle(claims(crawlers=frozenset({"ccbot"})), visitor(), ruling(), ask())
    assert refusal.problem is Problem.USE_NOT_COVERED
    assert "is for ccbot; this is GPTBot" in refusal.detail


def test_a_token_opens_only_what_its_offer_is_sold_for(claims, visitor, ruling, ask, offer) -> None:
    dearer = ruling(offers=(offer("premium", 500_000),))
    refusal = entitle(claims(offer="training"), visitor(), dearer, ask())
    assert refusal.problem is Problem.PATH_NOT_COVERED
    assert "premium" in refusal.detail
    assert isinstance(entitle(claims(offer="training"), visitor(), ruling(), ask()), Covered)
    older = claims(offer="training", policy="sha-256:older")
    assert isinstance(entitle(older, visitor(), dearer, ask()), Covered)


def test_a_crawler_nobody_knows_uses_what_its_token_says(claims, ruling, ask) -> None:
    nobody = Visitor(VisitorClass.AI)
    assert entitle(claims(), nobody, ruling(), ask()).uses == frozenset({Use.AI_TRAIN})


segments = st.sampled_from(["essays", "essays-archive", "videos", "x"])
paths = st.lists(segments, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
uses = st.frozensets(st.sampled_from(list(Use)), min_size=1)
regions = st.none() | st.frozensets(st.sampled_from(["DE", "FR", "US", "EU"]), min_size=1)
forms = st.lists(st.sampled_from(["page", "transcript"]), min_size=1, unique=True).map(tuple)


@st.composite
def tokens(draw) -> Claims:
    return Claims(
        issuer="i", audience="https://a.example", client="c", token_id="t", issued_at=0,
        not_before=draw(st.integers(0, 10)), expires_at=draw(st.integers(5, 20)), license="l", licensee="e",
        scopes=tuple(PathScope(path) for path in draw(st.lists(paths, min_size=1, max_size=3))),
        renditions=draw(forms), uses=draw(uses), territory=Territory(draw(regions)),
        crawlers=draw(st.frozensets(st.just("gptbot"))), budget=Budget(), price=Money(1, "USD"), terms="h", policy="p",
    )  # fmt: skip


@st.composite
def narrowed(draw, wide: Claims) -> Claims:
    keep = draw(st.lists(st.sampled_from(wide.scopes), min_size=1, unique=True))
    deeper = tuple(PathScope(scope.pattern + draw(st.sampled_from(["", "/x"]))) for scope in keep)
    places = wide.territory.countries or frozenset({"DE", "US"})
    return replace(
        wide,
        scopes=deeper,
        uses=draw(st.frozensets(st.sampled_from(sorted(wide.uses)), min_size=1)),
        renditions=tuple(draw(st.lists(st.sampled_from(wide.renditions), min_size=1, unique=True))),
        territory=draw(st.just(wide.territory) | st.just(Territory(frozenset(sorted(places)[:1])))),
        not_before=wide.not_before + draw(st.integers(0, 3)),
        expires_at=wide.expires_at - draw(st.integers(0, 3)),
        crawlers=draw(st.sampled_from([wide.crawlers, frozenset()])),
    )


@given(st.data(), tokens(), paths, st.integers(0, 70), st.sampled_from(["DE", "FR", "US", ""]), uses, forms)
def test_narrowing_never_widens_an_entitlement(data, wide, path, at, country, known, rendition) -> None:
    from gateway.ask import Ask

    ask = Ask("i", at * 1_000_000, "s", "https://a.example", "GET", path, path, country=country)
    ruling = Ruling(Verdict.LICENSE, "r", "w", "p", Mode.ENFORCE, rendition=rendition[0])
    visitor = Visitor(VisitorClass.AI, Crawler("GPTBot", "O", (), known, VisitorClass.AI))
    narrow = data.draw(narrowed(wide))
    if isinstance(entitle(narrow, visitor, ruling, ask), Covered):
        assert isinstance(entitle(wide, visitor, ruling, ask), Covered)


BUNDLE = "sha-256:" + "b" * 64


@pytest.mark.parametrize(
    ("held", "path", "covered"),
    [
        ({BUNDLE: frozenset({"/essays/a"})}, "/essays/a", True),
        ({BUNDLE: frozenset({"/essays/a"})}, "/essays/b", False),
        ({}, "/essays/a", False),
        ({"sha-256:" + "c" * 64: frozenset({"/essays/a"})}, "/essays/a", False),
    ],
    ids=["an item", "no item", "unknown digest", "the manifest of another bundle"],
)
def test_a_bundle_covers_what_its_manifest_at_hand_lists(held, path, covered, claims, visitor, ruling, ask):
    named = replace(claims(), scopes=(), bundle=BUNDLE)
    found = entitle(named, visitor(), replace(ruling(), bundles=Contents(held)), ask(path=path))
    assert isinstance(found, Covered) is covered
    if isinstance(found, Refusal):
        assert found.problem is Problem.PATH_NOT_COVERED
        assert BUNDLE in found.detail
