"""What pages about the log read of rows that left the database, so that each figure is what it was before."""

from __future__ import annotations

from typing import Any, Final

import apsw
import orjson

from gateway.dashboard.queries import LogRow
from gateway.provenance.record import FetchRecord, FloodNote
from gateway.store.sqlite.columns import columns_of
from gateway.store.sqlite.shelved import Left, LeftRows, gone
from gateway.store.sqlite.words import FACE

_WORDS: Final = ("site", "crawler", "operator", "visitor_class", "identity", "licensee", "work", "outcome")
_NUMBERS: Final = ("time_us", "priced", "count", "charged_micros", "quote_micros", "bytes_sent")


def left_row(db: apsw.Connection, id: str, *, near: bool = False) -> LogRow | None:
    """The row of the fetch or flood of that *id* where it left, or None; *near* as in `LeftRows.of`."""
    with LeftRows(db) as reading:
        left = reading.of(id, near=near)
    if left is None or not isinstance(left.entry, FetchRecord | FloodNote):
        return None
    evidence: Any = db.execute("SELECT evidence FROM details WHERE id = ?", (id,)).get
    says = _says(left)
    names = (
        "site", "method", "host", "path", "crawler", "operator", "visitor_class", "identity", "licensee", "license",
        "outcome", "verdict", "rule", "problem", "would", "status", "country", "currency", "charged_micros",
        "quote_micros", "bytes_sent", "duration_us", "count",
    )  # fmt: skip
    return LogRow(
        left.seq, left.id, left.time_us, **{name: says[name] for name in names}, evidence=tuple(orjson.loads(evidence or "[]"))
    )  # fmt: skip


def left_octets(db: apsw.Connection, id: str) -> bytes | None:
    """The canonical bytes of the fetch of that *id* where it left, or None."""
    with LeftRows(db) as reading:
        left = reading.of(id)
    return left.standing.canonical if left is not None and left.kind == "fetch" else None


def left_source(db: apsw.Connection, first_us: int, until_us: int) -> tuple[str, str] | None:
    """A FROM clause with the entries that left from *first_us* on and before *until_us*, and its one value.

    Its columns are those of `totals.summed`, ``priced`` too. None where nothing of that time left.
    """
    if gone(db, first_us, until_us) is None:
        return None
    with LeftRows(db) as reading:
        rows = [_summed(each) for each in reading.within(first_us, until_us)]
    columns = ", ".join(
        f"CAST(json_extract(value, '$.{name}') AS BIGINT) AS {name}"
        if name in _NUMBERS
        else f"json_extract(value, '$.{name}') AS {name}"
        for name in (
            "time_us",
            *_WORDS,
            "priced",
            "currency",
            "count",
            "charged_micros",
            "quote_micros",
            "bytes_sent",
        )
    )
    return f"(SELECT {columns} FROM json_each(?)) AS gone", orjson.dumps(rows).decode()  # noqa: S608


def _summed(left: Left) -> dict[str, Any]:
    says = _says(left)
    return {name: says[name] for name in (*_WORDS, *_NUMBERS, "currency")}


def _says(left: Left) -> dict[str, Any]:
    """The columns of its row."""
    columns = columns_of(left.entry)
    return {
        **dict(zip(FACE, columns.face, strict=True)),
        **columns._asdict(),
        "count": columns.requests,
        "priced": int(columns.status == 402),
    }
