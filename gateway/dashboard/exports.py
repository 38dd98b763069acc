"""A table's rows for other programs: CSV, JSON, JSON lines and Parquet, streamed.

Money stands twice, as an exact decimal with its currency and as whole
micro-units; times are RFC 3339 in UTC. JSON holds strings as they are; CSV
(RFC 4180) holds them as `visible.spreadsheet_cell` shows them. *told* is the
visitor in words for whoever reads the file: what was claimed, whether it is
proven, and how old the evidence is.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
from aiohttp import ClientConnectionError, web

from gateway.dashboard.columns import LOG_COLUMNS, columns_of
from gateway.dashboard.filters import View, rfc3339
from gateway.dashboard.parquet_form import MEDIA_TYPE, as_parquet, available
from gateway.dashboard.queries import LogRow
from gateway.dashboard.visible import spreadsheet_cell
from gateway.money import Money

#: Rows of one table, each with the same names in the same order.
Rows = AsyncIterator[Mapping[str, Any]]
#: Octets gathered before they are handed on.
_CHUNK: Final = 32_768

_CELLS: Final[dict[str, Callable[[LogRow], Any]]] = {
    "seq": lambda row: row.seq,
    "id": lambda row: row.id,
    "time": lambda row: rfc3339(row.time_us),
    "site": lambda row: row.site,
    "decision": lambda row: str(row.decision),
    "status": lambda row: row.status,
    "crawler": lambda row: row.crawler,
    "operator": lambda row: row.operator,
    "class": lambda row: row.visitor_class,
    "identity": lambda row: row.identity,
    "told": lambda row: row.told,
    "method": lambda row: row.method,
    "host": lambda row: row.host,
    "path": lambda row: row.path,
    "rule": lambda row: row.rule,
    "problem": lambda row: row.problem,
    "would": lambda row: row.would,
    "licensee": lambda row: row.licensee,
    "license": lambda row: row.license,
    "country": lambda row: row.country,
    "currency": lambda row: row.currency,
    "charged": lambda row: _decimal(row.charged_micros, row.currency),
    "charged_micros": lambda row: row.charged_micros,
    "quote": lambda row: _decimal(row.quote_micros, row.currency),
    "quote_micros": lambda row: row.quote_micros,
    "bytes_sent": lambda row: row.bytes_sent,
    "duration_us": lambda row: row.duration_us,
    "count": lambda row: row.count,
}


def cells(row: LogRow) -> dict[str, Any]:
    """One row as an export names and orders its cells."""
    return {name: cell(row) for name, cell in _CELLS.items()}


#: The names of the log's cells.
LOG_NAMES: Final = tuple(_CELLS)
assert tuple(LOG_COLUMNS) == LOG_NAMES


async def as_csv(names: Iterable[str], rows: Rows) -> AsyncIterator[bytes]:
    """RFC 4180 with a line of *names*; text cells are never formulas."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    async for row in rows:
        writer.writerow([spreadsheet_cell(cell) if isinstance(cell, str) else cell for cell in row.values()])
        if out.tell() >= _CHUNK:
            yield out.getvalue().encode("utf-8", "backslashreplace")
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode("utf-8", "backslashreplace")


async def as_jsonl(_names: Iterable[str], rows: Rows) -> AsyncIterator[bytes]:
    """One JSON object a line."""
    async for chunk in _gathered(rows, before=b"", between=b"", after_each=b"\n", end=b""):
        yield chunk


async def as_json(_names: Iterable[str], rows: Rows, member: str = "rows") -> AsyncIterator[bytes]:
    """One JSON object, ``{"rows": [...]}``, its one member called *member*."""
    before = f'{{"{member}":['.encode()
    async for chunk in _gathered(rows, before=before, between=b",\n", after_each=b"", end=b"]}\n"):
        yield chunk


#: How each ending is written, and what it is called.
FORMATS: Final[dict[str, tuple[str, Callable[[Iterable[str], Rows], AsyncIterator[bytes]]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "json": ("application/json", as_json),
    "jsonl": ("application/x-ndjson", as_jsonl),
}
#: It is there where the extra ``parquet`` is.
if available():
    FORMATS["parquet"] = (MEDIA_TYPE, as_parquet)


async def sent(
    request: web.Request,
    name: str,
    names: Collection[str],
    rows: Rows,
    *,
    left: int = 0,
    member: str = "rows",
) -> web.StreamResponse:
    """Answer *request* with *rows* in the format of its path's ending, as a file called *name*.

    Where its query names ``columns``, those alone and in that order. That *left* others are not among them, because
    they left the database, stands in the header ``Licet-Rows-Left``. JSON calls the rows *member*.
    A client that leaves in the middle ends it; that is no fault.
    """
    ending = request.path.rpartition(".")[2]
    media_type, written = FORMATS[ending]
    chosen = columns_of(",".join(request.query.getall("columns", [])), tuple(names))
    if isinstance(chosen, str):
        return web.Response(status=400, text=f"columns: {chosen}\n")
    shown, named = (_narrowed(rows, chosen) if chosen else rows), chosen or names
    chunks = as_json(named, shown, member) if ending == "json" else written(named, shown)
    # The first chunk is read before the head is sent: a store that is down is a 503, not a short file.
    first = await anext(chunks, b"")
    response = web.StreamResponse(headers={"Content-Type": media_type})
    response.headers["Content-Disposition"] = f'attachment; filename="licet-{name}.{ending}"'
    if left:
        response.headers["Licet-Rows-Left"] = str(left)
    response.enable_chunked_encoding()
    # Rows come from stores, so what aiohttp says of a connection here is always said of the client's.
    with contextlib.suppress(ClientConnectionError):
        await response.prepare(request)
        if request.method != "HEAD":
            await response.write(first)
            async for chunk in chunks:
                await response.write(chunk)
        await response.write_eof()
    return response


async def _narrowed(rows: Rows, names: Sequence[str]) -> Rows:
    async for row in rows:
        yield {name: row[name] for name in names}


async def each(rows: Iterable[Mapping[str, Any]]) -> AsyncIterator[Mapping[str, Any]]:
    """*rows* that are there already, as `sent` takes them."""
    for row in rows:
        yield row


def mistaken(view: View) -> web.Response:
    """What an export answers to a query string with mistakes: nothing of the view."""
    return web.Response(status=400, text="".join(f"{key}: {said}\n" for key, said in view.mistakes))


async def _gathered(
    rows: Rows, *, before: bytes, between: bytes, after_each: bytes, end: bytes
) -> AsyncIterator[bytes]:
    out = bytearray(before)
    first = True
    async for row in rows:
        out += (b"" if first else between) + orjson.dumps(row) + after_each
        first = False
        if len(out) >= _CHUNK:
            yield bytes(out)
            out.clear()
    out += end
    if out:
        yield bytes(out)


def amounts(list_: Iterable[Money]) -> str:
    """Several exact amounts in one cell.

    >>> amounts([Money(20_000, "EUR"), Money(1_500_000, "USD")])
    '0.02 EUR; 1.5 USD'
    """
    return "; ".join(f"{amount.amount} {amount.currency}" for amount in list_)


def _decimal(micros: int, currency: str) -> str:
    return Money(micros, currency).amount if currency else ""
