"""The dialects of forward-auth: what is read of a proxy's question, and what every answer holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.admit import Grant
from gateway.admission.spending import Charge
from gateway.ask import Ask, HeaderFields
from gateway.front.answer import Judged
from gateway.front.auth import (
    DIALECTS,
    PASSED,
    Asked,
    asked,
    dialect_of,
    handed_over,
    knows,
    passing,
    secret_text,
)
from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.visitors.visitor import PERSON, Crawler, Visitor, VisitorClass

SAID = secret_text(bytes(range(32)))
COMMON = {
    "host": "127.0.0.1:8404",
    "x-forwarded-host": "a.example",
    "x-forwarded-proto": "https",
    "x-forwarded-for": "192.0.2.7",
    "user-agent": "x",
}
QUESTIONS = {
    "nginx": {**COMMON, "x-original-method": "POST", "x-original-uri": "/a%2Fb?c=1"},
    "forward": {**COMMON, "x-forwarded-method": "POST", "x-forwarded-uri": "/a%2Fb?c=1"},
    "envoy": {**COMMON, "host": "a.example"},
}
GPTBOT = Crawler("GPTBot", "OpenAI", ("training",), frozenset({"ai-train"}), VisitorClass.AI)


def question(name: str, lines) -> Asked | Refusal:
    target = "/auth/envoy/a%2Fb?c=1" if name == "envoy" else f"/auth/{name}"
    dialect, rest = dialect_of(target)
    return asked(dialect, "POST" if name == "envoy" else "GET", rest, HeaderFields(lines))


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_was_asked_is_told_apart_from_how_it_was_told(name):
    lines = [
        *QUESTIONS[name].items(),
        ("licet-caller", SAID),
        ("x-client", "1"),
        ("licet-decision", "licensed"),
    ]
    found = question(name, lines)
    assert (found.method, found.target, found.scheme) == ("POST", "/a%2Fb?c=1", "https")
    assert found.block.host == ("a.example", None)
    # What the client sent remains, and nothing that the proxy added: not the secret either.
    assert [name for name, _ in found.block.fields] == ["host", "user-agent", "x-client", "licet-decision"]


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_line_that_is_missing_empty_or_doubled_is_the_proxys_fault(name):
    needed = {
        "nginx": ["x-original-method", "x-original-uri", "x-forwarded-host", "x-forwarded-proto"],
        "forward": ["x-forwarded-method", "x-forwarded-uri", "x-forwarded-host", "x-forwarded-proto"],
        "envoy": ["x-forwarded-proto"],
    }[name]
    whole = QUESTIONS[name]
    for line in needed:
        without = [each for each in whole.items() if each[0] != line]
        for lines in (without, [*without, (line, "")], [*whole.items(), (line, whole[line])]):
            found = question(name, lines)
            assert isinstance(found, Refusal), (line, lines)
            assert found.problem is Problem.PROXY_INCOMPLETE
            assert line in found.detail
    for line in ("x-forwarded-for", "user-agent"):
        assert isinstance(question(name, [each for each in whole.items() if each[0] != line]), Refusal)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("x-original-uri", "http://b.example/free"),
        ("x-original-uri", "/a HTTP/1.1"),
        ("x-original-uri", "/a#b"),
        ("x-original-uri", "a"),
        ("x-original-uri", "/\udcff"),
        ("x-original-method", "get"),
        ("x-original-method", "GET /free"),
        ("x-forwarded-proto", "ftp"),
        ("x-forwarded-proto", "http, https"),
        ("x-forwarded-host", "a.example, b.example"),
    ],
)
def test_a_smuggled_question_is_refused(line, value):
    assert isinstance(question("nginx", {**QUESTIONS["nginx"], line: value}.items()), Refusal)


def test_only_these_places_are_asked():
    assert dialect_of("/auth/forward?page=2")[0].name == "forward"
    for target in (
        "/auth/nginx/x",
        "/auth/nginxx",
        "/auth/",
        "/",
        "/auth/envoy",
        "/auth/envoyx/",
        "/auth/other",
    ):
        assert dialect_of(target) is None, target


def test_the_secret_is_said_once_and_whole():
    assert knows(HeaderFields([("licet-caller", SAID)]), SAID)
    for lines in (
        [],
        [("licet-caller", "")],
        [("licet-caller", SAID[:-1])],
        [("licet-caller", SAID + "=")],
        [("licet-caller", SAID)] * 2,
        [("licet-caller", "\udcff")],
        [("x-licet-caller", SAID)],
    ):
        assert not knows(HeaderFields(lines), SAID), lines


@given(
    st.lists(
        st.tuples(st.sampled_from([*COMMON, "x-original-uri", "x-original-method"]), st.text(max_size=20))
    )
)
def test_no_question_raises(lines):
    octets = [
        (name, value.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"))
        for name, value in lines
    ]
    assert isinstance(question("nginx", octets), Asked | Refusal)


def judged(visitor: Visitor, policy, **more) -> Judged:
    return Judged(policy, visitor, None, Grant(**more), 0 if more.get("charge") else -1)


def ask(*lines) -> Ask:
    return Ask("id", 0, "a", "https://a.example", "GET", "/", "/", headers=lines)


@pytest.mark.parametrize("dialect", DIALECTS, ids=[each.name for each in DIALECTS])
def test_every_copied_line_is_always_there(dialect, kit):
    policy = kit.policy("http://127.0.0.1:1")
    charge = Charge("id", "acme", "lic", Money(10, "USD"), None)
    ours, site = ("authorization", "License t"), ("authorization", "Basic c2l0ZQ==")
    for visitor, grant, lines in (
        (PERSON, {}, ()),
        (PERSON, {}, (site,)),
        (Visitor(VisitorClass.AI, GPTBOT), {}, ()),
        (Visitor(VisitorClass.AI, GPTBOT), {"charge": charge}, (ours,)),
    ):
        answer = passing(
            Asked(dialect, "GET", "/", None, "https"), ask(*lines), judged(visitor, policy, **grant)
        )
        told = dict(answer.headers)
        assert len(told) == len(answer.headers)
        assert {*PASSED} - {"Authorization"} <= {*told}
        passed_on = {"nginx": "Licet-Authorization", "forward": "Authorization"}.get(dialect.name)
        if passed_on is not None:
            assert told[passed_on] == (site[1] if lines == (site,) else "")
        else:
            assert ("authorization" in told["X-Envoy-Auth-Headers-To-Remove"]) == (lines == (ours,))
        # Only what is told of a person without a credential may be kept.
        assert told["Cache-Control"] == ("max-age=10" if visitor is PERSON and not lines else "no-store")


def test_a_request_that_is_handed_over_says_nothing_of_it():
    assert handed_over().status == 401
    assert "WWW-Authenticate" not in dict(handed_over().headers)
