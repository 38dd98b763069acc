"""A licensee's bill for a period: what stood, what came, what each license cost, what stands.

Pure. A statement is made from the journal's entries and checked against the
postings line by line of its sum; where the two disagree there is no statement.
Months begin and end at midnight UTC; an entry belongs to the month of its own
time. Amounts are exact, nothing is rounded here.

Made again from the same journal, text, JSON and CSV are the same bytes: they
hold no time of making. JSON is canonical (RFC 8785). CSV follows RFC 4180, and
a text cell that a spreadsheet would run as a formula starts with an apostrophe.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from gateway.billing.postings import Booked, Posting, prepaid
from gateway.canonical import canonical_bytes
from gateway.money import Money
from gateway.provenance.record import BookEntry, FetchRecord

_MONTH = re.compile(r"([1-9][0-9]{3})-(0[1-9]|1[0-2])", re.ASCII)
_PARTS: Final = {"credit": "credited", "fetch": "charged", "fee": "charged", "payment": "charged"}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
STATEMENT_VERSION: Final = 1


class PeriodError(ValueError):
    """What was written is no period; the sentence says what one looks like."""


class StatementDisagrees(Exception):
    """The journal's entries and the postings tell different sums: the books must be derived again."""


@dataclass(frozen=True, slots=True)
class Period:
    """A month of the calendar in UTC, from *since_us* to before *until_us*."""

    name: str
    since_us: int
    until_us: int

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read a month, or raise `PeriodError`.

        >>> Period.parse("2026-11").since_us
        1793491200000000
        """
        found = _MONTH.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise PeriodError(f"a period is a month such as 2026-11, not {text!r}")
        year, month = int(found[1]), int(found[2])
        if year == 9999:
            raise PeriodError(f"{text} is too far away")
        return cls(text, _midnight(year, month), _midnight(year + month // 12, month % 12 + 1))


def _midnight(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1_000_000


@dataclass(frozen=True, slots=True)
class Extract:
    """What a statement is made from, all of one moment: prepaid balances before the period,
    and every entry and every posting on the prepaid account in it, in the journal's order.
    Entries and then postings are read once, so that they may come as a store reads them.
    """

    opening: tuple[Money, ...]
    entries: Iterable[Booked]
    postings: Iterable[Posting]


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """Fetches under one license of one work for one reason, and what they cost together.

    *reason* is `FetchRecord.charge_reason`: ``fetch`` is what was paid for, the
    others say why a fetch cost nothing.
    """

    license: str
    work: str
    reason: str
    fetches: int
    amount: Money


@dataclass(frozen=True, slots=True)
class BookLine:
    """One book entry. *effect* is what it did to the balance: a fee lowers it."""

    entry_id: str
    time_us: int
    kind: str
    license: str
    memo: str
    effect: Money


@dataclass(frozen=True, slots=True)
class Total:
    """One currency: ``opening + credited - charged + corrected = closing``.

    *charged* are fetches, fees and payments of what was due, *corrected* reversals, which may be negative.
    """

    opening: Money
    credited: Money
    charged: Money
    corrected: Money
    closing: Money


@dataclass(frozen=True, slots=True)
class Statement:
    """A period's bill of one licensee. *first_seq* and *last_seq* are 0 where nothing happened."""

    licensee: str
    name: str
    period: Period
    totals: tuple[Total, ...]
    charges: tuple[ChargeLine, ...]
    books: tuple[BookLine, ...]
    first_seq: int
    last_seq: int

    def as_json(self) -> str:
        """Canonical JSON; amounts in micro-units."""
        content = {
            "v": STATEMENT_VERSION,
            "licensee": self.licensee,
            "name": self.name,
            "period": {
                "name": self.period.name,
                "since_us": self.period.since_us,
                "until_us": self.period.until_us,
            },
            "journal": {"first": self.first_seq, "last": self.last_seq},
            "totals": [
                {
                    "currency": total.opening.currency,
                    "opening_micros": total.opening.micros,
                    "credited_micros": total.credited.micros,
                    "charged_micros": total.charged.micros,
                    "corrected_micros": total.corrected.micros,
                    "closing_micros": total.closing.micros,
                }
                for total in self.totals
            ],
            "charges": [
                {
                    "license": line.license,
                    "work": line.work,
                    "reason": line.reason,
                    "fetches": line.fetches,
                    "micros": line.amount.micros,
                    "currency": line.amount.currency,
                }
                for line in self.charges
            ],
            "books": [
                {
                    "entry": line.entry_id,
                    "time_us": line.time_us,
                    "kind": line.kind,
                    "license": line.license,
                    "memo": line.memo,
                    "effect_micros": line.effect.micros,
                    "currency": line.effect.currency,
                }
                for line in self.books
            ],
        }
        return canonical_bytes(content).decode()

    def as_csv(self) -> str:
        """One line a row, amounts as decimals; charges are negative, so that the amounts add up."""
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\r\n")
        rows.writerow(("row", "time", "entry", "license", "work", "reason", "count", "amount", "currency"))
        for total in self.totals:
            rows.writerow(("opening", "", "", "", "", "", "", total.opening.amount, total.opening.currency))
        for line in self.books:
            text = map(_cell, (line.entry_id, line.license, "", line.memo))
            effect = line.effect
            rows.writerow((line.kind, _when(line.time_us), *text, 1, effect.amount, effect.currency))
        for charge in self.charges:
            text = map(_cell, (charge.license, charge.work, charge.reason))
            cost = -charge.amount
            rows.writerow(("fetches", "", "", *text, charge.fetches, cost.amount, cost.currency))
        for total in self.totals:
            rows.writerow(("closing", "", "", "", "", "", "", total.closing.amount, total.closing.currency))
        return out.getvalue()

    def as_text(self) -> str:
        """A page for people, in columns."""
        lines = [f"Statement {self.period.name} (UTC)", f"Licensee  {_plain(self.name)} ({self.licensee})"]
        if self.first_seq:
            lines.append(f"Journal   entries {self.first_seq} to {self.last_seq}")
        else:
            lines.append("Journal   nothing in this period")
        if self.books:
            lines += ["", *_columns(("Time", "Book entry", "Memo", "Effect"), _book_rows(self.books))]
        if self.charges:
            head = ("License", "Work", "Reason", "Fetches", "Charged")
            lines += ["", *_columns(head, _charge_rows(self.charges))]
        for total in self.totals:
            lines += [
                "",
                *_columns(
                    ("Balance", total.opening.currency),
                    [
                        ("opening", total.opening.amount),
                        ("+ credited", total.credited.amount),
                        ("- charged", total.charged.amount),
                        ("+ corrected", total.corrected.amount),
                        ("= closing", total.closing.amount),
                    ],
                ),
            ]
        return "\n".join(lines) + "\n"


