"""The charges of an account as pages, JSON and CSV, and all of an account as one archive.

Rows are `billing.charges.row_of`. A file holds exactly the rows of the view that
it is asked for; CSV without a limit is streamed, however long the account is.
"""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
import zipfile
from collections.abc import AsyncIterator, Mapping
from typing import Any, BinaryIO, Final, NamedTuple, cast
from urllib.parse import urlencode

import orjson
from aiohttp import web

from gateway.billing.account_forms import cell, when
from gateway.billing.charges import NAMES, ChargeFilter, ChargeKey, Charges, row_of
from gateway.desk.account_page import charges_page, day_of
from gateway.desk.account_view import ACCOUNT
from gateway.desk.call import Call
from gateway.desk.replies import form_page, json_reply, streamed_reply
from gateway.problems import Problem, Refusal

_DAY_US: Final = 86_400_000_000
#: Rows of one page, and the most that one answer of JSON holds.
_PAGE: Final = 50
_LARGEST: Final = 1000
_BATCH: Final = 500
#: Charges that one archive holds; the rest is asked for by the address that it names.
MOST_EXPORTED: Final = 200_000
_PIECE: Final = 1 << 16
_KEPT: Final = ("license", "from", "to", "charged")
_CSV: Final = "text/csv"


class Rows(NamedTuple):
    """Rows of charges, and the key that the next ones stand behind; "" where there are none."""

    rows: list[Mapping[str, Any]]
    next: str


class _Asked(NamedTuple):
    filter: ChargeFilter
    after: ChargeKey | None
    limit: int


class ChargeList:
    """Shows the charges of whoever is asked about."""

    def __init__(self, charges: Charges) -> None:
        """Read *charges*."""
        self._charges = charges

    async def rows(self, licensee: str, filter: ChargeFilter, after: ChargeKey | None, most: int) -> Rows:
        """At most *most* rows of *licensee* behind *after*."""
        page = await self._charges.page(licensee, filter, after, most)
        rows = [row_of(entry, when(entry.time_us)) for _, entry in page.rows]
        return Rows(rows, f"{page.next.time_us}-{page.next.seq}" if page.next else "")

    async def one(self, licensee: str, id: str, site: str) -> Mapping[str, Any] | None:
        """The row of that id, if it is of *licensee* and of *site* or of none."""
        entry = await self._charges.one(licensee, id)
        return row_of(entry, when(entry.time_us)) if entry and entry.site in {"", site} else None

    async def answer(self, call: Call, licensee: str, title: str) -> web.StreamResponse | Refusal:
        """The view that *call* asks for, in the form that it asks for."""
        ending = call.request.path.rpartition(".")[2] if call.request.path.endswith((".csv", ".json")) else ""
        by_page = not ending and call.wants_page
        asked = _asked(call, _PAGE)
        if isinstance(asked, Refusal):
            return asked
        if ending == "csv":
            whole = "limit" not in call.request.rel_url.query
            return await self._csv(call, licensee, asked, MOST_EXPORTED * 100 if whole else asked.limit)
        found = await self.rows(licensee, asked.filter, asked.after, asked.limit)
        query = {
            name: call.request.rel_url.query[name] for name in _KEPT if call.request.rel_url.query.get(name)
        }
        following = _address({**query, "after": found.next, "limit": str(asked.limit)}) if found.next else ""
        if not by_page:
            return json_reply(
                {"charges": found.rows, "next": f"{call.origin}{following}" if following else None}
            )
        after = {"after": call.request.rel_url.query["after"]} if asked.after else {}
        own = _address({**query, **after, "limit": str(asked.limit)})
        return form_page(title, charges_page(found.rows, query, following, own))

    async def _csv(self, call: Call, licensee: str, asked: _Asked, most: int) -> web.StreamResponse | Refusal:
        return await streamed_reply(call.request, _CSV, self._lines(licensee, asked, most))

    async def _lines(self, licensee: str, asked: _Asked, most: int) -> AsyncIterator[bytes]:
        yield _line(NAMES)
        async for rows in self._batches(licensee, asked, most):
            yield b"".join(_line(row.values()) for row in rows)

    async def _batches(
        self, licensee: str, asked: _Asked, most: int
    ) -> AsyncIterator[list[Mapping[str, Any]]]:
        after, left = asked.after, most
        while left > 0:
            page = await self._charges.page(licensee, asked.filter, after, min(_BATCH, left))
            yield [row_of(entry, when(entry.time_us)) for _, entry in page.rows]
            left -= len(page.rows)
            after = page.next
            if after is None:
                return

    async def archive(self, call: Call, licensee: str, document: Mapping[str, Any]) -> web.StreamResponse:
        """*document* and every charge in one ZIP; a connection that ends in between leaves nothing behind."""
        everything = _Asked(ChargeFilter(call.policy.site.id), None, 0)
        with cast("BinaryIO", tempfile.TemporaryFile()) as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
                for name in ("licenses", "invoices", "disputes", "clients", "duties_due"):
                    packed.writestr(f"{name}.json", orjson.dumps(document[name], option=orjson.OPT_INDENT_2))
                packed.writestr("account.json", orjson.dumps(document, option=orjson.OPT_INDENT_2))
                count = await self._pack_charges(packed, licensee, everything)
                packed.writestr("README.txt", _readme(call, licensee, count))
            file.seek(0)
            return await streamed_reply(call.request, "application/zip", _pieces(file))

    async def _pack_charges(self, packed: zipfile.ZipFile, licensee: str, asked: _Asked) -> int:
        count = 0
        # One member at a time can be written: lines first, and the table of the same rows after them.
        for name, write in (("charges.jsonl", _as_json), ("charges.csv", _line_of)):
            count = 0
            with packed.open(name, "w") as member:
                if name.endswith("csv"):
                    member.write(_line(NAMES))
                async for rows in self._batches(licensee, asked, MOST_EXPORTED):
                    count += len(rows)
                    await asyncio.to_thread(member.write, b"".join(map(write, rows)))
        return count


