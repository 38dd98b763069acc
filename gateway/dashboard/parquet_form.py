"""A table's rows as Parquet, in memory that does not grow with them.

Rows go to a file of lines first, from there DuckDB writes the other, and that
is handed on in pieces; both files are gone when the answer is. A column whose
every value is a whole number is one of numbers, any other, and one of no row, is
text; strings stand as they are, as in JSON.
"""

from __future__ import annotations

import asyncio
import gzip
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from gateway.problems import StoreUnavailable
from gateway.provenance.parquet import NoParquet, available, write_lines

__all__ = ["MEDIA_TYPE", "as_parquet", "available"]

MEDIA_TYPE: Final = "application/vnd.apache.parquet"
_CHUNK: Final = 65_536


async def as_parquet(names: Iterable[str], rows: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[bytes]:
    """The octets of a Parquet file. Raises `StoreUnavailable` where it cannot be written."""
    whole = dict.fromkeys(names, False)
    seen: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="licet-parquet-") as folder:
        # Ten million rows of the log as they are would be six gigabytes of disk.
        lines, out = Path(folder) / "rows.jsonl.gz", Path(folder) / "rows.parquet"
        with gzip.open(lines, "wb", compresslevel=1) as file:
            async for row in rows:
                told = {name: _told(row[name]) for name in whole}
                for name, value in told.items():
                    if value is not None:
                        whole[name] = (whole[name] or name not in seen) and _is_whole(value)
                        seen.add(name)
                file.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))
        columns = {name: "BIGINT" if number else "VARCHAR" for name, number in whole.items()}
        try:
            await asyncio.to_thread(write_lines, out, lines, columns)
        except (NoParquet, OSError) as error:
            raise StoreUnavailable(f"Parquet cannot be written: {error}") from error
        with out.open("rb") as made:
            while chunk := made.read(_CHUNK):
                yield chunk


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _told(value: object) -> object:
    """*value* as a cell: what is neither number nor text is its JSON."""
    if value is None or isinstance(value, str) or _is_whole(value):
        return value
    return orjson.dumps(value).decode()
