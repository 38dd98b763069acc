"""Papers on a page and as a PDF: all of it, as text, and TEST on every page of test mode."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise

import pypdf
import pytest

from gateway.billing.paper_pdf import available, paper_pdf
from gateway.billing.sheets import TEST_NOTICE, Paper, Sheet, as_html

PAPER = Paper(
    "Statement 2026-11",
    (("Licensee", "#strong[Example] & <AI>"), ("Address", "1 Road\nPort")),
    (
        Sheet(
            "Fetches",
            ("Work", "Count", "Charged"),
            (("$essays$", "3", "0.015 USD"), ("videos", "1", "0 USD")),
            2,
        ),
    ),
    ("Amounts are exact.",),
)


def pages(octets):
    return [each.extract_text() for each in pypdf.PdfReader(io.BytesIO(octets)).pages]


def test_the_same_paper_is_the_same_octets_and_nothing_in_it_is_markup():
    assert available()
    made = paper_pdf(PAPER)
    assert made == paper_pdf(PAPER)
    (text,) = pages(made)
    for word in ("#strong[Example] & <AI>", "$essays$", "0.015 USD", "Amounts are exact.", "1 / 1"):
        assert word in text
    page = as_html(PAPER)
    assert "#strong[Example] &amp; &lt;AI&gt;" in page
    assert '<td class="right">0.015 USD</td>' in page


@pytest.mark.parametrize("test", [False, True])
def test_test_mode_stands_on_every_page(test):
    many = tuple((f"row {at}", str(at), "0 USD") for at in range(120))
    paper = replace(PAPER, sheets=(replace(PAPER.sheets[0], rows=many),), test=test)
    found = pages(paper_pdf(paper))
    assert len(found) > 2
    assert all((TEST_NOTICE in text) is test for text in found)
    assert (TEST_NOTICE in as_html(paper)) is test
    assert paper.heading.startswith("TEST: ") is test


def test_nothing_is_written_over_what_stands_beside_it():
    license, entry = (
        "li_600d1cf3dff9f2aa83c949dedf1d9c4f",
        "fee at signing (li_600d1cf3dff9f2aa83c949dedf1d9c4f)",
    )
    lines = Sheet(
        "Lines",
        ("Line", "When", "What", "License", "Why", "Count", "Amount"),
        (("1", "2026-11-26T19:31:47Z", entry, license, "due at signing", "1", "380.00 USD"),),
        2,
    )
    (page,) = pypdf.PdfReader(io.BytesIO(paper_pdf(replace(PAPER, sheets=(lines,))))).pages
    found = []

    def at(text, matrix, own, _font, size):
        if text.strip():
            found.append((matrix[5] + own[5], matrix[4] + own[4], text.strip(), size))

    page.extract_text(visitor_text=at)
    beside = [(left, right) for left, right in pairwise(found) if left[0] == right[0] and left[1] < right[1]]
    assert len(beside) > 10
    for (_, x, text, size), (_, after, _, _) in beside:
        # No letter is narrower than this on the average of a word.
        assert x + 0.33 * size * len(text) <= after, text
