"""Reports as tables: each row is a part of the report, and what is wrong is told at its row and column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.obligations import Kind, obligation
from gateway.licenses.report_table import COLUMNS, Mistake, blank_table, read_table
from tests.licenses.test_transparency import LICENSE

DUTY = obligation(LICENSE, Kind.REPORT, "report", (100, 200), 300, "")
HEAD = ",".join(COLUMNS) + "\n"


def test_each_row_is_a_part_of_the_report():
    text = (
        f"\ufeff{HEAD}DATASET, Essays ,,,,/a /b,2,,,\r\ndataset,Essays,,,,/c,,,,\r\n,,,,,,,,,\r\n"
        "model,Writer,1,,Essays; Other,,,,,2027-03-01\r\ndataset,Other,,,,,0,,,\r\ninferences,Writer,1,,,,12,,,\r\n"
        'revenue,"Search, fast",,,,,,1200.50,usd,\r\nstatement,Eve,,CEO,,,,,,\r\nnote,All of it.,,,,,,,,\r\n'
    )
    table = read_table(text, DUTY)
    assert table.mistakes == ()
    assert table.body == {
        "duty": DUTY.id, "license": DUTY.license, "period": {"begins": 100, "ends": 200},
        "datasets": [{"name": "Essays", "content": ["/a", "/b", "/c"], "items": 2}, {"name": "Other", "content": [], "items": 0}],
        "models": [{"name": "Writer", "version": "1", "datasets": ["Essays", "Other"], "released_on": "2027-03-01"}],
        "inferences": [{"model": "Writer 1", "count": 12}],
        "revenue": [{"product": "Search, fast", "net": {"micros": 1_200_500_000, "currency": "USD"}}],
        "statement": {"by": "Eve", "role": "CEO"}, "note": "All of it.",
    }  # fmt: skip
    # What `read_report` says of a member is placed where the spreadsheet has it.
    placed = table.placed(
        [
            "revenue[0].net.currency: no rate",
            "models[0].datasets: odd",
            "datasets: twice",
            "statement.by: odd",
        ]
    )
    assert [(each.row, each.column) for each in placed] == [
        (0, ""),
        (5, "datasets"),
        (8, "currency"),
        (9, "name"),
    ]


@pytest.mark.parametrize("mark", [";", "\t"])
def test_spreadsheets_of_other_countries(mark):
    table = read_table(
        HEAD.replace(",", mark) + mark.join(["revenue", "S", "", "", "", "", "", "1.5", "EUR", ""]), DUTY
    )
    assert table.body["revenue"][0]["net"] == {"micros": 1_500_000, "currency": "EUR"}
    table = read_table(
        HEAD.replace(",", mark) + mark.join(["revenue", "S", "", "", "", "", "", "1,5", "EUR", ""]), DUTY
    )
    assert [(each.row, each.column) for each in table.mistakes if each.row] == [(2, "amount")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "The table is empty."), ("\n\n", "Row 1, column row: is missing: it says of each row what it is"),
        ("row,row\n", "Row 1: a column stands there twice"),
        ("row,price\n", "Row 1, column 'price': is no column; there are " + ", ".join(COLUMNS)),
        (f"{HEAD}revenue,S,,,,,5,1,USD,\n", "Row 2, column count: a row revenue says nothing there"),
        (f"{HEAD}note,a,,,,,,,,\nnote,b,,,,,,,,\n", "Row 3, column row: a report has one note"),
        (f"{HEAD}statement,a,,b\nstatement,a,,b\n", "Row 3, column row: a report has one statement"),
        (f"{HEAD}note,a,,,,,,,,,,,x\n", "Row 2: has more cells than there are columns"),
        (f"{HEAD}dataset,a,,,,,,,,\n", "Row 2, column count: is a whole number such as 1200, not nothing"),
        (f'{HEAD}note,"a\n', "Row 2: cannot be read: unexpected end of data"),
        (f"{HEAD}revenue,S,,,,,,{'9' * 30},USD,\n", "Row 2, column amount: an amount looks like 0.02"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place(text, told):
    assert any(str(each).startswith(told) for each in read_table(text, DUTY).mistakes), read_table(
        text, DUTY
    ).mistakes


def test_no_more_rows_than_anybody_reads():
    table = read_table(HEAD + "note,a,,,,,,,,\n" * 13_000, DUTY)
    assert any(each.row == 12_001 for each in table.mistakes)


def test_the_blank_one_lacks_who_answers_for_it_and_nothing_else():
    table = read_table(blank_table("EUR"), DUTY)
    assert table.mistakes == ()
    assert table.body["statement"] == {"by": "", "role": ""}


@given(st.text(max_size=300) | st.lists(st.lists(st.text(max_size=12), max_size=11), max_size=6).map(
    lambda rows: HEAD + "\n".join(",".join(row) for row in rows)
))  # fmt: skip
def test_nothing_raises(text):
    table = read_table(text, DUTY)
    assert all(
        isinstance(each, Mistake) and str(each)
        for each in table.placed(["models[0]: x", "odd", "revenue[9].a.b: y"])
    )