def statement(licensee: str, name: str, period: Period, extract: Extract) -> Statement:
    """Make the statement of *licensee*, called *name*, from *extract*.

    Raises `StatementDisagrees` where the entries' sums are not the postings'.
    """
    account = prepaid(licensee)
    seen = _Entries()
    for booked in extract.entries:
        seen.take(booked)
    effects, posted = _posted(extract.postings, {each.id for each in seen.booked}, account)
    charges, books = seen.charges(), _books(seen.booked, effects)
    opening = {money.currency: money for money in extract.opening}
    used = {line.amount.currency for line in charges} | {line.effect.currency for line in books}
    totals = tuple(
        _total(opening.get(currency, Money(0, currency)), charges, books)
        for currency in sorted(opening.keys() | used)
    )
    _check(totals, posted, account)
    return Statement(licensee, name, period, totals, charges, books, seen.first, seen.last)


def read_statement(text: str) -> Statement:
    """The statement of that JSON; raises `ValueError`, and nothing else, for what `Statement.as_json` did not write.

    Whether its sums are right is another question.
    """
    try:
        found: dict[str, Any] = orjson.loads(text)
        period, charges, books = found["period"], found["charges"], found["books"]
        read = Statement(
            found["licensee"],
            found["name"],
            Period(period["name"], period["since_us"], period["until_us"]),
            tuple(_total_of(each) for each in found["totals"]),
            tuple(
                ChargeLine(
                    each["license"], each["work"], each["reason"], each["fetches"],
                    Money(each["micros"], each["currency"]),
                )
                for each in charges
            ),
            tuple(
                BookLine(
                    each["entry"], each["time_us"], each["kind"], each["license"], each["memo"],
                    Money(each["effect_micros"], each["currency"]),
                )
                for each in books
            ),
            found["journal"]["first"],
            found["journal"]["last"],
        )  # fmt: skip
        same = read.as_json() == text and bool(read.as_csv()) and bool(read.as_text())
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError, OSError) as error:
        raise ValueError(f"it is no statement: {type(error).__name__}") from None
    if not same or Period.parse(read.period.name) != read.period:
        raise ValueError("it is not in the one form that a statement has")
    return read


