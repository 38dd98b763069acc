"""An account statement as JSON, CSV, text and tables: the same facts in each. Pure.

JSON is canonical (RFC 8785, amounts in micro-units). CSV follows RFC 4180; its
columns ``prepaid`` and ``to_pay`` add up from the opening to the closing row,
and a text cell that a spreadsheet would run as a formula starts with an
apostrophe. `sheets` are what page, PDF and text are made of.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from gateway.admission.owed import REASONS
from gateway.billing.account_statements import VERSION, AccountLine, AccountStatement, AccountTotal, Charged
from gateway.billing.minor_units import shown
from gateway.billing.sheets import TEST_NOTICE, Paper, Sheet
from gateway.canonical import canonical_bytes, canonical_digest
from gateway.money import Money

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_WORDS: Final = {
    "credit": "paid in", "fee": "fee at signing", "due": "fell due", "payment": "paid from credit",
    "deposit": "deposited with a holder", "promise": "promised for a milestone", "milestone": "milestone met",
    "dispute": "disputed", "release": "released to the creator", "refund": "refunded", "reversal": "reversed",
    "tax": "tax", "round_up": "rounding", "round_down": "rounding", "write_off": "written off",
}  # fmt: skip
_TOTALS: Final = (
    "opening", "credited", "charged", "corrected", "closing", "to_pay", "due", "paid", "forgiven", "left_to_pay",
)  # fmt: skip


def as_json(statement: AccountStatement, *, test: bool = False) -> str:
    """The canonical JSON of *statement*; *test* says that it is of books in test mode."""
    return canonical_bytes(document(statement, test=test)).decode()


def digest(statement: AccountStatement, *, test: bool = False) -> str:
    """The SHA-256 of the canonical JSON without the licensee's name, which may change; in hex."""
    return canonical_digest({**document(statement, test=test), "name": ""})


def document(statement: AccountStatement, *, test: bool = False) -> dict[str, Any]:
    """The same as a document."""
    period = statement.period
    return {
        "v": VERSION,
        "mode": "test" if test else "live",
        "licensee": statement.licensee,
        "name": statement.name,
        "period": {"name": period.name, "since_us": period.since_us, "until_us": period.until_us},
        "journal": {"first": statement.first_seq, "last": statement.last_seq},
        "closed": statement.closed_seq or None,
        "late": statement.late,
        "totals": [
            {
                "currency": total.opening.currency,
                **{f"{name}_micros": getattr(total, name).micros for name in _TOTALS},
            }
            for total in statement.totals
        ],
        "charges": [
            {
                "license": each.license, "work": each.work, "reason": each.reason, "fetches": each.fetches,
                "micros": each.amount.micros, "currency": each.amount.currency, "late": each.late,
            }
            for each in statement.charges
        ],
        "books": [
            {
                "entry": each.entry, "time_us": each.time_us, "kind": each.kind, "license": each.license,
                "memo": each.memo, "reference": each.reference, "amount_micros": each.amount.micros,
                "effect_micros": each.prepaid.micros, "owed_effect_micros": each.owed.micros,
                "currency": each.amount.currency, "late": each.late,
                **({"promised_effect_micros": each.promised} if each.promised else {}),
            }
            for each in statement.lines
        ],
        "held": [
            {
                "license": each.license, "holder": each.holder, "sentence": each.sentence,
                "micros": each.amount.micros, "currency": each.amount.currency,
            }
            for each in statement.held
        ],
    }  # fmt: skip


