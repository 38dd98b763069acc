"""What is remembered is what would have been ruled anew."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.admission.admit import Grant, acting_for, admit
from gateway.admission.docket import Docket
from gateway.admission.entitlement import uses_under
from gateway.ask import Ask
from gateway.money import Money
from gateway.paths import PathScope
from gateway.policy.reading import default_policy
from gateway.policy.rules import Match, Mode, Policy, Rule, Site, Verdict
from gateway.policy.ruling import rule
from gateway.terms.license_terms import Territory
from gateway.tokens.claims import Budget, Claims
from gateway.uses import Use
from gateway.visitors.visitor import PERSON, Crawler, Visitor, VisitorClass

GPTBOT = Visitor(
    VisitorClass.AI, Crawler("GPTBot", "OpenAI", ("training",), frozenset({"ai-train"}), VisitorClass.AI)
)
ODD = Visitor(VisitorClass.AUTOMATION)
CLOSED = Match(paths=(PathScope("/closed"),), classes=frozenset({VisitorClass.AI}))
GERMAN = Match(countries=frozenset({"DE"}))
POLICY = Policy(
    site=Site("a", ("a.example",), "http://127.0.0.1:1", Mode.ENFORCE, "USD"),
    works=(),
    offers=(),
    rules=(
        Rule("rules[0]", CLOSED, Verdict.REFUSE),
        Rule("rules[1]", GERMAN, Verdict.REFUSE),
        Rule("rules[2]", Match(), Verdict.SERVE),
    ),
    digest="0" * 64,
)
OTHER = replace(POLICY, rules=POLICY.rules[2:])
ASKS = st.builds(
    lambda path, country: Ask("id", 0, "a", "http://a.example", "GET", path or "//", path, country=country),
    st.sampled_from(["", "/", "/closed", "/closed/a", "/open"]),
    st.sampled_from(["", "DE", "FR"]),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([POLICY, OTHER]), st.sampled_from([PERSON, GPTBOT, ODD]), ASKS)),
    st.integers(1, 4),
)
def test_it_says_what_rule_and_admit_say(asked, most):
    docket = Docket(most)
    for policy, visitor, ask in asked:
        fresh = rule(policy, visitor, ask, visitor.uses)
        assert docket.unlicensed(policy, visitor, ask) == (fresh, admit(fresh, visitor, ask, None))
        assert len(docket._decided) <= most


def test_the_same_question_is_answered_by_the_same_object():
    docket = Docket()
    ask = Ask("id", 0, "a", "http://a.example", "GET", "/x", "/x")
    other = replace(ask, id="other", target="/x?y", query="y")
    assert docket.unlicensed(POLICY, GPTBOT, ask)[0] is docket.unlicensed(POLICY, GPTBOT, other)[0]


def test_long_paths_of_strangers_fill_no_memory():
    docket = Docket()
    for number in range(3):
        path = f"/{number}" + "x" * 8000
        ask = Ask("id", 0, "a", "http://a.example", "GET", path, path)
        assert docket.unlicensed(POLICY, GPTBOT, ask)[0] == rule(POLICY, GPTBOT, ask, GPTBOT.uses)
        docket.licensed(POLICY, GPTBOT, ask, CLAIMS)
    assert (len(docket._decided), len(docket._licensed)) == (0, 0)


CLAIMS = Claims(
    issuer="http://a.example/.licet",
    audience="http://a.example",
    client="cl",
    token_id="t",
    issued_at=1000,
    not_before=1000,
    expires_at=2000,
    license="li",
    licensee="le",
    scopes=(PathScope("/open"),),
    renditions=("page",),
    uses=frozenset({"ai-train"}),
    territory=Territory(),
    crawlers=frozenset(),
    budget=Budget(),
    price=Money(5, "USD"),
    terms="sha-256:t",
    policy="0" * 64,
)
SOLD = replace(POLICY, rules=(Rule("rules[0]", Match(), Verdict.LICENSE, offers=("o",)),))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([POLICY, SOLD, replace(SOLD, site=replace(SOLD.site, mode=Mode.OBSERVE))]),
            st.sampled_from([PERSON, GPTBOT, ODD]),
            ASKS,
            st.sampled_from([0, 969, 970, 1500, 2029, 2030]),
            st.sampled_from([CLAIMS, replace(CLAIMS, uses=frozenset({"search"}))]),
        )
    ),
    st.integers(1, 4),
)
def test_a_license_is_judged_as_if_for_the_first_time(asked, most):
    docket = Docket(most)
    for number, (policy, visitor, plain, second, claims) in enumerate(asked):
        ask = replace(plain, id=f"record {number}", asked_at_us=second * 1_000_000)
        acting = acting_for(visitor, claims)
        ruling = rule(policy, acting, ask, uses_under(claims, acting))
        wanted = (acting, ruling, admit(ruling, acting, ask, claims))
        assert docket.licensed(policy, visitor, ask, claims) == wanted
        assert len(docket._licensed) <= most


def test_the_window_of_a_license_reaches_the_till_the_first_time_and_every_other():
    policy = default_policy("http://127.0.0.1:1", mode=Mode.ENFORCE)
    offer = next(each for each in policy.offers if Use.AI_TRAIN in each.uses)
    claims = replace(
        CLAIMS,
        offer=offer.id,
        scopes=offer.terms.scope.paths,
        uses=offer.uses,
        price=offer.price,
        window_hours=6,
    )
    docket = Docket()
    for number in range(2):
        ask = Ask(f"r{number}", 1500 * 1_000_000, "site", CLAIMS.audience, "GET", "/x", "/x", country="DE")
        _, _, grant = docket.licensed(policy, GPTBOT, ask, claims)
        assert isinstance(grant, Grant), grant
        assert grant.charge is not None
        assert (grant.charge.record_id, grant.charge.window_seconds) == (f"r{number}", 6 * 3600)
