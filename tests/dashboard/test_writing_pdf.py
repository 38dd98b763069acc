from __future__ import annotations

import io
from dataclasses import replace
from datetime import date

import pypdf
import pytest

from gateway.dashboard import writing_pdf
from gateway.licenses.contract import NOTICE
from gateway.licenses.traffic import Crawled, OwnDeal, Traffic, Wanted
from gateway.licenses.value_memo import (
    MOST_COMPARABLES,
    MOST_FIGURES,
    About,
    Comparable,
    Figure,
    Figures,
    Memo,
)
from gateway.licenses.written import Section, Table, Writing
from gateway.money import Money
from gateway.paths import PathScope
from gateway.policy.figures import LONGEST_SOURCE, LONGEST_VALUE, LONGEST_WHAT
from gateway.terms.license_terms import Compensation, Exclusivity, LicenseTerms, Purpose, Scope
from gateway.uses import Use

HOSTILE = '#eval("x") $a$ [b] *c* _d_ `e` <f> @g \\ " \n \u202e </script>'


def words(text: str, longest: int) -> str:
    return (text * longest)[:longest].strip()


def pages(octets: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(octets)).pages]


def test_the_same_writing_gives_the_same_octets():
    sample = Writing("t", "lead", (Section("s", ("said",), (Table("c", ("a", "b"), (("x", "1"),)),)),))
    assert writing_pdf.writing_pdf(sample) == writing_pdf.writing_pdf(sample)
    assert writing_pdf.writing_pdf(sample) != writing_pdf.writing_pdf(replace(sample, title="u"))


def test_the_notice_stands_on_every_page():
    long = Writing("t", "lead", (Section("s", tuple(f"sentence {n}" for n in range(200))),))
    texts = pages(writing_pdf.writing_pdf(long))
    assert len(texts) > 1
    assert all(NOTICE in text for text in texts)


@pytest.mark.parametrize("place", ["title", "lead", "sentence", "cell", "column", "caption", "letter"])
def test_nothing_is_read_as_markup(place):
    def at(name: str) -> str:
        return HOSTILE if name == place else "plain"

    sample = Writing(
        at("title"),
        at("lead"),
        (
            Section(
                "s",
                (at("sentence"),),
                (Table(at("caption"), (at("column"), "b"), ((at("cell"), "1"),)),),
                at("letter"),
            ),
        ),
    )
    text = "".join(pages(writing_pdf.writing_pdf(sample))).replace("\n", "")
    assert '#eval("x")' in text.replace("\u200b", "")
    assert "\u202e" not in text


def test_the_fullest_memo_is_one_page():
    name = "x" * 200
    crawler = Crawled(
        "Some-Long-Crawler-Name/of a kind that exists", "A Company With A Long Name Inc.", "ai", *[10**9] * 5
    )
    terms = LicenseTerms(
        Scope(("essays",), (PathScope("/essays/"),)),
        Purpose(frozenset(Use)),
        Compensation(
            "USD", *(Money(123_456_789, "USD") for _ in range(7)), revenue_share_bp=300,
            minimum_guarantee=Money(1, "USD"),
        ),
        exclusivity=Exclusivity(True),
    )  # fmt: skip
    memo = Memo(
        name,
        date(2026, 12, 1),
        Traffic(
            "journal", 0, 10**9, (crawler,) * 100, (Wanted("/" + "long-path/" * 20, 10**9, 10**18),) * 100,
            10**12, (("/a-part-of-the-site/", 10**9),) * 100, (("Google AI Studio", 10**9),) * 100, 10**9,
        ),
        {crawler.crawler: ("training", "ai-search", "user-action", "agent")},
        Figures(
            tuple(
                Figure(about, words("what ", LONGEST_WHAT), words("value ", LONGEST_VALUE), "s" * LONGEST_SOURCE, date(2026, 1, 1))
                for about in [*About, *About][:MOST_FIGURES]
            ),
            (Comparable(words("what ", LONGEST_WHAT), words("price ", LONGEST_VALUE), "s" * LONGEST_SOURCE, date(2026, 1, 1)),)
            * MOST_COMPARABLES,
        ),
        (OwnDeal(0, terms),) * 9,
    )  # fmt: skip
    assert len(pages(writing_pdf.writing_pdf(memo.writing()))) == 1
