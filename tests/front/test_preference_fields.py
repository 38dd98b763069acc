"""What of the creator's server passes, and what is told in its place."""

from __future__ import annotations

from gateway.admission.admit import Grant
from gateway.ask import Ask, HeaderFields
from gateway.front.answer import Judged
from gateway.front.preference_fields import both, preference_fields
from gateway.origin.head import Head
from gateway.paths import PathScope
from gateway.policy.rules import Mode, Policy, Site
from gateway.terms.license_terms import PublishedScope, PublishedTerms
from gateway.terms.publishing import Publishing, RobotsPreferences
from gateway.uses import Use
from gateway.visitors.visitor import Visitor, VisitorClass

ASK = Ask("0192-a", 0, "s", "https://a.example", "GET", "/x", "/x", headers=HeaderFields(()))
JUDGED = Judged(
    Policy(Site("s", ("a.example",), "http://127.0.0.1:1", Mode.ENFORCE, "USD"), (), (), (), "sha-256:p"),
    Visitor(VisitorClass.SEARCH_ENGINE), None, Grant(),
)  # fmt: skip


class Opened:
    def __init__(self, *lines, status=200):
        self._head = Head("\r\n".join((f"HTTP/1.1 {status} OK", *lines)).encode(), status)
        self.status, self.field, self.headers = status, self._head.field, self._head.headers


def terms(**chosen):
    scope = PublishedScope((PathScope("/"),), "", frozenset({Use.SEARCH}), ())
    return PublishedTerms(
        "https://a.example", "A", "", "sha-256:p", "USD", (scope,), (), publishing=Publishing(**chosen)
    )


def told(*lines, status=200, **chosen):
    octets, less = preference_fields(Opened(*lines, status=status), ASK, JUDGED, terms(**chosen))
    return octets.decode().split("\r\n")[1:], less


def test_the_stricter_of_both_is_told():
    plain, less = told("Content-Type: text/html")
    assert plain == [
        "Content-Usage: train-ai=n, ai-use=n, search=y",
        "Content-Signal: search=yes, ai-input=no, ai-train=no, use=reference",
        "tdm-reservation: 1",
    ]
    assert less == {"content-usage", "content-signal", "tdm-reservation", "tdm-policy"}
    assert (
        told("Content-Usage: search=n", "content-usage: train-ai=y")[0][0]
        == "Content-Usage: train-ai=n, ai-use=n, search=n"
    )


def test_or_the_policy_s_alone():
    said, _ = told("Content-Usage: search=n", preferences=RobotsPreferences.POLICY)
    assert said[0] == "Content-Usage: train-ai=n, ai-use=n, search=y"


def test_only_what_was_delivered_says_anything():
    for status in (200, 206, 304):
        assert told(status=status)[0]
    for status in (301, 404, 500):
        assert told(status=status) == ([], frozenset())


def test_sets_are_joined_once():
    assert both(frozenset({"a"}), frozenset({"b"})) is both(frozenset({"a"}), frozenset({"b"}))
