"""Parquet and back: to the octet, and what was cut or changed is refused."""

from __future__ import annotations

import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.provenance.parquet import NoParquet, read_parquet, write_parquet
from gateway.provenance.receipts import Opened
from gateway.provenance.record import BookEntry, FetchRecord, FloodNote, ShedNote

duckdb = pytest.importorskip("duckdb", reason="duckdb is absent (pip install licet[parquet])")

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NUMBER = st.integers(min_value=-(1 << 53) + 1, max_value=(1 << 53) - 1)


@st.composite
def entries(draw):
    kind = draw(st.sampled_from(["fetch", "book", "shed", "flood"]))
    text, number = (lambda: draw(TEXT)), (lambda: draw(NUMBER))
    if kind == "fetch":
        return FetchRecord(
            text(), number(), number(), text(), text(), text(), text(), text(), text(), text(), text(), text(), text(),
            text(), text(), number(), number(), text(), text(), licensee=text(),
            uses=tuple(draw(st.lists(TEXT, max_size=3))), charged_micros=number(), etag=text(),
        )  # fmt: skip
    if kind == "book":
        return BookEntry(text(), number(), text(), text(), text(), number(), text(), memo=text(), by=text())
    if kind == "shed":
        return ShedNote(text(), number(), number(), number(), text())
    return FloodNote(text(), number(), number(), number(), text(), text(), text(), text(), number(), text())


def opened(entry, index):
    return Opened(
        index, entry.kind, getattr(entry, "licensee", ""), entry.site, entry.time_us, entry.canonical(), bytes([index % 256]) * 32
    )  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(entries(), max_size=8))
def test_what_is_read_back_is_what_was_written(tmp_path, found):
    all_ = [opened(each, nth) for nth, each in enumerate(found)]
    out = tmp_path / "x.parquet"
    assert write_parquet(out, all_) == len(all_)
    assert list(read_parquet(out)) == all_
    assert [each.leaf for each in read_parquet(out)] == [each.leaf for each in all_]


def simple(count):
    return [opened(BookEntry(f"b-{n}", n, "credit", "", "le_1", 1 + n, "USD"), n) for n in range(count)]


def test_other_programs_read_the_columns(tmp_path):
    out = tmp_path / "it's.parquet"
    write_parquet(out, simple(5000))
    quoted = str(out).replace("'", "''")
    with duckdb.connect() as db:
        told = db.execute(f"SELECT count(*), sum(amount_micros), min(kind) FROM '{quoted}'").fetchone()
    assert told == (5000, 5000 * 5001 // 2, "book")


@pytest.mark.parametrize("end", [0, 3, 100, -1, -9])
def test_a_file_that_was_cut_is_refused(tmp_path, end):
    out = tmp_path / "x.parquet"
    write_parquet(out, simple(50))
    out.write_bytes(out.read_bytes()[:end])
    with pytest.raises(NoParquet):
        list(read_parquet(out))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("* REPLACE (licensee || 'x' AS licensee)", "do not say what its octets say"),
        ("* REPLACE (time_us + 1 AS time_us)", "do not say what its octets say"),
        ("* REPLACE (replace(canonical, '\"amount_micros\":7', '\"amount_micros\": 7') AS canonical)", "do not say"),
        ("* REPLACE ('{}' AS canonical)", "entry 0: "),
        ("* REPLACE ('zz' AS salt)", "entry 0: "),
        ("* EXCLUDE (salt)", "cannot be read"),
    ],
)  # fmt: skip
def test_a_file_that_was_changed_is_refused(tmp_path, change, why):
    out, other = tmp_path / "x.parquet", tmp_path / "y.parquet"
    write_parquet(out, simple(50))
    duckdb.sql(
        f"COPY (SELECT {change} FROM '{out}') TO '{other}' (FORMAT parquet, KV_METADATA {{licet_rows: '50'}})"
    )
    with pytest.raises(NoParquet, match=why):
        list(read_parquet(other))


def test_rows_that_were_left_out_are_missed(tmp_path):
    out, other = tmp_path / "x.parquet", tmp_path / "y.parquet"
    write_parquet(out, simple(50))
    duckdb.sql(
        f"COPY (SELECT * FROM '{out}' LIMIT 49) TO '{other}' (FORMAT parquet, KV_METADATA {{licet_rows: '50'}})"
    )
    with pytest.raises(NoParquet, match="has 49 rows and says 50"):
        list(read_parquet(other))
    duckdb.sql(f"COPY (SELECT * FROM '{out}') TO '{other}' (FORMAT parquet)")
    with pytest.raises(NoParquet, match="no archive of a journal"):
        list(read_parquet(other))
    with pytest.raises(NoParquet, match="no file"):
        list(read_parquet(tmp_path / "none.parquet"))


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(NoParquet, match=r"pip install 'licet\[parquet\]'"):
        write_parquet(tmp_path / "x.parquet", [])
