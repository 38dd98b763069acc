"""The license page says every lever in words, and nothing that its document does not."""

from __future__ import annotations

from html import unescape
from pathlib import Path

from gateway.app.publisher import Publisher
from gateway.desk.license_page import changes_page, license_page, moment, versions_page
from gateway.desk.versions import TakenUp
from gateway.policy.reading import default_policy, read_policy
from gateway.terms.terms_version import Change, terms_version
from gateway.visitors.catalog import Catalog

EXAMPLE = Path(__file__).parents[2] / "policies" / "example-site.toml"
PUBLISH = Publisher(Catalog.shipped())
VERSION = terms_version(PUBLISH(read_policy(EXAMPLE), "https://journal.example"))


def page(document=None):
    return unescape(
        license_page(document or VERSION.document, name=VERSION.name, first_at=1_795_000_000, desk="/.licet")
    )


def test_every_lever_is_said_in_words():
    text = page()
    for fact in (
        "expressly reserves", "research organizations", "USD 500 when the license begins",
        "USD 0.02 for each page or file delivered", "USD 0.015 from 50000 fetches on", "3 % of net revenue",
        "research inside the company, testing models with them", "releasing a model with closed weights",
        "show “The Journal https://journal.example/”", "a model card within 30 days of a release",
        "a quarterly report", "1 audit a year, 12 months back", "kept as long as the license lasts",
        "capped at USD 10000", "24 months", "EU, US (of the fetch; checked at every fetch",
        "not paid for again for 24 hours", "100000 fetches at most", "licensing@journal.example",
        "2026-11-18 11:06:40 UTC", VERSION.name, '<a href="/.licet/negotiate">in a browser</a>',
    ):  # fmt: skip
        assert fact in text, fact


def test_headings_stand_in_order_and_every_offer_has_its_own():
    text = page()
    assert text.count("<h2>") == 6
    assert [text.count(f"<h3>{name}</h3>") for name in ("training", "answers")] == [1, 1]
    assert "<h1" not in text


def test_a_document_of_an_earlier_release_is_still_read():
    document = VERSION.document
    for offer in document["offers"]:
        offer.pop("window_hours")
        offer["terms"]["compensation"].pop("tiers", None)
    assert "not paid for again for 24 hours" in page(document)


def test_where_nothing_is_on_offer_the_page_says_so():
    free = terms_version(PUBLISH(default_policy("http://127.0.0.1:1", stance="open"), "")).document
    text = page(free)
    assert "Nothing is on offer." in text
    assert "none of them is reserved" in text
    assert "for sale</td>" not in text


def test_differences_and_the_list_of_versions_name_what_they_link():
    text = changes_page([Change("offers.<x>", None, ["a"])], older="o" * 64, newer="n" * 64, desk="/.licet")
    assert "offers.&lt;x&gt;" in text
    assert '["a"]' in unescape(text)
    assert f'href="/.licet/terms/{"n" * 64}"' in text
    assert "the first version of all" in changes_page([], older="", newer="n", desk="/.licet")
    assert "They say the same." in changes_page([], older="o", newer="n", desk="/.licet")
    listed = versions_page([TakenUp("n" * 64, 0, "p")], desk="/.licet")
    assert f'<time datetime="{moment(0)}">1970-01-01 00:00:00 UTC</time>' in listed
