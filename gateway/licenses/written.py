"""What a creator hands to a person: a heading, sentences, tables, and the line that it needs counsel.

One value for every form that it is given in, so that text, page and PDF cannot
say different things. Nothing in it is markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

from gateway.licenses.contract import NOTICE

#: Wide enough for the notice on one line.
_WIDTH: Final = 88
_WIDEST_CELL: Final = 140
#: What a terminal or a mail may show side by side.
_WIDEST_TABLE: Final = 120


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under *columns*; the first cell of a row names it. *numbers* are the columns set to the right.

    *name* is what programs call what it shows, "" where they are not given it.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One headed part: sentences first, then tables, then a *letter* as it is to be copied."""

    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    letter: str = ""


@dataclass(frozen=True, slots=True)
class Writing:
    """The whole. *lead* stands under the title; *compact* asks a printer for one page."""

    title: str
    lead: str
    sections: tuple[Section, ...]
    notice: str = NOTICE
    compact: bool = False


def plain_text(writing: Writing) -> str:
    """*writing* as a text file to read and to edit; ends in a newline."""
    said = [writing.title, "=" * min(len(writing.title), _WIDTH), *wrap(writing.lead, _WIDTH), ""]
    said += [*wrap(writing.notice, _WIDTH), ""]
    for section in writing.sections:
        said += [section.title, "-" * min(len(section.title), _WIDTH)]
        for sentence in section.sentences:
            said += [*wrap(sentence, _WIDTH), ""]
        for table in section.tables:
            said += [*_lines(table), ""]
        if section.letter:
            said += [*section.letter.rstrip("\n").split("\n"), ""]
    return "\n".join(line.rstrip() for line in said).rstrip() + "\n"


def one_line(text: str, most: int = 0) -> str:
    """*text* of somebody else's choosing on one line, without what does not print, cut after *most* characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if not most or len(line) <= most else f"{line[: most - 1]}\u2026"


def counted(number: int, one: str, more: str = "") -> str:
    """A number with its noun: ``1 fetch``, ``2,000 fetches``."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def listed(words: Iterable[str]) -> str:
    """*words* with commas and ``and`` before the last."""
    every = list(words)
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} and {every[-1]}" if every else ""


def _lines(table: Table) -> list[str]:
    rows = [[one_line(cell, _WIDEST_CELL) for cell in row] for row in (table.columns, *table.rows)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(table.columns))]
    head = [f"{table.caption}:"] if table.caption else []
    if sum(widths) + 2 * len(widths) > _WIDEST_TABLE:
        return [*head, *(line for row in rows[1:] for line in _stacked(rows[0], row))]
    return [*head, *(_line(row, widths, table) for row in rows)]


def _stacked(columns: Sequence[str], row: Sequence[str]) -> list[str]:
    """A row of a table that is too wide, a cell a line."""
    lines = [f"  {row[0]}"]
    for name, cell in zip(columns[1:], row[1:], strict=True):
        lines += wrap(f"{name}: {cell}", _WIDTH, initial_indent="    ", subsequent_indent="      ")
    return lines


def _line(row: Sequence[str], widths: Sequence[int], table: Table) -> str:
    cells = (
        cell.rjust(width) if at in table.numbers else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  " + "  ".join(cells)
