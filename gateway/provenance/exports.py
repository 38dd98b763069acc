"""The journal's entries for other programs: lines of JSON, and a table. Pure.

A table has one column for every member that any kind of entry has, in the order
of their names, behind ``index`` and ``kind``; what a kind lacks is empty. Times
are microseconds since the epoch, amounts micro-units of ``currency``. Nothing
personal is in it. CSV follows RFC 4180, and a text cell that a spreadsheet would
run as a formula starts with an apostrophe.

``salt`` opens the entry's public leaf: whoever is given a row can prove it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from gateway.provenance.receipts import Opened
from gateway.provenance.record import entry_commitment, shapes

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
#: Name of a column -> the type of its cells; a tuple is a list of texts.
COLUMNS: Final[Mapping[str, type[Any]]] = {
    "index": int,
    "kind": str,
    "salt": str,
    **dict(sorted({name: kind for shape in shapes().values() for name, kind in shape.items()}.items())),
}


def line(opened: Opened) -> bytes:
    """One entry as a line of JSON: ``{"kind", "index", "salt" (hex), "commitment" (hex), "entry"}``."""
    return orjson.dumps(
        {
            "kind": opened.kind,
            "index": opened.index,
            "salt": opened.salt.hex(),
            "commitment": entry_commitment(opened.canonical, opened.salt),
            "entry": orjson.loads(opened.canonical),
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def row(opened: Opened) -> dict[str, Any]:
    """One entry as a row of the table; members that its kind lacks are not in it."""
    members: dict[str, Any] = orjson.loads(opened.canonical)
    return {"index": opened.index, "kind": opened.kind, "salt": opened.salt.hex(), **members}


def csv_lines(entries: Iterable[Opened]) -> Iterator[str]:
    """The table as CSV, its head first."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")

    def written(cells: Iterable[object]) -> str:
        out.seek(0)
        out.truncate()
        writer.writerow(cells)
        return out.getvalue()

    yield written(COLUMNS)
    for opened in entries:
        members = row(opened)
        yield written(_cell(members.get(name, "")) for name in COLUMNS)


def _cell(value: object) -> object:
    if isinstance(value, list):
        value = " ".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