def _asked(call: Call, otherwise: int) -> _Asked | Refusal:
    query = call.request.rel_url.query
    days = {name: day_of(query[name]) for name in ("from", "to") if query.get(name)}
    for name, day in days.items():
        if day is None:
            return _wrong(name, "is a day such as 2026-11-26")
    after = _key(query["after"]) if query.get("after") else None
    if query.get("after") and after is None:
        return _wrong("after", "is what the page before named as its next")
    text = query.get("limit", str(otherwise))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= _LARGEST):
        return _wrong("limit", f"is a number from 1 to {_LARGEST}")
    until = days.get("to")
    filter_ = ChargeFilter(
        call.policy.site.id,
        query.get("license", ""),
        days.get("from") or 0,
        1 << 62 if until is None else until + _DAY_US,
        query.get("charged", "") not in {"", "0"},
    )
    return _Asked(filter_, after, int(text))


def _key(text: str) -> ChargeKey | None:
    time_us, dash, seq = text.partition("-")
    whole = all(each.isascii() and each.isdigit() and len(each) < 19 for each in (time_us, seq))
    return ChargeKey(int(time_us), int(seq)) if dash and whole else None


def _wrong(name: str, clause: str) -> Refusal:
    return Refusal(Problem.FORM_INVALID, f"The parameter {name} {clause}.", facts=(("member", name),))


def _address(query: Mapping[str, str]) -> str:
    return f"{ACCOUNT}/charges?{urlencode(query)}"


def _line(cells: Any) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(
        [cell(each) if isinstance(each, str) else each for each in cells]
    )
    return out.getvalue().encode("utf-8", "backslashreplace")


def _line_of(row: Mapping[str, Any]) -> bytes:
    return _line(row.values())


def _as_json(row: Mapping[str, Any]) -> bytes:
    return orjson.dumps(row) + b"\n"


def _readme(call: Call, licensee: str, count: int) -> str:
    rest = (
        f"These are the newest {count}; older ones are at {call.origin}{ACCOUNT}/charges.csv\n"
        if count >= MOST_EXPORTED
        else ""
    )
    return (
        f"The account of licensee {licensee} at {call.origin}.\n\n"
        "account.json    everything that the account page shows\n"
        "licenses.json, invoices.json, disputes.json, clients.json, duties_due.json    parts of it\n"
        f"charges.jsonl, charges.csv    {count} charges and payments, newest first\n{rest}\n"
        "Each charge is proven by its receipt: /.licet/receipts/ID. Secrets are in none of these files.\n"
    )


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, _PIECE):
        yield piece
