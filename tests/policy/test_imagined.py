"""Who a name would be."""

from __future__ import annotations

import pytest

from gateway.policy.imagined import imagined_ask, imagined_visitor
from gateway.policy.reading import default_policy
from gateway.visitors.catalog import Catalog
from gateway.visitors.visitor import PERSON, Identity, Method, VisitorClass

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("name", "crawler", "kind"),
    [
        ("GPTBot", "GPTBot", VisitorClass.AI),
        ("Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)", "GPTBot", VisitorClass.AI),
        ("curl/8.0", "", VisitorClass.AUTOMATION),
    ],
)
def test_names_and_whole_user_agents(name, crawler, kind):
    found = imagined_visitor(Catalog.shipped(), name, Identity.VERIFIED)
    assert (found.name, found.visitor_class) == (crawler, kind)


def test_a_person_is_nobody_or_a_browser_and_a_bare_word_is_no_one():
    catalog = Catalog.shipped()
    assert imagined_visitor(catalog, "", Identity.VERIFIED) is PERSON
    assert imagined_visitor(catalog, CHROME, Identity.VERIFIED).is_person
    assert imagined_visitor(catalog, "Nosuchbot", Identity.VERIFIED) is None


def test_a_proof_is_said_with_its_way():
    catalog = Catalog.shipped()
    assert imagined_visitor(catalog, "GPTBot", Identity.VERIFIED).method is Method.NETWORK
    assert imagined_visitor(catalog, "GPTBot", Identity.SPOOFED).method is Method.NONE


def test_an_ambiguous_path_says_why():
    policy = default_policy("http://127.0.0.1:1")
    plain = imagined_ask(policy, "/a", "b=1", "GPTBot", "DE")
    assert (plain.path, plain.target, plain.country, plain.header("user-agent")) == (
        "/a",
        "/a?b=1",
        "DE",
        "GPTBot",
    )
    odd = imagined_ask(policy, "/a%2fb", "", "", "")
    assert odd.path == ""
    assert odd.ambiguity