def _total_of(row: Mapping[str, Any]) -> Total:
    parts = ("opening", "credited", "charged", "corrected", "closing")
    return Total(*(Money(row[f"{part}_micros"], row["currency"]) for part in parts))


class _Entries:
    """Entries of a period added up: what grows with it are lines and book entries, not fetches."""

    def __init__(self) -> None:
        self.first = self.last = 0
        self.booked = list[BookEntry]()
        self._sums: dict[tuple[str, str, str, str], tuple[int, int]] = {}

    def take(self, booked: Booked) -> None:
        entry = booked.entry
        self.first = min(self.first or booked.seq, booked.seq)
        self.last = max(self.last, booked.seq)
        if isinstance(entry, BookEntry):
            self.booked.append(entry)
        elif isinstance(entry, FetchRecord) and entry.is_paid:
            key = (entry.currency, entry.license, entry.work, entry.charge_reason)
            fetches, micros = self._sums.get(key, (0, 0))
            self._sums[key] = (fetches + 1, micros + entry.charged_micros)

    def charges(self) -> tuple[ChargeLine, ...]:
        return tuple(
            ChargeLine(license, work, reason, fetches, Money(micros, currency))
            for (currency, license, work, reason), (fetches, micros) in sorted(self._sums.items())
        )


def _posted(
    postings: Iterable[Posting], wanted: Container[str], account: str
) -> tuple[Mapping[str, int], dict[tuple[str, str], int]]:
    """What *postings* did to *account*: by entry, of those *wanted*; by currency and part of a total, of all."""
    effects: dict[str, int] = {}
    posted: dict[tuple[str, str], int] = {}
    for posting in postings:
        effect = posting.effect_on(account)
        key = (posting.amount.currency, _PARTS.get(posting.code, "corrected"))
        posted[key] = posted.get(key, 0) + effect
        if posting.entry_id in wanted:
            effects[posting.entry_id] = effects.get(posting.entry_id, 0) + effect
    return effects, posted


def _books(booked: Iterable[BookEntry], effects: Mapping[str, int]) -> tuple[BookLine, ...]:
    """A reversal counts as it posted, which depends on what it undid; all else as it says itself."""
    lines = []
    for entry in booked:
        micros = {
            "credit": entry.amount_micros, "fee": -entry.amount_micros, "payment": -entry.amount_micros,
        }.get(entry.kind_of, effects.get(entry.id, 0))  # fmt: skip
        effect = Money(micros, entry.currency)
        lines.append(BookLine(entry.id, entry.time_us, entry.kind_of, entry.license, entry.memo, effect))
    return tuple(lines)


def _total(opening: Money, charges: Iterable[ChargeLine], books: Iterable[BookLine]) -> Total:
    credited = charged = corrected = Money(0, opening.currency)
    for line in charges:
        if line.amount.currency == opening.currency:
            charged += line.amount
    for each in books:
        if each.effect.currency != opening.currency:
            continue
        match each.kind:
            case "credit":
                credited += each.effect
            case "fee" | "payment":
                charged -= each.effect
            case _:
                corrected += each.effect
    return Total(opening, credited, charged, corrected, opening + credited - charged + corrected)


def _check(totals: Iterable[Total], posted: dict[tuple[str, str], int], account: str) -> None:
    for total in totals:
        currency = total.opening.currency
        for part, said in (
            ("credited", total.credited.micros),
            ("charged", -total.charged.micros),
            ("corrected", total.corrected.micros),
        ):
            if posted.pop((currency, part), 0) != said:
                raise StatementDisagrees(
                    f"What {account} was {part} in {currency} is not what the journal says"
                )
    if any(posted.values()):
        raise StatementDisagrees(f"{account} has postings in a currency that no entry names")


def _book_rows(lines: Iterable[BookLine]) -> list[tuple[str, ...]]:
    return [
        (_when(line.time_us), f"{line.kind} {line.entry_id}", _plain(line.memo), str(line.effect))
        for line in lines
    ]


def _charge_rows(lines: Iterable[ChargeLine]) -> list[tuple[str, ...]]:
    return [
        (line.license, line.work or "-", line.reason or "-", str(line.fetches), str(line.amount))
        for line in lines
    ]


def _columns(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Left-aligned columns, the last one to the right."""
    table = [head, *rows]
    widths = [max(len(row[at]) for row in table) for at in range(len(head))]
    return [
        "  ".join(
            cell.rjust(width) if at == len(head) - 1 else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]


def _when(time_us: int) -> str:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(text: str) -> str:
    """*text* on one line, without what a terminal would obey."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _cell(text: str) -> str:
    return "'" + text if text.startswith(_FORMULA) else text
