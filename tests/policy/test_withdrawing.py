"""A policy with what is withdrawn: who is refused, who is not, and what is published then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.licenses.withdrawal import USUAL, Withdrawal, withdrawn
from gateway.paths import PathScope
from gateway.policy.published import publish
from gateway.policy.reading import read_policy_text
from gateway.policy.rules import Verdict
from gateway.policy.ruling import rule
from gateway.policy.withdrawing import Subjects, owned_by, read_uses, subjects_of, with_withdrawn
from gateway.uses import Use, closure

SLOW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
TEXT = """
stance = "search-free-training-paid"
free_paths = ["/a/free"]
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
[[works]]
id = "a"
paths = ["/a/"]
rights = "own"
people = "none"
[[works]]
id = "b"
paths = ["/a/b/"]
rights = "own"
people = "none"
[offers.both]
uses = ["ai-train", "ai-input"]
works = ["a", "b"]
price = { per_fetch = "0.01" }
[[rules]]
when = { purpose = "search" }
then = "serve"
[[rules]]
when = { class = "ai" }
then = { license = ["both"] }
[[rules]]
then = "serve"
"""


@pytest.fixture
def policy():
    return read_policy_text(TEXT, "journal.toml")


def taken(policy, *paths, id="wd_1", uses=USUAL, works=(), **more):
    scopes = tuple(map(PathScope, paths))
    return Withdrawal(id, policy.site.id, frozenset(uses), 1, 1, works=works, paths=scopes, **more)


def ruled(policy, make, path, crawler, uses=None):
    return rule(policy, make.seen(crawler), make.ask(path), crawler.uses if uses is None else uses)


@pytest.mark.parametrize(
    ("path", "crawler", "verdict", "problem"),
    [
        ("/a/x", "GPTBOT", Verdict.REFUSE, "withdrawn"),
        ("/a/free", "GPTBOT", Verdict.REFUSE, "withdrawn"),
        ("/a/x", "CHATGPT_USER", Verdict.REFUSE, "withdrawn"),
        ("/a/x", "BOTH", Verdict.REFUSE, "withdrawn"),
        ("/a/x", "GOOGLEBOT", Verdict.SERVE, ""),
        ("/a/b/x", "GPTBOT", Verdict.LICENSE, ""),
        ("/z", "FEEDLY", Verdict.SERVE, ""),
        ("", "GPTBOT", Verdict.REFUSE, "ambiguous-path"),
        ("", "GOOGLEBOT", Verdict.SERVE, ""),
    ],
)
def test_a_work_is_refused_to_models_and_to_nobody_else(policy, make, path, crawler, verdict, problem):
    gone = with_withdrawn(policy, [taken(policy, works=("a",))])
    found = ruled(gone, make, path, getattr(make, crawler))
    assert (found.verdict, found.problem) == (verdict, problem)
    assert (found.withdrawal is not None) is (problem == "withdrawn")


def test_people_are_served_what_is_withdrawn_from_machines(policy, make):
    gone = with_withdrawn(policy, [taken(policy, "/", uses=Use)])
    assert rule(gone, make.PERSON, make.ask("/a/x"), frozenset()).verdict is Verdict.SERVE


def test_other_sites_and_an_empty_list_change_nothing(policy):
    assert with_withdrawn(policy, []) is policy
    assert with_withdrawn(policy, [replace(taken(policy, "/a/"), site="other")]) is policy


def test_readmission_restores_exactly_what_the_policy_says(policy, make):
    gone = with_withdrawn(policy, [taken(policy, works=("a", "b"))])
    assert gone.offers == ()
    assert gone.edition != policy.edition
    assert gone.digest == policy.digest
    back = with_withdrawn(gone, [])
    assert back == policy
    assert back.by_offer == policy.by_offer
    assert not back.withdrawn


def test_for_the_uses_that_are_left_licenses_go_on_and_nothing_is_sold(policy, make):
    gone = with_withdrawn(policy, [taken(policy, "/a/x", uses=[Use.AI_TRAIN])])
    found = ruled(gone, make, "/a/x", make.CHATGPT_USER)
    assert (found.verdict, found.closed) == (Verdict.LICENSE, True)
    assert found.offers[0].uses == {Use.AI_INPUT}
    assert "a is not sold here any more" in found.why
    assert not ruled(gone, make, "/a/y", make.CHATGPT_USER).closed
    assert not gone.offers[0].terms.scope.covers("/a/x")
    assert gone.offers[0].terms.scope.covers("/a/y")


def test_a_hold_closes_sales_and_refuses_no_license(policy, make):
    held = with_withdrawn(policy, [taken(policy, works=("a",), hold=True)])
    found = ruled(held, make, "/a/x", make.GPTBOT)
    assert (found.verdict, found.closed, found.withdrawal) == (Verdict.LICENSE, True, None)
    assert found.offers[0].uses == policy.offers[0].uses
    assert "a is not sold here at the moment" in found.why
    assert not ruled(held, make, "/a/b/x", make.GPTBOT).closed


def tokens(make):
    return {each.name: (each, (each.name,)) for each in (make.GPTBOT, make.CHATGPT_USER, make.GOOGLEBOT)}


def test_what_is_published_has_it_no_longer_for_sale(policy, make):
    before = publish(policy, "https://journal.example", tokens(make))
    gone = publish(
        with_withdrawn(policy, [taken(policy, "/a/old/")]), "https://journal.example", tokens(make)
    )
    assert all("/a/old/" not in (path.pattern for path in each.paths) for each in before.scopes)
    old = next(each for each in gone.scopes if each.paths[0].pattern == "/a/old/")
    assert old.offers == ()
    assert old.free == {Use.SEARCH}
    assert any(scope.pattern == "/a/old/" for each in gone.robots for scope in each.refused)
    rest = next(each for each in gone.scopes if each.paths[0].pattern == "/a/")
    assert [each.id for each in rest.offers] == ["both"]


def test_a_held_work_is_published_as_not_for_sale(policy, make):
    held = publish(
        with_withdrawn(policy, [taken(policy, "/a/old/", hold=True)]), "https://journal.example", tokens(make)
    )
    old = next(each for each in held.scopes if each.paths[0].pattern == "/a/old/")
    assert old.offers == ()


def withdrawals(make, policy):
    works = [work.id for work in policy.works]
    return st.lists(
        st.builds(
            lambda number, uses, paths, work: taken(
                policy, *paths, id=f"wd_{number}", uses=uses, works=tuple(work)
            ),
            st.integers(0, 9),
            st.frozensets(st.sampled_from(Use), min_size=1),
            st.lists(st.sampled_from(make.SCOPES), max_size=2, unique=True),
            st.lists(st.sampled_from(works), max_size=1) if works else st.just([]),
        ),
        max_size=3,
        unique_by=lambda each: each.id,
    )


@SLOW
@given(st.data())
def test_more_withdrawn_is_never_more_served(make, data):
    policy = data.draw(make.policies())
    one, more = (data.draw(withdrawals(make, policy)) for _ in range(2))
    more = [replace(each, id=f"{each.id}0") for each in more]
    crawler = data.draw(make.crawlers())
    some, all_ = with_withdrawn(policy, one), with_withdrawn(policy, [*one, *more])
    order = [Verdict.REFUSE, Verdict.LICENSE, Verdict.SERVE]
    for path in (*make.PATHS, ""):
        found = [ruled(each, make, path, crawler) for each in (policy, some, all_)]
        steps = [order.index(each.verdict) for each in found]
        assert steps == sorted(steps, reverse=True)
        for ruling in found:
            sold = frozenset[Use]().union(*(closure(each.uses) for each in ruling.offers))
            work = policy.work_of(path) if path else None
            assert (
                not path
                or ruling is found[0]
                or not ruling.offers
                or not withdrawn(
                    ruling.withdrawn.each, path=path, work=work.id if work else "", uses=sold, now=1
                )
            )


@SLOW
@given(st.data())
def test_formats_never_offer_what_is_withdrawn(make, data):
    policy = data.draw(make.policies())
    gone = with_withdrawn(policy, data.draw(withdrawals(make, policy)))
    catalog = data.draw(st.lists(make.crawlers(), max_size=3, unique_by=lambda each: each.name))
    published = publish(
        gone, "https://journal.example", {each.name: (each, (each.name,)) for each in catalog}
    )
    for path in make.PATHS:
        work = policy.work_of(path)
        held = [scope for scope in published.scopes if scope.paths[0].covers(path)]
        narrowest = [
            each for each in held
            if not any(other is not each and other.paths[0].within(each.paths[0]) for other in held)
        ]  # fmt: skip
        for scope in narrowest:
            for uses in (scope.free, *(offer.uses for offer in scope.offers)):
                found = gone.withdrawn.stopping(path, work.id if work else "", uses)
                assert found is None, (path, scope, found)


def test_the_paths_of_each_work_are_told_by_id(policy):
    assert owned_by(policy) == (("a", (PathScope("/a/"),)), ("b", (PathScope("/a/b/"),)))


@pytest.mark.parametrize(
    ("named", "found"),
    [
        (["a"], Subjects(works=("a",))),
        (["a", "/a/b/", "a"], Subjects(works=("a",), paths=(PathScope("/a/b/"),))),
        (["https://journal.example/a/x"], Subjects(paths=(PathScope("/a/x"),))),
        (["https://journal.example"], Subjects(paths=(PathScope("/"),))),
        (["/a/*.pdf"], Subjects(paths=(PathScope("/a/*.pdf"),))),
        (["SHA256:" + "AB" * 32], "'SHA256"),
        (["sha256:" + "AB" * 32], Subjects(digests=("ab" * 32,))),
        (["bundle:summer", "/a/"], Subjects(paths=(PathScope("/a/"),), bundle="summer")),
        (["le_01"], Subjects(licensee="le_01")),
        (["le_01", "a"], "by itself"),
        (["c"], "there is a, b"),
        (["/a/../b"], "one reading"),
        (["/a//b"], "one reading"),
        (["/a/%2e"], "one reading"),
        ([], "nothing"),
    ],
)
def test_what_a_person_names_is_told_apart(policy, named, found):
    given = subjects_of(policy, named)
    if isinstance(found, str):
        assert isinstance(given, str)
        assert found in given
    else:
        assert given == found


@given(st.lists(st.text(max_size=40), max_size=4))
def test_no_name_makes_it_raise(named):
    assert subjects_of(read_policy_text(TEXT, "journal.toml"), named)


@pytest.mark.parametrize(
    ("words", "found"),
    [(["ai-train"], {Use.AI_TRAIN}), (["all"], set(Use)), ([], set()), (["ai-train", "x"], "'x' is no use")],
)
def test_uses_are_named_in_the_one_vocabulary(words, found):
    given = read_uses(words)
    assert (found in given) if isinstance(found, str) else (given == found)
