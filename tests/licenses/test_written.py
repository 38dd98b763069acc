from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.contract import NOTICE
from gateway.licenses.written import Section, Table, Writing, counted, listed, one_line, plain_text

SAMPLE = Writing(
    "Value memo: journal",
    "What was seen from 2026-11-01 to 2026-11-30.",
    (
        Section(
            "Crawlers",
            ("From the gateway's own records, one for each fetch, whatever became of it afterwards.",),
            (Table("Who", ("Name", "Times"), (("GPTBot", "1,024"), ("x", "7")), frozenset({1})),),
        ),
        Section("Letter", letter="Dear A,\n\n  - one\n"),
    ),
)


def test_a_text_to_edit():
    assert (
        plain_text(SAMPLE)
        == f"""\
Value memo: journal
===================
What was seen from 2026-11-01 to 2026-11-30.

{NOTICE}

Crawlers
--------
From the gateway's own records, one for each fetch, whatever became of it afterwards.

Who:
  Name    Times
  GPTBot  1,024
  x           7

Letter
------
Dear A,

  - one
"""
    )


def test_a_cell_cannot_break_out_of_its_row():
    table = Table("", ("a", "b"), (("x\ny\u2028z\u202e", "1"),))
    assert plain_text(Writing("t", "", (Section("s", (), (table,)),))).count("\n  x y z") == 1


@given(st.text(), st.integers(1, 40))
def test_one_line_is_one_line(text, most):
    line = one_line(text, most)
    assert len(line) <= most
    assert line.isprintable()
    assert line.splitlines() in ([], [line])


def test_words():
    assert (counted(1, "fetch", "fetches"), counted(2000, "fetch", "fetches")) == ("1 fetch", "2,000 fetches")
    assert (listed(()), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])) == (
        "", "a", "a and b", "a, b and c",
    )  # fmt: skip


def test_a_table_too_wide_for_a_line_is_told_row_by_row():
    table = Table("Wide", ("Name", "One", "Two"), (("a", "x" * 70, "y " * 60), ("b", "1", "")))
    text = plain_text(Writing("t", "", (Section("s", (), (table,)),)))
    assert "  a\n    One: " in text
    assert "  b\n    One: 1\n    Two:\n" in text
    assert max(map(len, text.splitlines())) <= 88
