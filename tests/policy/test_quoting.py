from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.money import Money
from gateway.policy.quoting import logged, quoted
from gateway.policy.reading import read_policy_text
from gateway.visitors.catalog import Catalog
from gateway.visitors.explained import imagined
from gateway.visitors.visitor import PERSON, Identity, Visitor

POLICY = read_policy_text(
    """
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = { per_fetch = "0.0001" }
[offers.answers]
uses = ["ai-input", "ai-index"]
works = ["essays"]
price = { per_fetch = "0.004" }
[offers.gift]
uses = ["search"]
works = ["essays"]
price = { per_fetch = "0" }
[[rules]]
when = { crawler = "Bytespider" }
then = "refuse"
[[rules]]
when = { path = "/essays/", class = "ai" }
then = { license = ["training", "answers"] }
[[rules]]
when = { path = "/essays/", crawler = "Amazonbot" }
then = { license = ["gift"] }
[[rules]]
then = "serve"
""",
    "journal.toml",
)


def visitor(name: str) -> Visitor:
    crawler = Catalog.shipped().crawler(name)
    assert crawler is not None
    return Visitor(crawler.visitor_class, crawler, Identity.CLAIMED, reasons=(f"ua_claim:{name}",))


def asked(target: str, address: str = "203.0.113.77"):
    return imagined("x", address, origin="https://site.example", target=target, at=1_793_491_200)[0]


@pytest.mark.parametrize(
    ("name", "target", "price"),
    [
        ("GPTBot", "/essays/tides?page=2", Money(100, "USD")),
        ("PerplexityBot", "/essays/tides", Money(4_000, "USD")),
        ("GPTBot", "/about", None),
        ("Bytespider", "/essays/tides", None),
        # Whoever hides the path gets no price.
        ("GPTBot", "/essays/%2e%2e/x", None),
    ],
)
def test_the_price_is_that_of_the_ruling(name, target, price):
    assert quoted(POLICY, visitor(name), asked(target)) == price


def test_people_have_no_price():
    assert quoted(POLICY, PERSON, asked("/essays/tides")) is None


def test_a_line_of_a_log_becomes_a_fetch_without_its_address():
    found = logged(POLICY, visitor("GPTBot"), asked("/essays/tides?who=anna"), 200, 2_000)
    assert (found.path, found.network, found.status) == ("/essays/tides", "203.0.113.0/24", 200)
    assert (found.crawler, found.operator, found.identity) == ("GPTBot", "OpenAI", "claimed")
    assert found.quoted == Money(100, "USD")
    assert found.delivered
    assert "203.0.113.77" not in repr(found)
    assert "anna" not in repr(found)
    assert logged(POLICY, visitor("GPTBot"), asked("/", "no address"), 200, 1).network == ""
    assert replace(found, method="HEAD").delivered is False
