"""Entries for other programs: the same entries in every format, nothing lost, nothing run by a spreadsheet."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import orjson
import pytest

from gateway.provenance.exports import COLUMNS, csv_lines, line, row
from gateway.provenance.receipts import Opened
from gateway.provenance.record import BookEntry, FetchRecord, FloodNote, ShedNote, entry_commitment

FETCH = FetchRecord(
    id="f-1", time_us=1_795_000_000_000_000, duration_us=1500, site="journal", host="journal.example", method="GET",
    path="/essays/tides", visitor_class="ai", identity="claimed", identity_method="none", verdict="license", rule="rules[1]",
    policy="sha-256:p", mode="enforce", outcome="licensed", status=200, bytes_sent=10, ended="complete", detail="0" * 64,
    crawler="GPTBot", licensee="le_1", license="li_1", terms="sha-256:t", uses=("ai-train", "search"), work="essays",
    currency="USD", price_micros=5000, charged_micros=5000, charge_reason="fetch", digest="d" * 64, content_type="text/html",
)  # fmt: skip
ENTRIES = (
    FETCH,
    BookEntry("b-1", 1, "credit", "", "le_1", 5_000_000, "USD", memo='=HYPERLINK("x")', by="operator"),
    ShedNote("s-1", 2, 1, 7, "queue"),
    FloodNote("n-1", 3, 2, 9, "journal", "GPTBot", "ai", "too-fast", 429, "0" * 64),
)


def opened(entry, index=0):
    return Opened(
        index, entry.kind, getattr(entry, "licensee", ""), entry.site, entry.time_us, entry.canonical(), bytes([index]) * 32
    )  # fmt: skip


ALL = [opened(entry, nth) for nth, entry in enumerate(ENTRIES)]


def test_a_line_holds_the_entry_and_what_opens_its_leaf():
    for each, entry in zip(ALL, ENTRIES, strict=True):
        told = orjson.loads(line(each))
        assert orjson.dumps(told["entry"], option=orjson.OPT_SORT_KEYS) == entry.canonical()
        assert told["commitment"] == entry_commitment(entry.canonical(), bytes.fromhex(told["salt"]))
        assert (told["index"], told["kind"]) == (each.index, each.kind)


def test_every_member_of_every_kind_has_a_column():
    for each in ALL:
        assert set(row(each)) <= set(COLUMNS)
        assert set(orjson.loads(each.canonical)) <= set(COLUMNS)


def test_a_table_reads_back_and_runs_nothing():
    text = "".join(csv_lines(ALL))
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [each["id"] for each in rows] == ["f-1", "b-1", "s-1", "n-1"]
    assert rows[0]["uses"] == "ai-train search"
    assert (rows[0]["charged_micros"], rows[1]["charged_micros"]) == ("5000", "")
    assert rows[1]["memo"] == '\'=HYPERLINK("x")'


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_path_that_is_a_formula_is_text(text):
    (cell,) = [
        each["path"] for each in csv.DictReader(io.StringIO("".join(csv_lines([opened(replace(FETCH, path=text))])), newline=""))
    ]  # fmt: skip
    assert cell == f"'{text}"
