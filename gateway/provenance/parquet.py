"""Journal entries as Parquet, and back: for analysis elsewhere, and as an archive that loses nothing.

Through DuckDB (the extra ``parquet``). Beside the columns of `exports.COLUMNS`
a file has ``canonical``, the octets that were hashed, so that what is read back
is the same to the octet; ``licet_rows`` in its metadata says how many rows it
must have. Without the extra, `NoParquet` says what to install.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import orjson

from gateway.provenance.exports import COLUMNS, row
from gateway.provenance.receipts import Opened
from gateway.provenance.record import RecordError, read_canonical

_TYPES: Final = {int: "BIGINT", str: "VARCHAR", tuple: "VARCHAR[]"}
_AT_ONCE: Final = 4096
_OPENED: Final = "index, kind, licensee, site, time_us, canonical, salt"


class NoParquet(Exception):
    """It cannot be written or read; the message is a sentence."""


def write_parquet(out: Path, entries: Iterable[Opened]) -> int:
    """Write *entries* to *out*, whole or not at all; how many they are. Raises `NoParquet` and `OSError`."""
    _duckdb()
    columns = {name: _TYPES[kind] for name, kind in COLUMNS.items()} | {"canonical": "VARCHAR"}
    count = 0
    with tempfile.NamedTemporaryFile(dir=out.parent, suffix=".jsonl") as lines:
        for opened in entries:
            lines.write(
                orjson.dumps(
                    {**row(opened), "canonical": opened.canonical.decode()},
                    option=orjson.OPT_APPEND_NEWLINE,
                )
            )
            count += 1
        lines.flush()
        write_lines(out, Path(lines.name), columns, f", KV_METADATA {{licet_rows: '{count}'}}")
    return count


def available() -> bool:
    """Whether Parquet can be written and read here."""
    return find_spec("duckdb") is not None


def write_lines(out: Path, lines: Path, columns: Mapping[str, str], more: str = "") -> None:
    """Write the JSON objects of *lines*, one a line, to *out*, whole or not at all, in bounded memory.

    *columns* gives DuckDB's type of every member; *more* is added to the options
    of its COPY and, like the columns, never anybody else's text. Raises
    `NoParquet` and `OSError`.
    """
    duckdb = _duckdb()
    beside = out.with_name(f"{out.name}.new")
    try:
        with duckdb.connect() as db:
            db.execute("SET preserve_insertion_order = true")
            db.execute("SET threads = 1")
            # Names of files come from the operator; types and columns are ours.
            db.execute(
                f"COPY (SELECT * FROM read_json({_quoted(str(lines))}, format = 'newline_delimited',"  # noqa: S608
                f" columns = {json.dumps(dict(columns))})) TO {_quoted(str(beside))}"
                f" (FORMAT parquet, COMPRESSION zstd{more})"
            )
        beside.replace(out)
    except duckdb.Error as error:
        raise NoParquet(f"{out} cannot be written: {error}") from None
    finally:
        beside.unlink(missing_ok=True)


def read_parquet(file: Path) -> Iterator[Opened]:
    """The entries of *file* in their order. Raises `NoParquet` where it is none of ours, is cut or was changed."""
    duckdb = _duckdb()
    if not file.is_file():
        raise NoParquet(f"there is no file {file}")
    try:
        with duckdb.connect() as db:
            told: Any = db.execute(
                f"SELECT decode(value) FROM parquet_kv_metadata({_quoted(str(file))}) WHERE decode(key) = 'licet_rows'"  # noqa: S608
            ).fetchone()
            if told is None or not told[0].isdigit():
                raise NoParquet(f"{file} is no archive of a journal")
            found = db.execute(f"SELECT {_OPENED} FROM read_parquet({_quoted(str(file))})")  # noqa: S608
            count = 0
            while rows := found.fetchmany(_AT_ONCE):
                count += len(rows)
                for index, kind, licensee, site, time_us, canonical, salt in rows:
                    yield _opened(file, index, kind, licensee, site, time_us, canonical, salt)
            if count != int(told[0]):
                raise NoParquet(f"{file} has {count} rows and says {told[0]}")
    except duckdb.Error as error:
        raise NoParquet(f"{file} cannot be read: {error}") from None


def _opened(
    file: Path,
    index: int,
    kind: str,
    licensee: str | None,
    site: str,
    time_us: int,
    canonical: str,
    salt: str,
) -> Opened:
    try:
        octets = canonical.encode()
        entry, again = read_canonical(kind, dict(orjson.loads(octets)))
        opened = Opened(index, kind, licensee or "", site, time_us, octets, bytes.fromhex(salt))
    except (RecordError, ValueError, TypeError, AttributeError) as error:
        raise NoParquet(f"{file}, entry {index}: {error}") from None
    if again != octets or (entry.site, entry.time_us, getattr(entry, "licensee", "")) != (
        opened.site, opened.time_us, opened.licensee,
    ):  # fmt: skip
        raise NoParquet(f"{file}, entry {index}: its columns do not say what its octets say")
    return opened


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise NoParquet("Parquet needs the extra: pip install 'licet[parquet]'") from None
    return duckdb
