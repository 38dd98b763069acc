"""Rows as Parquet and back: the same rows, whatever somebody put in them, and few of them at a time."""

from __future__ import annotations

import resource

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.dashboard.parquet_form import as_parquet

NAMES = ("seq", "text", "either")
rows = st.lists(
    st.fixed_dictionaries(
        {
            "seq": st.integers(-(2**63), 2**63 - 1),
            "text": st.text(st.characters(exclude_categories=["Cs"])),
            "either": st.none() | st.integers(0, 9) | st.text("ab", max_size=3),
        }
    ),
    max_size=6,
)


async def written(names, given) -> bytes:
    async def each():
        for row in given:
            yield row

    return b"".join([chunk async for chunk in as_parquet(names, each())])


def read(octets: bytes, tmp_path) -> list[tuple]:
    file = tmp_path / "read.parquet"
    file.write_bytes(octets)
    return duckdb.sql(f"SELECT * FROM read_parquet('{file}')").fetchall()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(given=rows)
def test_what_is_written_is_read_again(tmp_path, given):
    import asyncio

    found = read(asyncio.run(written(NAMES, given)), tmp_path)
    numbers = all(isinstance(row["either"], int) for row in given if row["either"] is not None)
    wanted = [
        (row["seq"], row["text"], row["either"] if numbers or row["either"] is None else str(row["either"]))
        for row in given
    ]
    assert found == wanted


async def test_hostile_text_stays_text_and_is_no_formula_sign(tmp_path):
    texts = ("=1+1", "'; DROP TABLE x; --", "\u202e", "a\r\nb", "\x00", "\N{GRINNING FACE}", "x" * 100_000)
    found = read(await written(("text",), [{"text": each} for each in texts]), tmp_path)
    assert [text for (text,) in found] == list(texts)


async def test_no_rows_are_a_file_with_names(tmp_path):
    octets = await written(NAMES, [])
    assert octets.startswith(b"PAR1")
    assert read(octets, tmp_path) == []
    assert duckdb.from_parquet(str(tmp_path / "read.parquet")).columns == list(NAMES)


@pytest.mark.parametrize("value", [True, 1.5, {"a": 1}, ["x"]])
async def test_what_is_no_cell_is_told_as_json(tmp_path, value):
    found = read(await written(("it",), [{"it": value}]), tmp_path)
    assert isinstance(found[0][0], str)


async def test_a_hundred_thousand_rows_cost_little_memory(tmp_path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    octets = await written(("seq", "text"), ({"seq": n, "text": f"{n:0200d}"} for n in range(100_000)))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 150_000, f"{grown} KiB more"
    assert len(read(octets, tmp_path)) == 100_000