def as_csv(statement: AccountStatement, *, test: bool = False) -> str:
    """One line a row; ``prepaid`` and ``to_pay`` add up to the closing row of their currency."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    head = ("row", "time", "entry", "license", "work", "reason", "count", "prepaid", "to_pay", "currency", "late", "mode")  # fmt: skip
    rows.writerow(head)
    mode = "test" if test else "live"

    def standing(row: str, prepaid: Money, to_pay: Money) -> None:
        rows.writerow(
            (row, "", "", "", "", "", "", prepaid.amount, to_pay.amount, prepaid.currency, "", mode)
        )

    for total in statement.totals:
        standing("opening", total.opening, total.to_pay)
    for line in statement.lines:
        text = map(cell, (line.entry, line.license, "", line.memo))
        owed = line.to_pay.amount
        late = "late" if line.late else ""
        rows.writerow(
            (line.kind, when(line.time_us), *text, 1, line.prepaid.amount, owed, line.amount.currency, late, mode)
        )  # fmt: skip
    for each in statement.charges:
        text = map(cell, (each.license, each.work, each.reason))
        late = "late" if each.late else ""
        cost = (-each.amount).amount
        rows.writerow(("fetches", "", "", *text, each.fetches, cost, "0", each.amount.currency, late, mode))
    for held in statement.held:
        text = map(cell, (held.license, "", held.holder))
        rows.writerow(("held", "", "", *text, "", "0", "0", held.amount.currency, held.amount.amount, mode))
    for total in statement.totals:
        standing("closing", total.closing, total.left_to_pay)
    return out.getvalue()


def facts(statement: AccountStatement, *, test: bool = False) -> tuple[tuple[str, str], ...]:
    """What stands above the tables, as labels and values."""
    closed = statement.closed_seq
    first = statement.first_seq
    return (
        ("Licensee", f"{statement.name} ({statement.licensee})"),
        ("Period", f"{statement.period.name} (UTC)"),
        ("Journal", f"entries {first} to {statement.last_seq}" if first else "nothing in this period"),
        (
            "State",
            f"closed at entry {closed}; what comes in later stands in the next period"
            if closed
            else "open: entries may still come in",
        ),
        *((("Digest", digest(statement, test=test)),) if closed else ()),
        *(
            (("Late", f"{statement.late} lines are of earlier periods that were closed when they came in"),)
            if statement.late
            else ()
        ),
    )


def sheets(statement: AccountStatement) -> tuple[Sheet, ...]:
    """The tables of *statement*, in the order in which people read them."""
    return tuple(_sheets(statement))


def _sheets(statement: AccountStatement) -> Iterator[Sheet]:
    for total in statement.totals:
        yield Sheet(f"Balance in {total.opening.currency}", ("Balance", "Amount"), tuple(_balance(total)))
    if statement.charges:
        head: tuple[str, ...] = ("License", "Work", "Reason", "Fetches", "Charged")
        yield Sheet("Fetches", head, tuple(map(_charge, statement.charges)), 2)
    if statement.lines:
        head = ("Time (UTC)", "What", "License", "Memo", "Prepaid", "To pay")
        yield Sheet("Book entries", head, tuple(map(_line, statement.lines)), 2)
    if statement.held:
        held = tuple((each.license, each.sentence, shown(each.amount)) for each in statement.held)
        yield Sheet("Waits for milestones", ("License", "Who holds it", "Amount"), held)


def _charge(each: Charged) -> tuple[str, ...]:
    reason = _marked(REASONS.get(each.reason, each.reason) or "-", late=each.late)
    return each.license, each.work or "-", reason, f"{each.fetches:,}", shown(each.amount)


def _line(line: AccountLine) -> tuple[str, ...]:
    what = _marked(_WORDS.get(line.kind, line.kind), late=line.late)
    moved = line.prepaid or line.to_pay
    return (
        when(line.time_us),
        f"{what} ({line.entry})" if moved else f"{what}, {shown(line.amount)} ({line.entry})",
        line.license or "-",
        plain(line.memo) or "-",
        shown(line.prepaid),
        shown(line.to_pay),
    )


def _balance(total: AccountTotal) -> Iterable[tuple[str, str]]:
    return (
        ("Prepaid at the start", shown(total.opening)),
        ("+ paid in", shown(total.credited)),
        ("- charged", shown(total.charged)),
        ("+ corrected", shown(total.corrected)),
        ("= prepaid at the end", shown(total.closing)),
        ("To pay at the start", shown(total.to_pay)),
        ("+ fell due", shown(total.due)),
        ("- paid from credit", shown(total.paid)),
        ("- corrected or written off", shown(total.forgiven)),
        ("= to pay at the end", shown(total.left_to_pay)),
    )


def as_text(statement: AccountStatement, *, test: bool = False) -> str:
    """A page for people, in columns."""
    lines = [f"Statement {statement.period.name} (UTC)", *([TEST_NOTICE] if test else [])]
    told = facts(statement, test=test)
    lines += [f"{name:<17} {plain(value)}" for name, value in told]
    for sheet in sheets(statement):
        lines += ["", sheet.caption, *_columns(sheet)]
    return "\n".join(lines) + "\n"


def _columns(sheet: Sheet) -> list[str]:
    table = [sheet.columns, *(tuple(map(plain, row)) for row in sheet.rows)]
    widths = [max(len(row[at]) for row in table) for at in range(len(sheet.columns))]
    text = len(widths) - sheet.right
    return [
        "  ".join(
            cell.ljust(width) if at < text else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def _marked(text: str, *, late: bool) -> str:
    return f"{text} (late)" if late else text


def when(time_us: int) -> str:
    """A time as statements write it."""
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(text: str) -> str:
    """*text* on one line, without what a terminal would obey."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def cell(text: str) -> str:
    """*text* as a cell of a CSV file that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(_FORMULA) else text


def paper(statement: AccountStatement, *, test: bool = False) -> Paper:
    """The statement as page and PDF show it."""
    return Paper(
        f"Statement {statement.period.name}",
        facts(statement, test=test),
        sheets(statement),
        ("Derived from the journal of fetches; amounts are exact.",),
        test=test,
    )
