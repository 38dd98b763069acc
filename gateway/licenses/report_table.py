"""A transparency report as a table (CSV, RFC 4180), for people with a spreadsheet: read and written. Pure.

The first line names the columns; every other one is a row of a kind:

=========== ==================================================================
dataset     name; content: paths or ``sha-256:…``, apart by spaces; count: items.
            Several rows of one name are one data set
model       name, version; datasets: names, apart by ``;``; released_on
inferences  name, version; count
revenue     name of the product; amount, such as 1200.50; currency
statement   name and role of who answers for the report, once
note        name: a text, once
=========== ==================================================================

What is wrong is told with its row, as a spreadsheet counts them, and its column.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.licenses.obligations import Obligation
from gateway.money import Money, MoneyError

COLUMNS: Final = (
    "row", "name", "version", "role", "datasets", "content", "count", "amount", "currency", "released_on",
)  # fmt: skip
_TAKES: Final[Mapping[str, frozenset[str]]] = {
    "dataset": frozenset({"name", "content", "count"}),
    "model": frozenset({"name", "version", "datasets", "released_on"}),
    "inferences": frozenset({"name", "version", "count"}),
    "revenue": frozenset({"name", "amount", "currency"}),
    "statement": frozenset({"name", "role"}),
    "note": frozenset({"name"}),
}
#: Where a member of the report stands in a row.
_COLUMN_OF: Final = {
    "items": "count", "count": "count", "content": "content", "datasets": "datasets", "released_on": "released_on",
    "net": "amount", "micros": "amount", "currency": "currency", "product": "name", "model": "name", "by": "name",
    "role": "role", "version": "version", "name": "name",
}  # fmt: skip
_MOST_ROWS: Final = 12_000
_WHOLE: Final = re.compile(r"[0-9]{1,16}", re.ASCII)
_PLACE: Final = re.compile(
    r"(datasets|models|inferences|revenue)\[([0-9]{1,6})\](?:\.([a-z_]+))?(.*)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and where: *row* from 1, the line of names being the first; 0 and "" where it is of the whole."""

    row: int
    column: str
    why: str

    def __str__(self) -> str:
        """The same for people: ``Row 5, column amount: is no amount``."""
        where = ", ".join(
            filter(
                None, (f"row {self.row}" if self.row else "", f"column {self.column}" if self.column else "")
            )
        )
        return f"{where[:1].upper()}{where[1:]}: {self.why}" if where else self.why


@dataclass(slots=True)
class _Reading:
    body: dict[str, Any]
    mistakes: list[Mistake] = field(default_factory=list)
    rows: dict[tuple[str, int], int] = field(default_factory=dict)
    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)

    def wrong(self, row: int, column: str, why: str) -> None:
        self.mistakes.append(Mistake(row, column, why))


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was read: the *body* of a report, and what is wrong with cells. *rows* are those of its members."""

    body: Mapping[str, object]
    mistakes: tuple[Mistake, ...]
    rows: Mapping[tuple[str, int], int]

    def placed(self, told: Iterable[str]) -> tuple[Mistake, ...]:
        """What `transparency.read_report` says of the body, at the rows and columns that it is about; cells' own first."""
        found = [*self.mistakes, *(self._placed(each) for each in told)]
        return tuple(sorted(dict.fromkeys(found), key=lambda each: (each.row, each.column)))

    def _placed(self, told: str) -> Mistake:
        place, _, why = told.partition(": ")
        met = _PLACE.fullmatch(place)
        if met is None:
            whole, _, member = place.partition(".")
            if whole in {"statement", "note"} and (whole, 0) in self.rows:
                return Mistake(self.rows[whole, 0], _COLUMN_OF.get(member, "name"), why)
            return Mistake(0, "", told)
        inner = re.findall(r"[a-z_]+", f"{met[3] or ''}{met[4]}")
        column = next((_COLUMN_OF[name] for name in reversed(inner) if name in _COLUMN_OF), "")
        return Mistake(self.rows.get((met[1], int(met[2])), 0), column, why)


def read_table(text: str, duty: Obligation) -> Table:
    """Read *text* as the report that *duty* asks for. Every cell that cannot be read is named; nothing is ever raised."""
    reading = _Reading(
        {
            "duty": duty.id, "license": duty.license, "period": {"begins": duty.begins, "ends": duty.ends},
            "datasets": [], "models": [], "inferences": [], "revenue": [],
        }
    )  # fmt: skip
    lines = _lines(text, reading)
    for nth, cells in lines:
        kind = cells["row"].lower()
        if kind not in _TAKES:
            reading.wrong(nth, "row", f"is one of {', '.join(_TAKES)}, not {_shown(cells['row'])}")
            continue
        for column, value in cells.items():
            if value and column != "row" and column not in _TAKES[kind]:
                reading.wrong(nth, column, f"a row {kind} says nothing there")
        _ROWS[kind](reading, nth, cells)
    _names(reading)
    if "statement" not in reading.body and lines:
        reading.wrong(0, "", "A row statement is missing: who answers for the report, and in which role.")
    return Table(reading.body, tuple(reading.mistakes), reading.rows)


def blank_table(currency: str) -> str:
    """A table to fill in, in the *currency* of the agreement: one example of each kind of row."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    rows.writerow(("dataset", "Essays", "", "", "", "/essays/one /essays/two", "2", "", "", ""))
    rows.writerow(("model", "Writer", "1", "", "Essays", "", "", "", "", ""))
    rows.writerow(("inferences", "Writer", "1", "", "", "", "0", "", "", ""))
    rows.writerow(("revenue", "Search", "", "", "", "", "", "0", currency, ""))
    rows.writerow(("statement", "", "", "", "", "", "", "", "", ""))
    return out.getvalue()


def _lines(text: str, reading: _Reading) -> list[tuple[int, dict[str, str]]]:
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    # A spreadsheet writes what its country puts between cells.
    mark = max(",;\t", key=first.count)
    found, names = list[tuple[int, dict[str, str]]](), list[str]()
    try:
        for nth, cells in enumerate(
            csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True), 1
        ):
            values = [each.strip() for each in cells]
            if nth > _MOST_ROWS:
                reading.wrong(nth, "", f"no more than {_MOST_ROWS} rows are read")
                break
            if not names:
                names = [each.lower() for each in values]
                if not _named(names, reading):
                    return []
            elif any(values):
                if len(values) > len(names) and any(values[len(names) :]):
                    reading.wrong(nth, "", "has more cells than there are columns")
                found.append((nth, dict.fromkeys(COLUMNS, "") | dict(zip(names, values, strict=False))))
    except csv.Error as error:
        reading.wrong(len(found) + 2, "", f"cannot be read: {error}")
    if not names:
        reading.wrong(0, "", "The table is empty.")
    return found


def _named(names: list[str], reading: _Reading) -> bool:
    for name in names:
        if name not in COLUMNS:
            reading.wrong(1, _shown(name), f"is no column; there are {', '.join(COLUMNS)}")
    if len(set(names)) < len(names):
        reading.wrong(1, "", "a column stands there twice")
    if "row" not in names:
        reading.wrong(1, "row", "is missing: it says of each row what it is")
    return "row" in names and len(set(names)) == len(names)


def _names(reading: _Reading) -> None:
    """What rows refer to; in the words of `transparency`, which says it only of reports that are well formed."""
    models = {f"{each['name']} {each['version']}".strip() for each in reading.body["models"]}
    for nth, each in enumerate(reading.body["models"]):
        if not set(each["datasets"]) <= reading.datasets.keys():
            why = "names one that is not among the datasets"
            reading.wrong(reading.rows["models", nth], "datasets", why)
    for nth, each in enumerate(reading.body["inferences"]):
        if each["model"] not in models:
            why = "is not the name and version of one of the models"
            reading.wrong(reading.rows["inferences", nth], "name", why)


def _dataset(reading: _Reading, nth: int, cells: Mapping[str, str]) -> None:
    known = reading.datasets.get(cells["name"])
    if known is None:
        known = reading.datasets[cells["name"]] = {"name": cells["name"], "content": [], "items": 0}
        _add(reading, "datasets", nth, known)
    known["content"] += cells["content"].split()
    if cells["count"] or not known["content"]:
        known["items"] += _count(reading, nth, cells["count"])


def _model(reading: _Reading, nth: int, cells: Mapping[str, str]) -> None:
    names = [each.strip() for each in cells["datasets"].split(";") if each.strip()]
    _add(
        reading, "models", nth,
        {
            "name": cells["name"], "version": cells["version"], "datasets": names,
            "released_on": cells["released_on"] or None,
        },
    )  # fmt: skip


def _inferences(reading: _Reading, nth: int, cells: Mapping[str, str]) -> None:
    model = f"{cells['name']} {cells['version']}".strip()
    _add(reading, "inferences", nth, {"model": model, "count": _count(reading, nth, cells["count"])})


def _revenue(reading: _Reading, nth: int, cells: Mapping[str, str]) -> None:
    micros, currency = 0, cells["currency"].upper()
    try:
        micros = Money.parse(cells["amount"], "USD").micros
    except MoneyError as error:
        reading.wrong(nth, "amount", str(error))
    _add(
        reading,
        "revenue",
        nth,
        {"product": cells["name"], "net": {"micros": micros, "currency": currency}},
    )


def _statement(reading: _Reading, nth: int, cells: Mapping[str, str]) -> None:
    if "statement" in reading.body:
        reading.wrong(nth, "row", "a report has one statement")
        return
    reading.body["statement"] = {"by": cells["name"], "role": cells["role"]}
    reading.rows["statement", 0] = nth


def _note(reading: _Reading, nth: int, cells: Mapping[str, str]) -> None:
    if "note" in reading.body:
        reading.wrong(nth, "row", "a report has one note")
        return
    reading.body["note"] = cells["name"]
    reading.rows["note", 0] = nth


_ROWS: Final = {
    "dataset": _dataset, "model": _model, "inferences": _inferences, "revenue": _revenue, "statement": _statement,
    "note": _note,
}  # fmt: skip


def _add(reading: _Reading, member: str, nth: int, part: dict[str, Any]) -> None:
    reading.rows[member, len(reading.body[member])] = nth
    reading.body[member].append(part)


def _count(reading: _Reading, nth: int, text: str) -> int:
    if _WHOLE.fullmatch(text):
        return int(text)
    reading.wrong(nth, "count", f"is a whole number such as 1200, not {_shown(text)}")
    return 0


def _shown(text: str) -> str:
    short = text if len(text) <= 40 else f"{text[:39]}…"
    return repr(short) if short else "nothing"
